"""Files of generators and of their trainings: arrays and one JSON text, without pickle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from nasprof.errors import UsageError
from search.model_arrays import ModelArrays, StateArrays, parse_arrays, read_arrays
from spaces import Space
from spaces.predictor import SpaceMismatch

Arrays: TypeAlias = StateArrays
"""Arrays by name, as files hold them, of whatever types."""


class CheckpointInvalid(UsageError):
    """A file does not hold a generator, or holds a damaged one."""


def read_checkpoint(path: Path, kind: str, remedy: str | None = None) -> ModelArrays:
    """What a file holds, which must be of that kind.

    Args:
        kind: of what is expected, as ``write`` has put it there.
        remedy: what to do where it is not there, or no such file.

    Raises:
        UsageError: there is no such file.
        CheckpointInvalid: it is truncated, changed, or of something else.
    """
    if not path.exists():
        raise UsageError(f"cannot read {path}: No such file or directory", remedy)
    with naming(path, remedy):
        stored = parse_arrays(read_arrays(path))
        if stored.kind != kind:
            raise UsageError(f"field 'kind' is {stored.kind!r}, expected {kind!r}")
    return stored


def kind_of(path: Path) -> str | None:
    """Which kind of model a file says to hold; None where there is no such file of ours."""
    try:
        return parse_arrays(read_arrays(path)).kind
    except UsageError:
        return None


def require_space(stored: ModelArrays, space: Space, path: Path, remedy: str) -> None:
    """Refuse a file of a generator of another space.

    Raises:
        UsageError: it does not say of which space it is.
        SpaceMismatch: it generates architectures of another one.
    """
    own = stored.space()
    if own != space:
        raise SpaceMismatch(
            f"{path} generates architectures of {own.label}, not of {space.label}", remedy
        )


@contextmanager
def naming(path: Path, remedy: str | None = None) -> Iterator[None]:
    """Name the file in what is said to be wrong with it.

    Raises:
        CheckpointInvalid: what was read in it is wrong.
    """
    try:
        yield
    except SpaceMismatch:
        raise
    except (UsageError, ValueError) as error:
        what = error.message if isinstance(error, UsageError) else str(error)
        said = what if str(path) in what else f"{path}: {what}"
        raise CheckpointInvalid(said, remedy) from error
