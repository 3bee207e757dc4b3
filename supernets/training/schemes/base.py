"""What a training scheme decides: which networks learn in a step, and from whom."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, Literal, TypeAlias, TypeVar

import numpy as np

from nasprof.errors import UsageError
from nasprof.settings import Settings
from spaces import Genes, Space
from spaces.sharing import Sharing, sharing_of

Teacher: TypeAlias = Literal["first", "frozen"]
"""Whose labels networks learn, beside the true ones: those of the first network of the same step,
or those of the weights that were frozen last."""


@dataclass(frozen=True)
class SchemeSettings(Settings):
    """Settings of a scheme; a subclass for each that has any."""

    owner: ClassVar[str] = "this training scheme"


SettingsType = TypeVar("SettingsType", bound=SchemeSettings)


@dataclass(frozen=True)
class Phase:
    """A part of a training with a learning-rate schedule of its own.

    Args:
        name: what it is called in histories.
        steps: how many it has, at least 1.
        rate: its highest learning rate, as a share of the recipe's.
        freeze_teacher: whether the weights of its beginning are frozen as the teacher.
        sort_within: at its beginning, channels are sorted by importance such that each of these
            networks ``(k, n_genes)`` keeps the channels it has; None for no sorting.
    """

    name: str
    steps: int
    rate: float = 1.0
    freeze_teacher: bool = False
    sort_within: Genes | None = None


@dataclass(frozen=True)
class Lesson:
    """What one step trains.

    Args:
        genes: networks ``(k, n_genes)``, in order; their gradients are averaged.
        teacher: whose labels they learn; None where they learn the true ones alone.
    """

    genes: Genes
    teacher: Teacher | None = None


class Scheme(ABC, Generic[SettingsType]):
    """Which networks of a space learn in each step of a training.

    It has no state: what a step trains follows from its number and from the generator, so that a
    training that was interrupted goes on as if it had not been.

    Args:
        space: whose networks are trained.
        settings: of the scheme.
        total: steps of the whole training.

    Raises:
        UsageError: the space is none that can be trained so, or there are too few steps.
    """

    settings_type: ClassVar[type[SchemeSettings]] = SchemeSettings
    distillation: ClassVar[float] = 0.5
    """Weight of the teacher's labels, unless the recipe says another."""

    def __init__(self, space: Space, settings: SettingsType, total: int) -> None:
        self.space = space
        self.settings = settings
        self.total = total

    @property
    def sharing(self) -> Sharing:
        """How the space's networks share weights."""
        return sharing_of(self.space)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The parts of the training, ``total`` steps in all; one unless overridden."""
        return (Phase("all", self.total),)

    @abstractmethod
    def lesson(self, step: int, rng: np.random.Generator) -> Lesson:
        """What a step trains.

        Args:
            step: 0 to ``total - 1``.
            rng: where everything random comes from.
        """

    def at(self, step: int) -> tuple[int, Phase, int]:
        """The phase of a step: its number, itself, and the step within it."""
        for number, phase in enumerate(self.phases):
            if step < phase.steps:
                return number, phase, step
            step -= phase.steps
        raise UsageError(f"step {step + self.total} is beyond the {self.total} of the training")

    def extremes(self) -> tuple[Genes, Genes]:
        """The smallest and the largest network, ``(1, n_genes)`` each."""
        rows = np.stack([np.zeros_like(self.space.n_choices), self.space.n_choices - 1])
        genes = self.space.canonical(rows.astype(np.int8))
        return genes[:1], genes[1:]
