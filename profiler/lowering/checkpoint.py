"""Weights read from checkpoint files, never by unpickling arbitrary objects."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nasprof.errors import UsageError
from profiler.lowering.check import check_weights
from profiler.lowering.fold import Array
from spaces.graph import Network
from spaces.supernet import is_supernet, plain_names, slicers

_NESTED = ("state_dict", "state_dict_ema", "model")


def load_weights(
    path: Path, network: Network, arch: Mapping[str, Any] | None = None
) -> dict[str, Array]:
    """The weights of ``network`` from a checkpoint of it, or of the supernet it belongs to.

    Args:
        path: ``.npz``, or torch's ``.pth``, ``.pt``, ``.tar`` with a state dict, as it is or
            under ``state_dict``.
        network: what the weights are for.
        arch: the network's JSON object; needed to read a supernet's checkpoint.

    Raises:
        UsageError: the file cannot be read safely, or its arrays do not fit the network.
    """
    state = read_state(path)
    space = "" if arch is None else arch["space"]
    if is_supernet(state) and space in slicers and arch is not None:
        return slicers.get(space)(state, arch, network)
    weights = plain_names(state)
    check_weights(weights, network.arrays(), str(path))
    return weights


def read_state(path: Path) -> dict[str, Array]:
    """Every array of a checkpoint as float32, by name.

    Counters of batches seen (``num_batches_tracked``) are left out, and so is the prefix
    ``module.`` of data-parallel training.
    """
    state = _read_npz(path) if path.suffix == ".npz" else _read_torch(path)
    if state and all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): array for name, array in state.items()}
    return {
        name: np.ascontiguousarray(array, np.float32)
        for name, array in state.items()
        if not name.endswith("num_batches_tracked")
    }


def _read_npz(path: Path) -> dict[str, Any]:
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise _unreadable(path, "it holds a single array without a name")
        with archive:
            state = dict(archive)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _unreadable(path, str(error)) from error
    for name, array in state.items():
        if array.dtype.kind not in "fiu":
            raise _unreadable(path, f"{name} is {array.dtype}, expected numbers")
    return state


def _read_torch(path: Path) -> dict[str, Any]:
    try:
        import torch
    except ImportError as error:
        raise UsageError(
            f"reading {path} needs torch, which is not installed",
            "Run: pip install 'nasprof[torch]', or convert the checkpoint to .npz.",
        ) from error
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except Exception as error:  # torch raises whatever its unpickler stumbles over
        why = "it is damaged, no torch checkpoint, or holds pickled objects"
        raise _unreadable(path, why) from error
    for key in _NESTED:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise _unreadable(path, f"it holds a {type(content).__name__}, not named tensors")
    for name, value in content.items():
        if not isinstance(value, torch.Tensor):
            raise _unreadable(path, f"{name!r} is a {type(value).__name__}, not a tensor")
    return {name: value.detach().float().numpy() for name, value in content.items()}


def _unreadable(path: Path, why: str) -> UsageError:
    return UsageError(
        f"cannot read weights from {path}: {why}",
        "Expected a state dict: .npz with numeric arrays, or a .pth file that torch.load reads "
        "with weights_only=True. Pickled objects are refused, since they may run code.",
    )
