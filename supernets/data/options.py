"""How a data set is read and split."""

from __future__ import annotations

from dataclasses import dataclass

from nasprof.errors import UsageError
from supernets.data.pictures import MAX_PIXELS

DUPLICATES = ("near", "exact", "keep")


@dataclass(frozen=True)
class DataOptions:
    """How a data set is read and split.

    Args:
        validation: share of the images without a split of their own (of the training images, where
            splits are given) that become the validation split, unless one is given; 0 for none.
        test: the same for the test split.
        most_corrupt: share of the images that may be unreadable; they are left out and named.
        duplicates: images that are kept out of a split because another one has them: ``near``
            identical ones, ``exact`` the same pixels, or ``keep`` all.
        memory_bytes: a set of at most this size, decoded and scaled, is held in memory; images of
            a larger one are decoded whenever they are asked for.
        max_pixels: a larger picture counts as unreadable and is not decoded.
        crop: share of height and width of each picture's middle that is taken (0.875 is usual for
            photographs of ImageNet).
        threads: that decode when the set is read; 0 for one a core.
        format: of :data:`supernets.data.data_formats`; found by name and content unless given.
    """

    validation: float = 0.1
    test: float = 0.2
    most_corrupt: float = 0.01
    duplicates: str = "near"
    memory_bytes: int = 1 << 30
    max_pixels: int = MAX_PIXELS
    crop: float = 1.0
    threads: int = 0
    format: str | None = None

    def __post_init__(self) -> None:
        for name in ("validation", "test", "most_corrupt"):
            share = getattr(self, name)
            if not 0 <= share < 1:
                raise UsageError(f"{name} is {share}, expected a share of 0 to below 1")
        if self.validation + self.test >= 1:
            raise UsageError(
                f"validation ({self.validation}) and test ({self.test}) leave nothing for training",
                "Their sum must be below 1.",
            )
        if self.duplicates not in DUPLICATES:
            raise UsageError(
                f"duplicates is {self.duplicates!r}, expected one of {', '.join(DUPLICATES)}"
            )
        for name in ("memory_bytes", "max_pixels", "threads"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} is {getattr(self, name)}, expected at least 0")
