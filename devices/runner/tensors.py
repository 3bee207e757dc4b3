"""What is known of a model's inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .annotations import JsonObject


class TensorInfo:
    """An input or output.

    Attributes:
        sizes: of each axis: a number, the name of a size that the model leaves open, or None for
            an open one without a name.
        dtype: numpy's name of the element type, "str" for text.
    """

    def __init__(self, name: str, sizes: Sequence[Any], dtype: str) -> None:
        self.name = name
        self.sizes = [_size(size) for size in sizes]
        self.dtype = dtype

    @property
    def shape(self) -> list[int]:
        """The sizes, open ones as 1."""
        return [size if isinstance(size, int) else 1 for size in self.sizes]

    def to_dict(self) -> JsonObject:
        """As in the protocol."""
        return {"name": self.name, "shape": self.shape, "dtype": self.dtype}

    def fits(self, shape: Sequence[int]) -> bool:
        """Whether an array of this shape is one of these."""
        return len(shape) == len(self.sizes) and all(
            size == known or not isinstance(known, int)
            for size, known in zip(shape, self.sizes)  # noqa: B905 (strict= needs Python 3.10)
        )


def _size(size: Any) -> int | str | None:
    if type(size) is int and size >= 0:
        return size
    return size if isinstance(size, str) and size else None
