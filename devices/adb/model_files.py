"""Which model files are on the device, and under which name."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from devices.adb.packing import batches, push_files
from devices.adb.workspace import Workspace


class ModelFiles:
    """Model files in a workspace; a file that is there already is not pushed again.

    Args:
        workspace: theirs.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._remote: dict[str, str] = {}
        self._by_content: dict[str, str] = {}
        self._numbers = itertools.count()

    def __contains__(self, name: str) -> bool:
        return name in self._remote

    def path(self, name: str) -> str:
        """Path of a model on the device."""
        return self._workspace.path(self._remote[name])

    def clear(self) -> None:
        """Take note that the workspace is empty."""
        self._remote.clear()
        self._by_content.clear()

    def forget(self, names: Iterable[str]) -> None:
        """Take note that these names shall stand for other files."""
        for name in names:
            self._remote.pop(name, None)

    def push(self, models: Mapping[str, Path]) -> set[str]:
        """Bring files to the device.

        Returns:
            How those that were not there already were verified.

        Raises:
            DeviceError: see :func:`devices.adb.packing.push_files`; nothing of the files stays.
        """
        contents = {name: _digest(path) for name, path in models.items()}
        missing = {
            digest: models[name]
            for name, digest in contents.items()
            if digest not in self._by_content
        }
        named = {self._file_name(path): digest for digest, path in missing.items()}
        verified: set[str] = set()
        there: dict[str, str] = {}
        folders: list[str] = []
        try:
            for batch in batches({name: missing[digest] for name, digest in named.items()}):
                folders.append(f"models{next(self._numbers)}")
                verified.add(push_files(self._workspace, folders[-1], batch))
                there |= {named[name]: f"{folders[-1]}/{name}" for name in batch}
        except BaseException:
            for folder in folders:
                self._workspace.remove(folder)
            raise
        self._by_content |= there
        self._remote |= {name: self._by_content[digest] for name, digest in contents.items()}
        return verified

    def _file_name(self, path: Path) -> str:
        # It shows up in what runtimes say of the file.
        plain = re.sub(r"[^\w.-]", "_", path.name, flags=re.ASCII)[-80:]
        return f"{next(self._numbers)}-{plain}"


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
