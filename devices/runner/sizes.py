"""Sizes that a model leaves open, from what its user said, else from their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .tensors import TensorInfo

_BATCH = re.compile(r"(?:^|[^a-z])(?:n|b|bs|batch|batch_?size|batch_?dim)(?:$|[^a-z])", re.ASCII)
_LAST_CHANNELS = (1, 3, 4)
_IMAGE_RANK = 4


class Size(NamedTuple):
    """The size of one axis.

    Attributes:
        label: the model's name of it, None where it has none.
        source: "model", "given" or "guessed".
        batch: whether it counts independent inputs, which is 1 unless said otherwise.
    """

    size: int
    label: str | None
    source: str
    batch: bool = False


class Sizes:
    """Finds the sizes of all inputs of a model.

    A size named in several places is the same in all of them; one named as a sum or product of
    others ("past_length + 1") follows from them.

    Args:
        tensors: all inputs.
        shapes: whole shapes by input, as said.
        named: sizes by their names in the model, as said.
        batch: size of open first axes, as said.
    """

    def __init__(
        self,
        tensors: Sequence[TensorInfo],
        shapes: Mapping[str, Sequence[int]],
        named: Mapping[str, int],
        batch: int | None,
    ) -> None:
        self._tensors = tensors
        self._shapes = shapes
        self._batch = batch
        self._known: dict[str, Size] = {
            name: Size(size, name, "given") for name, size in named.items()
        }
        for tensor in tensors:
            self._learn(tensor)

    def _learn(self, tensor: TensorInfo) -> None:
        """Sizes by name from a shape that was said whole."""
        shape = self._shapes.get(tensor.name, ())
        if len(shape) == len(tensor.sizes):
            for size, label in zip(shape, tensor.sizes):  # noqa: B905
                if isinstance(label, str):
                    self._known.setdefault(label, Size(size, label, "given"))

    def of(self, tensor: TensorInfo) -> list[Size]:
        """One size an axis."""
        shape = self._shapes.get(tensor.name)
        if shape is not None:
            labels = tensor.sizes if len(tensor.sizes) == len(shape) else [None] * len(shape)
            return [
                _fixed(size)
                if isinstance(label, int)
                else Size(size, label, "given", axis < len(tensor.sizes) and is_batch(tensor, axis))
                for axis, (size, label) in enumerate(zip(shape, labels))  # noqa: B905
            ]
        return [self._axis(tensor, axis) for axis in range(len(tensor.sizes))]

    def _axis(self, tensor: TensorInfo, axis: int) -> Size:
        size = tensor.sizes[axis]
        if isinstance(size, int):
            return _fixed(size)
        batch = is_batch(tensor, axis)
        if isinstance(size, str) and size in self._known:
            return self._known[size]._replace(batch=batch)
        if batch:
            return Size(self._batch or 1, size, "given" if self._batch else "guessed", True)
        return self._computed(size) or self._by_role(tensor, axis)

    def _computed(self, label: str | None) -> Size | None:
        """The size that a name such as ``past + 1`` or ``total_length`` stands for."""
        if label is None:
            return None
        if re.search(r"[^+*]+[+*][^+*]+", label):
            return self._expression(label)
        if label.lower().startswith("total"):
            parts = [
                self._label(name)
                for name in dict.fromkeys(self._labels())
                if re.match(r"(past_|seq)", name.lower()) and not re.search(r"[+*]", name)
            ]
            if len(parts) > 1:
                return _joined(sum(part.size for part in parts), label, parts)
        return None

    def _expression(self, label: str) -> Size | None:
        total = 0
        parts: list[Size] = []
        for term in label.split("+"):
            product = 1
            for factor in (text.strip() for text in term.split("*")):
                if not factor.isdecimal() and factor not in set(self._labels()) | set(self._known):
                    return None
                part = _fixed(int(factor)) if factor.isdecimal() else self._label(factor)
                parts.append(part)
                product *= part.size
            total += product
        return _joined(total, label, parts)

    def _labels(self) -> Iterator[str]:
        for tensor in self._tensors:
            yield from (size for size in tensor.sizes if isinstance(size, str))

    def _label(self, label: str) -> Size:
        """What a name stands for, wherever it is used first."""
        if label in self._known:
            return self._known[label]
        for tensor in self._tensors:
            if label in tensor.sizes:
                return self._axis(tensor, tensor.sizes.index(label))
        return Size(1, label, "guessed")

    def _by_role(self, tensor: TensorInfo, axis: int) -> Size:
        """A guess from what the input is: colours of images, masks over all that came before."""
        label = tensor.sizes[axis]
        last = tensor.sizes[-1]
        if len(tensor.sizes) == _IMAGE_RANK and axis == 1 and last not in _LAST_CHANNELS:
            return Size(3, _text(label), "guessed")
        if axis == 1 and "mask" in tensor.name.lower():
            covered = self._covered(tensor)
            if covered:
                return Size(covered, _text(label), "guessed")
        return Size(1, _text(label), "guessed")

    def _covered(self, mask: TensorInfo) -> int:
        """How many positions an attention mask covers: those cached and those of this call."""
        total = 0
        for words, axis in ((("input_ids", "inputs_embeds"), 1), (("past", "cache"), 2)):
            for tensor in self._tensors:
                named = any(word in tensor.name.lower() for word in words)
                if named and tensor is not mask and len(tensor.sizes) > axis:
                    total += self.of(tensor)[axis].size
                    break
        return total


def is_batch(tensor: TensorInfo, axis: int) -> bool:
    """Whether an open axis counts independent inputs."""
    if axis > 0 or not tensor.sizes:
        return False
    label = tensor.sizes[0]
    named = isinstance(label, str) and bool(_BATCH.search(label.lower()))
    return named or len(tensor.sizes) > 1


def _text(label: Any) -> str | None:
    return label if isinstance(label, str) else None


def _fixed(size: int) -> Size:
    return Size(size, None, "model")


def _joined(size: int, label: str, parts: Sequence[Size]) -> Size:
    sources = {part.source for part in parts}
    source = next(word for word in ("guessed", "given", "model") if word in sources)
    return Size(size, label, source)
