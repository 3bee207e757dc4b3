"""The inputs that a model is timed on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .annotations import Array, DType, JsonObject
from .refusal import Refused
from .sizes import Size, Sizes, is_batch
from .tensors import TensorInfo
from .values import FILE, asked_array, checked_dtype, file_array, known_array, random_array

if TYPE_CHECKING:
    import numpy as np


MAX_BYTES = 4 << 30
"""Of all inputs of a model together."""

_KINDS = ("shapes", "sizes", "values", "known")


class Inputs:
    """Makes a model's inputs: as its user said, else as the model tells, else by a guess.

    Args:
        seed: draws random values.
        details: what was said and what is known: ``shapes`` by input, ``sizes`` by their names in
            the model, ``batch`` (of open first axes), ``values`` by input ("zeros", "range",
            "ids:VOCABULARY", a number, "file:PATH"), ``known`` by input, what the model
            needs in order to run (see :func:`.values.known_array`), ``rankless``: inputs of which
            the model tells no axes, which some runtimes take for scalars; ``signature``.
    """

    def __init__(self, seed: int, details: JsonObject | None = None) -> None:
        said = dict(details or {})
        self._seed = seed
        self._shapes, self._sizes, self._values, self._known = (
            dict(said.get(kind) or {}) for kind in _KINDS
        )
        self._batch: int | None = said.get("batch")
        self._rankless = frozenset(said.get("rankless") or ())
        self.signature: str | None = said.get("signature")
        self.described: list[JsonObject] = []
        """Each input that was made: name, dtype, shape, where the shape is ``from`` ("model",
        "given" or "guessed"), which sizes are ``assumed``, the ``batch`` if the model leaves it
        open, what its ``values`` are and ``values_from`` ("random", "given", "model" or
        "guessed")."""
        self.unused: list[str] = []
        """Names that were said and that the model has no input or size of."""
        self.signatures: list[str] = []
        """Where the model has several, their names; :attr:`signature` is then the one taken."""

    def arrays(self, tensors: Sequence[TensorInfo]) -> dict[str, Array]:
        """An array for each input, the same for the same seed.

        Raises:
            Refused: an input cannot be as said.
        """
        import numpy as np

        self._find_unused(tensors)
        rng = np.random.default_rng(self._seed)
        dtypes = {tensor.name: checked_dtype(tensor.name, tensor.dtype) for tensor in tensors}
        files = {
            tensor.name: file_array(tensor.name, words[len(FILE) :], dtypes[tensor.name])
            for tensor in tensors
            for words in [self._values.get(tensor.name, "")]
            if words.startswith(FILE)
        }
        shapes = {**{name: list(array.shape) for name, array in files.items()}, **self._shapes}
        self._check_shapes(tensors, shapes, files)
        sizes = Sizes(tensors, shapes, self._sizes, self._batch)
        input_shapes = {tensor.name: sizes.of(tensor) for tensor in tensors}
        self.described = [self._describe(tensor, input_shapes[tensor.name]) for tensor in tensors]
        _check_bytes(input_shapes, dtypes)
        return {
            tensor.name: files[tensor.name]
            if tensor.name in files
            else self._array(tensor.name, dtypes[tensor.name], input_shapes, rng)
            for tensor in tensors
        }

    def _array(
        self,
        name: str,
        dtype: DType,
        sizes: Mapping[str, Sequence[Size]],
        rng: np.random.Generator,
    ) -> Array:
        shape = [size.size for size in sizes[name]]
        if name in self._values:
            return asked_array(name, self._values[name], dtype, shape, rng)
        if name in self._known:
            return known_array(self._known[name], sizes, dtype, shape)
        return random_array(dtype, shape, rng)

    def _describe(self, tensor: TensorInfo, sizes: Sequence[Size]) -> JsonObject:
        sources = {size.source for size in sizes}
        if not sizes and tensor.name in self._rankless and tensor.name not in self._shapes:
            sources.add("guessed")
        values, told_by = self._origin(tensor.name)
        return {
            "name": tensor.name,
            "dtype": tensor.dtype,
            "shape": [size.size for size in sizes],
            "from": next((word for word in ("guessed", "given") if word in sources), "model"),
            "assumed": [
                {"axis": axis, "size_name": size.label, "size": size.size, "batch": size.batch}
                for axis, size in enumerate(sizes)
                if size.source == "guessed"
            ],
            "batch": next((size.size for size in sizes[:1] if size.batch), None),
            "values": values,
            "values_from": told_by,
        }

    def _origin(self, name: str) -> tuple[str, str]:
        """What the values of an input are, and who told them."""
        if name in self._values:
            return self._values[name], "given"
        if name in self._known:
            known = self._known[name]
            return str(known.get("value", "computed")), "guessed" if known.get("doubt") else "model"
        return "random", "random"

    def _find_unused(self, tensors: Sequence[TensorInfo]) -> None:
        names = [tensor.name for tensor in tensors]
        labels = {size for tensor in tensors for size in tensor.sizes if isinstance(size, str)}
        said = dict.fromkeys([*self._shapes, *self._values])
        self.unused = [name for name in said if name not in names]
        self.unused += [label for label in self._sizes if label not in labels]

    def _check_shapes(
        self,
        tensors: Sequence[TensorInfo],
        shapes: Mapping[str, Sequence[int]],
        files: Mapping[str, Array],
    ) -> None:
        for tensor in tensors:
            shape = shapes.get(tensor.name)
            # A runtime tells no sizes of a scalar, nor of an input whose rank is open.
            if shape is not None and tensor.sizes and not tensor.fits(shape):
                raise Refused(
                    f"input {tensor.name} cannot have the shape {list(shape)}: "
                    f"the model has {shown(tensor)}"
                )
            if tensor.name in files and list(files[tensor.name].shape) != list(shape or ()):
                raise Refused(
                    f"input {tensor.name}: its file holds {list(files[tensor.name].shape)}, "
                    f"and the shape {list(shape or ())} was said"
                )
        self._check_batch(tensors, shapes)

    def _check_batch(
        self, tensors: Sequence[TensorInfo], shapes: Mapping[str, Sequence[int]]
    ) -> None:
        """Refuse a batch that no open axis takes, unless the model has it anyway."""
        first = [
            (shapes.get(tensor.name) or tensor.sizes)[0]
            for tensor in tensors
            if len(tensor.sizes) > 1 or is_batch(tensor, 0)
        ]
        if self._batch is None or any(size == self._batch for size in first):
            return
        if not first:
            raise Refused("a batch was asked for, and no input of the model has one")
        if all(isinstance(size, int) for size in first):
            raise Refused(f"the model's batch is fixed at {first[0]}, {self._batch} was asked for")


def shown(tensor: TensorInfo) -> str:
    """Sizes as text, open ones by name or as ``?``."""
    return "[" + ", ".join("?" if size is None else str(size) for size in tensor.sizes) + "]"


def _check_bytes(sizes: Mapping[str, Sequence[Size]], dtypes: Mapping[str, DType]) -> None:
    total = 0
    for name, shape in sizes.items():
        count = 1
        for size in shape:
            count *= size.size
        total += count * int(dtypes[name].itemsize)
    if total > MAX_BYTES:
        raise Refused(
            f"inputs of {total / 2**30:.1f} GiB were asked for, at most {MAX_BYTES >> 30} are made"
        )
