"""Debug daemons that mean harm, or are broken: each serves a connection by a few lines of script.

They speak ADB's protocol as far as their script says, on a port of this machine.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

from devices.adb.address import TcpAddress

MEGABYTE = 1 << 20
PATIENCE_S = 30.0
"""Seconds after which a daemon closes: a client that would wait longer than it says is found."""


class Wire:
    """The daemon's end of a connection."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer
        self.peer.settimeout(PATIENCE_S)
        self.end = time.monotonic() + PATIENCE_S
        self.local = 0

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        if time.monotonic() > self.end:
            raise TimeoutError
        self.peer.sendall(data)

    def send(
        self,
        command: bytes,
        first: int = 0,
        second: int = 0,
        data: bytes = b"",
        length: int | None = None,
        checksum: int | None = None,
        magic: int | None = None,
    ) -> None:
        """Send a packet, right in what is not said otherwise."""
        number = int.from_bytes(command, "little")
        header = struct.pack(
            "<6I",
            number,
            first,
            second,
            len(data) if length is None else length,
            sum(data) & 0xFFFFFFFF if checksum is None else checksum,
            number ^ 0xFFFFFFFF if magic is None else magic,
        )
        self.raw(header + data)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            chunk = self.peer.recv(size - len(data))
            if not chunk:
                raise ConnectionError
            data += chunk
        return data

    def read(self) -> tuple[bytes, int, int, bytes]:
        """The next packet: command, two arguments, payload."""
        number, first, second, length, _, _ = struct.unpack("<6I", self._exactly(24))
        return number.to_bytes(4, "little"), first, second, self._exactly(length)

    def greet(self, maxdata: int = MEGABYTE) -> None:
        """Take the greeting and give one."""
        self.read()
        self.send(b"CNXN", 0x01000000, maxdata, b"device::\0")

    def open(self) -> bytes:
        """Let the client open a stream; what for."""
        while True:
            command, self.local, _, service = self.read()
            if command == b"OPEN":
                self.send(b"OKAY", 1, self.local)
                return service

    def shell(self) -> bytes:
        """Greet, and let the client open a shell; the marker of the exit code it wants."""
        self.greet()
        found = re.search(rb"@@rc-\w+=", self.open())
        return found[0] if found else b""

    def write(self, data: bytes) -> None:
        """Send data in the stream that the client opened."""
        self.send(b"WRTE", 1, self.local, data)

    def answer(self, output: bytes) -> None:
        """Serve a shell to its end with this output."""
        marker = re.search(rb"@@rc-\w+=", self.open())
        self.write(output + b"\n" + (marker[0] if marker else b"") + b"0\n")
        self.send(b"CLSE", 1, self.local)

    def receive(self) -> None:
        """Greet and take the request of a file transfer, without an answer to it."""
        self.greet()
        self.open()
        self.read()
        self.send(b"OKAY", 1, self.local)

    def sync(self, name: bytes, data: bytes = b"", size: int | None = None) -> None:
        """Send a message of a file transfer."""
        self.write(name + struct.pack("<I", len(data) if size is None else size) + data)

    def wait(self) -> None:
        """Do nothing more, until the client goes."""
        with contextlib.suppress(OSError):
            while self.peer.recv(1 << 16):
                pass


Script = Callable[[Wire], None]


@contextlib.contextmanager
def daemon(script: Script) -> Iterator[TcpAddress]:
    """A port on which each connection is served by the script, then closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve(peer: socket.socket) -> None:
            with contextlib.suppress(OSError), peer:
                script(Wire(peer))

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = server.accept()
                    threading.Thread(target=serve, args=(peer,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield TcpAddress("127.0.0.1", server.getsockname()[1])


# --- scripts -------------------------------------------------------------------------------------


def says(data: bytes, endless: bool = False, pause_s: float = 0.0) -> Script:
    """Sends bytes, byte by byte if there is a pause between them."""

    def script(wire: Wire) -> None:
        for _ in itertools.count() if endless else range(1):
            if not pause_s:
                wire.raw(data)
            for byte in data if pause_s else b"":
                wire.raw(bytes([byte]))
                time.sleep(pause_s)
        wire.wait()

    return script


def sends(
    *packets: dict[str, object],
    after: Callable[[Wire], object] = Wire.read,
    endless: bool = False,
    pause_s: float = 0.0,
    close: bool = False,
) -> Script:
    """Sends packets after what ``after`` does; ``ours`` stands for the stream's number."""

    def script(wire: Wire) -> None:
        after(wire)
        for number in itertools.count() if endless else range(1):
            for packet in packets:
                told = {key: _filled(value, wire, number) for key, value in packet.items()}
                wire.send(**told)  # type: ignore[arg-type]
                time.sleep(pause_s)
        if not close:
            wire.wait()

    return script


def _filled(value: object, wire: Wire, number: int) -> object:
    if value == "ours":
        return wire.local
    return 1000 + number if value == "another" else value


def writes(data: bytes, endless: bool = False, pause_s: float = 0.0) -> Script:
    """Writes to the shell that the client opens."""
    return sends(
        {"command": b"WRTE", "first": 1, "second": "ours", "data": data},
        after=Wire.shell,
        endless=endless,
        pause_s=pause_s,
    )


def exits(code: bytes, again_s: float | None = None) -> Script:
    """Ends a command with this for an exit code, or says so again and again."""

    def script(wire: Wire) -> None:
        marker = wire.shell()
        wire.write(b"output\n" + marker + code + b"\n")
        while again_s is not None:
            time.sleep(again_s)
            wire.write(marker + code + b"\n")
        wire.send(b"CLSE", 1, wire.local)
        wire.wait()

    return script


def transfers(
    name: bytes,
    data: bytes = b"",
    size: int | None = None,
    endless: bool = False,
    pause_s: float = 0.0,
    close: bool = False,
) -> Script:
    """Answers to the request of a file, and if ``close`` is set lets the stream end."""

    def script(wire: Wire) -> None:
        wire.receive()
        for _ in itertools.count() if endless else range(1):
            wire.sync(name, data, size)
            time.sleep(pause_s)
        if not close:
            wire.wait()
        while wire.read()[0] != b"CLSE":
            pass
        wire.send(b"CLSE", 1, wire.local)

    return script
