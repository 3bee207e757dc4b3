"""State dicts read from checkpoint files, never by unpickling arbitrary objects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasprof.arrays import read_npz, require_finite
from nasprof.errors import UsageError
from nasprof.reader import brief
from nasprof.safetensors_file import read_safetensors
from nasprof.tensors import TorchMissing, read_tensors


def read_state(path: Path) -> dict[str, NDArray[np.float32]]:
    """Every array of a checkpoint as float32, by name.

    Counters of batches seen (``num_batches_tracked``) are left out, and so is the prefix
    ``module.`` of data-parallel training.

    Args:
        path: ``.npz``, ``.safetensors``, or torch's ``.pth``, ``.pt``, ``.tar`` with a state dict,
            as it is or under ``state_dict``.

    Raises:
        UsageError: the file cannot be read safely, or holds no weights.
    """
    state = _read(path)
    if state and all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): array for name, array in state.items()}
    with np.errstate(over="ignore"):  # what is too large for float32 is found below
        weights = {
            name: np.ascontiguousarray(array, np.float32)
            for name, array in state.items()
            if not name.endswith("num_batches_tracked")
        }
    require_finite(weights, path)
    _require_variances(weights, path)
    return weights


def _read(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        return _READERS.get(path.suffix, read_tensors)(path)
    except TorchMissing:
        raise
    except UsageError as error:
        raise _unreadable(path, error) from error


_READERS = {".npz": read_npz, ".safetensors": read_safetensors}


def _require_variances(weights: Mapping[str, NDArray[np.float32]], path: Path) -> None:
    for name, array in weights.items():
        if name.endswith("running_var") and array.size and array.min() < 0:
            raise UsageError(
                f"{path}: {brief(name)} has a variance of {array.min():g}, expected at least 0",
                "It is damaged, or of something else; take another checkpoint.",
            )


def _unreadable(path: Path, error: UsageError) -> UsageError:
    why = error.message.removeprefix(f"cannot read {path}: ").removeprefix(f"{path}: ")
    why = why.replace(str(path), "it")
    return UsageError(
        f"cannot read weights from {path}: {why}",
        "Expected a state dict: .npz or .safetensors with numeric arrays, or a .pth file that "
        "torch.load reads with weights_only=True. Pickled objects are refused, since they may run "
        "code.",
    )
