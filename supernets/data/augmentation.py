"""What is done to training images: which, how often and how strongly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from nasprof.settings import Settings, setting
from nasprof.typing import Array, JsonObject
from supernets.data.pictures import Pixels

MAX_MAGNITUDE = 30
_PROPORTIONS = (3 / 4, 4 / 3)


@dataclass(frozen=True)
class Augmentation(Settings):
    """Random changes of training images; each is off where its value is 0.

    Args:
        padding: pixels of black around an image, of which a part of its size is taken anywhere.
        resized_crop: least share of an image's area that is taken, at proportions of 3:4 to 4:3,
            and scaled to the whole (0.08 in C. Szegedy et al., arXiv:1409.4842); instead of
            ``padding``.
        flip: share of images that are mirrored left to right.
        operations: of RandAugment, on each image (E. Cubuk et al., arXiv:1909.13719).
        magnitude: their strength, 0 to 30.
        erasing: share of images of which a rectangle is replaced by the mean colour (Z. Zhong et
            al., arXiv:1708.04896).
        mixup: alpha of the Beta distribution by which pairs of images are blended (H. Zhang et
            al., arXiv:1710.09412).
        cutmix: alpha of the Beta distribution of the share of an image that another one's part
            covers (S. Yun et al., arXiv:1905.04899); with ``mixup``, batches take turns at random.
    """

    owner: ClassVar[str] = "augmentation"

    padding: int = setting(2, "pixels that images are moved by at most", 0, 256)
    resized_crop: float = setting(0.0, "least share of the area that is taken and scaled", 0, 1)
    flip: float = setting(0.5, "share of images that are mirrored", 0, 1)
    operations: int = setting(0, "of RandAugment, on each image", 0, 10)
    magnitude: int = setting(9, "of these operations", 0, MAX_MAGNITUDE)
    erasing: float = setting(0.0, "share of images of which a rectangle is erased", 0, 1)
    mixup: float = setting(0.0, "alpha by which pairs of images are blended", 0, 100)
    cutmix: float = setting(0.0, "alpha of the part that another image covers", 0, 100)

    @classmethod
    def none(cls) -> Augmentation:
        """Images as they are."""
        return cls(padding=0, flip=0.0)

    @classmethod
    def only(cls, settings: Mapping[str, object] | None) -> Augmentation:
        """What is named, and nothing else.

        Raises:
            UsageError: a setting is unknown, of another type or out of range.
        """
        return cls.of({**cls.none().to_dict(), **(settings or {})})

    @property
    def mixes(self) -> bool:
        """Whether targets are shares of classes instead of labels."""
        return self.mixup > 0 or self.cutmix > 0

    def to_dict(self) -> JsonObject:
        return asdict(self)


def random_crops(count: int, least: float, rng: np.random.Generator) -> Array:
    """Parts of images ``(n, 4)``, as :func:`supernets.data.pictures.crop_box` takes them.

    Args:
        count: n.
        least: share of the area that is taken, at least.
        rng: draws them.
    """
    area = rng.uniform(least, 1, count)
    narrowest, widest = np.log(_PROPORTIONS).tolist()
    proportion = np.exp(rng.uniform(narrowest, widest, count))
    across, down = rng.random((2, count))
    return np.stack([area, proportion, across, down], axis=1)


def shifted(images: Pixels, padding: int, flip: float, rng: np.random.Generator) -> Pixels:
    """Images ``(n, h, w, c)`` moved by up to ``padding`` pixels, and a share ``flip`` mirrored."""
    count, height, width, channels = images.shape
    offsets = rng.integers(0, 2 * padding + 1, (count, 2)).tolist()
    mirrored: list[bool] = np.less(rng.random(count), flip).tolist()
    if padding:
        padded = np.zeros(
            (count, height + 2 * padding, width + 2 * padding, channels), images.dtype
        )
        padded[:, padding : padding + height, padding : padding + width] = images
    else:
        padded = images
    out = np.empty_like(images)
    for row, ((down, across), mirror) in enumerate(zip(offsets, mirrored, strict=True)):
        part = padded[row, down : down + height, across : across + width]
        out[row] = part[:, ::-1] if mirror else part
    return out
