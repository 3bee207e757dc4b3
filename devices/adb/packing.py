"""Many files brought to a device at once.

Each push costs several round trips, whatever the size of the file. So files travel as one archive
that the device's ``tar`` unpacks, and are verified there all together; a device without ``tar``
gets them one by one.
"""

from __future__ import annotations

import logging
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from devices.adb.connection import quote
from devices.adb.transfer import refusal, verify_files
from devices.adb.workspace import Workspace
from devices.errors import DeviceFull
from devices.foreign import clean

_log = logging.getLogger(__name__)

ARCHIVE_BYTES = 256 << 20
"""Size of files above which another archive is begun: each is on the device twice for a moment."""

_ARCHIVE = "archive.tar"

_FIND_TAR = """
mkdir {folder} || exit
for box in '' toybox busybox; do
  if $box tar --help >/dev/null 2>&1; then echo $box tar; exit 0; fi
done
"""

_TARS = ("tar", "toybox tar", "busybox tar")

# Owners are not restored (o): the shell's user may not give files away.
_UNPACK = """
cd {folder} || exit
{tar} -xof {archive} 2>&1
"""


def batches(files: Mapping[str, Path]) -> Iterator[dict[str, Path]]:
    """The files in groups that make an archive each."""
    batch: dict[str, Path] = {}
    size = 0
    for name, path in files.items():
        length = path.stat().st_size
        if batch and size + length > ARCHIVE_BYTES:
            yield batch
            batch, size = {}, 0
        batch[name] = path
        size += length
    if batch:
        yield batch


def push_files(workspace: Workspace, folder: str, files: Mapping[str, Path]) -> str:
    """Copy files into a new folder of a workspace and verify them there.

    Args:
        workspace: open.
        folder: name of the folder, which holds nothing else.
        files: by the name they get there, of letters, digits and ``_.-``.

    Returns:
        How they were verified: "sha256", "md5" or "size".

    Raises:
        DeviceFull: there is no space left; nothing of the files stays on the device.
        DeviceError: the device refuses a file, or one arrived damaged; likewise.
    """
    where = workspace.path(folder)
    try:
        said = workspace.connection.shell(_FIND_TAR.format(folder=quote(where)))
        tar = said.output.strip() if said.exit_code == 0 and len(files) > 1 else ""
        tar = tar if tar in _TARS else ""
        if not (tar and _push_archive(workspace, where, files, tar)):
            for name, path in files.items():
                workspace.connection.send(path, f"{where}/{name}")
        return verify_files(workspace.connection, where, files)
    except BaseException:
        workspace.remove(folder)
        raise


def _push_archive(workspace: Workspace, where: str, files: Mapping[str, Path], tar: str) -> bool:
    """Whether the files were pushed and unpacked; False if ``tar`` does not do it."""
    archive = workspace.path(_ARCHIVE)
    size = sum(path.stat().st_size for path in files.values())
    try:
        with tempfile.NamedTemporaryFile() as scratch:
            write_archive(files, Path(scratch.name))
            workspace.connection.send(Path(scratch.name), archive)
        script = _UNPACK.format(folder=quote(where), tar=tar, archive=quote(archive))
        done = workspace.connection.shell(script, 10 + size / 5e6)
        if done.exit_code == 0:
            return True
        error = refusal(workspace.connection, where, size, done.output)
        if isinstance(error, DeviceFull):
            raise error
    finally:
        workspace.remove(_ARCHIVE)
    _log.warning(
        "the device's %s does not unpack (%s), pushing one by one", tar, clean(done.output)
    )
    return False


def write_archive(files: Mapping[str, Path], target: Path) -> None:
    """Write files, by the names they shall have, in the format that every ``tar`` reads."""
    # Links are followed: two names of one file become two files.
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT, dereference=True) as archive:
        for name, path in files.items():
            archive.add(path, name, filter=_plain)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry
