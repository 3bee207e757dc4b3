"""Objectives where the resolution is a gene, made of those at each resolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from luts import Bound
from nasprof.typing import Array
from search.problem import Objective
from spaces import Genes, Space


@dataclass(frozen=True)
class ByMember:
    """A function of architectures of a space, by one function for each of its members.

    Args:
        space: of the architectures.
        functions: genes of a member ``(n, n_genes)`` to values ``(n,)``, in the order of
            ``space.members``.
    """

    space: Space
    functions: tuple[Callable[[Genes], Array], ...]

    def __call__(self, genes: Genes) -> Array:
        """Values ``(n,)`` of architectures of the space ``(n, n_genes)``."""
        values = np.empty(len(genes))
        for member, rows, own in self.space.by_member(genes):
            values[rows] = self.functions[self.space.members.index(member)](own)
        return values


def united(space: Space, objectives: Sequence[Objective]) -> Objective:
    """One objective in a space of objectives in its members, in their order.

    It is additive where they are: the genes that tell members apart are in none of the groups.
    """
    first = objectives[0]
    ends = [objective.extremes for objective in objectives if objective.extremes is not None]
    known = len(ends) == len(objectives)
    near = [
        objective.nearest_additive
        for objective in objectives
        if objective.nearest_additive is not None
    ]
    return replace(
        first,
        function=ByMember(space, tuple(objective.function for objective in objectives)),
        additive=all(objective.additive for objective in objectives),
        free=all(objective.free for objective in objectives),
        extremes=partial(_widest, ends) if known else None,
        bound=_common_bound(objectives),
        nearest_additive=(
            partial(_nearest_additive, space, near) if len(near) == len(objectives) else None
        ),
        facts={"by_resolution": [dict(objective.facts) for objective in objectives]},
    )


def _widest(ends: Sequence[Callable[[], tuple[float, float]]]) -> tuple[float, float]:
    """The least and the largest value of all."""
    lows, highs = zip(*(end() for end in ends), strict=True)
    return min(lows), max(highs)


def _nearest_additive(
    space: Space,
    near: Sequence[Callable[[np.random.Generator], Objective]],
    rng: np.random.Generator,
) -> Objective:
    return united(space, [make(rng) for make in near])


def _common_bound(objectives: Sequence[Objective]) -> Bound:
    """A bound that holds in every member: as far above predictions as any of theirs ever is."""
    bounds = [objective.bound for objective in objectives]
    widest = max(bounds, key=lambda bound: bound.factor)
    if all(bound == widest for bound in bounds):
        return widest
    # A bound over its prediction is a power of the latter: nowhere larger than at an end.
    factors = [
        bound.upper(end) / end
        for objective, bound in zip(objectives, bounds, strict=True)
        for end in (objective.extremes() if objective.extremes is not None else (bound.at,))
    ]
    least = max(bound.least for bound in bounds)
    return replace(widest, factor=max(factors), power=1.0, at=1.0, least=least)
