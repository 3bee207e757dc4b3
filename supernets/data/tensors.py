"""Images as torch tensors, in batches for evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from nasprof.normalisation import Normalisation
from nasprof.typing import Indices
from supernets.data.data_set import Split
from supernets.data.pictures import Pixels

if TYPE_CHECKING:
    from torch import Tensor


def to_tensor(images: Pixels, normalisation: Normalisation) -> Tensor:
    """Images ``(n, h, w, c)`` of 0 to 255 as a network sees them: float32 ``(n, c, h, w)``."""
    import torch

    return normalised(torch.from_numpy(np.ascontiguousarray(images)), normalisation)


def normalised(pixels: Tensor, normalisation: Normalisation) -> Tensor:
    """Pixels ``(n, h, w, c)``, uint8, as a network sees them: float32 ``(n, c, h, w)``, there."""
    import torch

    factors = np.stack(normalisation.factors(pixels.shape[-1]))
    scale, shift = torch.from_numpy(factors).to(pixels.device)[:, :, None, None]
    real = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
    return real.mul_(scale).add_(shift)


def batches(
    split: Split, normalisation: Normalisation, batch: int = 100, indices: Indices | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Images and labels in order, for evaluation; the last batch may be smaller.

    Args:
        split: of which data.
        normalisation: that the network was trained with.
        batch: images at a time.
        indices: ``(n,)``, which images; all unless given.

    Yields:
        Images float32 ``(batch, c, h, w)`` and labels int64 ``(batch,)``.
    """
    import torch

    chosen = np.arange(len(split)) if indices is None else np.asarray(indices, np.intp)
    for start in range(0, len(chosen), batch):
        some = chosen[start : start + batch]
        labels = torch.from_numpy(split.labels[some])
        yield to_tensor(split.images(some), normalisation), labels
