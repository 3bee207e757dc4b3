"""Keeping and telling what a transfer has come to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nasprof.typing import Array, JsonObject
from search.adaptation.algorithm import Algorithm
from search.adaptation.log import FINISHED, ITERATION
from search.adaptation.reporting import (
    dominated_share,
    on_all_images,
    records,
    reported,
    span,
    warn_where_capacity_does_not_pay,
)
from search.adaptation.request import TransferOptions, TransferProgress, TransferStatus
from search.adaptation.values import Objectives
from search.quality.decision import preferred
from search.quality.indicators import non_dominated
from spaces import Genes


@dataclass
class Account:
    """Writes and tells how far a transfer has come.

    Args:
        objectives: of its networks.
        options: of the transfer.
        progress: whom to tell.
    """

    objectives: Objectives
    options: TransferOptions
    progress: TransferProgress

    def ended(
        self, algorithm: Algorithm, iteration: int, steps: int, genes: Genes, values: Array
    ) -> None:
        """Keep and tell what an iteration has come to.

        Args:
            iteration: from 0.
            steps: that were taken by then.
            genes: evaluated in it, ``(n, n_genes)``.
            values: their objectives to be minimised, ``(n, n_objectives)``.
        """
        log, settings = self.objectives.log, algorithm.settings
        known = [one for one in log.iterations if one.get("iteration") == iteration + 1]
        box = self._box(algorithm)  # for which all processes are needed
        record: JsonObject = known[0] if known else self._record(algorithm, genes, values, box)
        if not known:
            record = {"iteration": iteration + 1, "steps": steps, **record}
            log.note(ITERATION, record)
        if not self.objectives.writes:
            return
        spent = sum(record["cpu_s"].values())
        left = settings.iterations - iteration - 1
        self.progress.iteration(
            TransferStatus(
                iteration=iteration + 1,
                iterations=settings.iterations,
                networks=len(genes),
                front=record["front"],
                hypervolume=record["hypervolume"],
                cpu_s=spent,
                remaining_s=spent / (iteration + 1) * left,
            )
        )

    def _record(
        self, algorithm: Algorithm, genes: Genes, values: Array, box: tuple[Array, Array]
    ) -> JsonObject:
        front = non_dominated(values)
        problem = self.objectives.problem
        return {
            "networks": len(genes),
            "failed": int((~np.isfinite(values).all(1)).sum()),
            "span": span(algorithm.sizes(values), algorithm.ends),
            "hypervolume": dominated_share(values, box),
            "front": records(problem, genes[front], values[front]),
            "archive": (problem.signs * np.where(np.isfinite(values), values, 0)).tolist(),
            "cpu_s": self.objectives.spending.to_dict(),
        }

    def _box(self, algorithm: Algorithm) -> tuple[Array, Array]:
        """From 100 % and the smallest network's other objectives to 0 % and the largest's."""
        fixed = self.objectives.fixed(algorithm.corners)
        accuracies = np.zeros(len(self.objectives.learners))
        return (
            np.concatenate([accuracies - 100, fixed.min(0)]),
            np.concatenate([accuracies, fixed.max(0)]),
        )

    def finished(self, algorithm: Algorithm, genes: Genes, values: Array) -> JsonObject:
        """Write the supernets, look at the front on all images, and keep all that is to be told.

        Args:
            genes: evaluated with the final weights, ``(n, n_genes)``.
            values: their objectives to be minimised, ``(n, n_objectives)``.
        """
        objectives = self.objectives
        log, learners = objectives.log, objectives.learners
        front = non_dominated(values)
        chosen, minimised = genes[front], values[front]
        images = int((log.plan or {}).get("validation", 0))
        pays = not warn_where_capacity_does_not_pay(
            -values[:, 0], algorithm.sizes(values), algorithm.ends, images
        )
        told = [
            {name: value for name, value in one.items() if name != "event"}
            for one in log.iterations
        ]
        whole = reported(objectives, chosen, minimised)
        record: JsonObject = {
            "method": self.options.method,
            "iterations": algorithm.settings.iterations,
            "steps": algorithm.pace.taken,
            "evaluations": sum(one["networks"] for one in told[:-1]) + len(genes),
            "objectives": {one.name: one.unit for one in objectives.problem.objectives},
            "validation_images": images,
            "recalibration_images": algorithm.settings.recalibration,
            "front": whole,
            "trade_off": preferred(minimised).tolist(),
            "capacity_pays": pays,
            "span": span(algorithm.sizes(values), algorithm.ends),
            "hypervolume": dominated_share(
                on_all_images(whole, minimised, "validation"), self._box(algorithm)
            ),
            "history": told,
        }
        record["spent"] = objectives.spending.to_dict()
        record["cpu_s"] = round(sum(record["spent"].values()), 3)
        about: JsonObject = {"seconds": record["cpu_s"], "transfer": self.options.method}
        if objectives.writes:
            for learner in learners:
                learner.write((about,))
        log.note(FINISHED, {"record": record})
        for learner in learners:
            learner.finish()
        return record
