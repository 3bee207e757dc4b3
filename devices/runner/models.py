"""What an adapter of a runtime offers: it loads model files and runs them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    Array = Any


class Refused(Exception):
    """What was asked for cannot be done here; the message says why."""


class TensorInfo:
    """An input or output: its name, its shape with unknown sizes as 1, its numpy dtype."""

    def __init__(self, name: str, shape: Sequence[Any], dtype: str) -> None:
        self.name = name
        self.shape = [size if type(size) is int and size > 0 else 1 for size in shape]
        self.dtype = dtype

    def as_dict(self) -> dict[str, Any]:
        """As in the protocol."""
        return {"name": self.name, "shape": self.shape, "dtype": self.dtype}


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

    def __init__(self, threads: int, options: Mapping[str, Any]) -> None:
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
    def facts(self) -> dict[str, Any]:
        """What else identifies what runs (library, provider, delegate)."""
        return {}

    @property
    def on_host(self) -> bool:
        """Whether the work is done by this machine's CPU, so that its CPU time means something."""
        return True

    @abstractmethod
    def load(self, path: str, seed: int) -> Model:
        """Make a file ready, with inputs drawn by ``seed``.

        Raises:
            Refused: it is no model of this runtime, or cannot run as asked.
        """


def random_inputs(tensors: Sequence[TensorInfo], seed: int) -> dict[str, Array]:
    """Inputs by name, the same for the same seed: standard normal, or integers.

    Narrow integers (quantised values) cover their whole range, wide ones (indices) are 0 or 1.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    return {
        tensor.name: _random_array(np.dtype(tensor.dtype), tensor.shape, rng) for tensor in tensors
    }


def _random_array(dtype: np.dtype[Any], shape: Sequence[int], rng: np.random.Generator) -> Array:
    import numpy as np

    if dtype.kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    if dtype.kind in "iu" and dtype.itemsize == 1:
        limits = np.iinfo(dtype)
        return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    if dtype.kind in "iub":
        return rng.integers(0, 2, shape).astype(dtype)
    raise Refused(f"cannot make random inputs of type {dtype}")


def check_inputs(tensors: Sequence[TensorInfo], arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The given arrays in the model's order, their names and shapes checked."""
    import numpy as np

    missing = [tensor.name for tensor in tensors if tensor.name not in arrays]
    if missing or len(arrays) != len(tensors):
        names = ", ".join(tensor.name for tensor in tensors)
        raise Refused(f"expected inputs {names}, got {', '.join(sorted(arrays))}")
    for tensor in tensors:
        if list(arrays[tensor.name].shape) != tensor.shape:
            raise Refused(
                f"input {tensor.name}: expected shape {tensor.shape}, "
                f"got {list(arrays[tensor.name].shape)}"
            )
    return {t.name: np.ascontiguousarray(arrays[t.name], np.dtype(t.dtype)) for t in tensors}
