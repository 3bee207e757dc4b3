"""Everything that a trainer depends on, taken and set."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from nasprof.reader import Reader
from nasprof.typing import JsonObject
from supernets.training.optimisers import memory, remember
from supernets.training.trainer import Trainer, copy_tensors


def state_of(trainer: Trainer) -> tuple[JsonObject, dict[str, Tensor]]:
    """Everything needed to go on exactly here: JSON values, and tensors by name."""
    about: JsonObject = {
        "done": trainer.done,
        "slowed": trainer.slowed,
        "rng": trainer.rng.bit_generator.state,
        "scaler": trainer.scaler.state_dict(),
        "averaged": 0 if trainer.average is None else trainer.average.steps,
    }
    tensors = {f"weights/{name}": value.detach() for name, value in trainer.tensors.items()}
    for name, quantity, value in memory(trainer.optimiser, trainer.parameters):
        tensors[f"optimiser/{name}/{quantity}"] = value
    average = {} if trainer.average is None else trainer.average.averages
    tensors |= {f"average/{name}": value for name, value in average.items()}
    tensors |= {f"teacher/{name}": value for name, value in (trainer.teacher or {}).items()}
    return about, tensors


def load_state(trainer: Trainer, about: JsonObject, tensors: Mapping[str, Tensor]) -> None:
    """Go on where a state was taken, of a training with the same recipe.

    Raises:
        UsageError: a value is missing or is none of a state.
        ValueError: tensors are of another supernet.
    """
    state = Reader(about, "state")
    done = int(state.within("done", 0, trainer.recipe.total))
    slowed = state.within("slowed", 0, 1)
    averaged = state.take("averaged", "a whole number")
    generator = state.take("rng", "an object")
    set_back(trainer, done, tensors)
    trainer.scaler.load_state_dict(state.take("scaler", "an object"))
    trainer.slowed = float(slowed)
    if trainer.average is not None:
        trainer.average.steps = averaged
    trainer.rng.bit_generator.state = generator


def set_back(trainer: Trainer, done: int, tensors: Mapping[str, Tensor]) -> None:
    """Take the weights of a state after ``done`` steps, with all that goes with them.

    What is random goes on, so that other networks and images follow than did.

    Raises:
        ValueError: tensors are of another supernet.
    """
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        part, _, rest = name.partition("/")
        parts.setdefault(part, {})[rest] = tensor
    copy_tensors(trainer.tensors, parts.get("weights", {}))
    remember(trainer.optimiser, trainer.parameters, parts.get("optimiser", {}))
    if trainer.average is not None:
        copy_tensors(trainer.average.averages, parts.get("average", {}))
    teacher = parts.get("teacher")
    if teacher is not None:
        trainer.freeze_teacher()
        copy_tensors(trainer.teacher or {}, teacher)
    trainer.done = done
