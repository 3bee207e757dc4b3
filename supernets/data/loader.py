"""Training images in shuffled, augmented batches without end, from any position on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from nasprof.arrays import brief_line
from nasprof.errors import NasprofError, UsageError
from nasprof.reader import Reader
from nasprof.typing import Indices, JsonObject
from supernets.data.augmentation import Augmentation, random_crops, shifted
from supernets.data.data_set import DataSet, Normalisation, Split
from supernets.data.mixing import erase, mix
from supernets.data.randaugment import rand_augment
from supernets.data.tensors import to_tensor

if TYPE_CHECKING:
    from torch import Tensor

_PREFETCH = 4
"""Batches that each worker has ready."""


@dataclass
class TrainingBatches:
    """The batch at each position: a function of seed and position alone.

    Args:
        split: training images.
        normalisation: of them.
        classes: how many there are.
        batch: images at a time, of this rank.
        seed: of order and augmentation.
        augmentation: what is done to the images.
        rank: which of the processes that share each step's images.
        ranks: how many these are.
    """

    split: Split
    normalisation: Normalisation
    classes: int
    batch: int
    seed: int
    augmentation: Augmentation
    rank: int = 0
    ranks: int = 1
    _order: tuple[int, Indices] | None = field(default=None, init=False, repr=False)

    @property
    def per_epoch(self) -> int:
        """Batches of an epoch; what is left of its images has its turn in another epoch."""
        return len(self.split) // (self.batch * self.ranks)

    def indices(self, position: int) -> Indices:
        """Which images the batch at a position has: ``(batch,)``."""
        epoch, step = divmod(position, self.per_epoch)
        if self._order is None or self._order[0] != epoch:
            rng = np.random.default_rng([self.seed, epoch])
            self._order = epoch, rng.permutation(len(self.split))
        start = (step * self.ranks + self.rank) * self.batch
        return self._order[1][start : start + self.batch]

    def __getitem__(self, position: int) -> tuple[Tensor, Tensor]:
        """Images ``(batch, c, h, w)`` and targets, as :class:`Loader` yields them."""
        import torch

        rng = np.random.default_rng([self.seed, *divmod(position, self.per_epoch), self.rank])
        indices, changes = self.indices(position), self.augmentation
        crops = None
        if changes.resized_crop:
            crops = random_crops(len(indices), changes.resized_crop, rng)
        pixels = self.split.images(indices, crops)
        if changes.operations:
            pixels = rand_augment(pixels, changes.operations, changes.magnitude, rng)
        padding = 0 if changes.resized_crop else changes.padding
        if padding or changes.flip:
            pixels = shifted(pixels, padding, changes.flip, rng)
        images = to_tensor(pixels, self.normalisation)
        if changes.erasing:
            images = erase(images, changes.erasing, rng)
        labels = torch.from_numpy(self.split.labels[indices])
        return (
            mix(images, labels, self.classes, changes, rng) if changes.mixes else (images, labels)
        )


class Loader:
    """Training images in batches without end; an iterator.

    Every epoch has another order. Which batch comes at which position, and how it is augmented,
    follows from the seed alone: the same whatever the number of workers, and after
    :meth:`load_state_dict` bit for bit what would have come.

    Args:
        data: whose training images.
        batch: images at a time, of each rank; all there are if these are fewer.
        seed: of order and augmentation.
        augmentation: what is done to the images.
        workers: processes that decode and augment ahead; 0 for none. Worth while where images are
            decoded when asked for, or with RandAugment. They are started by ``spawn``, so a script
            needs its ``if __name__ == "__main__"``.
        rank: which of the processes that share each step's images (data parallel training).
        ranks: how many these are.

    Raises:
        UsageError: there are fewer training images than ranks.

    Yields:
        Images, float32 ``(n, c, h, w)``, normalised; and targets: labels, int64 ``(n,)``, or with
        mixup or cutmix the share of each class, float32 ``(n, classes)``.
    """

    def __init__(
        self,
        data: DataSet,
        batch: int = 64,
        *,
        seed: int = 0,
        augmentation: Augmentation | None = None,
        workers: int = 0,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        available = len(data.train) // ranks
        if batch < 1 or workers < 0 or not 0 <= rank < ranks or not available:
            raise UsageError(
                f"cannot load {len(data.train):,} training images in batches of {batch} with "
                f"{workers} workers on rank {rank} of {ranks}",
                "Batch and ranks are at least 1, and there is an image for each rank.",
            )
        self.batches = TrainingBatches(
            split=data.train,
            normalisation=data.normalisation,
            classes=len(data.classes),
            batch=min(batch, available),
            seed=seed,
            augmentation=augmentation or Augmentation(),
            rank=rank,
            ranks=ranks,
        )
        self.workers = workers
        self._fingerprint = data.fingerprint
        self._position = 0
        self._ahead: Iterator[Any] | None = None

    @property
    def steps_per_epoch(self) -> int:
        return self.batches.per_epoch

    @property
    def epoch(self) -> int:
        """Of the batch that comes next, from 0."""
        return self._position // self.steps_per_epoch

    @property
    def step(self) -> int:
        """Batches taken so far."""
        return self._position

    def __iter__(self) -> Loader:
        return self

    def __next__(self) -> tuple[Tensor, Tensor]:
        """The next batch.

        Raises:
            NasprofError: an image that could be decoded before no longer can, or a worker died.
        """
        batch = self._from_workers() if self.workers else self.batches[self._position]
        self._position += 1
        return batch

    def _from_workers(self) -> tuple[Tensor, Tensor]:
        if self._ahead is None:
            self._ahead = _ahead(self.batches, self._position, self.workers)
        try:
            batch: tuple[Tensor, Tensor] | NasprofError = next(self._ahead)
        # Tensors are handed over by the worker itself: when it is gone, so are those in the queue.
        except (RuntimeError, OSError, EOFError) as error:
            if isinstance(error, RuntimeError) and "DataLoader worker" not in str(error):
                raise
            self.close()
            reason = brief_line(str(error)) or type(error).__name__
            raise NasprofError(
                f"a process that loads images has ended: {reason}",
                "There may be too little memory for so many workers; take fewer.",
            ) from error
        if isinstance(batch, NasprofError):
            self.close()
            raise batch
        return batch

    def close(self) -> None:
        """End the workers; they start again when the next batch is asked for."""
        self._ahead = None

    def state_dict(self) -> JsonObject:
        """Where it is, in values that JSON holds."""
        batches = self.batches
        return {
            "position": self._position,
            "seed": batches.seed,
            "batch": batches.batch,
            "ranks": batches.ranks,
            "augmentation": batches.augmentation.to_dict(),
            "fingerprint": self._fingerprint,
        }

    def load_state_dict(self, state: JsonObject) -> None:
        """Go on from where a loader of the same data and options was.

        Raises:
            UsageError: it was of other data, or with other options, naming them.
        """
        position = Reader(state, "the state of a loader").take("position", "a whole number")
        own = self.state_dict()
        different = [name for name in own if name != "position" and state.get(name) != own[name]]
        if "fingerprint" in different:
            raise UsageError(
                "the training images or their splits have changed since the training was begun",
                "Restore the data, or begin anew.",
            )
        if different or position < 0:
            was = ", ".join(f"{name} {state.get(name)}" for name in different)
            now = ", ".join(f"{name} {own[name]}" for name in different)
            raise UsageError(
                f"the training was begun with {was}, expected {now}", "Give the same options."
            )
        self.close()
        self._position = position


class _Guarded:
    """Batches by position in a worker; an error of ours is handed over instead of raised."""

    def __init__(self, batches: TrainingBatches) -> None:
        self._batches = batches

    def __getitem__(self, position: int) -> tuple[Tensor, Tensor] | NasprofError:
        try:
            return self._batches[position]
        except NasprofError as error:
            return error


class _From:
    """Positions without end."""

    def __init__(self, first: int) -> None:
        self._first = first

    def __iter__(self) -> Iterator[int]:
        return count(self._first)


def _ahead(batches: TrainingBatches, first: int, workers: int) -> Iterator[Any]:
    import torch
    from torch.utils.data import DataLoader

    loader = DataLoader(
        _Guarded(batches),
        batch_size=None,
        sampler=_From(first),
        num_workers=workers,
        multiprocessing_context="spawn",
        prefetch_factor=_PREFETCH,
        pin_memory=torch.cuda.is_available(),
    )
    with _own_child_handler():
        return iter(loader)


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
