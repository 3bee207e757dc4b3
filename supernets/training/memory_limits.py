"""What to do where a device has too little memory for a batch."""

from __future__ import annotations

from collections.abc import Callable

import torch

from nasprof.errors import NasprofError


class OutOfMemory(NasprofError):
    """A step needs more memory than the device has."""


def fitting_batch(batch: int, attempt: Callable[[int], object]) -> int:
    """The largest batch, halved from ``batch`` on, that an attempt has memory for; 0 for none."""
    while batch > 1:
        batch //= 2
        try:
            attempt(batch)
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
        else:
            return batch
    return 0


def out_of_memory(batch: int, fits: int, device: str) -> OutOfMemory:
    """The error that names a batch that fits."""
    remedy = f"Set batch={fits}, which fits." if fits else "Train a smaller space, or on the CPU."
    return OutOfMemory(f"{device} has too little memory for a batch of {batch} images", remedy)
