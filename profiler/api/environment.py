"""What there is to measure on and with: devices, and facts about this installation."""

from __future__ import annotations

import platform
import sys
from ctypes.util import find_library
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from devices import host, list_profiles, open_device, read_profile
from nasprof import __version__
from nasprof.errors import NasprofError
from nasprof.plugins import load_plugins
from nasprof.results import Records
from nasprof.typing import JsonObject
from nasprof.user_folders import config_folder, described

_PACKAGES = (
    "numpy",
    "onnx",
    "onnxruntime",
    "onnxruntime-gpu",
    "ai-edge-litert",
    "tflite-runtime",
    "ai-edge-quantizer",
    "torch",
    "litert-torch",
    "flatbuffers",
    "adb-shell",
    "libusb1",
    "click",
    "rich",
    "scipy",
)


@dataclass(frozen=True)
class DeviceStatus:
    """A device, and whether it answers.

    Args:
        device: name of its profile.
        kind: "cpu", "adb", ...; "?" where the profile cannot be used.
        description: the profile's own.
        runtime: what it runs models with unless told otherwise.
        source: the profile's file.
        reachable: whether it answers.
        detail: what it is, or what to do about it.
        error: what is wrong with the profile, if anything.
    """

    device: str
    kind: str
    description: str
    runtime: str
    source: str
    reachable: bool
    error: str | None
    detail: str

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return asdict(self)


class DeviceStatuses(Records[DeviceStatus]):
    """A status a device, by name of the profile."""


def list_devices(serial: str | None = None) -> DeviceStatuses:
    """Devices, whether they answer right now, and if not, why not.

    Args:
        serial: USB serial or ``HOST:PORT`` of the phone to look for.

    >>> [status.reachable for status in list_devices() if status.device == "cpu"]
    [True]
    """
    return DeviceStatuses(_status(name, path, serial) for name, path in list_profiles().items())


def _status(name: str, path: Path, serial: str | None) -> DeviceStatus:
    facts = {"kind": "?", "description": "", "runtime": "?"}
    try:
        profile = read_profile(path)
        if profile.kind == "adb":
            profile = profile.with_options(serial=serial)
        facts = {key: getattr(profile, key) for key in facts}
        device = open_device(profile)
    except NasprofError as error:
        what = str(error)
        return DeviceStatus(
            name, **facts, source=str(path), reachable=False, error=what, detail=what
        )
    try:
        reach = device.check()
        reachable, detail = reach.ok, reach.detail
    except NasprofError as error:
        reachable, detail = False, str(error)
    return DeviceStatus(
        name, **facts, source=str(path), reachable=reachable, error=None, detail=detail
    )


def environment() -> JsonObject:
    """Facts about this installation and machine, by topic: what a bug report needs.

    >>> environment()["nasprof"]["version"] == __version__
    True
    """
    return {
        "nasprof": {
            "version": __version__,
            "python": f"{platform.python_implementation()} {platform.python_version()}",
            "executable": sys.executable,
            "configuration": described(config_folder),
        },
        "machine": host.fingerprint(),
        "state": host.state(host.available_cpus()),
        "packages": {name: _version(name) for name in _PACKAGES},
        "adb": {
            "key": _adb_key(),
            "libusb": _libusb(),
        },
        "devices": {name: str(path) for name, path in list_profiles().items()},
        "plugins": [plugin.to_dict() for plugin in load_plugins(warn=False)],
    }


def _adb_key() -> str:
    from devices.adb.keys import AdbKeyError, own_key

    try:
        key = own_key()
        present = key.exists()
    except AdbKeyError as error:
        return error.message
    except OSError as error:
        return f"{key} (cannot be read: {error.strerror})"
    return f"{key} ({'present' if present else 'created at first use'})"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _libusb() -> str:
    try:
        library = find_library("usb-1.0")
    except OSError as error:  # it runs programs, which may want a temporary folder
        return f"not known ({error.strerror})"
    return library or "not found (USB phones need it: apt install libusb-1.0-0)"
