"""Weights for programs of others: state dicts with nothing beside them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.files import write_atomic
from nasprof.typing import AnyArray

Arrays: TypeAlias = Mapping[str, NDArray[np.float32]]


def write_state_dict(path: Path, arrays: Arrays) -> None:
    """Write arrays by name as torch (``.pth``), ``.safetensors`` or ``.npz`` has them.

    Batch norms get the counter that torch's have, so that its strict loading lacks nothing.

    Args:
        path: the file; its suffix is the format.
        arrays: of :meth:`supernets.Supernet.arrays`, under the names of published checkpoints, or
            of :meth:`supernets.Subnet.arrays`, under those of a network alone.

    Raises:
        UsageError: the suffix is of no such format.
        NasprofError: the file cannot be written.
    """
    writer = _WRITERS.get(path.suffix)
    if writer is None:
        raise UsageError(
            f"{path} is of no format of state dicts", f"Expected a file in {', '.join(_WRITERS)}."
        )
    counters = {
        name.removesuffix("running_var") + "num_batches_tracked": np.zeros((), np.int64)
        for name in arrays
        if name.endswith(".running_var")
    }
    write_atomic(path, writer({**arrays, **counters}))


def _torch(arrays: Mapping[str, AnyArray]) -> bytes:
    import torch

    target = io.BytesIO()
    torch.save({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}, target)
    return target.getvalue()


def _safetensors(arrays: Mapping[str, AnyArray]) -> bytes:
    from safetensors.numpy import save

    content: bytes = save(dict(arrays))
    return content


def _npz(arrays: Mapping[str, AnyArray]) -> bytes:
    target = io.BytesIO()
    named: dict[str, Any] = dict(arrays)
    np.savez(target, **named)
    return target.getvalue()


_WRITERS: dict[str, Callable[[Mapping[str, AnyArray]], bytes]] = {
    ".pth": _torch,
    ".safetensors": _safetensors,
    ".npz": _npz,
}
