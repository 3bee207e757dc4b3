"""A folder of our own on the device, and the right to be the only one who works there.

Several measurements may be under way: each has its folder, and rounds take turns by a lock. Both
are tied to a *keeper*: a shell on the device that waits for the connection to end, however
that comes about, then ends every process of ours and removes the folder and the lock. So nothing
stays behind even if this computer crashes. Whoever comes later takes a folder or a lock for
abandoned when no process on the device names its token any more.
"""

from __future__ import annotations

import contextlib
import getpass
import logging
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from devices.adb.connection import AdbConnection, quote
from devices.adb.shell_output import ShellResult
from devices.adb.transfer import full
from devices.errors import DeviceError
from devices.foreign import clean
from nasprof.log import logger

_log = logging.getLogger(__name__)

STALE_MINUTES = 60
"""Age at which a folder that nobody keeps is removed."""

LOCK_POLL_S = 0.2

CLOSING_S = 5.0
"""How long a device that does not answer is given before the clean-up is left to the keeper."""

# Every script looks for tokens in the command lines of processes, by a pattern "[n]asprof-..."
# which does not match itself. It assembles tokens from parts so that its own command line does
# not contain them, except for the keeper's, which is the one that must be found.
#
# Whoever may write to the folder may leave there what looks like ours: nothing is removed but
# what has a name as our tokens are, links are never followed, and no word is split.

_DIGITS = 12
_ANY_TOKEN = "nasprof-" + _DIGITS * "[0-9a-f]"

_REMOVE = """
token=nasprof; token=$token-{nonce}
for f in $(grep -l "[n]${{token#n}}" /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null); do
  p=${{f#/proc/}}; p=${{p%%/*}}
  if [ "$p" != $$ ]; then kill -9 "$p" 2>/dev/null; fi
done
cd {parent} || exit
rm -rf -- "$token"
if [ ! -L nasprof.lock ]; then
  rm "nasprof.lock/owner.$token" 2>/dev/null && rmdir nasprof.lock
fi
[ ! -e "$token" ]
"""

_KEEPER = (
    """
trap '' HUP INT TERM
cd {parent} && mkdir {token} && echo @@kept || exit
exec 2>/dev/null
cat > /dev/null
"""
    + _REMOVE
)

_SWEEP = """
cd {parent} || exit
for d in {any_token}; do
  if [ -d "$d" ] && [ ! -L "$d" ] &&
    find "./$d" -maxdepth 0 -mmin +{minutes} 2>/dev/null | grep -q . &&
    ! grep -q "[n]${{d#n}}" /proc/[0-9]*/cmdline 2>/dev/null
  then rm -rf -- "$d"; fi
done
"""

_LOCK = """
cd {parent} || exit
if mkdir nasprof.lock 2>/dev/null; then
  echo {owner} > nasprof.lock/owner.{token} && exit 0
  rm -f nasprof.lock/owner.{token}; rmdir nasprof.lock; exit 1
fi
if [ -L nasprof.lock ] || {{ [ -e nasprof.lock ] && [ ! -d nasprof.lock ]; }}; then exit 4; fi
for f in nasprof.lock/owner.{any_token}; do
  t=${{f##*/owner.}}
  if [ ! -e "$f" ] && [ ! -L "$f" ]; then
    find nasprof.lock -maxdepth 0 -mmin +1 2>/dev/null | grep -q . && rmdir nasprof.lock
    exit 2
  fi
  if grep -q "[n]${{t#n}}" /proc/[0-9]*/cmdline 2>/dev/null; then
    if [ -f "$f" ] && [ ! -L "$f" ]; then dd if="$f" bs=300 count=1 2>/dev/null; fi
    exit 3
  fi
  rm -f "$f" 2>/dev/null && rmdir nasprof.lock 2>/dev/null
done
exit 2
"""

_UNLOCK = """
cd {parent} && [ ! -L nasprof.lock ] && rm nasprof.lock/owner.{token} && rmdir nasprof.lock
"""

_GOT, _STALE, _HELD, _NOT_OURS = 0, 2, 3, 4


class DeviceBusy(DeviceError):
    """Somebody else is measuring on the device."""


