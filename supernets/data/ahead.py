"""Training batches drawn by worker processes ahead of time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

from nasprof.errors import NasprofError
from supernets.data.training_batches import TrainingBatches

if TYPE_CHECKING:
    from torch import Tensor

_PREFETCH = 2
"""Batches that each worker has ready."""

Drawn: TypeAlias = "tuple[Tensor, Tensor]"


class _Guarded:
    """Batches drawn in a worker; an error of ours is handed over instead of raised."""

    def __init__(self, batches: TrainingBatches) -> None:
        self._batches = batches

    def __getitem__(self, position: int) -> Drawn | NasprofError:
        try:
            return self._batches.drawn(position)
        except NasprofError as error:
            return error


class _From:
    """Positions without end."""

    def __init__(self, first: int) -> None:
        self._first = first

    def __iter__(self) -> Iterator[int]:
        return count(self._first)


def drawn_ahead(
    batches: TrainingBatches, first: int, workers: int, pinned: bool
) -> Iterator[Drawn | NasprofError]:
    """The batches from a position on without end, drawn by worker processes.

    Args:
        batches: of which.
        first: position of the first one.
        workers: how many processes.
        pinned: whether they are put into pinned memory, from which a GPU copies.

    Yields:
        What :meth:`TrainingBatches.drawn` returns, or the error it raised.

    Raises:
        RuntimeError: a worker has ended; also OSError or EOFError.
    """
    from torch.utils.data import DataLoader

    loader = DataLoader(
        _Guarded(batches),
        batch_size=None,
        sampler=_From(first),
        num_workers=workers,
        multiprocessing_context="spawn",
        prefetch_factor=_PREFETCH,
        pin_memory=pinned,
    )
    with _no_interrupts(), _own_child_handler():
        return iter(loader)


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Processes that are begun meanwhile never see Ctrl-C.

    It is the caller's, who may want some batches yet before everything is saved.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # its beginning would let SIGINT through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _own_child_handler() -> Iterator[None]:
    """Keep torch's SIGCHLD handler away, by which a worker's end raises wherever one happens to be.

    The end is noticed all the same, when a batch of the worker's is due.
    """
    number = getattr(signal, "SIGCHLD", None)  # Windows has none
    if number is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(number)
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_DFL if before is None else before)
