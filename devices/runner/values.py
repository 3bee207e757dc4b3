"""Values of inputs: random ones, or those that were asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .annotations import Array, DType, JsonObject
from .refusal import Refused
from .sizes import Size

if TYPE_CHECKING:
    import numpy as np


TEXT = "a piece of text"
FILE = "file:"


def checked_dtype(name: str, dtype: str) -> Any:
    """Numpy's type of an input.

    Raises:
        Refused: nothing can be made of that type.
    """
    import numpy as np

    if dtype == "str":
        return np.dtype(object)
    try:
        array_type = np.dtype(dtype)
    except TypeError:
        array_type = None
    if array_type is None or array_type.kind not in "fiub":
        raise Refused(f"input {name} is of type {dtype}, for which no values can be made")
    return array_type


def random_array(dtype: DType, shape: Sequence[int], rng: np.random.Generator) -> Array:
    """Standard normal numbers, or integers: narrow ones (quantised values) of their whole range,
    wide ones (indices) 0 or 1.

    Args:
        dtype: of its elements.
        shape: sizes of its axes.
        rng: the only source of randomness.
    """
    import numpy as np

    if dtype.kind == "O":
        return np.full(shape, TEXT, object)
    if dtype.kind == "f":
        return np.asarray(rng.standard_normal(shape)).astype(dtype)
    if dtype.kind in "iu" and dtype.itemsize == 1:
        limits = np.iinfo(dtype)
        return np.asarray(rng.integers(limits.min, limits.max, shape, dtype, endpoint=True))
    return np.asarray(rng.integers(0, 2, shape)).astype(dtype)


def asked_array(
    name: str, asked: str, dtype: DType, shape: Sequence[int], rng: np.random.Generator
) -> Array:
    """An array as asked for: ``zeros``, ``range``, ``ids:VOCABULARY`` or one number.

    Raises:
        Refused: the words make no sense for this type.
    """
    import numpy as np

    if dtype.kind == "O":
        return np.full(shape, "" if asked == "zeros" else asked, object)
    count = int(np.prod(shape))
    if asked == "zeros":
        return np.zeros(shape, dtype)
    if asked == "range":
        top = 1 if dtype.kind == "b" else min(_largest(dtype), count)
        return (np.arange(count) % (top + 1)).astype(dtype).reshape(shape)
    if asked.startswith("ids:"):
        vocabulary = int(asked[len("ids:") :])
        if dtype.kind not in "iu" or vocabulary - 1 > _largest(dtype):
            raise Refused(f"input {name} is of type {dtype}: it cannot hold ids below {vocabulary}")
        return np.asarray(rng.integers(0, vocabulary, shape)).astype(dtype)
    return _constant(name, asked, dtype, shape)


def known_array(
    known: JsonObject,
    sizes: Mapping[str, Sequence[Size]],
    dtype: DType,
    shape: Sequence[int],
) -> Array:
    """An array that the model tells: one ``value`` everywhere, a list of them (repeated or cut to
    the length), or the size of an ``axis`` ``of`` another input and something ``plus``."""
    import numpy as np

    value = known.get("value")
    if value is None:
        value = sizes[known["of"]][known["axis"]].size + known.get("plus", 0)
    return np.resize(np.array(value), shape).astype(dtype)


def _constant(name: str, words: str, dtype: DType, shape: Sequence[int]) -> Array:
    import numpy as np

    number = float(words)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if number != int(number) or not limits.min <= number <= limits.max:
            raise Refused(f"input {name} is of type {dtype}: it cannot be {words}")
    return np.full(shape, number).astype(dtype)


def _largest(dtype: DType) -> int:
    import numpy as np

    # Floats count exactly up to 2 ** (bits of their fraction + 1).
    return int(2 ** (np.finfo(dtype).nmant + 1)) if dtype.kind == "f" else int(np.iinfo(dtype).max)


def file_array(name: str, path: str, dtype: DType) -> Array:
    """The array in a ``.npy`` file.

    Args:
        name: of the input.
        path: of an ``.npy`` file.
        dtype: that the input has.

    Raises:
        Refused: it holds none of this type.
    """
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise Refused(f"input {name}: cannot read {path} as an array: {error}") from error
    if not isinstance(array, np.ndarray):
        raise Refused(f"input {name}: {path} holds several arrays, expected one (.npy)")
    if dtype.kind == "O" and array.dtype.kind == "U":
        return array.astype(object)
    if array.dtype != dtype and not np.can_cast(array.dtype, dtype, "same_kind"):
        raise Refused(f"input {name} is of type {dtype}, {path} holds {array.dtype}")
    return np.ascontiguousarray(array, dtype).reshape(array.shape)
