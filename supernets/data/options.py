"""How a data set is read and split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from nasprof.errors import UsageError
from nasprof.settings import Settings, setting
from nasprof.typing import JsonObject
from supernets.data.pictures import MAX_PIXELS

_BELOW_ONE = 0.999
_SPLITTING = ("validation", "test", "most_corrupt", "duplicates", "crop", "format")
"""Fields that the images and their splits depend on."""


@dataclass(frozen=True)
class DataOptions(Settings):
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

    owner: ClassVar[str] = "a data set"

    validation: float = setting(0.1, "share for validation, unless given", 0, _BELOW_ONE)
    test: float = setting(0.2, "share for testing, unless given", 0, _BELOW_ONE)
    most_corrupt: float = setting(0.01, "share that may be unreadable", 0, _BELOW_ONE)
    duplicates: Literal["near", "exact", "keep"] = setting(
        "near", "images kept out of a split because another one has them"
    )
    memory_bytes: int = setting(1 << 30, "a larger set is decoded when asked for", low=0)
    max_pixels: int = setting(MAX_PIXELS, "a larger picture counts as unreadable", low=1)
    crop: float = setting(1.0, "share of a picture's middle that is taken", low=0.01, high=1)
    threads: int = setting(0, "that decode when the set is read; 0 for one a core", low=0)
    format: str | None = setting(None, "found by name and content unless given")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.validation + self.test >= 1:
            raise UsageError(
                f"validation ({self.validation}) and test ({self.test}) leave nothing for training",
                "Their sum must be below 1.",
            )

    def changed(self) -> JsonObject:
        """What the splits depend on, where not as by default, as JSON values.

        >>> DataOptions(validation=0.2, threads=2).changed()
        {'validation': 0.2}
        """
        default = type(self)()
        pairs = {name: getattr(self, name) for name in _SPLITTING}
        return {name: value for name, value in pairs.items() if value != getattr(default, name)}
