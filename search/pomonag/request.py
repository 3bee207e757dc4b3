"""What can be said about sampling from a POMONAG generator, and about reports on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from nasprof.errors import UsageError
from nasprof.registry import near_names

GuidedBy: TypeAlias = Literal["conditional", "targets", "weights"]
GUIDES: tuple[GuidedBy, ...] = ("conditional", "targets", "weights")
PHASES = ("efficient", "accurate", "both")


@dataclass(frozen=True)
class PomonagOptions:
    """How architectures are sampled.

    Args:
        count: samples.
        phase: "efficient", "accurate", or "both", half of each.
        guide: see :func:`search.pomonag.phases.sample_phase`.
        trials: of the search for scales, where the guide is "weights"; 0 takes the defaults.
        seed: of everything random.

    Raises:
        UsageError: one of them makes no sense.
    """

    count: int = 256
    phase: str = "both"
    guide: str = "conditional"
    trials: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        _require_least(count=(self.count, 1), trials=(self.trials, 0), seed=(self.seed, 0))
        _require_phase(self.phase)
        if self.guide not in GUIDES:
            raise UsageError(f"there is no guide {self.guide!r}", near_names(self.guide, GUIDES))
        if self.trials and self.guide != "weights":
            raise UsageError(
                f"trials search for weights, and the guide is {self.guide!r}",
                "Leave them out, or take guide 'weights'.",
            )

    @property
    def guided_by(self) -> GuidedBy:
        """The guide, which is known."""
        return next(guide for guide in GUIDES if guide == self.guide)


@dataclass(frozen=True)
class PomonagReportOptions:
    """What is sampled for a report.

    Args:
        count: samples with each seed.
        phase: "efficient", "accurate" or "both".
        seeds: samplings.

    Raises:
        UsageError: one of them makes no sense.
    """

    count: int = 1000
    phase: str = "both"
    seeds: int = 5

    def __post_init__(self) -> None:
        _require_least(count=(self.count, 1), seeds=(self.seeds, 1))
        _require_phase(self.phase)


def _require_least(**numbers: tuple[int, int]) -> None:
    for name, (value, least) in numbers.items():
        if value < least:
            raise UsageError(f"{name} is {value}, expected at least {least}")


def _require_phase(phase: str) -> None:
    if phase not in PHASES:
        raise UsageError(f"there is no phase {phase!r}", near_names(phase, PHASES))
