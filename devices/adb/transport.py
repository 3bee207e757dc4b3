"""Byte streams to a debug daemon that never wait past a deadline.

``adb_shell``'s own TCP transport ignores how much of a message was sent, takes the end of a
connection for silence and lets ``OSError`` through; its time-outs are per packet. These transports
keep one deadline for a whole exchange and raise the errors of :mod:`devices.base`.
"""

from __future__ import annotations

import contextlib
import math
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from adb_shell.exceptions import UsbReadFailedError, UsbWriteFailedError
from adb_shell.transport.base_transport import BaseTransport

from devices.adb.address import Address, TcpAddress, UsbAddress
from devices.base import DeviceError, DeviceLost, DeviceTimeout, DeviceUnreachable

KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3}
"""Seconds and counts after which a silent peer is found dead while nothing is sent."""

NO_LIBUSB = (
    "For phones on USB: apt install libusb-1.0-0 and pip install nasprof[usb]. "
    "Or connect by TCP: --serial HOST:PORT."
)


class Deadline:
    """A point in time until which an exchange may last."""

    def __init__(self) -> None:
        self._end = math.inf
        self._limit_s = math.inf

    def set(self, limit_s: float) -> None:
        """Let the exchange last for ``limit_s`` seconds from now."""
        self._limit_s = limit_s
        self._end = time.monotonic() + limit_s

    def remaining_s(self) -> float:
        """Seconds left.

        Raises:
            DeviceTimeout: none are.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            self.expire()
        return left

    def expire(self) -> NoReturn:
        """Raise the error of an exchange that took too long."""
        raise DeviceTimeout(
            f"the device did not answer within {self._limit_s:g} s",
            "Raise timeout_s in the device profile if the command needs longer.",
        )


class Transport(BaseTransport):  # type: ignore[misc]
    """A byte stream with a deadline.

    Args:
        deadline: until when reads and writes may last.
        watch: called with everything that is read.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self.watch: Callable[[bytes], None] | None = None

    def _seen(self, data: bytes) -> bytes:
        if self.watch is not None:
            self.watch(data)
        return data


class SocketTransport(Transport):
    """A TCP connection."""

    def __init__(self, address: TcpAddress, deadline: Deadline) -> None:
        super().__init__(deadline)
        self.address = address
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

    def bulk_read(self, numbytes: int, transport_timeout_s: float | None) -> bytes:
        with self._open() as stream:
            data = stream.recv(numbytes)
        if not data:
            raise _lost(self.address, "it closed the connection")
        return self._seen(data)

    def bulk_write(self, data: bytes, transport_timeout_s: float | None) -> int:
        with self._open() as stream:
            stream.sendall(data)
        return len(data)

    @contextlib.contextmanager
    def _open(self) -> Iterator[socket.socket]:
        if self._socket is None:
            raise _lost(self.address, "the connection is closed")
        self._socket.settimeout(self._deadline.remaining_s())
        try:
            yield self._socket
        except TimeoutError as error:
            if error.errno is not None:
                raise _lost(self.address, str(error.strerror)) from error
            self._deadline.expire()
        except OSError as error:
            raise _lost(self.address, error.strerror or str(error)) from error

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class UsbStream(Transport):
    """A connection by USB, through libusb."""

    def __init__(self, address: UsbAddress, deadline: Deadline, usb: Any) -> None:
        super().__init__(deadline)
        self.address = address
        self._usb = usb

    def connect(self, transport_timeout_s: float | None) -> None:
        try:
            self._usb.connect(self._deadline.remaining_s())
        except DeviceError:
            raise
        except Exception as error:
            raise _usb_unreachable(self.address, error) from error

    def bulk_read(self, numbytes: int, transport_timeout_s: float | None) -> bytes:
        try:
            return self._seen(bytes(self._usb.bulk_read(numbytes, self._deadline.remaining_s())))
        except UsbReadFailedError as error:
            self._fail(error, error.usb_error)

    def bulk_write(self, data: bytes, transport_timeout_s: float | None) -> int:
        try:
            return int(self._usb.bulk_write(data, self._deadline.remaining_s()))
        except UsbWriteFailedError as error:
            self._fail(error, error.args[1] if len(error.args) > 1 else None)

    def _fail(self, error: Exception, cause: Exception | None) -> NoReturn:
        if type(cause).__name__ == "USBErrorTimeout":
            self._deadline.expire()
        raise _lost(self.address, str(cause or error)) from error

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._usb.close()


