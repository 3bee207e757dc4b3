"""What a debug daemon may send: every packet's header is looked at before the rest is read.

``adb_shell`` believes the daemon. It reads as many bytes as a header promises (up to 4 GB), makes
buffers of the size that the daemon offers, keeps packets of streams it never opened, and waits for
the opening of a stream that was refused. So the headers pass through here first.
"""

from __future__ import annotations

import struct

from devices.errors import DeviceLost

HEADER_BYTES = 24
_FIELDS = struct.Struct("<6I")

MIN_PACKET, MAX_PACKET = 4096, 1 << 20
"""Bytes of payload that both sides must be able to take, and that we offer to take."""

MAX_GREETING = 64
"""Packets before the connection stands: a round for each key, and what an earlier user left."""

MAX_GREETING_BYTES = 4 << 20

MAX_STRAYS = 1000
"""Packets of streams that are over; ``adb_shell`` keeps each for as long as the connection.

The end of a stream is none: a daemon answers it with its own, and ``adb_shell`` keeps that only
where it has kept others of the stream."""

MAX_STRAY_BYTES = 16 << 20

CNXN, AUTH, STLS, OPEN, OKAY, CLSE, WRTE, SYNC = (
    int.from_bytes(name, "little")
    for name in (b"CNXN", b"AUTH", b"STLS", b"OPEN", b"OKAY", b"CLSE", b"WRTE", b"SYNC")
)
_KNOWN = {CNXN, AUTH, STLS, OPEN, OKAY, CLSE, WRTE, SYNC}


class NotAdb(DeviceLost):
    """The peer sent what makes no sense in ADB's protocol, or more than it may."""

    def __init__(self, peer: str, what: str) -> None:
        super().__init__(
            f"{peer} sent what is not ADB: {what}", "Check the cable or network, then run again."
        )


class TooMuch(NotAdb):
    """The peer sent more than was to be expected."""


class NeedsEncryption(DeviceLost):
    """The peer wants the encrypted protocol of wireless debugging."""

    def __init__(self, peer: str) -> None:
        super().__init__(f"{peer} wants an encrypted connection (STLS)")


class Packets:
    """Follows both directions of a connection, header by header.

    An exchange (a command, a file) begins with :meth:`allow`, and its stream with the ``OPEN``
    that is written.

    Args:
        peer: name of the daemon, for messages.
    """

    def __init__(self, peer: str) -> None:
        self._peer = peer
        self._connected = False
        self._left = 0
        self._written_left = 0
        self._allowed = MAX_GREETING_BYTES
        self._greeting = self._strays = self._stray_bytes = 0
        self._kept: set[tuple[int, int]] = set()
        self._local: int | None = None
        self._remote: int | None = None

    def allow(self, size: int) -> None:
        """Let the daemon send ``size`` bytes, headers included, from now on."""
        self._allowed = size

    @property
    def within(self) -> int:
        """Bytes of the packet's payload that are still to come; 0 where a header is next."""
        return self._left

    def wrote(self, data: bytes) -> None:
        """Take note of what goes to the daemon, a header or a payload."""
        if self._written_left:
            self._written_left -= len(data)
            return
        command, local, _, length, _, _ = _FIELDS.unpack(data)
        self._written_left = length
        if command == OPEN:
            self._local, self._remote = local, None

    def payload(self, data: bytes) -> None:
        """Take note of a part of a payload."""
        self._left -= len(data)

    def header(self, data: bytes) -> bytes:
        """The header as it may go on to ``adb_shell``.

        Raises:
            NotAdb: it makes no sense, or promises too much.
            NeedsEncryption: the daemon does not speak without.
        """
        command, first, second, length, checksum, magic = _FIELDS.unpack(data)
        if command not in _KNOWN or magic != command ^ 0xFFFFFFFF:
            raise NotAdb(self._peer, f"a packet that begins with {data[:4]!r}")
        if command == STLS:
            raise NeedsEncryption(self._peer)
        if length > MAX_PACKET:
            raise NotAdb(
                self._peer, f"a packet of {length} bytes, more than the {MAX_PACKET} agreed on"
            )
        self._count(length)
        if not self._connected:
            second = self._greet(command, second)
        else:
            self._follow(command, first, second, length)
        self._left = length
        return _FIELDS.pack(command, first, second, length, checksum, magic)

    def _count(self, length: int) -> None:
        self._allowed -= HEADER_BYTES + length
        if self._allowed < 0:
            raise TooMuch(self._peer, "much more than was to be expected, without an end")

    def _greet(self, command: int, second: int) -> int:
        self._greeting += 1
        if self._greeting > MAX_GREETING:
            raise NotAdb(self._peer, f"{MAX_GREETING} packets and no greeting")
        if command != CNXN:
            return second
        if second < MIN_PACKET:
            raise NotAdb(
                self._peer, f"an offer of packets of {second} bytes, less than {MIN_PACKET}"
            )
        self._connected = True
        return min(second, MAX_PACKET)

    def _follow(self, command: int, remote: int, local: int, length: int) -> None:
        ours = local == self._local or (local == 0 and self._remote is not None)
        if not ours or (self._remote is not None and remote not in (0, self._remote)):
            self._stray(command, (remote, local), length)
        elif command == OKAY and self._remote is None:
            self._remote = remote
        elif command == CLSE and self._remote is None:
            raise DeviceLost(
                f"{self._peer} refuses to open a stream",
                "Is it a whole Android or Linux device? Restart its debug daemon (adbd).",
            )

    def _stray(self, command: int, stream: tuple[int, int], length: int) -> None:
        if command == CLSE and stream not in self._kept:
            return
        self._kept.add(stream)
        self._strays += 1
        self._stray_bytes += length
        if self._strays > MAX_STRAYS or self._stray_bytes > MAX_STRAY_BYTES:
            raise NotAdb(self._peer, "packets of streams that nobody opened, without an end")
