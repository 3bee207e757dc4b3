"""A connection to a debug daemon: that it stands, and exchanges over it within limits.

A connection that failed is closed and stays closed until :meth:`AdbLink.connect`: what an earlier
command left in the stream is never taken for an answer to the next one.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from devices.adb.address import Address, TcpAddress
from devices.adb.keys import load_keys
from devices.adb.packets import NeedsEncryption
from devices.adb.transport import Deadline, SocketTransport, Transport
from devices.adb.usb import UsbStream, choose_phone, find_phones
from devices.errors import DeviceError, DeviceLost, DeviceUnreachable
from devices.foreign import clean
from nasprof.log import logger


class AdbLink:
    """A connection to one device; safe to share between threads, which then take turns.

    Args:
        address: which device.
        connect_timeout_s: limit for reaching it, without the user's part.
        auth_timeout_s: how long the user has to tap "Allow".
        home: folder of ``.android``; the user's home folder by default.
        quiet: do not tell the user to tap "Allow".
    """

    def __init__(
        self,
        address: Address,
        connect_timeout_s: float = 5.0,
        auth_timeout_s: float = 30.0,
        home: Path | None = None,
        quiet: bool = False,
    ) -> None:
        self.address = address
        self._connect_timeout_s = connect_timeout_s
        self._auth_timeout_s = auth_timeout_s
        self._home = home
        self._quiet = quiet
        self._deadline = Deadline()
        self._lock = threading.RLock()
        self._transport: Transport
        self._device: Any = None
        self._held: list[Iterator[bytes]] = []
        self._asked = False

    def connect(self, attempts: int = 1, pause_s: float = 1.0) -> None:
        """Connect, anew if need be; a device that is restarting is given several attempts.

        Raises:
            DeviceUnreachable: nobody answers, or not with the ADB protocol, or access is refused.
        """
        for left in reversed(range(attempts)):
            try:
                self._connect()
            except DeviceUnreachable:
                if not left or self._asked:
                    raise
                time.sleep(pause_s)
            else:
                return

    def _connect(self) -> None:
        from adb_shell.adb_device import AdbDevice

        with self._lock:
            self.close()
            self._asked = False
            keys = load_keys(self._home)
            self._deadline.begin(self._connect_timeout_s)
            self._transport = _transport(self.address, self._deadline)
            device = AdbDevice(self._transport)
            limit_s = self._connect_timeout_s + self._auth_timeout_s
            try:
                device.connect(keys, limit_s, limit_s, limit_s, self._ask_user)
            except BaseException as error:
                device.close()
                if isinstance(error, DeviceUnreachable) or not isinstance(error, Exception):
                    raise
                raise self._unreachable(error) from error
            self._device = device

    def _ask_user(self, _: Any) -> None:
        self._asked = True
        self._deadline.set(self._auth_timeout_s)
        if self._quiet:
            return
        logger.warning(
            f"{self.address} does not know this computer yet: unlock the phone and tap Allow "
            f"(waiting {self._auth_timeout_s:g} s)."
        )

    def _unreachable(self, error: Exception) -> DeviceUnreachable:
        if self._asked:
            return DeviceUnreachable(
                f"{self.address} did not authorise this computer",
                "Unlock the phone, run again and tap Allow. If it never asks: Developer options, "
                "Revoke USB debugging authorisations, then connect again.",
            )
        if isinstance(error, NeedsEncryption):
            return DeviceUnreachable(
                f"{self.address} wants the encrypted protocol of Android's wireless debugging, "
                "which is not supported",
                "Use USB, or 'adb tcpip 5555' and --serial HOST:5555.",
            )
        message = error.message if isinstance(error, DeviceError) else type(error).__name__
        return DeviceUnreachable(
            f"{self.address} does not answer as an ADB daemon: {message}",
            "Is USB debugging on (Developer options), and the port that of adbd?",
        )

    @property
    def connected(self) -> bool:
        """Whether there is a connection that has not failed yet."""
        return self._device is not None

    def close(self) -> None:
        """End the connection; whatever was started to stay ends with it."""
        device, self._device = self._device, None
        self._held.clear()
        if device is not None:
            with contextlib.suppress(Exception):
                device.close()

    @contextlib.contextmanager
    def exchange(self, timeout_s: float, allowed: int, total_s: float = math.inf) -> Iterator[Any]:
        """What is asked of the device in one go, within limits of bytes and of time.

        Args:
            timeout_s: seconds that it may stand still.
            allowed: bytes that the device may send.
            total_s: seconds that it may take, which progress prolongs.
        """
        with self._lock:
            if self._device is None:
                raise DeviceLost(f"not connected to {self.address}")
            self._deadline.begin(timeout_s, total_s)
            self._transport.packets.allow(allowed)
            try:
                yield self._device
            except BaseException as error:
                self.close()
                if isinstance(error, DeviceError) or not isinstance(error, Exception):
                    raise
                raise DeviceLost(
                    f"{self.address} sent what is not ADB "
                    f"({type(error).__name__}: {clean(str(error))})",
                    "Check the cable or network, then run again.",
                ) from error


def _transport(address: Address, deadline: Deadline) -> Transport:
    if isinstance(address, TcpAddress):
        return SocketTransport(address, deadline)
    return UsbStream(address, deadline, choose_phone(address, find_phones()))
