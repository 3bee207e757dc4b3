"""The folders of a user's own files, on machines where there may be none.

A container's user often has no home folder, or one that may not be looked into. What is shipped
is used all the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from nasprof.errors import UsageError

FindFolder: TypeAlias = Callable[[], Path]
"""A folder; raises UsageError where this user has none."""


def config_folder() -> Path:
    """``$NASPROF_CONFIG`` or the platform's usual place, ``~/.config/nasprof`` on Linux.

    Raises:
        UsageError: there is no home folder.
    """
    return _folder("NASPROF_CONFIG", "user_config_path")


def data_folder() -> Path:
    """``$NASPROF_DATA`` or the platform's usual place, ``~/.local/share/nasprof`` on Linux.

    Raises:
        UsageError: there is no home folder.
    """
    return _folder("NASPROF_DATA", "user_data_path")


def _folder(variable: str, usual: str) -> Path:
    named = os.environ.get(variable)
    remedy = f"Set HOME, or {variable}, to a folder of yours."
    try:
        if named:
            return Path(named).expanduser()
        import platformdirs

        folder: Path = getattr(platformdirs, usual)("nasprof")
    except RuntimeError as error:
        raise UsageError("this user has no home folder", remedy) from error
    if not folder.is_absolute():  # "~/.config": how some versions say that there is none
        raise UsageError("this user has no home folder", remedy)
    return folder


def files_in(find: FindFolder, suffix: str) -> list[Path]:
    """The files of that suffix in a folder, by name; none where it cannot be read."""
    try:
        folder = find()
        names = os.listdir(folder)  # noqa: PTH208  # pathlib would hide why it cannot be read
    except (OSError, UsageError):
        return []
    return [folder / name for name in sorted(names) if name.endswith(suffix)]


def described(find: FindFolder) -> str:
    """A folder for people: its path, and why it cannot be read if it is there."""
    try:
        folder = find()
        os.listdir(folder)  # noqa: PTH208
    except FileNotFoundError:
        return str(folder)
    except OSError as error:
        return f"{folder} (which cannot be read: {error.strerror})"
    except UsageError as error:
        return f"no folder: {error.message}"
    return str(folder)
