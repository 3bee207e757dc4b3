"""What is done to training images: which, how often and how strongly."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

import numpy as np

from nasprof.errors import UsageError
from nasprof.reader import Reader
from nasprof.registry import near_names
from nasprof.typing import Array, JsonObject
from supernets.data.pictures import Pixels

MAX_MAGNITUDE = 30
_PROPORTIONS = (3 / 4, 4 / 3)


@dataclass(frozen=True)
class Augmentation:
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

    padding: int = 2
    resized_crop: float = 0.0
    flip: float = 0.5
    operations: int = 0
    magnitude: int = 9
    erasing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0

    def __post_init__(self) -> None:
        for name, most in (
            ("padding", 256),
            ("resized_crop", 1),
            ("flip", 1),
            ("operations", 10),
            ("magnitude", MAX_MAGNITUDE),
            ("erasing", 1),
            ("mixup", 100),
            ("cutmix", 100),
        ):
            value = getattr(self, name)
            if not 0 <= value <= most:
                raise UsageError(f"augmentation: {name} is {value}, expected 0 to {most}")

    @classmethod
    def none(cls) -> Augmentation:
        """Images as they are."""
        return cls(padding=0, flip=0.0)

    @property
    def mixes(self) -> bool:
        """Whether targets are shares of classes instead of labels."""
        return self.mixup > 0 or self.cutmix > 0

    def to_dict(self) -> JsonObject:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: JsonObject, where: str = "augmentation") -> Augmentation:
        """From what :meth:`to_dict` gave; what is missing is as usual.

        Raises:
            UsageError: naming the field that is wrong.
        """
        reader = Reader(data, where)
        kinds = {"int": "a whole number", "float": "a number"}
        known = {field.name: kinds[str(field.type)] for field in fields(cls)}
        for name in data:
            if name not in known:
                raise UsageError(f"{where} has no {name!r}", near_names(name, known))
        return cls(**{name: reader.take(name, known[name]) for name in data})


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
