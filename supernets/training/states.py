"""Trainings as files: everything that one depends on, to go on exactly where it was left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from nasprof.arrays import ArraysInvalid
from nasprof.errors import UsageError
from nasprof.files import write_atomic
from nasprof.json_text import JsonInvalid, plain_json
from nasprof.reader import Reader
from nasprof.safetensors_file import read_safetensors
from nasprof.typing import JsonObject

SCHEMA = 1
_ABOUT = "about"
_CURRENT, _GOOD = "current/", "good/"


class StateInvalid(UsageError):
    """A file does not hold the state of a training, or holds a damaged one."""


@dataclass(frozen=True)
class Snapshot:
    """The weights of a training after a step, with all that goes with them.

    Args:
        done: how many steps were taken.
        tensors: by name, as :func:`supernets.training.trainer_state.state_of` gives them.
        losses: of the last steps before.
    """

    done: int
    tensors: Mapping[str, Tensor]
    losses: tuple[float, ...]

    @property
    def about(self) -> JsonObject:
        """What it is beside its tensors, as JSON."""
        return {"done": self.done, "losses": list(self.losses)}

    @classmethod
    def of(cls, about: object, tensors: Mapping[str, Tensor]) -> Self:
        """From what :attr:`about` gave, and tensors.

        Raises:
            UsageError: it is none.
        """
        reader = Reader(about, "a state to go back to")
        losses = tuple(reader.take("losses", "a list of numbers"))
        return cls(reader.take("done", "a whole number"), tensors, losses)


@dataclass(frozen=True)
class TrainingState:
    """A training between two steps.

    Args:
        facts: what it was begun with.
        about: JSON values of the trainer and of what surrounds it, by part.
        tensors: of the trainer, by name.
        good: what is gone back to if it diverges.
    """

    facts: JsonObject
    about: JsonObject
    tensors: Mapping[str, Tensor]
    good: Snapshot | None = field(default=None)

    def write(self, path: Path) -> None:
        """Write the state as a whole or not at all.

        Raises:
            NasprofError: it cannot be written; what the file held stays as it was.
        """
        good = None if self.good is None else self.good.about
        about = {"schema": SCHEMA, "facts": self.facts, "good": good, **self.about}
        text = json.dumps(about, allow_nan=False).encode()
        tensors = {_ABOUT: torch.from_numpy(np.frombuffer(text, np.uint8).copy())}
        tensors |= {_CURRENT + name: value for name, value in self.tensors.items()}
        if self.good is not None:
            tensors |= {_GOOD + name: value for name, value in self.good.tensors.items()}
        separate = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        write_atomic(path, save(separate))


def state_path(checkpoint: Path) -> Path:
    """Where an unfinished training is saved: ``S.safetensors.training``."""
    return checkpoint.with_name(f"{checkpoint.name}.training")


def read_state(path: Path) -> TrainingState:
    """The state in a file.

    Raises:
        StateInvalid: it is damaged, or of something else.
    """
    try:
        arrays = read_safetensors(path)
        about = plain_json(arrays.pop(_ABOUT).tobytes())
    except (ArraysInvalid, KeyError, JsonInvalid) as error:
        raise _invalid(path) from error
    if not isinstance(about, dict) or about.pop("schema", None) != SCHEMA:
        raise _invalid(path)
    facts, good = about.pop("facts", None), about.pop("good", None)
    if not isinstance(facts, dict):
        raise _invalid(path)
    parts: dict[str, dict[str, Tensor]] = {_CURRENT: {}, _GOOD: {}}
    for name, array in arrays.items():
        part, separator, rest = name.partition("/")
        if part + separator not in parts:
            raise _invalid(path)
        # Reading gives what is not to be written to.
        parts[part + separator][rest] = torch.from_numpy(np.array(array))
    snapshot = None if good is None else Snapshot.of(good, parts[_GOOD])
    return TrainingState(facts, about, parts[_CURRENT], snapshot)


def _invalid(path: Path) -> StateInvalid:
    return StateInvalid(
        f"{path} is damaged, or no training of this version of nasprof",
        "Begin anew with --fresh.",
    )
