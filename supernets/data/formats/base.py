"""What a format of data sets offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from nasprof.registry import Registry
from supernets.data.options import DataOptions
from supernets.data.samples import Samples


class DataFormat(ABC):
    """Reads labelled images in a layout of its own."""

    layout: ClassVar[str]
    """What it looks like, in words that follow "expected"."""

    fallback: ClassVar[bool] = False
    """Whether it is meant only where no other format accepts what lies there."""

    @abstractmethod
    def accepts(self, path: Path) -> bool:
        """Whether what lies there is of this format, as far as its name and folder tell."""

    @abstractmethod
    def read(self, path: Path, options: DataOptions) -> Samples:
        """The images, with the splits in which they are given.

        Raises:
            UsageError: naming the file and what is wrong with it.
        """


data_formats: Registry[type[DataFormat]] = Registry(
    "data format",
    {
        "csv": "supernets.data.formats.csv_format:CsvFormat",
        "folder": "supernets.data.formats.folder:FolderFormat",
        "idx": "supernets.data.formats.idx:IdxFormat",
        "npz": "supernets.data.formats.npz:NpzFormat",
    },
)
