"""Models as files: arrays and one JSON text in an ``.npz``, without pickle.

The text tells what the arrays are and ends in a SHA-256 digest over it and every array, so that
a damaged or edited file is found before it predicts anything.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from nasprof.arrays import NUMBERS, ArraysInvalid, read_npz
from nasprof.errors import UsageError
from nasprof.files import write_atomic
from nasprof.json_text import JsonInvalid, plain_json
from nasprof.reader import Reader
from nasprof.typing import Array
from spaces import Space, get_space

SCHEMA = 1
MAX_BYTES = 128 << 20
"""Of all arrays: a kernel on 100,000 networks has 10 MB, a training with its optimiser 3."""
_ABOUT = "about"

Scalar = TypeVar("Scalar", bound=np.number)
Arrays: TypeAlias = Mapping[str, NDArray[np.generic]]
"""By name."""
StateArrays: TypeAlias = dict[str, NDArray[Any]]
"""The state of something in training by name, of whatever types."""


class ModelFileInvalid(UsageError):
    """A file holds no arrays, or others than expected."""


@dataclass(frozen=True)
class ModelArrays:
    """What a file holds.

    Args:
        about: JSON values: ``kind``, ``spaces``, ``provenance`` and what the kind adds.
        arrays: by name.
    """

    about: Mapping[str, object]
    arrays: Arrays

    @property
    def kind(self) -> str:
        """Which kind of model it holds.

        Raises:
            UsageError: it does not say.
        """
        kind: str = Reader(dict(self.about), "model").take("kind", "a string")
        return kind

    def array(self, name: str, dtype: type[Scalar], shape: Sequence[int | None]) -> NDArray[Scalar]:
        """The array ``name``.

        Args:
            dtype: that it must have.
            shape: likewise, None standing for any length.

        Raises:
            ModelFileInvalid: it is missing, of another type or shape, or not finite.
        """
        expected = f"{np.dtype(dtype)} of shape ({', '.join(str(n or 'any') for n in shape)})"
        if name not in self.arrays:
            raise ModelFileInvalid(f"array {name!r} is missing, expected {expected}")
        array = self.arrays[name]
        fits = len(shape) == array.ndim and all(
            allowed in (None, length) for allowed, length in zip(shape, array.shape, strict=True)
        )
        if array.dtype != dtype or not fits:
            raise ModelFileInvalid(
                f"array {name!r} is {array.dtype} of shape {array.shape}, expected {expected}"
            )
        if array.dtype.kind == "f" and not np.isfinite(cast("Array", array)).all():
            raise ModelFileInvalid(f"array {name!r} has values that are not finite")
        return cast("NDArray[Scalar]", array)

    def spaces(self) -> tuple[Space, ...]:
        """The spaces named in the text.

        Raises:
            UsageError: there are none, or one is unknown.
        """
        listed = Reader(dict(self.about), "model").take("spaces", "a list")
        if not listed:
            raise UsageError("field 'spaces' is empty")
        readers = [Reader({"space": value}, "spaces") for value in listed]
        every = [dict(reader.take("space", "an object")) for reader in readers]
        names = [Reader(settings, "spaces").take("space", "a string") for settings in every]
        return tuple(
            get_space(name, **{key: value for key, value in settings.items() if key != "space"})
            for name, settings in zip(names, every, strict=True)
        )

    def space(self) -> Space:
        """The only space named in the text.

        Raises:
            UsageError: there are several, or it is unknown.
        """
        spaces = self.spaces()
        if len(spaces) != 1:
            raise UsageError(f"field 'spaces' has {len(spaces)} entries, expected 1")
        return spaces[0]

    def digest(self) -> str:
        """SHA-256 of the text and of every array's name, type, shape and values."""
        sha = hashlib.sha256(json.dumps(dict(self.about), sort_keys=True).encode())
        for name in sorted(self.arrays):
            array = np.ascontiguousarray(self.arrays[name])
            sha.update(f"{name} {array.dtype.str} {array.shape}".encode())
            sha.update(array.tobytes())
        return sha.hexdigest()

    def to_bytes(self, compressed: bool = True) -> bytes:
        """The contents of a file; the same for the same arrays and text.

        Args:
            compressed: less to keep; takes fifty times as long.
        """
        about = {"schema": SCHEMA, **self.about}
        signed = {**about, "sha256": ModelArrays(about, self.arrays).digest()}
        stream = io.BytesIO()
        text = np.array(json.dumps(signed, allow_nan=False))
        save = np.savez_compressed if compressed else np.savez
        save(stream, allow_pickle=False, **{_ABOUT: text}, **self.arrays)
        return stream.getvalue()

    def write(self, path: Path, compressed: bool = True) -> None:
        """Write it as a whole or not at all."""
        write_atomic(path, self.to_bytes(compressed))


def read_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """The arrays of an ``.npz``.

    Raises:
        UsageError: the file cannot be opened.
        ModelFileInvalid: it is truncated, or something else than arrays.
    """
    try:
        return read_npz(path, NUMBERS + "U", MAX_BYTES)
    except ArraysInvalid as error:
        raise ModelFileInvalid(
            error.message, error.remedy or "Expected a file of nassearch fit or train (.npz)."
        ) from error


def parse_arrays(arrays: Arrays) -> ModelArrays:
    """The arrays and the text of a file of ours.

    Raises:
        UsageError: the text is missing or malformed, or the digest does not fit.
    """
    text = arrays.get(_ABOUT)
    if text is None or text.dtype.kind != "U" or text.ndim:
        raise UsageError(f"array {_ABOUT!r} is missing: this was not written by nassearch fit")
    try:
        about = plain_json(str(text))
    except JsonInvalid as error:
        raise UsageError(f"array {_ABOUT!r} is no JSON: {error}") from error
    reader = Reader(about, _ABOUT)
    if reader.take("schema", "a whole number") != SCHEMA:
        raise UsageError(
            f"field 'schema' is {about['schema']}, expected {SCHEMA}",
            "It was written by another version of nasprof; fit it again.",
        )
    stated = reader.take("sha256", "a string")
    rest = {key: value for key, value in about.items() if key != "sha256"}
    stored = ModelArrays(rest, {name: value for name, value in arrays.items() if name != _ABOUT})
    if stated != stored.digest():
        raise UsageError(
            "the contents do not fit the field 'sha256': the file was changed or is damaged",
            "Fit the model again: nassearch fit --help",
        )
    return stored
