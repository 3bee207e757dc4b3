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
        path: ``.npz``, ``.safetensors``, or torch's ``.pth``, ``.pt``, ``.tar`` with a state
            dict, as it is or under ``state_dict``.
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
    state = _READERS.get(path.suffix, _read_torch)(path)
    if state and all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): array for name, array in state.items()}
    with np.errstate(over="ignore"):
        kept = {
            name: np.ascontiguousarray(array, np.float32)
            for name, array in state.items()
            if not name.endswith("num_batches_tracked")
        }
    for name, array in kept.items():
        if not np.isfinite(array).all():
            raise _unreadable(path, f"{name} has values that are not finite")
    return kept


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


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as archive:
            kinds = {name: archive.get_slice(name).get_dtype() for name in archive.keys()}  # noqa: SIM118
            for name, kind in kinds.items():
                if kind not in _SAFETENSORS_KINDS:
                    raise _unreadable(path, f"{name} is {kind}, expected real numbers")
            if "BF16" in kinds.values():
                return _with_bfloat16(path.read_bytes())
            return {name: archive.get_tensor(name) for name in kinds}
    except OSError as error:
        raise _unreadable(path, error.strerror or "it does not exist") from error
    except (SafetensorError, ValueError, TypeError) as error:
        raise _unreadable(path, f"it is damaged or no safetensors file: {error}") from error


_SAFETENSORS_KINDS = {f"{kind}{bits}" for kind in "FIU" for bits in (8, 16, 32, 64)} - {"F8"}
_SAFETENSORS_KINDS |= {"BF16"}


def _with_bfloat16(content: bytes) -> dict[str, Any]:
    """Every tensor as float32; numpy has no bfloat16, whose bits are a float32's upper half."""
    from safetensors import deserialize

    state = {}
    for name, tensor in deserialize(content):
        if tensor["dtype"] == "BF16":
            upper = np.frombuffer(tensor["data"], "<u2").astype(np.uint32)
            array = (upper << 16).view(np.float32)
        else:
            array = np.frombuffer(tensor["data"], _little_endian(tensor["dtype"]))
        state[name] = array.reshape(tensor["shape"])
    return state


def _little_endian(kind: str) -> str:
    return f"<{kind[0].lower()}{int(kind[1:]) // 8}"


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


_READERS = {".npz": _read_npz, ".safetensors": _read_safetensors}


def _unreadable(path: Path, why: str) -> UsageError:
    return UsageError(
        f"cannot read weights from {path}: {why}",
        "Expected a state dict: .npz or .safetensors with numeric arrays, or a .pth file that "
        "torch.load reads with weights_only=True. Pickled objects are refused, since they may run "
        "code.",
    )
