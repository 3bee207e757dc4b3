"""``nasprof env``: what a bug report needs."""

from __future__ import annotations

import platform
import sys

import click

from nasprof import __version__
from nasprof.cli import json_option, print_json
from nasprof.typing import JsonObject

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


@click.command()
@json_option
def env(as_json: bool) -> None:
    """Print versions, hardware and paths for a bug report."""
    facts = environment()
    if as_json:
        print_json(facts)
        return
    plugins = facts.pop("plugins")
    for section, values in facts.items():
        click.echo(f"{section}:")
        for name, value in values.items():
            click.echo(f"  {name}: {value}")
    click.echo("plugins:" if plugins else "plugins: none")
    for plugin in plugins:
        click.echo(
            f"  {plugin['name']} ({plugin['distribution']} {plugin['version']}): {_gives(plugin)}"
        )


def _gives(plugin: JsonObject) -> str:
    """What a plug-in added, or why it did not."""
    if plugin["error"] is not None:
        return f"left out: {plugin['error']}"
    return ", ".join(f"{kind} {name}" for kind, name in plugin["registered"]) or "nothing"


def environment() -> JsonObject:
    """Facts about this installation and machine, by topic."""
    from devices import host
    from devices.device_profile import list_profiles
    from nasprof.places import config_folder, described
    from nasprof.plugins import load_plugins

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
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _libusb() -> str:
    from ctypes.util import find_library

    try:
        found = find_library("usb-1.0")
    except OSError as error:  # it runs programs, which may want a temporary folder
        return f"not known ({error.strerror})"
    return found or "not found (USB phones need it: apt install libusb-1.0-0)"
