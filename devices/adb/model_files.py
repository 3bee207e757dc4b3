"""Which model files are on the device, and under which name."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from devices.adb.connection import quote
from devices.adb.packing import batches, push_files
from devices.adb.workspace import Workspace
from devices.digest import model_digest


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

    def push(
        self,
        models: Mapping[str, Path],
        companions: Mapping[str, Sequence[Path]] = MappingProxyType({}),
    ) -> set[str]:
        """Bring files to the device.

        Args:
            companions: what belongs to each model. Such a model gets a folder of its own, in
                which all lie as they do here.

        Returns:
            How those that were not there already were verified.

        Raises:
            DeviceError: see :func:`devices.adb.packing.push_files`; nothing of the files stays.
        """
        contents = {
            name: model_digest(path, companions.get(name, ())) for name, path in models.items()
        }
        missing = {
            digest: name for name, digest in contents.items() if digest not in self._by_content
        }
        alone = {d: models[name] for d, name in missing.items() if not companions.get(name)}
        folders: list[str] = []
        verified: set[str] = set()
        there: dict[str, str] = {}
        try:
            for digest, name in missing.items():
                if digest not in alone:
                    folders.append(f"models{next(self._numbers)}")
                    files = (models[name], *companions[name])
                    verified |= self._push_family(folders[-1], files)
                    there[digest] = f"{folders[-1]}/{models[name].name}"
            named = {self._file_name(path): digest for digest, path in alone.items()}
            for batch in batches({name: alone[digest] for name, digest in named.items()}):
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

    def _push_family(self, folder: str, files: Sequence[Path]) -> set[str]:
        """Bring a model and what belongs to it, named and placed as here."""
        names = [path.relative_to(files[0].parent).as_posix() for path in files]
        where = PurePosixPath(self._workspace.path(folder))
        parents = sorted({str((where / name).parent) for name in names})
        self._workspace.connection.shell(f"mkdir -p {quote(*parents)}")
        return {
            self._workspace.push(path, f"{folder}/{name}")
            for path, name in zip(files, names, strict=True)
        }

    def _file_name(self, path: Path) -> str:
        # It shows up in what runtimes say of the file.
        plain = re.sub(r"[^\w.-]", "_", path.name, flags=re.ASCII)[-80:]
        return f"{next(self._numbers)}-{plain}"
