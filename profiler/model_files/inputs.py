"""What is said of the inputs that model files run on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from devices import ModelDetails
from devices.runner.values import FILE
from nasprof.errors import UsageError
from nasprof.reader import brief

MAX_SIZE = 1 << 31
"""Of one axis, and of a vocabulary."""

_FORMS = "zeros, range, ids:VOCABULARY, a number, or an .npy file"
_NUMBER = r"[+-]?(\d{1,19}(\.\d{0,19})?|\.\d{1,19})(e[+-]?\d{1,3})?"


@dataclass(frozen=True)
class ModelInputs:
    """What model files run on, by the names of their inputs; what is not said is assumed.

    Args:
        shapes: whole shapes: ``{"x": (1, 3, 640, 640)}``.
        dims: sizes that a file leaves open, by their names in it: ``{"height": 640}``.
        values: what inputs hold: "zeros", "range", "ids:VOCABULARY", a number or an ``.npy`` file.
        batch: inputs a run, where a file leaves that open.
        signature: which signature of a TFLite file is run.

    Raises:
        UsageError: naming what makes no sense.

    >>> ModelInputs({"x": (1, 3, 640, 640)}, values={"x": 0.5}).values
    {'x': '0.5'}
    """

    shapes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    dims: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, str | float | Path] = field(default_factory=dict)
    batch: int | None = None
    signature: str | None = None

    def __post_init__(self) -> None:
        shapes = {
            name: tuple(_size(name, str(size)) for size in shape)
            for name, shape in self.shapes.items()
        }
        values = {name: _value(name, str(value)) for name, value in self.values.items()}
        object.__setattr__(self, "shapes", shapes)
        object.__setattr__(
            self, "dims", {name: _size(name, str(size)) for name, size in self.dims.items()}
        )
        object.__setattr__(self, "values", values)

    @classmethod
    def parse(
        cls,
        shapes: Iterable[str] = (),
        dims: Iterable[str] = (),
        values: Iterable[str] = (),
        batch: int | None = None,
        signature: str | None = None,
    ) -> ModelInputs:
        """The same from words.

        Args:
            shapes: ``NAME=1,3,640,640``.
            dims: ``NAME=640``.
            values: ``NAME=`` and ``zeros``, ``range``, ``ids:VOCABULARY``, a number or a file.

        Raises:
            UsageError: naming what cannot be read.

        >>> ModelInputs.parse(["x=1,3,224,224"]).shapes
        {'x': (1, 3, 224, 224)}
        """
        return cls(
            shapes={name: _shape(name, text) for name, text in _pairs("shape", shapes)},
            dims={name: _size(name, text) for name, text in _pairs("size", dims)},
            values=dict(_pairs("input", values)),
            batch=batch,
            signature=signature,
        )

    def __bool__(self) -> bool:
        """Whether anything is said but the batch."""
        return bool(self.shapes or self.dims or self.values or self.signature)

    @property
    def details(self) -> ModelDetails:
        """As devices are told."""
        return ModelDetails(
            shapes=dict(self.shapes),
            sizes=dict(self.dims),
            values={name: str(value) for name, value in self.values.items()},
            batch=self.batch,
            signature=self.signature,
        )


def _pairs(what: str, texts: Iterable[str]) -> list[tuple[str, str]]:
    """Names and what is said of them; a name may itself contain ``=``."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.rpartition("=")
        if not separator or not name or not value:
            raise UsageError(f"{what} {brief(text)}: expected NAME=VALUE")
        if pairs.setdefault(name, value) != value:
            raise UsageError(f"{what} {name}: both {pairs[name]} and {value} are asked for")
    return list(pairs.items())


def _shape(name: str, text: str) -> tuple[int, ...]:
    if text in ("scalar", "()"):
        return ()
    return tuple(_size(name, part) for part in re.split("[,x]", text))


def _size(name: str, text: str) -> int:
    if re.fullmatch(r"\d{1,10}", text.strip(), re.ASCII) and int(text) <= MAX_SIZE:
        return int(text)
    raise UsageError(f"{name}={brief(text)}: expected sizes from 0 to {MAX_SIZE}")


def _value(name: str, text: str) -> str:
    if text in ("zeros", "range"):
        return text
    if text.startswith("ids:"):
        if _size(name, text.removeprefix("ids:")) < 1:
            raise UsageError(f"{name}={text}: expected a vocabulary of at least 1")
        return text
    if re.fullmatch(_NUMBER, text, re.ASCII):
        return text
    return FILE + str(_array_file(name, Path(text)))


def _array_file(name: str, path: Path) -> Path:
    """A file that holds one array.

    Raises:
        UsageError: it does not.
    """
    if not path.is_file():
        raise UsageError(f"input {name}: {path} does not exist", f"Expected {_FORMS}.")
    try:
        # Mapped, not read: a header may promise more than there is.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, OverflowError) as error:
        raise UsageError(f"input {name}: {path} is no .npy file: {error}") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiubU":
        raise UsageError(f"input {name}: {path} holds no array of numbers or text (.npy)")
    return path
