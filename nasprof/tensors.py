"""Tensors read from torch's files, without running what a pickle may ask for."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nasprof.arrays import (
    MAX_BYTES,
    MAX_MEMBERS,
    ArraysInvalid,
    brief_line,
    check_members,
    unpacked_limit,
)
from nasprof.errors import UsageError
from nasprof.reader import brief
from nasprof.reading import MAX_NAME, mebibytes, require_readable
from nasprof.typing import AnyArray

if TYPE_CHECKING:
    import torch

NESTED = ("state_dict", "state_dict_ema", "model")
"""Where a checkpoint may hold its tensors, besides at its top."""


class TorchMissing(UsageError):
    """Torch's files cannot be read without torch."""


def read_tensors(path: Path) -> dict[str, AnyArray]:
    """The named tensors of a torch file, as they are or under one of :data:`NESTED`.

    Real ones come as float32, or as they are where they are whole numbers.

    Raises:
        TorchMissing: torch is not installed.
        UsageError: the file cannot be opened or is too large.
        ArraysInvalid: it holds something else than dense tensors of real numbers.
    """
    size = require_readable(path, MAX_BYTES)
    limit = unpacked_limit(size)
    _check_zip(path, limit)
    content = _load(path)
    for key in NESTED:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise ArraysInvalid(f"{path} holds a {type(content).__name__}, not named tensors")
    if len(content) > MAX_MEMBERS:
        raise ArraysInvalid(
            f"{path} holds {len(content):,} tensors, at most {MAX_MEMBERS} are read"
        )
    left = limit
    for name, value in content.items():
        left -= 4 * _elements(name, value, path)
        if left < 0:
            raise ArraysInvalid(f"{path} would unpack to more than {mebibytes(limit)}")
    return {name: _as_array(value, f"{path}: {brief(name)}") for name, value in content.items()}


def _check_zip(path: Path, limit: int) -> None:
    """A torch file is a zip file whose members are stored as they are, or an older pickle."""
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except Exception as error:  # zipfile has many ways to say that the bytes are not its own
        raise ArraysInvalid(f"{path} is a damaged zip file: {brief_line(str(error))}") from error
    check_members(members, path, limit)
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ArraysInvalid(f"{path} is compressed, which torch's own files are not")


def _load(path: Path) -> object:
    try:
        import torch
    except ImportError as error:
        raise TorchMissing(
            f"reading {path} needs torch, which is not installed",
            "Run: pip install 'nasprof[torch]', or convert the checkpoint to .npz.",
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of kinds of tensors that are refused below
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its unpickler stumbles over
        why = "is damaged, no torch checkpoint, or holds pickled objects"
        raise ArraysInvalid(f"{path} {why}") from error


def _elements(name: object, value: object, path: Path) -> int:
    """How many numbers a tensor has, once it is known to be one that is read here."""
    import torch

    if not isinstance(name, str) or len(name) > MAX_NAME:
        raise ArraysInvalid(f"{path}: {brief(name)} is no name of a tensor")
    where = f"{path}: {brief(name)}"
    if not isinstance(value, torch.Tensor):
        raise ArraysInvalid(f"{where} is a {type(value).__name__}, not a tensor")
    if value.layout != torch.strided or value.is_quantized or value.is_nested or value.is_meta:
        raise ArraysInvalid(f"{where} is a {_kind(value)} tensor, expected a dense one")
    if value.is_complex():
        raise ArraysInvalid(f"{where} is {value.dtype}, expected real numbers")
    claimed: int = value.numel()
    held = value.untyped_storage().nbytes() // max(value.element_size(), 1)
    if claimed > held:
        raise ArraysInvalid(f"{where} claims {claimed:,} numbers, the file holds {held:,} for it")
    return claimed


def _kind(value: torch.Tensor) -> str:
    kinds = {"is_quantized": "quantized", "is_nested": "nested", "is_meta": "meta"}
    flags = [word for name, word in kinds.items() if getattr(value, name)]
    return flags[0] if flags else str(value.layout).removeprefix("torch.")


def _as_array(value: torch.Tensor, where: str) -> AnyArray:
    dense = value.detach()
    try:
        array: AnyArray = (dense.float() if dense.is_floating_point() else dense).numpy()
    except (TypeError, RuntimeError) as error:  # whole numbers of a few bits
        raise ArraysInvalid(f"{where} is {value.dtype}, which numpy has not") from error
    return array
