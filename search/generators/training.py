"""Trainings that are saved every now and then, and go on after any interruption."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nasprof.arrays import require_finite
from nasprof.errors import UsageError
from nasprof.progress import no_progress
from nasprof.reader import Reader
from nasprof.typing import JsonObject, Progress
from search.generators.checkpoint import Arrays, CheckpointInvalid, read_checkpoint
from search.model_arrays import ModelArrays
from spaces import Space

SAVED_EVERY = 50
"""Steps between checkpoints."""


class Trainable(Protocol):
    """A training, a step at a time, whose state can be taken and given back."""

    @property
    def steps(self) -> int:
        """How many steps were taken."""

    @property
    def total(self) -> int:
        """How many there are."""

    def step(self) -> None:
        """Take one."""

    def state(self) -> tuple[JsonObject, Arrays]:
        """Everything needed to go on exactly here: JSON values, and arrays by name."""

    def load_state(self, about: JsonObject, arrays: Arrays) -> None:
        """Go on where the state was taken, of a training with the same models and settings."""


@dataclass(frozen=True)
class TrainingFile:
    """Where a training is saved, and what tells it from others.

    Args:
        kind: of the file.
        space: of the architectures.
        facts: what must be the same for going on, by name.
        command: that begins such a training, and anew with ``--fresh``.
        every: steps between two times that it is saved; :data:`SAVED_EVERY` unless given.
    """

    path: Path
    kind: str
    space: Space
    facts: JsonObject
    command: str
    every: int | None = None

    def save(self, trainer: Trainable) -> None:
        """Write the state as a whole or not at all."""
        state, arrays = trainer.state()
        about = {
            "kind": self.kind,
            "spaces": [self.space.settings],
            "facts": dict(self.facts),
            "state": state,
        }
        # It is soon written again.
        ModelArrays(about, arrays).write(self.path, compressed=False)

    def go_on(self, trainer: Trainable) -> None:
        """Take up a training where it was saved.

        Raises:
            CheckpointInvalid: the file is damaged.
            UsageError: it is of another training.
        """
        archive = read_checkpoint(self.path, self.kind, f"Train one: {self.command} --help")
        self._require_same(archive)
        try:
            require_finite(archive.arrays, self.path)
            state = Reader(archive.about, "training").take("state", "an object")
            trainer.load_state(state, dict(archive.arrays))
        except (UsageError, KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
            raise CheckpointInvalid(
                f"{self.path} cannot be gone on with: {error}",
                f"Begin anew: {self.command} --fresh",
            ) from error

    def _require_same(self, archive: ModelArrays) -> None:
        begun, expected = archive.about.get("facts"), json.loads(json.dumps(self.facts))
        if begun != expected:
            known = begun if isinstance(begun, dict) else {}
            other = [name for name in expected if known.get(name) != expected[name]]
            raise UsageError(
                f"{self.path} holds a training that was begun with other {' and '.join(other)}",
                f"Repeat the command it was begun with, or begin anew with {self.command} --fresh.",
            )


def train_to_the_end(
    trainer: Trainable, file: TrainingFile | None = None, progress: Progress | None = None
) -> None:
    """Take all steps that are left.

    Args:
        file: where the training is saved every now and then; what it holds is gone on with. To
            be removed when the result is safe.
        progress: told how many of how many steps were taken.

    Raises:
        CheckpointInvalid: the file is damaged.
        UsageError: it is of another training.
    """
    progress = progress or no_progress
    if file is not None and file.path.exists():
        file.go_on(trainer)
    while trainer.steps < trainer.total:
        trainer.step()
        progress(trainer.steps, trainer.total)
        if file is not None and trainer.steps % (file.every or SAVED_EVERY) == 0:
            file.save(trainer)
