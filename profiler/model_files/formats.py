"""Which format of model files belongs to a runtime, and which runtime to a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

from devices.runtimes import runtimes
from nasprof.errors import UsageError
from profiler.lowering import formats


def format_for(runtime: str, models: Sequence[Path] = ()) -> str:
    """The format of the model files that a runtime executes, or that the given files have.

    Raises:
        UsageError: nobody knows the runtime's format, and there are no files to go by.
    """
    if models:
        return _format_of(models[0])
    if runtime in runtimes:
        return runtimes.get(runtime).format
    raise UsageError(
        f"no model format belongs to runtime {runtime!r}",
        f"Runtimes that architectures are lowered for: {', '.join(runtimes)}. "
        "Others take --model files.",
    )


def is_model_file(given: object) -> TypeGuard[str | Path]:
    """Whether it is a path that ends like a model file.

    >>> is_model_file("net.onnx"), is_model_file("net.json")
    (True, False)
    """
    if not isinstance(given, str | Path):
        return False
    return Path(given).suffix in {formats.get(name).suffix for name in formats}


def runtime_for(path: Path) -> str:
    """The runtime that executes a model file, by its suffix."""
    return formats.get(_format_of(path)).runtime


def _format_of(path: Path) -> str:
    for name in formats:
        if formats.get(name).suffix == path.suffix:
            return name
    known = ", ".join(sorted(formats.get(name).suffix for name in formats))
    raise UsageError(f"{path}: expected a model file that ends in {known}")
