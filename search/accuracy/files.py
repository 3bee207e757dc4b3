"""Where accuracy models are kept, and reading them."""

from __future__ import annotations

from pathlib import Path

from nasprof.errors import UsageError
from search.accuracy.base import AccuracyModel


def list_accuracy_models() -> dict[str, Path]:
    """Known accuracy models by name; not read yet."""
    return {}


def read_accuracy_model(name: str | Path) -> AccuracyModel:
    """The accuracy model in a file, or the known one of that name.

    Raises:
        UsageError: there is none.
        AccuracyModelInvalid: the file is damaged or of something else.
    """
    raise UsageError(f"no accuracy model is called {name!r}")
