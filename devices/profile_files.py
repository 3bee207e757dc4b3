"""Device profiles: TOML files that say what a device is and how to use it.

The shipped ones are in ``devices/profiles``; the user's own are in the configuration folder
(``$NASPROF_CONFIG`` or the platform's usual place, ``~/.config/nasprof/devices/*.toml`` on Linux)
and win over shipped ones of the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

from devices.cpus import MAX_CPUS
from devices.device import Device, device_kinds
from devices.device_profile import MAX_THREADS, Profile
from nasprof.errors import UsageError
from nasprof.reader import brief
from nasprof.reading import read_text
from nasprof.toml_text import parse_toml
from nasprof.user_folders import config_folder, described, files_in

MAX_BYTES = 1 << 20
"""Of a profile."""
_INTEGERS = range(-(2**63), 2**63)
_CONTROL = frozenset(map(chr, [*range(0x20), *range(0x7F, 0xA0)])) - frozenset("\t\n\r")

_Rule: TypeAlias = tuple[Callable[[object], bool], str]


_TEXT: _Rule = (lambda value: isinstance(value, str) and bool(value), "a string")
_EXPECTED: dict[str, _Rule] = {
    "kind": _TEXT,
    "description": (lambda value: isinstance(value, str), "a string"),
    "runtime": _TEXT,
    "threads": (
        lambda value: type(value) is int and 1 <= value <= MAX_THREADS,
        f"a whole number from 1 to {MAX_THREADS}",
    ),
    "affinity": (lambda value: isinstance(value, list), "a list of CPU numbers"),
    "protocol": _TEXT,
    "table_protocol": _TEXT,
}


def parse_profile(name: str, text: str, source: str) -> Profile:
    """The profile written in ``text`` (TOML).

    Args:
        name: of the device.
        text: TOML.
        source: where it is from, for messages.

    Raises:
        UsageError: the text is no TOML, or a field is missing or of the wrong type.
    """
    table = parse_toml(text, source)
    for field_name, value in _unusable(table.items(), ""):
        raise UsageError(
            f"{source}: field {brief(field_name)} is {brief(value)}, expected a number of at most "
            "64 bits, or a string without control characters"
        )
    if "kind" not in table:
        raise UsageError(
            f"{source}: field 'kind' is missing",
            f"Set it to one of: {', '.join(device_kinds)}.",
        )
    for key, (valid, words) in _EXPECTED.items():
        if key in table and not valid(table[key]):
            raise UsageError(f"{source}: field {key!r} is {brief(table[key])}, expected {words}")
    affinity = table.pop("affinity", None)
    if affinity is not None:
        if not affinity or not all(type(cpu) is int and 0 <= cpu < MAX_CPUS for cpu in affinity):
            raise UsageError(
                f"{source}: field 'affinity' is {brief(affinity)}, "
                f"expected a list of CPU numbers below {MAX_CPUS}"
            )
        affinity = tuple(affinity)
    known = {f.name for f in fields(Profile)} - {"name", "source", "options"}
    own = {key: table.pop(key) for key in list(table) if key in known}
    return Profile(name=name, affinity=affinity, options=table, source=source, **own)


def _unusable(values: Iterable[tuple[object, Any]], where: str) -> Iterator[tuple[str, Any]]:
    """Fields and their values of which another program could make nothing, or something else."""
    for name, value in values:
        field_name = f"{where}.{name}" if where else str(name)
        if isinstance(value, dict):
            yield from _unusable(value.items(), field_name)
        elif isinstance(value, list):
            yield from _unusable(enumerate(value), field_name)
        elif not _is_usable(value):
            yield field_name, value


def _is_usable(value: object) -> bool:
    if isinstance(value, str):
        return _CONTROL.isdisjoint(value)
    return not isinstance(value, int) or value in _INTEGERS


def own_profiles() -> Path:
    """Where the user's own profiles are.

    Raises:
        UsageError: this user has no home folder.
    """
    return config_folder() / "devices"


def list_profiles() -> dict[str, Path]:
    """Every profile's file by name, the user's own winning over shipped ones.

    One's own are left out where they cannot be read.

    >>> "cpu" in list_profiles()
    True
    """
    folders = (lambda: Path(str(files("devices") / "profiles")), own_profiles)
    return {path.stem: path for folder in folders for path in files_in(folder, ".toml")}


def find_profile(name: str) -> Profile:
    """The profile called ``name``, or the one in the file ``name`` if that ends in ``.toml``.

    Raises:
        UsageError: there is none, with near matches; or its file is invalid.

    >>> find_profile("cpu").kind
    'cpu'
    """
    if name.endswith(".toml"):
        path = Path(name)
    else:
        known = list_profiles()
        if name not in known:
            raise UsageError(
                f"no device is called {name!r}",
                f"Known devices: {', '.join(sorted(known))}. "
                f"Your own go into {described(own_profiles)} as NAME.toml.",
            )
        path = known[name]
    return read_profile(path)


def read_profile(path: Path) -> Profile:
    """The profile in a file.

    Raises:
        UsageError: it is no file that can be read, no UTF-8, or invalid.

    >>> read_profile(list_profiles()["cpu"]).name
    'cpu'
    """
    try:
        text = read_text(path, "a device profile as TOML in UTF-8", MAX_BYTES)
    except UsageError as error:
        what = error.message.replace("cannot read ", "cannot read device profile ")
        raise UsageError(what, error.remedy) from error
    return parse_profile(path.stem, text, str(path))


def open_device(profile: Profile) -> Device:
    """The device that a profile describes (not yet contacted).

    >>> open_device(find_profile("cpu")).local
    True
    """
    return device_kinds.get(profile.kind)(profile)
