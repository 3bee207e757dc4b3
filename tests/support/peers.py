"""Real peers for tests of ADB: Debian's debug daemon in a sandbox, and adbkit's bridge.

Both are downloaded into a cache folder that survives the test run. Where that is impossible the
tests that need them are skipped, with the reason.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.adb.address import TcpAddress
from devices.adb.connection import AdbConnection, ShellResult
from devices.device_profile import Profile
from devices.errors import DeviceError, DeviceLost

HERE = Path(__file__).parent
START = HERE / "adbd" / "start-adbd.sh"
DEADLINE_S = 10.0


def cache_folder(name: str) -> Path:
    """Where downloads are kept: $XDG_CACHE_HOME/nasprof-tests, else .cache of this repository."""
    base = os.environ.get("XDG_CACHE_HOME")
    root = Path(base, "nasprof-tests") if base else HERE.parents[1] / ".cache"
    return root / name


def prepared_adbd() -> Path:
    """The folder with the unpacked daemon; skips the test where it cannot be had."""
    if reason := _prepare_adbd():
        pytest.skip(f"ADB DAEMON NOT TESTED: {reason}")
    return cache_folder("adbd")


@functools.cache
def _prepare_adbd() -> str:
    for tool in ("apt-get", "dpkg", "gcc", "flock"):
        if shutil.which(tool) is None:
            return f"it is built from Debian packages, and there is no {tool} here"
    done = subprocess.run(
        [START, "--prepare", cache_folder("adbd")],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    return f"cannot download it: {done.stderr.strip()[-300:]}" if done.returncode else ""


def free_port() -> int:
    """A TCP port nobody listens on, outside the range in which adb looks for emulators."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if not 5555 <= port <= 5585:
            return port


