"""One connection to a debug daemon, with everything that can go wrong made plain.

``adb_shell`` speaks the protocol. What it lacks is added here: exit codes, one deadline for a
whole exchange, a dead peer noticed at once, files verified after they were pushed, one user at a
time, and errors that say what to do.
"""

from __future__ import annotations

import secrets
import shlex
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devices.adb.link import AdbLink
from devices.adb.packets import MAX_PACKET, TooMuch
from devices.adb.shell_output import (
    MAX_ANSWER,
    MAX_OUTPUT,
    ListenerFailed,
    OutputReader,
    ShellResult,
    kept_apart,
)
from devices.adb.transfer import PushRefused, refusal, verify_files, watch_for_refusal
from devices.errors import DeviceError, DeviceLost, DeviceTimeout
from devices.foreign import clean
from nasprof.errors import UsageError

CLOSING_S = 1.0
"""Seconds to wait for the end of a stream whose command has ended."""

STALL_S = 10.0
"""Seconds a file transfer may stand still."""

MIN_RATE = 64_000
"""Bytes a second below which a transfer is given up, after twice :data:`STALL_S`."""

MAX_PULL = 96 << 20
"""Bytes of a file that is fetched from a device."""


class AdbConnection(AdbLink):
    """What is asked of a device: commands to be run, files to be copied."""

    def shell(self, command: str, timeout_s: float = 10.0) -> ShellResult:
        """Run a shell command to its end.

        Raises:
            DeviceTimeout: it took longer than ``timeout_s``; it may still be running.
            DeviceLost: the device went away.
        """
        return self.run(command, timeout_s, None, MAX_ANSWER)

    def run(
        self,
        command: str,
        timeout_s: float,
        on_line: Callable[[str], bool] | None,
        limit: int = MAX_OUTPUT,
    ) -> ShellResult:
        """Run a shell command, handing over its output line by line.

        Args:
            command: what to run; it reads nothing.
            timeout_s: limit, counted again from every line that ``on_line`` takes for progress.
            on_line: called with each line; tells whether the command is getting on.
            limit: bytes of output, counted likewise.

        Raises:
            DeviceTimeout: no progress for ``timeout_s``; the command may still be running.
            DeviceLost: the device went away.
            RunnerCrashed: there is more output than that.
        """
        try:
            return self._run(command, timeout_s, on_line and kept_apart(on_line), limit)
        except ListenerFailed as failed:
            raise failed.error from None

    def _run(
        self,
        command: str,
        timeout_s: float,
        on_line: Callable[[str], bool] | None,
        limit: int,
    ) -> ShellResult:
        marker = f"@@rc-{secrets.token_hex(4)}="
        output = OutputReader(marker, on_line, limit)
        # The reader has the better message: it comes first, unless there is no output at all.
        allowed = 2 * limit + MAX_PACKET
        wrapped = f"(\n{command}\n) </dev/null 2>&1\necho {marker}$?"
        with self.exchange(timeout_s, allowed) as device:
            try:
                for chunk in device.streaming_shell(wrapped, None, timeout_s, decode=False):
                    if output.exit_code is not None:
                        continue
                    if output.feed(chunk):
                        self._deadline.set(timeout_s)
                        self._transport.packets.allow(allowed)
                    if output.exit_code is not None:
                        self._deadline.set(CLOSING_S)
            except DeviceTimeout:
                # What the command left running in the background keeps the stream open.
                if output.exit_code is None:
                    raise
            if output.exit_code is None:
                raise DeviceLost(
                    f"the shell on {self.address} ended without an exit status",
                    "The device is short of memory or restarting; run again.",
                )
        return ShellResult("\n".join(output.lines), output.exit_code)

    def hold(self, command: str, timeout_s: float = 10.0) -> str:
        """Start a command that stays for as long as the connection, and return its first line."""
        with self.exchange(timeout_s, MAX_PACKET) as device:
            stream = device.streaming_shell(command, None, timeout_s, decode=False)
            text = b""
            for chunk in stream:
                text += chunk
                if b"\n" in text:
                    break
            self._held.append(stream)
        return clean(text.decode("utf-8", "replace"))

    def push(self, local: Path, remote: str, executable: bool = False) -> str:
        """Copy a file to the device and verify it there.

        Args:
            local: file here.
            remote: path there.
            executable: whether it may be run.

        Returns:
            How it was verified: "sha256", "md5" or, on a device that has neither, "size".

        Raises:
            UsageError: there is no such file here.
            DeviceFull: there is no space left.
            DeviceError: the device refuses the file, or it arrived damaged.
        """
        self.send(local, remote, executable)
        folder, _, name = remote.rpartition("/")
        return verify_files(self, folder or "/", {name: local})

    def send(self, local: Path, remote: str, executable: bool = False) -> None:
        """Copy a file to the device without a look at what arrived; see :meth:`push`.

        Args:
            local: file here.
            remote: path there.
            executable: whether it may be run.
        """
        if not local.is_file():
            raise UsageError(f"{local} does not exist or is no file")
        mode = 0o100755 if executable else 0o100644
        reason: str | None = None
        size = local.stat().st_size
        with self.exchange(STALL_S, MAX_PACKET + size // 8, 2 * STALL_S) as device:
            self._transport.watch = watch_for_refusal
            try:
                device.push(str(local), remote, mode, 0, self._progress, None, STALL_S)
            except PushRefused as error:
                reason = str(error)
            finally:
                self._transport.watch = None
        if reason is not None:
            raise refusal(self, remote, size, reason)

    def pull(self, remote: str, limit: int = MAX_PULL) -> bytes:
        """The contents of a file on the device, of ``limit`` bytes at most.

        Raises:
            DeviceError: it is larger, or cannot be read.
            DeviceTimeout: it takes far too long.
        """
        from adb_shell.exceptions import AdbCommandFailureException

        # Each 64 kB come with a header of the file's and one of the packet.
        allowed = limit + limit // 64 + MAX_PACKET
        with (
            tempfile.NamedTemporaryFile() as scratch,
            self.exchange(STALL_S, allowed, 2 * STALL_S) as device,
        ):
            self._transport.watch = lambda data: self._progress(remote, len(data))
            try:
                device.pull(remote, scratch.name, None, None, STALL_S)
            except TooMuch as error:
                raise DeviceError(
                    f"{remote} is larger than {limit >> 20} MB, the most that is fetched"
                ) from error
            except AdbCommandFailureException as error:
                reason = clean(str(error))
                raise DeviceError(f"the device does not give {remote}: {reason}") from error
            finally:
                self._transport.watch = None
            return Path(scratch.name).read_bytes()

    def _progress(self, _: str, size: int, *__: Any) -> None:
        self._deadline.set(STALL_S)
        self._deadline.earn(size / MIN_RATE)


def quote(*words: str) -> str:
    """Words as one shell command."""
    return shlex.join(words)
