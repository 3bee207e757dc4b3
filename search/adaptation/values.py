"""The objectives of networks with the weights of an iteration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from devices.errors import DeviceError
from nasprof.log import logger
from nasprof.typing import Array
from search.adaptation.learner import Learner
from search.adaptation.log import TransferLog
from search.adaptation.request import TransferOptions
from search.adaptation.spending import Spending
from search.adaptation.workers import Workers
from search.executors import evaluate
from search.objectives.images import LabelledImages
from search.predictors import make_predictor
from search.problem import Objective, Problem
from spaces import Genes

_LOST_PREDICTOR = "gp"
_FEWEST = 8
"""Measured networks from which those of a lost device are predicted."""


def never_asked(genes: Genes) -> Array:
    """In the place of an accuracy: its values are told, since weights have to be ready for them."""
    raise RuntimeError("accuracies of a transfer are evaluated with weights of their own")


@dataclass
class Objectives:
    """What networks are searched by: accuracies, and what no weights change.

    Args:
        problem: all of them; the accuracies come first, one a data set.
        learners: a supernet a data set.
        log: of what was evaluated.
        options: what evaluates.
        workers: that evaluate accuracies.
        spending: of CPU seconds.
    """

    problem: Problem
    learners: Sequence[Learner]
    log: TransferLog
    options: TransferOptions
    workers: Workers
    spending: Spending
    _lost: list[str] = field(default_factory=list)

    @property
    def others(self) -> Problem:
        """What no weights change."""
        return Problem(self.problem.space, self.problem.objectives[len(self.learners) :])

    def fixed(self, genes: Genes) -> Array:
        """What no weights change of networks ``(n, n_genes)``, to be minimised: ``(n, k)``."""
        others = self.others
        if not others.objectives:
            return np.empty((len(genes), 0))
        known = self.log.fixed
        new = [row for row, one in enumerate(genes) if one.tobytes() not in known]
        if new and self.writes:
            with self.spending.on("evaluation"):
                self._evaluate_fixed(others, genes[new])
        own = np.full((len(genes), len(others.objectives)), np.nan)
        if self.writes:
            own[:] = [known[row.tobytes()][0] for row in genes]
        return self._shared(others.signs * own)

    @property
    def writes(self) -> bool:
        """Whether this process evaluates; it tells the others."""
        return self.learners[0].writes

    def _shared(self, values: Array) -> Array:
        return self.learners[0].session.team.shared(values)

    # --- what no weights change -----------------------------------------------------------------

    def _evaluate_fixed(self, others: Problem, genes: Genes) -> None:
        slow = [objective for objective in others.objectives if objective.device is not None]
        if not slow or self._lost:
            self._keep_fixed(others, genes)
            return
        for number, row in enumerate(genes):
            try:
                self._keep_fixed(others, row[None])
            except DeviceError as error:
                self._lose(slow, error)
                self._keep_fixed(others, genes[number:])
                return

    def _keep_fixed(self, others: Problem, genes: Genes) -> None:
        asked = [one for one in others.objectives if one.name not in self._lost]
        values = np.full((len(genes), len(others.objectives)), np.nan)
        if asked:
            problem = Problem(others.space, tuple(asked))
            columns = [number for number, one in enumerate(others.objectives) if one in asked]
            values[:, columns] = problem.signs * evaluate(problem, genes).values
        for number, objective in enumerate(others.objectives):
            if objective.name in self._lost:
                values[:, number] = self._predicted(number, genes)
        self.log.keep_fixed(genes, values, self._lost)

    def _lose(self, objectives: Sequence[Objective], error: DeviceError) -> None:
        """Go on without a device, on predictions.

        Raises:
            DeviceError: too little was measured to predict from.
        """
        if len(self._measured(0)[0]) < _FEWEST:
            raise error
        self._lost = [objective.name for objective in objectives]
        logger.warning(
            f"{error.message}; {', '.join(self._lost)} of new networks is predicted from now on, "
            f"from {len(self._measured(0)[0])} that were measured"
        )

    def _measured(self, number: int) -> tuple[Genes, Array]:
        """Networks whose objective of that number was evaluated, and its values."""
        name = self.others.objectives[number].name
        rows = [
            (np.frombuffer(key, np.int8), values[number])
            for key, (values, predicted) in self.log.fixed.items()
            if name not in predicted and np.isfinite(values[number])
        ]
        genes = np.array([row for row, _ in rows], np.int8).reshape(len(rows), -1)
        return genes, np.array([value for _, value in rows])

    def _predicted(self, number: int, genes: Genes) -> Array:
        predictor = make_predictor(_LOST_PREDICTOR, self.problem.space, self.options.seed)
        predictor.fit(*self._measured(number))
        return predictor.predict(genes)

    # --- accuracies -----------------------------------------------------------------------------

    def accuracies(self, genes: Genes, iteration: int, steps: int) -> Array:
        """Top-1 in percent on each data set, with the weights of an iteration: ``(n, data sets)``.

        Args:
            genes: ``(n, n_genes)``.
            iteration: from 0.
            steps: that were taken at its end.

        Raises:
            TransferMismatch: what was evaluated before is of other weights, or these are gone.
            NasprofError: nothing can be evaluated any more.
        """
        gone = any(learner.done > steps for learner in self.learners)
        values = np.full((len(genes), len(self.learners)), np.nan)
        if self.writes:
            weights = None if gone else self._written()
            known = self.log.accuracies(iteration, weights)
            new = [row for row, one in enumerate(genes) if one.tobytes() not in known]
            if new and gone:
                now = self.learners[0].digest()[:12]
                raise self.log.out_of_step(iteration, "that are gone", now)
            if new:
                assert weights is not None
                with self.spending.on("evaluation"):
                    self._evaluate(genes[new], iteration, weights)
            values[:] = [known[row.tobytes()] for row in genes]
        return self._shared(values)

    def _written(self) -> list[str]:
        """Digests of the weights of now, which are written where they are evaluated."""
        return [learner.write() for learner in self.learners]

    def _evaluate(self, genes: Genes, iteration: int, weights: Sequence[str]) -> None:
        most = (self.log.plan or {}).get("validation")
        images = [replace(learner.task.images, most=most) for learner in self.learners]
        for number, values in self._evaluations(genes, images):
            self.log.evaluated(iteration, weights, genes[number], values)

    def on_all(self, genes: Genes, split: str) -> Array:
        """Top-1 in percent on all images of a split of each data set, with the weights written
        last: ``(n, data sets)``; nan where a data set has none of that split.
        """
        values = np.full((len(genes), len(self.learners)), np.nan)
        present = [n for n, one in enumerate(self.learners) if len(one.task.data.split_of(split))]
        if self.writes and present:
            learners = [self.learners[number] for number in present]
            images = [replace(learner.task.images, split=split) for learner in learners]
            with self.spending.on("report"):
                for number, row in self._evaluations(genes, images, learners):
                    values[number, present] = row
        return self._shared(values)

    def _evaluations(
        self,
        genes: Genes,
        images: Sequence[LabelledImages],
        learners: Sequence[Learner] | None = None,
    ) -> Iterator[tuple[int, list[float]]]:
        """Numbers of networks as they are evaluated, each with its accuracy on each data set."""
        evaluators = [
            learner.evaluator(looked_at, self.options.device)
            for learner, looked_at in zip(learners or self.learners, images, strict=True)
        ]
        return self.workers.evaluations(genes, evaluators)
