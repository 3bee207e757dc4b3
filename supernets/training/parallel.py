"""Data-parallel training by several processes, as ``torchrun`` starts them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, distributed, nn

from nasprof.errors import UsageError
from nasprof.typing import Array


@dataclass(frozen=True)
class Workers:
    """The processes that train together; each works on its part of every batch.

    Args:
        rank: number of this one; that of rank 0 writes the files.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give all processes the mean of their gradients.

        They train the same networks, so that the same parameters have one.
        """
        if self.size == 1:
            return
        gradients = [value.grad for value in parameters if value.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.size
        for gradient, part in zip(
            gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True
        ):
            gradient.copy_(part.view_as(gradient))

    def mean(self, value: Tensor) -> Tensor:
        """The mean of a tensor over all processes."""
        if self.size == 1:
            return value
        total = value.detach().clone()
        distributed.all_reduce(total)
        return total / self.size

    def shared(self, values: Array) -> Array:
        """The numbers that rank 0 has, where all have as many."""
        if self.size == 1:
            return values
        tensor = torch.from_numpy(np.array(values, np.float64))
        if distributed.get_backend() == "nccl":
            tensor = tensor.cuda()
        distributed.broadcast(tensor, src=0)
        own: Array = tensor.cpu().numpy()
        return own

    def agreed(self, number: int) -> int:
        """The number that rank 0 has."""
        if self.size == 1:
            return number
        value = torch.tensor([number], dtype=torch.int64)
        if distributed.get_backend() == "nccl":
            value = value.cuda()
        distributed.broadcast(value, src=0)
        return int(value.item())


@contextmanager
def workers(device: str, batch: int) -> Iterator[tuple[Workers, torch.device]]:
    """The processes that ``torchrun`` has started, or this one alone; and this one's device.

    Args:
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        batch: images in a step, which all of them divide.

    Raises:
        UsageError: there is no such device, or they cannot divide the batch.
    """
    size, rank = (int(os.environ.get(name, default)) for name, default in _VARIABLES)
    if batch % size:
        raise UsageError(f"setting 'batch' is {batch}, expected a multiple of {size} processes")
    own = _device(device, size)
    if size == 1:
        yield Workers(), own
        return
    if own.type == "cuda":
        torch.cuda.set_device(own)
    if distributed.is_initialized():  # by another training of the same processes
        yield Workers(rank, size), own
        return
    distributed.init_process_group("nccl" if own.type == "cuda" else "gloo")
    try:
        yield Workers(rank, size), own
    finally:
        distributed.destroy_process_group()


_VARIABLES = (("WORLD_SIZE", "1"), ("RANK", "0"))


def is_first() -> bool:
    """Whether this is the process, of those that ``torchrun`` has started, that writes files."""
    return int(os.environ.get("RANK", "0")) == 0


def _device(name: str, size: int) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"device is {name!r}, expected cpu, cuda or cuda:N") from error
    if device.type == "cuda":
        count = torch.cuda.device_count()
        if size > 1 and device.index is None:
            device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        if (device.index or 0) >= count:
            raise UsageError(
                f"device is {name!r}, of which this machine has {count}", "Train on cpu."
            )
    elif device.type != "cpu":
        raise UsageError(f"device is {name!r}, expected cpu, cuda or cuda:N")
    return device
