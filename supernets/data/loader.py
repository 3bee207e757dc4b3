"""Training images in shuffled, augmented batches without end, from any position on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nasprof.arrays import brief_line
from nasprof.errors import NasprofError, UsageError
from nasprof.reader import Reader
from nasprof.typing import JsonObject
from supernets.data.ahead import Drawn, drawn_ahead
from supernets.data.augmentation import Augmentation
from supernets.data.data_set import DataSet
from supernets.data.training_batches import TrainingBatches

if TYPE_CHECKING:
    from torch import Tensor, device


class Loader:
    """Training images in batches without end; an iterator.

    Every epoch has another order. Which batch comes at which position, and how it is augmented,
    follows from the seed alone: the same whatever the number of workers, and after
    :meth:`load_state_dict` bit for bit what would have come.

    Args:
        data: whose training images.
        batch: images at a time, of this process; all there are if these are fewer.
        seed: of order and augmentation.
        augmentation: what is done to the images.
        workers: processes that decode and augment ahead; 0 for none. Worth while where images are
            decoded when asked for, or with RandAugment. They are started by ``spawn``, so a script
            needs its ``if __name__ == "__main__"``.
        share: which of the processes that share each step's images this is, and how many they are
            (data parallel training).
        device: where the batches are to be; a GPU normalises and mixes them itself.

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
        share: tuple[int, int] = (0, 1),
        device: device | str = "cpu",
    ) -> None:
        rank, ranks = share
        available = len(data.train) // ranks if ranks > 0 else 0
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
        self.workers, self.device = workers, device
        self._fingerprint = data.fingerprint
        self._position = 0
        self._ahead: Iterator[Drawn | NasprofError] | None = None

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
        position = self._position
        drawn = self._from_workers() if self.workers else self.batches.drawn(position)
        batch = self.batches.finished(position, *drawn, device=self.device)
        self._position += 1
        return batch

    def _from_workers(self) -> Drawn:
        if self._ahead is None:
            pinned = str(self.device).startswith("cuda")
            self._ahead = drawn_ahead(self.batches, self._position, self.workers, pinned)
        try:
            drawn = next(self._ahead)
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
        if isinstance(drawn, NasprofError):
            self.close()
            raise drawn
        return drawn

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
