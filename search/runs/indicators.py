"""How good a set of architectures is where several objectives are to be minimised."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from search.runs.ranking import evaluated

Array: TypeAlias = NDArray[np.float64]


def non_dominated(values: Array) -> NDArray[np.intp]:
    """Numbers of those that no other dominates, in order of the last objective.

    Of equal ones the first is kept; what is not finite throughout is left out.

    Args:
        values: ``(n, n_objectives)``.
    """
    places: NDArray[np.intp] = np.flatnonzero(evaluated(values))
    values = values[places]
    order = np.lexsort(values.T)
    if values.shape[1] == 2:
        # In order of the last objective, the first one has to fall below all before it.
        first = values[order, 0]
        least = np.minimum.accumulate(np.append(np.inf, first))[:-1]
        front: NDArray[np.intp] = places[order[first < least]]
        return front
    from pymoo.util.nds.non_dominated_sorting import find_non_dominated

    _, distinct = np.unique(values, axis=0, return_index=True)
    kept = distinct[find_non_dominated(values[distinct])] if len(distinct) else distinct
    chosen: NDArray[np.intp] = places[order[np.isin(order, kept)]]
    return chosen


def hypervolume(values: Array, reference: Array) -> float:
    """Volume that is dominated by ``values`` and dominates ``reference``.

    Zitzler and Thiele 1998, Sec. 3.

    Args:
        values: ``(n, n_objectives)``.
        reference: ``(n_objectives,)``; what does not dominate it adds nothing.
    """
    values = values[(values < reference).all(1)]
    if values.shape[1] > 2:
        from pymoo.indicators.hv import HV

        return float(HV(ref_point=reference)(values)) if len(values) else 0.0
    front = values[non_dominated(values)]
    # From the least of the last objective on, each takes a strip below those before it.
    heights = np.append(reference[0], front[:-1, 0]) - front[:, 0]
    return float((heights * (reference[1] - front[:, 1])).sum())
