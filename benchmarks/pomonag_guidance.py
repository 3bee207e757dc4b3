"""Weights in nats, targets of each sample's own, and conditions: two phases, and HV2 of both."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

import numpy as np
from pomonag_common import RESULTS, Sheet, add_common_arguments, four, hv2, timed, training_for
from pomonag_picture import draw_phases

from nasprof.threads import one_torch_thread
from search.diffusion.model import Diffusion, Samples
from search.pomonag.phases import GuidedBy, Phase, default_weights, sample_phase
from search.pomonag.scales import search_scales

SAMPLES = 128
"""Of each phase."""
PHASES: tuple[Phase, Phase] = ("efficient", "accurate")
Ask = Callable[[Diffusion, Phase, np.random.Generator], Samples]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which problems and seeds, and how long scales are searched for."""
    add_common_arguments(parser)
    parser.add_argument("--trials", type=int, default=30, help="of the search for weights; 0: none")


def measure(given: argparse.Namespace) -> None:
    """A row a guide, before expert iteration and after it."""
    columns = {
        "HV2": 4, "uniqueness": 3, "validity": 3, "efficient_ms": 2, "accurate_ms": 2, "apart": 2,
        "cpu_s": 2,
    }  # fmt: skip
    sheet = Sheet("guidance", ("problem", "training", "guide"), columns)
    shown: dict[str, dict[str, list[np.ndarray]]] = {}
    for name in given.problems:
        for seed in given.seeds:
            for rounds in (0, 3):
                with one_torch_thread():
                    model = training_for(name, seed, rounds=rounds).run()
                    for guide, ask in guides(name, model, seed, given.trials).items():
                        values, numbers = judged(name, model, ask, seed)
                        sheet.add(name, f"{rounds} rounds", guide, **numbers)
                        if seed == given.seeds[0]:
                            shown.setdefault(f"{name}, {rounds} rounds", {})[guide] = values
    sheet.report(given, samples=SAMPLES, trials=given.trials)
    draw_phases(shown, RESULTS / "pomonag_guidance.png")


def guides(name: str, model: Diffusion, seed: int, trials: int) -> dict[str, Ask]:
    """Ways of asking for a phase, by name."""
    ways: dict[str, Ask] = {}
    for strength in (0.25, 1.0, 3.0):
        ways[f"weights x {strength:g}"] = weighted(
            {phase: scaled(model, phase, strength) for phase in PHASES}
        )
    if trials:
        rng, predict = np.random.default_rng(seed), four(name).values
        found = {phase: search_scales(model, predict, phase, trials, rng) for phase in PHASES}
        ways["weights, searched"] = weighted(found)
    ways["accuracy alone"] = weighted({phase: {"top1": 12.0} for phase in PHASES})
    ways["targets"] = by("targets")
    for guidance in (1.0, 2.0):
        changed = {"guidance": guidance, "focus": 1.0}
        ways[f"conditional, guidance {guidance:g}"] = by("conditional", changed)
    ways["conditional, all directions"] = by("conditional")
    return ways


def scaled(model: Diffusion, phase: Phase, strength: float) -> dict[str, float]:
    """The default weights, all times ``strength``."""
    return {key: strength * nats for key, nats in default_weights(model.names, phase).items()}


def weighted(weights: Mapping[Phase, Mapping[str, float]]) -> Ask:
    """By weights alone."""
    return lambda model, phase, rng: sample_phase(
        model, phase, SAMPLES, rng, guide="weights", weights=weights[phase]
    )


def by(guide: GuidedBy, changes: Mapping[str, object] | None = None) -> Ask:
    """By another guide, of a model with changed settings."""
    return lambda model, phase, rng: sample_phase(
        model.with_settings(**(changes or {})), phase, SAMPLES, rng, guide=guide
    )


def judged(
    name: str, model: Diffusion, ask: Ask, seed: int
) -> tuple[list[np.ndarray], dict[str, float]]:
    """Values of both batches, each sample its own row, and what the table says of them."""
    rng = np.random.default_rng(seed)
    batches, seconds = timed(lambda: [ask(model, phase, rng) for phase in PHASES])
    genes = np.concatenate([batch.genes[batch.valid] for batch in batches])
    values = [four(name).values(batch.genes[batch.valid]) for batch in batches]
    medians = [float(np.median(each[:, 1])) if len(each) else np.nan for each in values]
    return values, {
        "HV2": hv2(name, np.concatenate(values)) if len(genes) else 0.0,
        "uniqueness": len(np.unique(genes, axis=0)) / max(1, len(genes)),
        "validity": len(genes) / (2 * SAMPLES),
        "efficient_ms": medians[0],
        "accurate_ms": medians[1],
        "apart": medians[1] / medians[0],
        "cpu_s": seconds,
    }
