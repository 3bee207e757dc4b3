"""How models are to be run: the runtime's settings, and what is known of a model file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from devices.runner.values import FILE
from nasprof.typing import JsonObject

RUNTIME_OPTIONS = "runtime_options"
"""Option of profiles: a table of what only the runtime understands."""

INPUT_SEED = 0
"""Seed of the inputs models are timed on."""


@dataclass(frozen=True)
class RunSettings:
    """How models are to be executed.

    Args:
        runtime: "onnxruntime", "litert", "torch", ...
        threads: threads the runtime may use.
        affinity: CPU numbers to stay on; None leaves the choice to the device.
        options: what only this runtime understands ("provider": "cuda", "xnnpack": False, ...);
            they win over the profile's ``runtime_options``.
    """

    runtime: str
    threads: int = 1
    affinity: tuple[int, ...] | None = None
    options: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class ModelDetails:
    """What is known of a model file besides its content; nothing of it is needed for our own.

    Args:
        shapes: whole shapes of inputs, by their names, as said.
        sizes: sizes that the model leaves open, by their names in it, as said.
        batch: size of first axes that the model leaves open, as said.
        values: what inputs hold, by their names, as said: "zeros", "range", "ids:VOCABULARY", a
            number, or "file:PATH" of an ``.npy`` file.
        known: what inputs must hold for the model to run, by their names; see
            :func:`devices.runner.values.known_array`.
        rankless: inputs of which the model does not even tell how many axes they have.
        signature: which of its signatures is meant.
        companions: files beside it that belong to it (external weights).
        foreign: whether it is not known to run, so that this is tried before others are timed.
    """

    shapes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    batch: int | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    rankless: tuple[str, ...] = ()
    signature: str | None = None
    companions: tuple[Path, ...] = ()
    foreign: bool = False

    @property
    def files(self) -> dict[str, Path]:
        """Files that inputs are read from, by the inputs' names."""
        return {
            name: Path(value.removeprefix(FILE))
            for name, value in self.values.items()
            if value.startswith(FILE)
        }

    def request(self, files: Mapping[str, str]) -> JsonObject:
        """As the runner is told.

        Args:
            files: where it finds the inputs' files, by the inputs' names.
        """
        details = {
            "shapes": {name: list(shape) for name, shape in self.shapes.items()},
            "sizes": dict(self.sizes),
            "batch": self.batch,
            "values": {**self.values, **{name: FILE + path for name, path in files.items()}},
            "known": {name: dict(known) for name, known in self.known.items()},
            "rankless": list(self.rankless),
            "signature": self.signature,
        }
        return {name: value for name, value in details.items() if value}


NO_DETAILS = ModelDetails()

DetailsByName: TypeAlias = Mapping[str, ModelDetails]
"""Of those models of which something is known, by their names."""
NOTHING_KNOWN: DetailsByName = MappingProxyType({})
