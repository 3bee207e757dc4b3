"""Adapting and searching in turn: Algorithm 1 of Neural Architecture Transfer.

Lu et al., IEEE TPAMI 43(9), 2021: the supernet is trained as the archive is distributed, the
archive is evaluated anew with the weights of now, and a search on predictions finds what joins it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from nasprof.typing import Array, Indices
from search.adaptation.breeding import bred
from search.adaptation.learner import Draw
from search.adaptation.pace import Pace
from search.adaptation.settings import TransferSettings
from search.adaptation.shares import distribution, range_of, spread
from search.adaptation.values import Objectives
from search.engines.base.population import distinct, first_population
from search.engines.base.surrogate import Surrogates, unknown
from search.engines.nat import PREDICTOR, predicted_candidates
from search.problem import Problem
from search.quality.indicators import non_dominated
from spaces import Genes, Space

_DRAWN = 8
"""Networks drawn for each that is to join the archive, where some are known already."""


@dataclass
class Algorithm:
    """Adapts supernets and searches their networks.

    Args:
        objectives: of networks with the weights of now.
        settings: of adaptation and search.
        pace: how many steps each adaptation has.
        seed: of everything random; each part of the work has a generator of its own, so that it
            does not depend on what was done before or on an earlier call.

    Attributes:
        ended: told of an iteration that has ended: its number from 0, the steps taken by then,
            and all that was evaluated in it: networks and their objectives to be minimised.
    """

    objectives: Objectives
    settings: TransferSettings
    pace: Pace
    seed: int
    ended: Callable[[int, int, Genes, Array], None] = field(default=lambda *_: None, init=False)

    @property
    def problem(self) -> Problem:
        """What is searched for."""
        return self.objectives.problem

    @property
    def space(self) -> Space:
        """Of the networks."""
        return self.problem.space

    def run(self) -> tuple[Genes, Array]:
        """Everything evaluated with the final weights: networks ``(n, n_genes)`` and objectives to
        be minimised ``(n, n_objectives)``.
        """
        return self._searched(*self._adapted())

    def _adapted(self) -> tuple[Genes, Array]:
        """The archive after all adaptations."""
        settings = self.settings
        size = settings.initial if settings.evaluates_between else settings.archive
        genes = first_population(self.space, self._rng(0), size)
        front: Indices = np.empty(0, np.intp)
        for iteration in range(settings.iterations - 1):
            self._adapt(genes, front, iteration)
            if not settings.evaluates_between:
                continue
            values = self._valued(genes, iteration)
            self.ended(iteration, self.pace.ends[iteration], genes, values)
            kept = self._kept(values, settings.archive, self._rng(1, iteration))
            genes, values = genes[kept], values[kept]
            front = non_dominated(values)
            new = self._candidates(genes, values, self._rng(2, iteration))
            genes = np.concatenate([genes, new])
        last = settings.iterations - 1
        self._adapt(genes, front, last)
        values = self._valued(genes, last)
        self.ended(last, self.pace.ends[last], genes, values)
        return genes, values

    def _searched(self, genes: Genes, values: Array) -> tuple[Genes, Array]:
        """The same with more networks, by searches with the final weights."""
        for number in range(self.settings.final):
            new = self._candidates(genes, values, self._rng(3, number))
            if len(new):
                genes = np.concatenate([genes, new])
                more = self._valued(new, self.settings.iterations - 1)
                values = np.concatenate([values, more])
        return genes, values

    def _rng(self, *part: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, 7, *part])

    # --- adapting -------------------------------------------------------------------------------

    def _adapt(self, archive: Genes, front: Indices, iteration: int) -> None:
        draw, pace = self._drawn(archive, front, iteration), self.pace
        team = self.objectives.learners[0].session.team
        pace.agree(iteration, team.agreed(pace.decide(iteration)))
        with self.objectives.spending.on("training"):
            for learner in self.objectives.learners:
                learner.adapt(pace.ends[: iteration + 1], pace.total, draw)

    def _drawn(self, archive: Genes, front: Indices, iteration: int) -> Draw:
        """What is trained, after an archive ``(n, n_genes)`` and the rows of its front ``(m,)``."""
        sampling, settings = self.settings.sampling, self.settings
        if sampling == "archive":
            sizes = _sizes(self.objectives.fixed(archive))
            efforts = np.where(sizes > 0, sizes, 1.0) ** settings.economy_in(iteration)
            groups, focus = self._ranges(sizes), settings.focus
            return distribution(self.space, archive, groups, efforts, front, focus).sample
        if sampling == "uniform":
            return partial(self.space.sample, strategy="uniform")
        return self.objectives.learners[0].task.alone(sampling)

    # --- evaluating and keeping -----------------------------------------------------------------

    def _valued(self, genes: Genes, iteration: int) -> Array:
        """Objectives to be minimised; inf throughout where one of them is not known."""
        fixed = self.objectives.fixed(genes)
        accuracies = self.objectives.accuracies(genes, iteration, self.pace.ends[iteration])
        values = np.concatenate([-accuracies, fixed], 1)
        return np.where(np.isfinite(values).all(1, keepdims=True), values, np.inf)

    def _kept(self, values: Array, n: int, rng: np.random.Generator) -> Indices:
        """Rows of ``n`` networks, the best of each range."""
        groups = self._ranges(_sizes(values[:, len(self.objectives.learners) :]))
        return spread(values, groups, self.problem.worst, n, rng)

    def _ranges(self, sizes: Array) -> Indices:
        """The range that each network ``(n,)`` is in: ``(n,)``."""
        return range_of(sizes, self.ends, self.settings.ranges)

    @cached_property
    def corners(self) -> Genes:
        """The smallest and the largest network, ``(2, n_genes)``."""
        last = (self.space.n_choices - 1).astype(np.int8)
        return self.space.canonical(np.stack([np.zeros_like(last), last]))

    def sizes(self, values: Array) -> Array:
        """The second objective of networks, 1 where there is none: ``(n,)``.

        Args:
            values: objectives to be minimised, ``(n, n_objectives)``.
        """
        known = np.where(np.isfinite(values).all(1, keepdims=True), values, np.nan)
        return _sizes(known[:, len(self.objectives.learners) :])

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The second objective of the smallest and the largest network; 0 where there is none."""
        sizes = np.abs(self.objectives.fixed(self.corners)[:, :1])
        return (float(sizes.min()), float(sizes.max())) if sizes.size else (0.0, 0.0)

    # --- searching ------------------------------------------------------------------------------

    def _candidates(self, genes: Genes, values: Array, rng: np.random.Generator) -> Genes:
        """Networks that are not in an archive yet, spread as its ranges are: ``(m, n_genes)``."""
        with self.objectives.spending.on("search"):
            return self._found(genes, values, rng)

    def _found(self, genes: Genes, values: Array, rng: np.random.Generator) -> Genes:
        settings = self.settings
        if settings.candidates == "predicted":
            predict = Surrogates(
                self.problem, settings.predictor, PREDICTOR, int(rng.integers(2**31))
            )
            found = predicted_candidates(self.problem, settings, predict, genes, values, genes, rng)
            if found is not None and len(found[0]):
                new, predicted = found
                return new[self._kept(predicted, settings.batch, rng)]
        if settings.candidates == "bred":
            drawn = bred(self.problem, settings, genes, values, rng)
            drawn = drawn[rng.permutation(len(drawn))]
        else:
            drawn = self.space.sample(_DRAWN * settings.batch, rng, "biased")
        return distinct(drawn[unknown(drawn, genes)])[: settings.batch]


def _sizes(others: Array) -> Array:
    """The second objective of networks, 1 where there is none: ``(n,)``.

    Args:
        others: objectives that are no accuracies, ``(n, k)``.
    """
    return np.abs(others[:, 0]) if others.shape[1] else np.ones(len(others))
