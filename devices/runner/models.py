"""What an adapter of a runtime offers: it loads model files and runs them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from .annotations import Array, DType, JsonObject
from .inputs import Inputs, shown
from .refusal import Refused
from .tensors import TensorInfo
from .values import checked_dtype

__all__ = ["Adapter", "Array", "Inputs", "Model", "Refused", "TensorInfo", "check_inputs"]


class Model(ABC):
    """A model file made ready to run on inputs that are already in place."""

    inputs: list[TensorInfo]
    outputs: list[TensorInfo]

    @abstractmethod
    def run(self) -> None:
        """Run once and return when the outputs are complete."""

    @abstractmethod
    def compute(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Outputs by name for given inputs by name."""

    def profile(self, warmup: int, runs: int) -> dict[str, float]:
        """Mean ms a run of each operator by its name, in the order they ran.

        Raises:
            Refused: the runtime does not tell.
        """
        raise Refused("this runtime gives no operator profiles")

    @property
    def timer(self) -> Callable[[], float] | None:
        """Runs once and returns ms by the device's own clock, where there is a better one."""
        return None


class Adapter(ABC):
    """A runtime with its settings applied.

    Args:
        threads: threads it may use.
        options: what only this runtime understands; names not in ``known_options`` are refused.
    """

    known_options: ClassVar[tuple[str, ...]] = ()

    def __init__(self, threads: int, options: JsonObject) -> None:
        unknown = sorted(set(options) - set(self.known_options))
        if unknown:
            known = ", ".join(self.known_options) or "none"
            raise Refused(f"unknown option {unknown[0]!r} of this runtime (known: {known})")
        self.threads = threads
        self.options = options

    @property
    @abstractmethod
    def version(self) -> str:
        """Version of the runtime."""

    @property
    def facts(self) -> JsonObject:
        """What else identifies what runs (library, provider, delegate)."""
        return {}

    @property
    def on_host(self) -> bool:
        """Whether the work is done by this machine's CPU, so that its CPU time means something."""
        return True

    @abstractmethod
    def load(self, path: str, inputs: Inputs) -> Model:
        """Make a file ready to run on inputs made by :meth:`.inputs.Inputs.arrays`.

        Raises:
            Refused: it is no model of this runtime, or cannot run as asked.
        """


def check_inputs(tensors: Sequence[TensorInfo], arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The given arrays in the model's order, their names and shapes checked."""
    missing = [tensor.name for tensor in tensors if tensor.name not in arrays]
    if missing or len(arrays) != len(tensors):
        names = ", ".join(tensor.name for tensor in tensors)
        raise Refused(f"expected inputs {names}, got {', '.join(sorted(arrays))}")
    for tensor in tensors:
        if tensor.sizes and not tensor.fits(arrays[tensor.name].shape):
            raise Refused(
                f"input {tensor.name}: expected shape {shown(tensor)}, "
                f"got {list(arrays[tensor.name].shape)}"
            )
    return {
        tensor.name: _contiguous(arrays[tensor.name], checked_dtype(tensor.name, tensor.dtype))
        for tensor in tensors
    }


def _contiguous(array: Array, dtype: DType) -> Array:
    import numpy as np

    # ascontiguousarray alone makes a vector of a scalar.
    return np.ascontiguousarray(array, dtype).reshape(np.shape(array))