class Workspace:
    """A folder on a device, for as long as the connection lasts.

    Args:
        connection: not necessarily connected yet; nobody else must use it.
        parent: folder in which ours is made.
        lock_wait_s: how long to wait for a round of another measurement to end.
    """

    def __init__(
        self, connection: AdbConnection, parent: str = "/data/local/tmp", lock_wait_s: float = 300
    ) -> None:
        self.connection = connection
        self.parent = parent
        self._lock_wait_s = lock_wait_s
        self._nonce = secrets.token_hex(_DIGITS // 2)
        self._open = False
        self._told = False

    @property
    def folder(self) -> str:
        """Path of the folder on the device."""
        return f"{self.parent}/{self._token}"

    @property
    def _token(self) -> str:
        return f"nasprof-{self._nonce}"

    def open(self) -> None:
        """Connect and make the folder.

        Raises:
            DeviceUnreachable: nobody answers.
            DeviceError: the folder cannot be made.
        """
        if not self.connection.connected:
            self.connection.connect(attempts=3)
        self._nonce = secrets.token_hex(_DIGITS // 2)
        self._open = True
        try:
            self.connection.shell(self._script(_SWEEP))
            answer = self.connection.hold(self._script(_KEEPER))
            if answer != "@@kept":
                raise self._failed(answer)
        except BaseException:
            self.close()
            raise

    def _script(self, template: str) -> str:
        return template.format(
            parent=quote(self.parent),
            nonce=self._nonce,
            token=self._token,
            any_token=_ANY_TOKEN,
            minutes=STALE_MINUTES,
            owner=quote(f"{_user()}@{socket.gethostname()} since {time.strftime('%H:%M:%S')}"),
        )

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Be the only one who works on the device while the context lasts.

        Raises:
            DeviceBusy: somebody else does, for longer than we wait.
        """
        self._take_lock()
        try:
            yield
        finally:
            # Without the connection, the keeper releases the lock.
            if self.connection.connected:
                self.connection.shell(self._script(_UNLOCK))

    def _take_lock(self) -> None:
        end = time.monotonic() + self._lock_wait_s
        while True:
            result = self.connection.shell(self._script(_LOCK))
            if result.exit_code == _GOT:
                return
            if result.exit_code == _NOT_OURS:
                raise self._no_lock()
            if result.exit_code not in (_HELD, _STALE):
                raise self._failed(clean(result.output))
            owner = clean(result.output, 100) or "another measurement"
            if time.monotonic() >= end:
                raise DeviceBusy(
                    f"{self.connection.address} is in use by {owner}; "
                    f"waited {self._lock_wait_s:g} s",
                    "Wait for it to end, or raise lock_wait_s in the device profile.",
                )
            if result.exit_code == _HELD:
                self._tell(f"waiting for {owner}, who is measuring on the device")
            time.sleep(LOCK_POLL_S)

    def _tell(self, message: str) -> None:
        if not self._told:
            logger.info(message)
            self._told = True

    def _no_lock(self) -> DeviceError:
        lock = f"{self.parent}/nasprof.lock"
        return DeviceError(
            f"{lock} on the device is a link or a file, not the folder that is made by a "
            "measurement: it is left alone",
            "Remove it, or name another folder: remote_dir in the device profile.",
        )

    def _failed(self, answer: str) -> DeviceError:
        if "No space left" in answer:
            return full(self.parent)
        return DeviceError(
            f"cannot make a folder in {self.parent} on the device: {answer or 'no reason given'}",
            "Name one the shell may write to: remote_dir in the device profile.",
        )

    def path(self, name: str) -> str:
        """Path on the device of a file in the folder."""
        return f"{self.folder}/{name}"

    def push(self, local: Path, name: str, executable: bool = False) -> str:
        """Copy a file into the folder; returns how it was verified.

        Args:
            local: file here.
            name: of the file in the workspace.
            executable: whether it may be run.
        """
        return self.connection.push(local, self.path(name), executable)

    def remove(self, name: str) -> None:
        """Remove a file or folder from the folder, which is gone altogether when not connected."""
        if self.connection.connected:
            self.connection.shell(f"rm -rf -- {quote(self.path(name))}")

    def run(
        self,
        command: str,
        timeout_s: float,
        on_line: Callable[[str], bool] | None = None,
    ) -> ShellResult:
        """Run a command in the folder; see :meth:`AdbConnection.run`."""
        command = f"export NASPROF={self._token}; cd {quote(self.folder)} || exit\n{command}"
        return self.connection.run(command, timeout_s, on_line)

    def close(self) -> None:
        """End our processes and remove folder and lock, over a new connection if need be.

        Where the device cannot be reached any more, the keeper does it there.
        """
        if not self._open:
            return
        self._open = False
        reason = ""
        end = time.monotonic() + CLOSING_S
        while True:
            try:
                if not self.connection.connected:
                    self.connection.connect()
                if self.connection.shell(self._script(_REMOVE), CLOSING_S).exit_code == 0:
                    break
                reason = "the device refuses to remove it"
            except DeviceError as error:
                reason = error.message
            if time.monotonic() > end:
                _log.warning("could not confirm that %s was removed: %s", self.folder, reason)
                break
            time.sleep(0.3)
        self.connection.close()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
