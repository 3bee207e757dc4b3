"""Local search by exchanges of one gene and of two, restarted.

The neighbourhoods of one and two exchanges are those of k-opt (Lin and Kernighan 1973); a climb
that ends is taken up again from a disturbed copy of the best (Lourenço et al. 2003, "Iterated
Local Search").
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np

from nasprof.settings import Settings, setting
from nasprof.typing import Array, Flags
from search.engines.base.coroutine import CoroutineEngine, Search
from search.engines.base.engine import one_left
from search.engines.base.pareto_local import pareto_local_search
from search.quality.ranking import best_first, merits
from spaces import Genes
from spaces.neighbours import exchanged, exchanges, perturbed

Point: TypeAlias = tuple[Genes, Array]
"""Genes ``(n_genes,)`` and objectives ``(n_objectives,)``."""


@dataclass(frozen=True)
class LocalSettings(Settings):
    """Of the neighbourhoods, and of where climbs begin."""

    batch: int = setting(16, "pairs of exchanges that are evaluated at a time", 1)
    pairs: int = setting(256, "most pairs that are evaluated before a climb ends", 1)
    kick: int = setting(8, "genes that are drawn anew where a climb has ended", 1)
    fresh: float = setting(0.1, "share of the later climbs that begin at random", 0, 1)


class LocalEngine(CoroutineEngine):
    """Improves one architecture within limits as long as it can, then begins elsewhere.

    Where limits leave more than one objective to improve, it searches the whole front, by
    :func:`search.engines.base.pareto_local.pareto_local_search`.

    A climb evaluates every exchange of one gene. The exchanges of two are thousands: those whose
    single effects add up to an improvement are evaluated in order of that sum, and the first
    batch that holds a real improvement ends the search for one.

    Climbs begin at the architectures of ``first``; without any, at the cheapest choices throughout.
    """

    settings: LocalSettings = LocalSettings()
    seeks_best: ClassVar[bool] = True

    def search(self) -> Search:
        smallest = np.zeros((1, self.space.n_genes), np.int8)
        starts = self.first if len(self.first) else self.space.canonical(smallest)
        if one_left(self.worst):
            return self._climbs(starts)
        batch, kick = self.settings.batch, self.settings.kick
        return pareto_local_search(self.space, self.rng, self.worst, starts, batch, kick)

    def _climbs(self, starts: Genes) -> Search:
        best, effects = yield from self._climb(starts[0], None)
        for start in starts[1:]:
            top, effects = yield from self._climb(start, effects)
            best = self._better(best, top)
        while True:
            top, effects = yield from self._climb(self._restart(best[0]), effects)
            best = self._better(best, top)

    def _restart(self, best: Genes) -> Genes:
        """A random architecture, or the best with some genes changed."""
        if self.rng.random() < self.settings.fresh:
            drawn: Genes = self.space.sample(1, self.rng, "biased")[0]
            return drawn
        return perturbed(self.space, best, self.settings.kick, self.rng)

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
            effects, reached = yield from self._scan(point)
            reached = yield from self._exchange(reached, effects, self.settings.pairs)
            if reached is point:
                return point, effects
            point = reached

    def _follow(self, point: Point, effects: Array) -> Generator[Genes, Array, Point]:
        """Exchanges as long as the first batch holds a real improvement."""
        while True:
            reached = yield from self._exchange(point, effects, self.settings.batch)
            if reached is point:
                return point
            point = reached

    def _scan(self, point: Point) -> Generator[Genes, Array, tuple[Array, Point]]:
        """Change every gene alone.

        Returns:
            What each choice of each gene adds ``(n_genes, max_choices, n_objectives)``, inf where
            there is no such choice, and the best there is.
        """
        genes, now = point
        n_choices = self.space.n_choices
        moves = exchanges(n_choices, genes[None])[0]
        near = exchanged(self.space, genes, moves[:, None])
        values = yield near
        offered = np.arange(n_choices.max()) < n_choices[:, None]
        effects = np.where(offered, 0.0, np.inf)[:, :, None].repeat(len(now), 2)
        with np.errstate(invalid="ignore"):
            effects[moves[:, 0], moves[:, 1]] = values - now
        return effects, self._better(point, self._best(near, values))

    def _exchange(self, point: Point, effects: Array, most: int) -> Generator[Genes, Array, Point]:
        """The best of a batch of exchanges of one or two genes, if any is better than ``point``.

        Args:
            effects: what choices added where they were last scanned.
            most: how many exchanges may be evaluated before giving up.
        """
        near, batch = self._promising(point, effects, most), self.settings.batch
        for begin in range(0, len(near), batch):
            some = near[begin : begin + batch]
            better = self._better(point, self._best(some, (yield some)))
            if better is not point:
                return better
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
        return exchanged(self.space, genes, pairs[order[better][:most]])

    def _best(self, genes: Genes, values: Array) -> Point:
        index = best_first(values, self.worst)[0]
        return genes[index], values[index]

    def _better(self, point: Point, other: Point) -> Point:
        """The better of two, the first of equal ones."""
        pair = merits(np.stack([point[1], other[1]]), self.worst)
        return other if tuple(pair[1]) < tuple(pair[0]) else point


def _less(pairs: Array, limit: Array) -> Flags:
    """Which rows ``(n, 2)`` come before ``limit``."""
    less: Flags = (pairs[:, 0] < limit[0]) | ((pairs[:, 0] == limit[0]) & (pairs[:, 1] < limit[1]))
    return less
