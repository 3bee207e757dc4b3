"""What can be said about models and answers, beside the budgets and the names of the models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from nasprof.errors import UsageError
from nasprof.progress import no_progress
from nasprof.reader import brief
from profiler.measuring.protocol import Protocol, parse_protocol
from profiler.tables.progress import BuildProgress
from search.answers.answerers import answerers
from search.generators.answers import AnswerSettings
from search.generators.trained import TrainedGenerator

KEPT = 32
"""Candidates for each budget."""


@dataclass(frozen=True)
class AnswerProgress(BuildProgress):
    """Whom to tell how far the work has come.

    Args:
        training: how many of how many steps of a generator's training are done.
        sampling: how many of how many trials or samplings of POMONAG are done.
    """

    training: Callable[[int, int], None] = no_progress
    sampling: Callable[[int, int], None] = no_progress


@dataclass(frozen=True)
class ModelOptions:
    """Which models are meant, where their names leave it open.

    Args:
        resolution: input height and width in pixels, where the models know several.
        precision: of one's own table: "fp32" unless given, "fp16" or "int8".
        clock: that latencies are of, "wall" or "cpu"; the table's own unless given.

    Raises:
        UsageError: one of them makes no sense.
    """

    resolution: int | None = None
    precision: str | None = None
    clock: Literal["wall", "cpu"] | None = None

    def __post_init__(self) -> None:
        if self.clock not in (None, "wall", "cpu"):
            raise _invalid("clock", self.clock, "'wall' or 'cpu'")


@dataclass(frozen=True)
class AnswerOptions(ModelOptions):
    """Who answers budgets, and how.

    Args:
        by: name of the way to answer, see :data:`search.answers.answerers.answerers`: "local",
            "exact", "pnag" or "pomonag"; the generator given or kept for the models, else the
            quickest way that is as accurate, unless given.
        generator: a trained one, or its file (.npz), which says who answers.
        confidence: with which networks keep within their budgets, between 0 and 1.
        samples: architectures drawn for each budget.
        polish: whether answers are improved by exchanges of one and two genes.
        seed: of everything random.

    Raises:
        UsageError: one of them makes no sense.
    """

    by: str | None = field(default=None, kw_only=True)
    generator: TrainedGenerator | Path | str | None = None
    confidence: float = 0.95
    samples: int = 256
    polish: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_answerer()
        if self.samples < 1:
            raise _invalid("samples", self.samples, "at least 1")
        if self.seed < 0:
            raise _invalid("seed", self.seed, "at least 0")
        # Refuses what it cannot be asked with.
        _ = self.answer_settings

    def _require_answerer(self) -> None:
        if self.by is None:
            return
        if not answerers.get(self.by).trains and self.generator is not None:
            raise UsageError(
                f"{self.by!r} answers without a generator, and one is given",
                "Leave out one of the two.",
            )

    @property
    def answer_settings(self) -> AnswerSettings:
        """How answers are made of what is drawn."""
        return AnswerSettings(self.confidence, self.samples, self.polish, KEPT)


@dataclass(frozen=True)
class GenerateOptions(AnswerOptions):
    """How budgets are answered, and what is measured of the answers.

    Args:
        top: networks for each budget, 1 to 32.
        measured_top1: table of earlier answers with their top-1 as it was measured (.csv:
            arch,top1), for what the next have at least.
        protocol: how to measure; as the table was, in more rounds, unless given.
        speed: of the device, which budgets and answers are of: "table", or "today", which is
            timed; today's where the device is at hand unless given.
        learn: whether one's own table remembers how far off measured answers were.

    Raises:
        UsageError: one of them makes no sense.
    """

    top: int = 1
    measured_top1: Path | str | None = None
    protocol: Protocol | str | None = None
    speed: Literal["today", "table"] | None = None
    learn: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.top <= KEPT:
            raise _invalid("top", self.top, f"1 to {KEPT}")
        if self.speed not in (None, "today", "table"):
            raise _invalid("speed", self.speed, "'today' or 'table'")
        # Refuses a protocol that there is not.
        _ = self.measuring_protocol

    @property
    def measuring_protocol(self) -> Protocol | None:
        """How to measure, None for as the table was."""
        protocol = self.protocol
        return parse_protocol(protocol) if isinstance(protocol, str) else protocol


@dataclass(frozen=True)
class TrainOptions(ModelOptions):
    """How a generator's training is begun.

    Args:
        seed: of everything random.
        resume: whether to go on with what an interrupted training left.
    """

    seed: int = 0
    resume: bool = True


def _invalid(name: str, value: object, expected: str) -> UsageError:
    return UsageError(f"{name} is {brief(value)}, expected {expected}")
