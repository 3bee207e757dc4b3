"""Models divided into groups that memory holds at once."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from devices import Device, host
from profiler.measuring.pending import PendingModel
from profiler.measuring.protocol import Protocol

MEMORY_BYTES = 1 << 30
"""What the models of a group may take together, in memory and in temporary files."""

_WORTH_SAYING = 256 << 20


def grouped(models: Sequence[PendingModel], most_bytes: int) -> list[list[PendingModel]]:
    """The models in their order, in as few groups as fit, of about the same size.

    A model that is too large for the limit has a group of its own.
    """
    sizes = [max(model.memory_bytes, model.disk_bytes) for model in models]
    count = len(_filled(models, sizes, most_bytes))
    for share in np.linspace(sum(sizes) / max(count, 1), most_bytes, 20):
        if len(even := _filled(models, sizes, share)) <= count:
            return even
    return _filled(models, sizes, most_bytes)


def _filled(
    models: Sequence[PendingModel], sizes: Sequence[int], most_bytes: float
) -> list[list[PendingModel]]:
    groups: list[list[PendingModel]] = []
    left = 0.0
    for model, size in zip(models, sizes, strict=True):
        if not groups or size > left:
            groups.append([])
            left = most_bytes
        groups[-1].append(model)
        left -= size
    return groups


def limit_bytes(device: Device, folder: Path) -> int:
    """What a group may take here: no more than half of what is free in memory and in a folder."""
    limits = [MEMORY_BYTES, shutil.disk_usage(folder).free // 2]
    available = host.available_memory() if device.local else None
    return min(limits) if available is None else min(*limits, available // 2)


def forecast(groups: Sequence[Sequence[PendingModel]], protocol: Protocol) -> str | None:
    """What measuring will take, in a sentence; None where that is not worth one."""
    memory = max(sum(model.memory_bytes for model in group) for group in groups)
    disk = max(sum(model.disk_bytes for model in group) for group in groups)
    if len(groups) == 1 and memory < _WORTH_SAYING:
        return None
    count = sum(map(len, groups))
    text = f"{count} {'model' if count == 1 else 'models'}: about {_gigabytes(memory)} of memory"
    text += f" and {_gigabytes(disk)} of temporary files" if disk else ""
    if len(groups) > 1:
        text += f" at a time, in {len(groups)} groups of at most {max(map(len, groups))}"
        text += ", each beside the same sentinel"
    if protocol.limit_s is not None:
        text += f"; up to {_minutes(count * protocol.limit_s)}"
    return text


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{max(1, count // 1_000_000)} MB"


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"
