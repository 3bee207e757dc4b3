"""How a device is named: a USB serial, or ``host:port`` for TCP."""

from __future__ import annotations

import ipaddress
import re
import shlex
from dataclasses import dataclass, field
from typing import TypeAlias

from nasprof.errors import UsageError

DEFAULT_PORT = 5555

_MDNS = re.compile(r"\._adb(-tls-\w+)?\._tcp")
_EMULATOR = re.compile("emulator-([0-9]{1,5})")


@dataclass(frozen=True)
class TcpAddress:
    """A debug daemon that listens on the network.

    Args:
        emulator: what ``adb`` calls it, if it is an emulator's.
    """

    host: str
    port: int = DEFAULT_PORT
    emulator: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        where = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        return f"{where} (where {self.emulator} listens)" if self.emulator else where


@dataclass(frozen=True)
class UsbAddress:
    """A phone on USB.

    Args:
        serial: its serial number; None for the only one connected.
        product: prefer one whose USB product name contains this ("pixel").
    """

    serial: str | None = None
    product: str | None = None

    def __str__(self) -> str:
        return self.serial or "USB"


Address: TypeAlias = TcpAddress | UsbAddress


def parse_address(
    serial: str | None, port: int = DEFAULT_PORT, product: str | None = None
) -> Address:
    """What ``--serial`` names.

    ``HOST:PORT``, ``[IPv6]:PORT``, ``[IPv6]``, an IPv4 or IPv6 address, ``localhost`` and names
    with a dot are TCP; so is ``emulator-5554``, whose daemon listens at the next number of
    localhost. Everything else is the serial number of a phone on USB.

    Args:
        serial: USB serial or ``HOST:PORT``; None for the only phone connected by USB.
        port: where ``serial`` names none.
        product: a kind of phone to prefer.

    Raises:
        UsageError: an empty serial, a port that is none, or a name that only ``adb`` can reach.
    """
    if serial is None:
        return UsbAddress(None, product)
    serial = serial.strip()
    if not serial:
        raise UsageError("the serial is empty", "Expected a USB serial or HOST:PORT.")
    _refuse_mdns(serial)
    return _tcp_address(serial, port) or UsbAddress(serial, product)


def _refuse_mdns(serial: str) -> None:
    if _MDNS.search(serial):
        raise UsageError(
            f"{serial!r} is a name that only adb knows (wireless debugging, found by mDNS)",
            f"Run: adb -s {shlex.quote(serial)} tcpip {DEFAULT_PORT}, and give the phone's address "
            f"instead: --serial IP:{DEFAULT_PORT}. Or connect it by USB.",
        )


def _tcp_address(serial: str, port: int) -> TcpAddress | None:
    """What a serial names on the network; None if it is of a phone on USB."""
    emulator = _EMULATOR.fullmatch(serial)
    if emulator and int(emulator[1]) < 65535:
        return TcpAddress("localhost", int(emulator[1]) + 1, serial)
    bracketed = re.fullmatch(r"\[(?P<host>[^\]]+)\](?::(?P<port>.*))?", serial)
    if bracketed:
        if not _is_ip(bracketed["host"]):
            raise UsageError(f"{serial!r} is no address: expected [IPv6]:PORT or HOST:PORT")
        return TcpAddress(bracketed["host"], _port(bracketed["port"], port))
    host, colon, tail = serial.rpartition(":")
    if colon and not _is_ip(serial):
        if not host or ":" in host:
            raise UsageError(f"{serial!r} is no address: expected HOST:PORT or [IPv6]:PORT")
        return TcpAddress(host, _port(tail, port))
    if colon or serial == "localhost" or "." in serial:
        return TcpAddress(serial, port)
    return None


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _port(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise UsageError(f"port {text!r} is no TCP port", "Expected a number from 1 to 65535.")
    return int(text)