class Phone:
    """A debug daemon in a sandbox; the daemon is restarted when it dies, as on a phone.

    Args:
        data_size: bytes of its /data; unlimited by default.
        binds: folders of this machine (keys) that it sees at other paths (values), read-only.
    """

    def __init__(self, data_size: int | None = None, binds: dict[Path, str] | None = None) -> None:
        self.cache = prepared_adbd()
        self.port = free_port()
        self.name = f"phone-{secrets.token_hex(4)}"
        self._data_size = data_size
        self._binds = binds or {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it (again, with empty storage) and wait until it answers."""
        environment = os.environ | {"PHONE_PYTHON": sys.prefix}
        if self._data_size is not None:
            environment["DATA_SIZE"] = str(self._data_size)
        binds = [word for host, path in self._binds.items() for word in ("--ro-bind", host, path)]
        self._log = self.cache / f"{self.name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [START, self.cache, str(self.port), self.name, *binds],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + DEADLINE_S
        while True:
            with contextlib.suppress(DeviceError):
                found = self.shell("cat /proc/sys/kernel/hostname").output
                assert found == self.name, f"port {self.port} belongs to {found}"
                return
            if self._process.poll() is not None:
                words = self._log.read_text(errors="replace")[-400:]
                self.stop()
                pytest.skip(f"ADB DAEMON NOT TESTED: the sandbox does not start: {words}")
            assert time.monotonic() < end, self._log.read_text(errors="replace")[-2000:]
            time.sleep(0.05)

    def stop(self) -> None:
        """Switch it off: everything in it dies and is lost."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
            self._log.unlink(missing_ok=True)

    def shell(self, command: str, timeout_s: float = 10.0) -> ShellResult:
        """What a command gives, over a connection of its own."""
        connection = AdbConnection(TcpAddress("127.0.0.1", self.port))
        connection.connect(attempts=10, pause_s=0.1)
        try:
            return connection.shell(command, timeout_s)
        finally:
            connection.close()

    def kill_daemon(self) -> None:
        """End the daemon with its connections; it comes back, its storage and processes stay."""
        with contextlib.suppress(DeviceLost):
            self.shell("kill -9 $PPID")

    @property
    def serial(self) -> str:
        """What ``--serial`` takes."""
        return f"127.0.0.1:{self.port}"

    def profile(self, **options: object) -> Profile:
        """A profile of this device."""
        return Profile("test", "adb", options={"serial": self.serial, **options})

    def leftovers(self) -> str:
        """What we have left on it: files and processes; empty when all is clean."""
        files = self.shell("ls -d /data/local/tmp/nasprof* 2>/dev/null").output
        processes = self.shell(
            "for f in /proc/[0-9]*/cmdline; do tr '\\0\\n' '  ' < $f; echo; done 2>/dev/null"
        ).output
        ours = [
            line
            for line in processes.splitlines()
            if "/proc/[0-9]*/cmdline; do tr" not in line
            and re.search(r"nasprof-|sleep 7|benchmark_model|runner.pyz", line)
        ]
        return "\n".join([files, *ours]).strip()

    def wait_for_process(self, name: str, limit_s: float = 20.0) -> None:
        """Wait until a process of ours is running on it."""
        end = time.monotonic() + limit_s
        while name not in self.leftovers():
            assert time.monotonic() < end, f"{name} was not started"
            time.sleep(0.05)

    def wait_until_clean(self, limit_s: float = 8.0) -> None:
        """Fail unless nothing of ours is left within ``limit_s``."""
        end = time.monotonic() + limit_s
        while left := self.leftovers():
            assert time.monotonic() < end, f"left on the device:\n{left}"
            time.sleep(0.1)


@contextlib.contextmanager
def running_phone(
    data_size: int | None = None, binds: dict[Path, str] | None = None
) -> Iterator[Phone]:
    """A phone that runs while the context lasts."""
    phone = Phone(data_size, binds)
    phone.start()
    try:
        yield phone
    finally:
        phone.stop()


def installed_adbkit() -> Path:
    """The folder with @devicefarmer/adbkit; skips the test where it cannot be had."""
    if reason := _install_adbkit():
        pytest.skip(f"ADB AUTHENTICATION NOT TESTED: {reason}")
    return cache_folder("adbkit")


@functools.cache
def _install_adbkit() -> str:
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "it needs node and npm"
    cache = cache_folder("adbkit")
    if (cache / "node_modules" / "@devicefarmer" / "adbkit" / "dist").is_dir():
        return ""
    cache.mkdir(parents=True, exist_ok=True)
    quietly = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", cache]
    done = subprocess.run(
        ["npm", "install", *quietly, "@devicefarmer/adbkit@3.3.9"],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    return f"npm: {done.stderr.strip()[-300:]}" if done.returncode else ""


@contextlib.contextmanager
def running_bridge(
    answer: str = "allow", known: Path | None = None
) -> Iterator[tuple[TcpAddress, Path]]:
    """adbkit's TcpUsb bridge, which demands and verifies RSA signatures like a phone.

    Args:
        answer: what its user does when asked about a new key: "allow", "refuse" or "ignore".
        known: public key file it trusts already.

    Yields:
        Its address, and a file with the fingerprints of the keys it asked about.
    """
    cache = installed_adbkit()
    log = cache / f"bridge-{secrets.token_hex(4)}.log"
    log.write_text("")
    process = subprocess.Popen(
        ["node", HERE / "adbd" / "bridge.js", answer, log, *([known] if known else [])],
        env=os.environ | {"NODE_PATH": str(cache / "node_modules")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        port = process.stdout.readline().strip()
        assert port.isdecimal(), "the bridge did not start"
        yield TcpAddress("127.0.0.1", int(port)), log
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        log.unlink(missing_ok=True)


class Proxy:
    """A TCP relay to a phone that can misbehave as cables and networks do.

    ``mode`` is "pass", "swallow" (nothing gets through, nothing is closed) or "damage" (what the
    phone sends is altered); :meth:`cut` breaks every connection.
    """

    def __init__(self, phone: Phone) -> None:
        self.mode = "pass"
        self._target = phone.port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [near, far]
                for source, sink, altered in ((near, far, False), (far, near, True)):
                    pump = threading.Thread(target=self._pump, args=(source, sink, altered))
                    pump.daemon = True
                    pump.start()

    def _pump(self, source: socket.socket, sink: socket.socket, altered: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if self.mode == "swallow":
                    continue
                if self.mode == "damage" and altered:
                    data = bytes(byte ^ 0x55 for byte in data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Break every connection."""
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def close(self) -> None:
        """Break every connection and take no more."""
        self._server.close()
        self.cut()