def open_transport(address: Address, deadline: Deadline) -> Transport:
    """The transport to a device, not yet connected.

    Raises:
        DeviceUnreachable: libusb is missing, or no or more than one phone on USB fits.
    """
    if isinstance(address, TcpAddress):
        return SocketTransport(address, deadline)
    return UsbStream(address, deadline, choose_phone(address, find_phones()))


def find_phones() -> list[Any]:
    """Every phone on USB that offers ADB, as ``adb_shell`` transports.

    Raises:
        DeviceUnreachable: libusb, or its Python binding, cannot be loaded.
    """
    try:
        from adb_shell.transport.usb_transport import UsbTransport

        return list(UsbTransport.find_all_adb_devices())
    except ImportError as error:
        raise DeviceUnreachable("the Python package libusb1 is missing", NO_LIBUSB) from error
    except OSError as error:
        raise DeviceUnreachable("libusb cannot be loaded", NO_LIBUSB) from error
    except Exception as error:
        raise DeviceUnreachable(
            f"USB cannot be searched ({type(error).__name__}: {error})",
            "Connect by TCP instead: --serial HOST:PORT.",
        ) from error


def choose_phone(address: UsbAddress, phones: list[Any]) -> Any:
    """The phone that an address means.

    Raises:
        DeviceUnreachable: none fits, or several do (they are listed).
    """
    known = [(_usb_text(phone, "getSerialNumber"), phone) for phone in phones]
    listed = ", ".join(f"{serial} ({_usb_text(phone, 'getProduct')})" for serial, phone in known)
    if address.serial is not None:
        fitting = [phone for serial, phone in known if serial == address.serial]
        missing = f"no phone with serial {address.serial!r} is connected by USB"
    else:
        fitting = _preferred(address.product, phones)
        missing = "no phone is connected by USB"
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise DeviceUnreachable(
            missing,
            f"Connected: {listed}."
            if listed
            else "Connect one with USB debugging switched on, "
            "or name a device on the network: --serial HOST:PORT.",
        )
    raise DeviceUnreachable(
        f"{len(phones)} phones are connected: {listed}", "Choose one with --serial SERIAL."
    )


def _preferred(product: str | None, phones: list[Any]) -> list[Any]:
    if product is None:
        return phones
    fitting = [p for p in phones if product.lower() in _usb_text(p, "getProduct").lower()]
    return fitting or phones


def _usb_text(phone: Any, getter: str) -> str:
    try:
        return str(getattr(phone._device, getter)() or "?")
    except Exception:
        # libusb cannot read strings of a device it may not open.
        return "?"


def _usb_unreachable(address: UsbAddress, error: Exception) -> DeviceUnreachable:
    remedies = {
        "USBErrorBusy": "Another program holds the phone, most likely an adb server: "
        "run 'adb kill-server'.",
        "USBErrorAccess": "You may not open the phone: add a udev rule for it "
        "(apt install android-sdk-platform-tools-common) and plug it in again.",
        "USBErrorNoDevice": "It was unplugged: connect it again.",
    }
    kind = type(error).__name__
    return DeviceUnreachable(
        f"the phone {address} cannot be opened ({kind}: {error})",
        remedies.get(kind, "Unplug it, connect it again and unlock it."),
    )


def _lost(address: Address, why: str) -> DeviceLost:
    return DeviceLost(
        f"the connection to {address} was lost: {why}",
        "Check cable or network and that USB debugging is still on, then run again.",
    )
