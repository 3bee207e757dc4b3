"""Byte streams to a debug daemon that never wait past a deadline.

``adb_shell``'s own TCP transport ignores how much of a message was sent, takes the end of a
connection for silence and lets ``OSError`` through; its time-outs are per packet. These transports
keep one deadline for a whole exchange, look at every packet's header before what it promises is
read (:mod:`devices.adb.packets`) and raise the errors of :mod:`devices.errors`.
"""

from __future__ import annotations

import contextlib
import math
import socket
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import NoReturn

from adb_shell.transport.base_transport import BaseTransport

from devices.adb.address import Address, TcpAddress
from devices.adb.packets import HEADER_BYTES, Packets
from devices.errors import DeviceLost, DeviceTimeout, DeviceUnreachable

KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3}
"""Seconds and counts after which a silent peer is found dead while nothing is sent."""


READ_BYTES = 1 << 18
"""Bytes asked for at once: a socket sets aside as much memory before it has any of them."""


class Deadline:
    """A point in time until which an exchange may last."""

    def __init__(self) -> None:
        self._end = self._last = math.inf
        self._limit_s = self._total_s = math.inf

    def begin(self, limit_s: float, total_s: float = math.inf) -> None:
        """Let an exchange last for ``limit_s`` seconds, and for ``total_s`` with every respite."""
        self._total_s = total_s
        self._last = time.monotonic() + total_s
        self.set(limit_s)

    def set(self, limit_s: float) -> None:
        """Let the exchange last for ``limit_s`` seconds from now, but not for more in all."""
        self._limit_s = limit_s
        self._end = time.monotonic() + limit_s

    def earn(self, more_s: float) -> None:
        """Let the exchange last for so much more in all: it has made progress."""
        self._total_s += more_s
        self._last += more_s

    def remaining_s(self) -> float:
        """Seconds left.

        Raises:
            DeviceTimeout: none are.
        """
        left = min(self._end, self._last) - time.monotonic()
        if left <= 0:
            self.expire()
        return left

    def expire(self) -> NoReturn:
        """Raise the error of an exchange that took too long."""
        if self._last < self._end:
            raise DeviceTimeout(
                f"the device did not come to an end within {self._total_s:.3g} s",
                "It answers far too slowly: check cable or network, or restart the device.",
            )
        raise DeviceTimeout(
            f"the device did not answer within {self._limit_s:g} s",
            "Raise timeout_s in the device profile if the command needs longer.",
        )


class Transport(BaseTransport):  # type: ignore[misc]
    """A byte stream with a deadline, of packets that keep within limits.

    Args:
        address: of the device.
        deadline: until when reads and writes may last.

    Attributes:
        packets: what may still come.
        watch: called with every part of a payload.
    """

    def __init__(self, address: Address, deadline: Deadline) -> None:
        self.address = address
        self._deadline = deadline
        self.packets = Packets(str(address))
        self.watch: Callable[[bytes], None] | None = None
        self._broken: DeviceLost | None = None

    @abstractmethod
    def _read(self, numbytes: int) -> bytes:
        """Some of the next bytes; none is no end, which is an error."""

    @abstractmethod
    def _write(self, data: bytes) -> int:
        """Send bytes; how many were."""

    def bulk_read(self, numbytes: int, transport_timeout_s: float | None) -> bytes:
        """A whole header, or a part of the payload that it announced."""
        with self._until_broken():
            return self._payload(numbytes) if self.packets.within else self._header()

    def bulk_write(self, data: bytes, transport_timeout_s: float | None) -> int:
        """Send a header or the payload that it announced; how many bytes were sent."""
        with self._until_broken():
            self.packets.wrote(data)
            return self._write(data)

    @contextlib.contextmanager
    def _until_broken(self) -> Iterator[None]:
        # ``adb_shell`` wants to take leave of a peer whose next bytes may mean anything.
        if self._broken is not None:
            raise self._broken
        try:
            yield
        except DeviceLost as error:
            self._broken = error
            raise

    def _header(self) -> bytes:
        header = b""
        while len(header) < HEADER_BYTES:
            header += self._read(HEADER_BYTES - len(header))
        return self.packets.header(header)

    def _payload(self, numbytes: int) -> bytes:
        data = self._part(numbytes)
        if self.watch is not None:
            try:
                self.watch(data)
            except Exception:
                # The next packet is to be found by whoever goes on.
                while self.packets.within:
                    self._part(READ_BYTES)
                raise
        return data

    def _part(self, numbytes: int) -> bytes:
        data = self._read(min(numbytes, self.packets.within, READ_BYTES))
        self.packets.payload(data)
        return data


class SocketTransport(Transport):
    """A TCP connection."""

    address: TcpAddress

    def __init__(self, address: TcpAddress, deadline: Deadline) -> None:
        super().__init__(address, deadline)
        self._socket: socket.socket | None = None

    def connect(self, transport_timeout_s: float | None) -> None:
        where = (self.address.host, self.address.port)
        try:
            self._socket = socket.create_connection(where, self._deadline.remaining_s())
        except OSError as error:
            raise DeviceUnreachable(
                f"no answer from {self.address}: {error.strerror or error}",
                "Is the device on, in the same network, and listening (adb tcpip 5555)?",
            ) from error
        # A shell call is several small packets each way: 48 ms with Nagle's algorithm, 1.5 without.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEPALIVE.items():
            if hasattr(socket, name):
                self._socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def _read(self, numbytes: int) -> bytes:
        with self._open() as stream:
            data = stream.recv(numbytes)
        if not data:
            raise lost(self.address, "it closed the connection")
        return data

    def _write(self, data: bytes) -> int:
        with self._open() as stream:
            stream.sendall(data)
        return len(data)

    @contextlib.contextmanager
    def _open(self) -> Iterator[socket.socket]:
        if self._socket is None:
            raise lost(self.address, "the connection is closed")
        self._socket.settimeout(self._deadline.remaining_s())
        try:
            yield self._socket
        except TimeoutError as error:
            if error.errno is not None:
                raise lost(self.address, str(error.strerror)) from error
            self._deadline.expire()
        except OSError as error:
            raise lost(self.address, error.strerror or str(error)) from error

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def lost(address: Address, why: str) -> DeviceLost:
    """The error of a connection that ended."""
    return DeviceLost(
        f"the connection to {address} was lost: {why}",
        "Check cable or network and that USB debugging is still on, then run again.",
    )
