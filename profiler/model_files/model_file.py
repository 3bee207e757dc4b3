"""A model file that is ready to be measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from devices import ModelDetails
from devices.settings import NO_DETAILS
from nasprof.typing import JsonObject
from spaces import Arch


@dataclass(frozen=True)
class ModelFile:
    """A model file that is ready to be measured.

    Args:
        name: unique among those measured together.
        path: the model file.
        arch: the architecture it was lowered from, None for any other model.
        extra: what else is known of it: ``precision``, ``batch``, ``format``, ``sha256``, ...
        details: what its inputs shall be, and which files belong to it.
    """

    name: str
    path: Path
    arch: Arch | None = None
    extra: JsonObject = field(default_factory=dict)
    details: ModelDetails = NO_DETAILS
