"""Architectures for many objectives, sampled at once: what ``nassearch pomonag generate`` shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import process_time
from typing import TYPE_CHECKING

import numpy as np

from nasprof.progress import no_progress
from nasprof.results import frame
from nasprof.threads import one_torch_thread
from nasprof.typing import Array, Indices, JsonObject, Progress
from search.diffusion.training import Label
from search.objectives.trade_off import TradeOff
from search.pomonag.generator import PomonagGenerator
from search.pomonag.objectives import problem_for
from search.pomonag.phases import Phase, phases_of, sample_phases
from search.pomonag.picks import Picks, front_by, picks_by
from search.pomonag.quality import Quality
from search.pomonag.request import PomonagOptions
from search.pomonag.scales import search_scales
from search.pomonag.trainer import clean_predictor
from search.problem import Problem
from spaces import Genes

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class GeneratedArchs:
    """Distinct architectures of several phases.

    Args:
        problem: the objectives.
        quality: of the samples.
        genes: of the distinct valid ones, ``(n, n_genes)``.
        values: objectives to be minimised as the models have them, ``(n, n_objectives)``.
        predicted: the same by the clean predictor; equal where the models were asked in training.
        scales: nats for each objective in each phase, where they were searched for.
        cpu_s: processor time of sampling.
    """

    problem: Problem
    quality: Quality
    genes: Genes
    values: Array
    predicted: Array
    scales: Mapping[Phase, Mapping[str, float]]
    cpu_s: float

    @property
    def names(self) -> list[str]:
        """Of the objectives, accuracy first."""
        return [objective.name for objective in self.problem.objectives]

    @property
    def picks(self) -> dict[str, Picks]:
        """The three configurations by each secondary metric, by predicted accuracy."""
        found = {
            name: picks_by(self.predicted, column)
            for column, name in enumerate(self.names)
            if column
        }
        return {name: picks for name, picks in found.items() if picks is not None}

    def front(self, name: str) -> Indices:
        """Numbers of the front by accuracy and one cost, by predicted accuracy."""
        return front_by(self.predicted, self.names.index(name))

    def row(self, number: int) -> JsonObject:
        """An architecture with its values, in their units, as JSON."""
        arch = self.problem.space.decode(self.genes[number : number + 1])[0]
        both = {"values": self.values, "predicted": self.predicted}
        told = {
            name: dict(zip(self.names, (self.problem.signs * rows[number]).tolist(), strict=True))
            for name, rows in both.items()
        }
        return {"arch": arch, **told}

    def to_frame(self) -> pandas.DataFrame:
        """A row an architecture, as a pandas data frame.

        Columns are ``arch``, each objective in its unit, and ``predicted_top1``.

        Raises:
            UsageError: pandas is not installed.
        """
        rows = map(self.row, range(len(self.genes)))
        return frame(
            {"arch": row["arch"], **row["values"], "predicted_top1": row["predicted"]["top1"]}
            for row in rows
        )

    def to_dict(self) -> JsonObject:
        """As JSON."""
        picks = {
            name: {which: self.row(number) for which, number in vars(three).items()}
            for name, three in self.picks.items()
        }
        return {
            "validity": self.quality.validity,
            "uniqueness": self.quality.uniqueness,
            "novelty": self.quality.novelty,
            "cpu_s": self.cpu_s,
            "scales": {phase: dict(scales) for phase, scales in self.scales.items()},
            "architectures": [self.row(number) for number in range(len(self.genes))],
            "picks": picks,
        }


def generate_architectures(
    generator: PomonagGenerator,
    trade_off: TradeOff,
    options: PomonagOptions | None = None,
    progress: Progress = no_progress,
) -> GeneratedArchs:
    """Sample architectures for a generator's objectives.

    Args:
        trade_off: the models, for their values.
        progress: told how many of how many trials for a phase's scales are done.

    Raises:
        UsageError: there is no predictor to guide by.
    """
    options = options or PomonagOptions()
    phases = phases_of(options.phase)
    rng = np.random.default_rng(options.seed)
    problem = problem_for(trade_off, generator.objectives)
    data = generator.data
    predict: Label = problem.values
    with one_torch_thread():
        if len(data.measured):
            predict = clean_predictor(problem, data.measured, data.measured_top1)
        scales: dict[Phase, Mapping[str, float]] = {}
        if options.trials:
            for phase in phases:
                scales[phase] = search_scales(
                    generator.diffusion, predict, phase, options.trials, rng, progress
                )
        began = process_time()
        samples = sample_phases(
            generator.diffusion, phases, options.count, rng, guide=options.guided_by, weights=scales
        )
        cpu_s = process_time() - began
        genes = samples.distinct
        values, predicted = problem.values(genes), predict(genes)
    quality = Quality.of(samples, data.random)
    return GeneratedArchs(problem, quality, genes, values, predicted, scales, cpu_s)
