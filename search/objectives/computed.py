"""Objectives that are computed from the description of a network alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import Array
from search.objectives.base import NamedObjective, refuse_detail
from search.objectives.ends import additive_extremes
from search.objectives.models import Models
from search.problem import Objective
from spaces import Genes, Space
from spaces.additive import additive_ends
from spaces.memory import chain_peaks


class _Bare(NamedObjective):
    """Its name says everything."""

    @classmethod
    def of(cls, name: str, detail: str | None, models: Models) -> Self:
        refuse_detail(name, detail)
        return cls(name)


class Macs(_Bare):
    """Multiply-accumulates at batch 1."""

    form: ClassVar[str] = "macs"

    def objective(self, space: Space) -> Objective:
        return counted(self.name, "MACs", space, partial(_as_float, space.macs))


class Params(_Bare):
    """Trainable parameters."""

    form: ClassVar[str] = "params"

    def objective(self, space: Space) -> Objective:
        return counted(self.name, "parameters", space, partial(_as_float, space.params))


class PeakMemory(_Bare):
    """Bytes of activations that are alive at once, see :mod:`spaces.memory`."""

    form: ClassVar[str] = "peak_memory"

    def objective(self, space: Space) -> Objective:
        peaks = chain_peaks(space.vocabulary)
        return Objective(
            self.name,
            "bytes",
            partial(_as_float, space.peak_memory),
            kind="computed",
            free=True,
            extremes=None if peaks is None else partial(_peak_extremes, space, peaks),
        )


def counted(name: str, unit: str, space: Space, function: Callable[[Genes], Array]) -> Objective:
    """An objective that is a sum over the blocks of a network.

    Args:
        name: of the objective.
        unit: of its values.
        space: of the architectures.
        function: genes ``(n, n_genes)`` to values ``(n,)``.
    """
    return Objective(
        name,
        unit,
        function,
        additive=True,
        kind="computed",
        free=True,
        extremes=partial(additive_extremes, space, function),
    )


def _as_float(count: Callable[[Genes], NDArray[np.int64]], genes: Genes) -> Array:
    return count(genes).astype(np.float64)


def _peak_extremes(space: Space, peaks: NDArray[np.int64]) -> tuple[float, float]:
    """The least and the largest peak in a space whose networks are chains of blocks.

    A peak is the largest of its blocks', which is no sum. But where the block of rank ``r`` counts
    ``base ** r``, with more in it than a network has blocks, the order of the sums is first that
    of the largest block. Python's integers hold them exactly.
    """
    some = np.zeros((1, space.n_genes), np.int8)
    base = space.executed_slots(some).shape[1] + 1
    ranks = np.unique(peaks, return_inverse=True)[1].tolist()
    powers = np.array([base**rank for rank in ranks], object)
    ends = additive_ends(space, partial(space.additive, costs=powers, executed=True))
    low, high = space.peak_memory(ends).tolist()
    return float(low), float(high)
