"""Whether the device took a file, and whether it arrived as it was sent."""

from __future__ import annotations

import hashlib
import logging
import shlex
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from devices.base import DeviceError, DeviceFull

if TYPE_CHECKING:
    from devices.adb.connection import AdbConnection

_log = logging.getLogger(__name__)

_ASK = """
wc -c < {0}
for tool in sha256sum md5sum; do
  for box in '' toybox busybox; do
    set -- $($box $tool {0} 2>/dev/null)
    if [ -n "$1" ]; then echo $tool $1; exit 0; fi
  done
done
"""


def verify_file(connection: AdbConnection, local: Path, remote: str) -> str:
    """Compare size and hash of a file on the device with the local one.

    Returns:
        "sha256", "md5" or, where the device has no tool for either, "size".

    Raises:
        DeviceError: they differ, or the file is not there.
    """
    data = local.read_bytes()
    limit_s = 10 + len(data) / 10e6
    answer = connection.shell(_ASK.format(shlex.quote(remote)), limit_s).output.split()
    size, tool, digest = (*answer, "", "", "")[:3]
    method = {"sha256sum": "sha256", "md5sum": "md5"}.get(tool, "size")
    if size != str(len(data)):
        raise _damaged(remote, f"{size or 'no'} of {len(data)} bytes")
    if method == "size":
        _log.warning("%s: the device has no sha256sum or md5sum, only the size is verified", remote)
    elif hashlib.new(method, data).hexdigest() != digest:
        raise _damaged(remote, f"another {method}")
    return method


def _damaged(remote: str, found: str) -> DeviceError:
    return DeviceError(
        f"{remote} arrived damaged: {found}",
        "The cable, the network or the device's storage is failing; try another.",
    )


class PushRefused(Exception):
    """The device refuses to write a file."""


def watch_for_refusal(data: bytes) -> None:
    """Raise :class:`PushRefused` if what was read is a refusal.

    ``adb_shell`` drops this message while it waits for permission to send the next chunk.
    """
    if data.startswith(b"FAIL"):
        raise PushRefused(data[8:].decode("utf-8", "replace"))


def refusal(connection: AdbConnection, remote: str, size: int, reason: str) -> DeviceError:
    """The error of a file of ``size`` bytes that the device refused."""
    folder = shlex.quote(str(PurePosixPath(remote).parent))
    # The reason may have been cut off by the protocol: look for the usual one.
    free = connection.shell(f"df -k {folder} | tail -n 1").output.split()
    kilobytes = [int(word) for word in free if word.isdecimal()]
    short = len(kilobytes) > 2 and kilobytes[0] > 0 and kilobytes[2] * 1024 < size
    if "No space left" in reason or short:
        return full(remote)
    return DeviceError(
        f"the device refuses to write {remote}{': ' if reason else ''}{reason}",
        "Name a folder the shell may write to: remote_dir in the device profile.",
    )


def full(remote: str) -> DeviceFull:
    """The error of a device without free space."""
    return DeviceFull(
        f"no space left on the device for {remote}",
        "Free some (adb shell df /data), or name another folder: remote_dir in the profile.",
    )
