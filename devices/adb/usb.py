"""Phones on USB, through libusb."""

from __future__ import annotations

import contextlib
from typing import Any, NoReturn

from adb_shell.exceptions import UsbReadFailedError, UsbWriteFailedError

from devices.adb.address import UsbAddress
from devices.adb.transport import Deadline, Transport, lost
from devices.errors import DeviceError, DeviceUnreachable

NO_LIBUSB = (
    "For phones on USB: apt install libusb-1.0-0 and pip install nasprof[usb]. "
    "Or connect by TCP: --serial HOST:PORT."
)


class UsbStream(Transport):
    """A connection by USB, through libusb."""

    address: UsbAddress

    def __init__(self, address: UsbAddress, deadline: Deadline, usb: Any) -> None:
        super().__init__(address, deadline)
        self._usb = usb

    def connect(self, transport_timeout_s: float | None) -> None:
        try:
            self._usb.connect(self._deadline.remaining_s())
        except DeviceError:
            raise
        except Exception as error:
            raise _usb_unreachable(self.address, error) from error

    def _read(self, numbytes: int) -> bytes:
        try:
            return bytes(self._usb.bulk_read(numbytes, self._deadline.remaining_s()))
        except UsbReadFailedError as error:
            self._fail(error, error.usb_error)

    def _write(self, data: bytes) -> int:
        try:
            return int(self._usb.bulk_write(data, self._deadline.remaining_s()))
        except UsbWriteFailedError as error:
            self._fail(error, error.args[1] if len(error.args) > 1 else None)

    def _fail(self, error: Exception, cause: Exception | None) -> NoReturn:
        if type(cause).__name__ == "USBErrorTimeout":
            self._deadline.expire()
        raise lost(self.address, str(cause or error)) from error

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._usb.close()


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
