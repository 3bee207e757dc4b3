"""Whether the device took a file, and whether it arrived as it was sent."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import shlex
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from devices.adb.shell_output import Shell
from devices.errors import DeviceError, DeviceFull
from devices.foreign import clean, whole

_log = logging.getLogger(__name__)

_ASK = """
wc -c {0}
for tool in sha256sum md5sum; do
  for box in '' toybox busybox; do
    sums=$($box $tool {0} 2>/dev/null)
    if [ -n "$sums" ]; then echo @@$tool; echo "$sums"; exit 0; fi
  done
done
"""


def verify_files(device: Shell, folder: str, files: Mapping[str, Path]) -> str:
    """Compare size and hash of files in a folder on the device with the local ones.

    Args:
        device: where they were sent.
        folder: on the device; if several files are given it holds nothing else.
        files: the local files by their names there.

    Returns:
        "sha256", "md5" or, where the device has no tool for either, "size".

    Raises:
        DeviceError: one differs, or is not there.
    """
    # All names could be too much for the command line of an old daemon.
    words = "*" if len(files) > 1 else shlex.join(files)
    limit_s = 10 + sum(path.stat().st_size for path in files.values()) / 10e6
    command = f"cd {shlex.quote(folder)} || exit\n{_ASK.format(words)}"
    size_lines, _, hashed = device.shell(command, limit_s).output.partition("@@")
    tool, _, listed = hashed.partition("\n")
    method = {"sha256sum": "sha256", "md5sum": "md5"}.get(tool, "size")
    sizes, digests = _by_name(size_lines), _by_name(listed)
    for name, path in files.items():
        _compare(f"{folder}/{name}", path, sizes.get(name, "no"), method, digests.get(name))
    if method == "size":
        _log.warning("%s: the device has no sha256sum or md5sum, only the size is verified", folder)
    return method


def _by_name(text: str) -> dict[str, str]:
    """First word of each line by the rest, as ``wc`` and ``sha256sum`` write it."""
    pairs = [line.split(None, 1) for line in text.splitlines()]
    return {pair[1].lstrip("*"): pair[0] for pair in pairs if len(pair) == 2}


def _compare(remote: str, local: Path, size: str, method: str, digest: str | None) -> None:
    expected = local.stat().st_size
    if size != str(expected):
        raise _damaged(remote, f"{clean(size)} of {expected} bytes")
    if method != "size":
        with local.open("rb") as stream:
            if hashlib.file_digest(stream, method).hexdigest() != digest:
                raise _damaged(remote, f"another {method}")


def _damaged(remote: str, problem: str) -> DeviceError:
    return DeviceError(
        f"{remote} arrived damaged: {problem}",
        "The cable, the network or the device's storage is failing; try another.",
    )


class PushRefused(Exception):
    """The device refuses to write a file."""


def watch_for_refusal(data: bytes) -> None:
    """Raise :class:`PushRefused` if what was read is a refusal.

    ``adb_shell`` drops this message while it waits for permission to send the next chunk.
    """
    if data.startswith(b"FAIL"):
        raise PushRefused(clean(data[8:1032].decode("utf-8", "replace")))


def refusal(device: Shell, remote: str, size: int, reason: str) -> DeviceError:
    """The error of a file of ``size`` bytes that the device refused.

    Args:
        device: that refused it.
        remote: path there.
        size: of the file in bytes.
        reason: in the device's words.
    """
    folder = shlex.quote(str(PurePosixPath(remote).parent))
    # The reason may have been cut off by the protocol: look for the usual one.
    free = ""
    with contextlib.suppress(DeviceError):
        free = device.shell(f"df -k {folder} | tail -n 1").output
    kilobytes = [kb for word in free.split() if (kb := whole(word)) is not None]
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
