"""What models were run on, as a device tells it, in words and as doubts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from devices import DeviceError
from nasprof.errors import NasprofError

Described: TypeAlias = Mapping[str, Any]
"""An input, see :attr:`devices.runner.inputs.Inputs.described`."""

GUESSED = "guessed"
"""Flag of a measurement whose model leaves something open that nobody said."""

_IMAGE_RANK = 4
_SHOWN = 4


def is_guess(inputs: Iterable[Described]) -> bool:
    """Whether anything was assumed but that one input is run at a time."""
    return any(next(assumptions(tensor), None) for tensor in inputs)


def assumptions(tensor: Described) -> Iterator[str]:
    """What was assumed of an input, but that one is run at a time: ``height = 1``."""
    for assumed in tensor.get("assumed", ()):
        if not assumed["batch"]:
            label = assumed["size_name"] or f"axis {assumed['axis']}"
            yield f"{label} = {assumed['size']}"
    if _without_axes(tensor):
        yield "no axes"
    if tensor.get("values_from") == GUESSED:
        yield f"every value {tensor['values']}"


def _without_axes(tensor: Described) -> bool:
    """Whether it is taken for a scalar because the model does not tell what it is."""
    return tensor.get("from") == GUESSED and not tensor["shape"]


def batch_of(inputs: Sequence[Described]) -> int | None:
    """How many inputs are run at a time, None where that cannot be told.

    It is the size of a first axis that the model leaves open, else that of an image.
    """
    for tensor in inputs:
        if tensor.get("batch") is not None:
            return int(tensor["batch"])
    for tensor in inputs[:1]:
        if len(tensor["shape"]) == _IMAGE_RANK:
            return int(tensor["shape"][0])
    return None


def described(inputs: Sequence[Described]) -> str:
    """Names, types and shapes in one line, of the first few."""
    words = [
        f"{tensor['name']} {tensor['dtype']} {'x'.join(map(str, tensor['shape'])) or 'scalar'}"
        for tensor in inputs[:_SHOWN]
    ]
    more = len(inputs) - len(words)
    return ", ".join(words) + (f" and {more} more" if more > 0 else "")


def remedy(inputs: Iterable[Described]) -> str | None:
    """How to say what was assumed of a model's inputs; None if nothing was."""
    options: dict[str, None] = {}
    for tensor in inputs:
        open_sizes = [size for size in tensor.get("assumed", ()) if not size["batch"]]
        options |= {
            f"--dim {size['size_name']}=N": None for size in open_sizes if size["size_name"]
        }
        if any(not size["size_name"] for size in open_sizes):
            options[f"--shape {tensor['name']}={','.join(map(str, tensor['shape']))}"] = None
        if _without_axes(tensor):
            options[f"--shape {tensor['name']}=SIZES"] = None
        if tensor.get("values_from") == GUESSED:
            options[f"--input {tensor['name']}=N"] = None
    words = list(options)[:_SHOWN]
    return "Say what you mean: " + " ".join(words) if words else None


def failure(name: str, error: DeviceError) -> NasprofError:
    """Why a model could not be measured: its name, what it ran on, what to do."""
    ran_on = described(error.inputs)
    with_inputs = f" with {ran_on}" if ran_on else ""
    return NasprofError(
        f"{name} cannot be measured{with_inputs}: {error.message}",
        remedy(error.inputs) or error.remedy,
    )
