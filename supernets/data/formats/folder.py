"""A folder with a folder of pictures for each class: ``DIR/train/CLASS/*.png`` or ``DIR/CLASS``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nasprof.errors import UsageError
from nasprof.reader import brief
from supernets.data.formats.base import DataFormat
from supernets.data.formats.names import class_name
from supernets.data.options import DataOptions
from supernets.data.pictures import SUFFIXES
from supernets.data.samples import SPLIT_NAMES, TRAIN, UNASSIGNED, FileImages, Samples


class FolderFormat(DataFormat):
    """Pictures in a folder for each class, below folders for splits or without."""

    layout = "a folder with a folder of JPEG, PNG or WebP pictures for each class"
    fallback = True

    def accepts(self, path: Path) -> bool:
        return path.is_dir() and bool(_folders(path))

    def read(self, path: Path, options: DataOptions) -> Samples:
        pictures: list[_Picture] = []
        ignored = 0
        for folder, split in _split_folders(path):
            for class_folder in _folders(folder):
                inside, others = _pictures(class_folder, path, split)
                pictures += inside
                ignored += others
        classes = tuple(sorted({picture.label for picture in pictures}))
        index = {name: number for number, name in enumerate(classes)}
        notes = [f"other files than pictures in class folders: {ignored:,}"] if ignored else []
        return Samples(
            images=FileImages(
                [picture.path for picture in pictures],
                [picture.path.relative_to(path).as_posix() for picture in pictures],
                options.max_pixels,
            ),
            labels=np.array([index[picture.label] for picture in pictures], np.int64),
            classes=classes,
            splits=np.array([picture.split for picture in pictures], np.intp),
            notes=tuple(notes),
        )


class _Picture(NamedTuple):
    path: Path
    label: str
    split: int


def _folders(path: Path) -> list[Path]:
    """Folders inside of one, without hidden ones, in order of their names."""
    return sorted(Path(entry.path) for entry in _entries(path) if _is_folder(entry))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _entries(path: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return [entry for entry in entries if not entry.name.startswith((".", "__MACOSX"))]
    except OSError as error:
        raise UsageError(f"cannot read the folder {path}: {error.strerror}") from error


def _split_folders(path: Path) -> list[tuple[Path, int]]:
    """The folders that hold class folders, each with its split.

    Raises:
        UsageError: two folders are the same split, or there is a test split without a training one.
    """
    folders = _folders(path)
    splits = [
        (folder, SPLIT_NAMES[folder.name.lower()])
        for folder in folders
        if folder.name.lower() in SPLIT_NAMES and _folders(folder)
    ]
    if not splits:
        return [(path, UNASSIGNED)]
    names = ", ".join(brief(folder.name) for folder, _ in splits)
    kinds = [split for _, split in splits]
    if len(set(kinds)) < len(kinds):
        raise UsageError(f"{path} has two folders for one split: {names}", "Keep one of them.")
    if TRAIN not in kinds:
        raise UsageError(
            f"{path} has {names} but no folder train",
            "Add DIR/train/CLASS, or name the folder of class folders itself, which is then split.",
        )
    return splits


def _pictures(folder: Path, root: Path, split: int) -> tuple[list[_Picture], int]:
    """The pictures of a class, in order of their names, and how many other files lie there.

    Raises:
        UsageError: it has none, or a name that cannot be written in a line.
    """
    label = class_name(folder.name)
    files = sorted(entry.name for entry in _entries(folder) if not _is_folder(entry))
    names = [name for name in files if Path(name).suffix.lower() in SUFFIXES]
    if not names:
        raise UsageError(
            f"the class folder {brief(folder.relative_to(root).as_posix())} in {root} "
            "has no pictures, expected files .jpg, .jpeg, .png or .webp",
            "Add pictures of this class, or remove the folder.",
        )
    return [_Picture(folder / name, label, split) for name in names], len(files) - len(names)
