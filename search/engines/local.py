"""Local search by exchanges of one gene and of two, restarted.

The neighbourhoods of one and two exchanges are those of k-opt (Lin and Kernighan 1973); a climb
that ends is taken up again from a disturbed copy of the best (Lourenço et al. 2003, "Iterated
Local Search").
"""

from __future__ import annotations

from collections.abc import Generator
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import Array
from search.engines.base.coroutine import CoroutineEngine, Search
from search.engines.base.engine import one_left
from search.engines.base.pareto_local import kicked, pareto_local_search
from search.quality.ranking import best_first, merits
from spaces import Genes, Space

Point: TypeAlias = tuple[Genes, Array]
"""Genes ``(n_genes,)`` and objectives ``(n_objectives,)``."""


class LocalEngine(CoroutineEngine):
    """Improves one architecture within limits as long as it can, then begins elsewhere.

    Where limits leave more than one objective to improve, it searches the whole front, by
    :func:`search.engines.base.pareto_local.pareto_local_search`.

    A climb evaluates every exchange of one gene. The exchanges of two are thousands: those whose
    single effects add up to an improvement are evaluated in order of that sum, and the first
    batch that holds a real improvement ends the search for one.

    Args:
        worst: largest allowed value of each objective, or inf: ``(n_objectives,)``.
        first: where climbs begin ``(n, n_genes)``; by default the cheapest choices throughout.
        batch: pairs that are evaluated at a time.
        pairs: most that are evaluated before a climb ends.
        kick: genes that are changed at random where a climb has ended.
        fresh: share of the climbs after ``first`` that begin at random architectures.
    """

    seeks_best: ClassVar[bool] = True

    def __init__(
        self,
        space: Space,
        rng: np.random.Generator,
        worst: Array,
        *,
        first: Genes | None = None,
        batch: int = 16,
        pairs: int = 256,
        kick: int = 8,
        fresh: float = 0.1,
    ) -> None:
        smallest = np.zeros((1, space.n_genes), np.int8)
        first = space.canonical(smallest if first is None or len(first) == 0 else first)
        self.batch, self.pairs, self.kick, self.fresh = batch, pairs, kick, fresh
        self._offered = np.arange(space.n_choices.max()) < space.n_choices[:, None]
        super().__init__(space, rng, worst, first=first)

    def search(self) -> Search:
        if one_left(self.worst):
            return self._climbs()
        return pareto_local_search(
            self.space, self.rng, self.worst, self.first, self.batch, self.kick
        )

    def _climbs(self) -> Search:
        best, effects = yield from self._climb(self.first[0], None)
        for start in self.first[1:]:
            found, effects = yield from self._climb(start, effects)
            best = self._better(best, found)
        while True:
            found, effects = yield from self._climb(self._restart(best[0]), effects)
            best = self._better(best, found)

    def _restart(self, best: Genes) -> Genes:
        """A random architecture, or the best with some genes changed."""
        if self.rng.random() < self.fresh:
            drawn: Genes = self.space.sample(1, self.rng, "biased")[0]
            return drawn
        return kicked(self.space, best, self.kick, self.rng)

    def _climb(
        self, start: Genes, effects: Array | None
    ) -> Generator[Genes, Array, tuple[Point, Array]]:
        """From ``start`` to where no exchange is known to help.

        Args:
            effects: of an earlier climb, which lead until they no longer help.
        """
        point = (start, (yield start[None])[0])
        while True:
            if effects is not None:
                point = yield from self._follow(point, effects)
            effects, found = yield from self._scan(point)
            found = yield from self._exchange(found, effects, self.pairs)
            if found is point:
                return point, effects
            point = found

    def _follow(self, point: Point, effects: Array) -> Generator[Genes, Array, Point]:
        """Exchanges as long as the first batch holds a real improvement."""
        while True:
            found = yield from self._exchange(point, effects, self.batch)
            if found is point:
                return point
            point = found

    def _scan(self, point: Point) -> Generator[Genes, Array, tuple[Array, Point]]:
        """Change every gene alone.

        Returns:
            What each choice of each gene adds ``(n_genes, max_choices, n_objectives)``, inf where
            there is no such choice, and the best there is.
        """
        genes, now = point
        moves = np.argwhere(self._offered & (np.arange(self._offered.shape[1]) != genes[:, None]))
        near = self._changed(genes, moves[:, None])
        values = yield near
        effects = np.where(self._offered, 0.0, np.inf)[:, :, None].repeat(len(now), 2)
        with np.errstate(invalid="ignore"):
            effects[moves[:, 0], moves[:, 1]] = values - now
        return effects, self._better(point, self._best(near, values))

    def _exchange(self, point: Point, effects: Array, most: int) -> Generator[Genes, Array, Point]:
        """The best of a batch of exchanges of one or two genes, if any is better than ``point``.

        Args:
            effects: what choices added where they were last scanned.
            most: how many exchanges may be evaluated before giving up.
        """
        near = self._promising(point, effects, most)
        for begin in range(0, len(near), self.batch):
            some = near[begin : begin + self.batch]
            found = self._better(point, self._best(some, (yield some)))
            if found is not point:
                return found
        return point

    def _promising(self, point: Point, effects: Array, most: int) -> Genes:
        """Exchanges whose effects add up to an improvement ``(n, n_genes)``, most of it first."""
        genes, now = point
        here = effects[np.arange(len(genes)), genes]
        with np.errstate(invalid="ignore"):
            gains = effects - here[:, None]
        moves = np.argwhere(np.isfinite(gains).all(2) & (gains != 0).any(2))
        first, second = np.triu_indices(len(moves))
        apart = (moves[first, 0] != moves[second, 0]) | (first == second)
        pairs = np.stack([moves[first[apart]], moves[second[apart]]], 1)
        added = gains[moves[:, 0], moves[:, 1]]
        both = added[first[apart]] + added[second[apart]]
        both[first[apart] == second[apart]] /= 2
        expected = merits(now + both, self.worst)
        order = np.lexsort(expected.T[::-1])
        better = _less(expected[order], merits(now[None], self.worst)[0])
        return self._changed(genes, pairs[order[better][:most]])

    def _changed(self, genes: Genes, moves: NDArray[np.intp]) -> Genes:
        """``genes`` after each of the groups of moves ``(n, k, 2)``, canonical."""
        changed = np.repeat(genes[None], len(moves), 0)
        for column in range(moves.shape[1]):
            changed[np.arange(len(moves)), moves[:, column, 0]] = moves[:, column, 1]
        return self.space.canonical(changed)

    def _best(self, genes: Genes, values: Array) -> Point:
        place = best_first(values, self.worst)[0]
        return genes[place], values[place]

    def _better(self, point: Point, other: Point) -> Point:
        """The better of two, the first of equal ones."""
        pair = merits(np.stack([point[1], other[1]]), self.worst)
        return other if tuple(pair[1]) < tuple(pair[0]) else point


def _less(pairs: Array, limit: Array) -> NDArray[np.bool_]:
    """Which rows ``(n, 2)`` come before ``limit``."""
    less: NDArray[np.bool_] = (pairs[:, 0] < limit[0]) | (
        (pairs[:, 0] == limit[0]) & (pairs[:, 1] < limit[1])
    )
    return less
