"""Whether a file arrived on the device as it was sent."""

from __future__ import annotations

import hashlib
import logging
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from devices.base import DeviceError

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
