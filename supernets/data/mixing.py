"""Training images made of two, and images with a part erased; on normalised tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supernets.data.augmentation import Augmentation

if TYPE_CHECKING:
    from torch import Tensor

_ERASED = (0.02, 1 / 3)
_ERASED_PROPORTIONS = (0.3, 3.3)


class _Rectangle(NamedTuple):
    upper: int
    lower: int
    left: int
    right: int


def erase(images: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """Replace a rectangle of a share of the images ``(n, c, h, w)`` by 0, the mean, in place.

    A rectangle has 2 to 33 % of the area, at proportions of 0.3 to 3.3 (Z. Zhong et al.,
    arXiv:1708.04896, algorithm 1).
    """
    count, _, height, width = images.shape
    for row in np.flatnonzero(rng.random(count) < share):
        area = rng.uniform(*_ERASED)
        proportion = float(np.exp(rng.uniform(*np.log(_ERASED_PROPORTIONS))))
        upper, lower, left, right = _rectangle(height, width, area, proportion, rng)
        images[row, :, upper:lower, left:right] = 0
    return images


def mix(
    images: Tensor,
    labels: Tensor,
    classes: int,
    augmentation: Augmentation,
    rng: np.random.Generator,
) -> tuple[Tensor, Tensor]:
    """Mixup or cutmix of a batch with itself in another order.

    Args:
        images: ``(n, c, h, w)``; cutmix changes them in place.
        labels: int64 ``(n,)``.
        classes: how many there are.
        augmentation: what is mixed how strongly.
        rng: draws.

    Returns:
        Images ``(n, c, h, w)``, and the share of each class in them, float32 ``(n, classes)``.
    """
    import torch

    cut = augmentation.cutmix > 0 and (augmentation.mixup == 0 or rng.random() < 0.5)
    alpha = augmentation.cutmix if cut else augmentation.mixup
    own = float(rng.beta(alpha, alpha))
    others = torch.from_numpy(rng.permutation(len(labels))).to(images.device)
    if cut:
        height, width = images.shape[2:]
        area = _rectangle(height, width, 1 - own, width / height, rng, anywhere=True)
        upper, lower, left, right = area
        part = images[others, :, upper:lower, left:right]
        images[:, :, upper:lower, left:right] = part
        own = 1 - (lower - upper) * (right - left) / (height * width)
    else:
        images = images * own + images[others] * (1 - own)
    shares = torch.nn.functional.one_hot(labels, classes).to(torch.float32)
    return images, shares * own + shares[others] * (1 - own)


def _rectangle(
    height: int,
    width: int,
    area: float,
    proportion: float,
    rng: np.random.Generator,
    anywhere: bool = False,
) -> _Rectangle:
    """A part of an image.

    Args:
        height: of the image.
        width: of the image.
        area: of the part, as a share of the image's.
        proportion: width by height.
        rng: draws where it is.
        anywhere: its middle may be anywhere, so that it is cut at the edges; else it lies inside.
    """
    high = min(height, round((height * width * area / proportion) ** 0.5))
    wide = min(width, round((height * width * area * proportion) ** 0.5))
    if anywhere:
        upper = int(rng.integers(0, height)) - high // 2
        left = int(rng.integers(0, width)) - wide // 2
    else:
        upper = int(rng.integers(0, height - high + 1))
        left = int(rng.integers(0, width - wide + 1))
    return _Rectangle(
        max(upper, 0), min(upper + high, height), max(left, 0), min(left + wide, width)
    )
