"""How good a generator is: its samples over several seeds, and its predictors of noisy networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from nasprof.progress import no_progress
from nasprof.threads import one_torch_thread
from nasprof.typing import JsonObject, Progress
from search.diffusion.model import Diffusion
from search.objectives.trade_off import TradeOff
from search.pomonag.generator import PomonagGenerator
from search.pomonag.objectives import problem_for
from search.pomonag.phases import phases_of, sample_phases
from search.pomonag.quality import Interval, Quality
from search.pomonag.request import PomonagReportOptions
from search.problem import Problem

SHARES = ("validity", "uniqueness", "novelty")
PROBES = 2000
"""Random architectures that predictors are asked about, each once at a random level of noise."""


@dataclass(frozen=True)
class GeneratorReport:
    """What is known of a generator.

    Args:
        quality: validity, uniqueness and novelty with 95 % intervals over seeds.
        spearman: of each objective as predicted of noisy architectures; None where that is not
            defined or there are no predictors.
        provenance: of the generator.
    """

    quality: Mapping[str, Interval]
    spearman: Mapping[str, float | None]
    provenance: JsonObject

    def to_dict(self) -> JsonObject:
        """As JSON."""
        quality = {name: interval.to_dict() for name, interval in self.quality.items()}
        return {"quality": quality, "spearman": dict(self.spearman), "generator": self.provenance}


def report_on(
    generator: PomonagGenerator,
    trade_off: TradeOff,
    options: PomonagReportOptions | None = None,
    progress: Progress = no_progress,
) -> GeneratorReport:
    """Sample with several seeds, and ask the predictors about noisy architectures.

    Args:
        progress: told how many of how many samplings are done.
    """
    options = options or PomonagReportOptions()
    phases = phases_of(options.phase)
    found = []
    with one_torch_thread():
        for seed in range(options.seeds):
            rng = np.random.default_rng(seed)
            samples = sample_phases(generator.diffusion, phases, options.count, rng)
            found.append(Quality.of(samples, generator.data.random))
            progress(seed + 1, options.seeds)
        problem = problem_for(trade_off, generator.objectives)
        spearman = noisy_spearman(generator.diffusion, problem, np.random.default_rng(0))
    quality = {
        name: Interval.of([float(getattr(one, name)) for one in found]).as_share()
        for name in SHARES
    }
    return GeneratorReport(quality, spearman, generator.to_dict())


def noisy_spearman(
    diffusion: Diffusion, problem: Problem, rng: np.random.Generator
) -> dict[str, float | None]:
    """Rank correlation of each objective with what is predicted of noisy architectures.

    Noise is of levels drawn uniformly, as in training (Lomurno et al. 2024, Table 3).
    """
    from scipy.stats import spearmanr

    names = [objective.name for objective in problem.objectives]
    if diffusion.predictor is None:
        return dict.fromkeys(names)
    genes = np.unique(problem.space.sample(PROBES, rng, "biased"), axis=0)
    noisy = diffusion.process.corrupted(diffusion.process.encoding.classes(genes), rng)
    with torch.no_grad():
        predicted = diffusion.predictor(
            torch.from_numpy(noisy.inputs), torch.from_numpy(noisy.levels)
        ).numpy()
    values = problem.values(genes)
    return {
        name: None
        if np.ptp(values[:, column]) == 0 or np.ptp(predicted[:, column]) == 0
        else float(spearmanr(values[:, column], predicted[:, column]).statistic)
        for column, name in enumerate(names)
    }
