"""Pareto front stretching: one phase for the efficient end of the front, one for the accurate.

Lomurno et al. 2024, Sec. 3.5. As published, a phase is a set of guidance scales. Here these are
weights in nats for a standard deviation; and where accuracy and cost go together, so that any
weighted sum tips to one end, a phase is a range of costs that samples are conditioned on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from nasprof.typing import Array
from search.diffusion.conditions import Condition
from search.diffusion.model import Diffusion, Samples
from search.diffusion.predictors import Guidance, Target
from search.pomonag.request import GuidedBy

Phase: TypeAlias = Literal["efficient", "accurate"]

PHASES: Mapping[Phase, tuple[float, float]] = {"efficient": (0.0, 0.5), "accurate": (1.0, 0.5)}
"""Shares of the range of costs that each phase asks for, its own end of the range first."""
LEAN = 2.2
"""Above 1 a phase asks for more near its end, so that the two are further apart."""
TARGET_REACH = 2.0
"""Standard deviations from the middle, up to which targets are spread."""
TARGET_WEIGHT, TARGET_TOP1 = 8.0, 8.0
"""Nats for a squared deviation from a target, and for one of accuracy."""


def phases_of(name: str) -> tuple[Phase, ...]:
    """The phases of a name: itself, or both."""
    return tuple(phase for phase in PHASES if name in (phase, "both"))


def default_weights(names: tuple[str, ...], phase: Phase) -> dict[str, float]:
    """Nats for each objective by name, unless they were searched for."""
    primary, *costs = names
    accuracy, cost = (3.0, 12.0) if phase == "efficient" else (12.0, 1.0)
    return {primary: accuracy, **{name: cost / len(costs) for name in costs}}


def shares_in(phase: Phase, evenly: Array) -> Array:
    """Shares of the range of costs that a phase asks for: ``(n,)``.

    Args:
        evenly: spread between 0 and 1, ``(n,)``.
    """
    end, middle = PHASES[phase]
    shares: Array = end + (middle - end) * evenly**LEAN
    return shares


def sample_phase(
    diffusion: Diffusion,
    phase: Phase,
    n: int,
    rng: np.random.Generator,
    *,
    guide: GuidedBy = "conditional",
    weights: Mapping[str, float] | None = None,
) -> Samples:
    """``n`` architectures of a phase.

    Args:
        guide: by the condition that the denoiser has learnt, by each sample's own target of
            latency with a weight on accuracy, or by weights alone.
        weights: nats for a standard deviation of each objective, for ``weights``.

    Raises:
        UsageError: there is no predictor to guide by.
    """
    if guide == "conditional":
        settings = diffusion.settings
        condition = Condition.spread(
            n, len(diffusion.directions), settings.advantage, settings.focus, rng
        )
        return diffusion.sample(replace(condition, cost=shares_in(phase, condition.cost)), rng)
    if guide == "weights":
        chosen = weights or default_weights(diffusion.names, phase)
        return diffusion.sample(n, rng, Guidance(chosen))
    primary, cost, *_ = diffusion.names
    shares = shares_in(phase, (np.arange(n) + rng.random(n)) / n)
    target = Target(rng.permutation(TARGET_REACH * (2 * shares - 1)), TARGET_WEIGHT)
    return diffusion.sample(n, rng, Guidance({primary: TARGET_TOP1}, {cost: target}))


def sample_phases(
    diffusion: Diffusion,
    phases: Sequence[Phase],
    n: int,
    rng: np.random.Generator,
    *,
    guide: GuidedBy = "conditional",
    weights: Mapping[Phase, Mapping[str, float]] | None = None,
) -> Samples:
    """``n`` architectures, as many of each phase; otherwise as :func:`sample_phase`.

    Args:
        weights: of each phase.
    """
    counts = np.diff(np.linspace(0, n, len(phases) + 1).astype(int)).tolist()
    parts = [
        sample_phase(diffusion, phase, count, rng, guide=guide, weights=(weights or {}).get(phase))
        for phase, count in zip(phases, counts, strict=True)
    ]
    return Samples(
        np.concatenate([part.genes for part in parts]),
        np.concatenate([part.valid for part in parts]),
    )
