"""Device profiles: TOML files that say what a device is and how to use it.

The shipped ones are in ``devices/profiles``; the user's own are in the configuration folder
(``$NASPROF_CONFIG`` or the platform's usual place, ``~/.config/nasprof/devices/*.toml`` on Linux)
and win over shipped ones of the same name.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any, TypeAlias

from devices.base import Device, device_kinds
from nasprof.errors import UsageError
from nasprof.reader import brief

MAX_BYTES = 64 << 10
"""Of a profile."""
MAX_THREADS = 4096
_DEEPEST = 8
_INTEGERS = range(-(2**63), 2**63)
"""Those that TOML has."""
_CONTROL = frozenset(map(chr, [*range(0x20), *range(0x7F, 0xA0)])) - frozenset("\t\n\r")

_Rule: TypeAlias = tuple[Callable[[Any], bool], str]


@dataclass(frozen=True)
class Profile:
    """A device as its user describes it.

    Args:
        name: what the user calls it; the file's name without ``.toml``.
        kind: which implementation handles it ("cpu", "gpu", "adb").
        description: one line for people.
        runtime: runtime used unless another is asked for.
        threads: threads used unless another number is asked for.
        affinity: CPU numbers to run on; None lets the device choose.
        protocol: how to measure on it unless told otherwise, see ``profiler.protocol``.
        table_protocol: likewise, when a lookup table is built.
        options: everything else in the file: what only this kind of device understands.
        source: the file it was read from.
    """

    name: str
    kind: str
    description: str = ""
    runtime: str = "onnxruntime"
    threads: int = 1
    affinity: tuple[int, ...] | None = None
    protocol: str = "adaptive"
    table_protocol: str = "table"
    options: dict[str, Any] = field(default_factory=dict)
    source: str = ""

    def with_options(self, **options: Any) -> Profile:
        """A copy with some options replaced; those given as None are left as they are."""
        given = {name: value for name, value in options.items() if value is not None}
        return replace(self, options=self.options | given)


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

    Raises:
        UsageError: the text is no TOML, or a field is missing or of the wrong type.
    """
    table = _parse_toml(text, source)
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
        if not affinity or not all(type(cpu) is int and cpu >= 0 for cpu in affinity):
            raise UsageError(
                f"{source}: field 'affinity' is {affinity!r}, expected a list of CPU numbers"
            )
        affinity = tuple(affinity)
    known = {f.name for f in fields(Profile)} - {"name", "source", "options"}
    own = {key: table.pop(key) for key in list(table) if key in known}
    return Profile(name=name, affinity=affinity, options=table, source=source, **own)


def _parse_toml(text: str, source: str) -> dict[str, Any]:
    """The table in ``text``, whose values may be shown, sent as JSON and given to programs."""
    try:
        table = tomllib.loads(text)
        refused = next(_not_plain(table.items(), ""), None)
    # Not only TOMLDecodeError: Python reads no integer of thousands of digits.
    except (ValueError, RecursionError) as error:
        deep = isinstance(error, RecursionError)
        why = "it is nested too deeply" if deep else str(error).partition(";")[0]
        raise UsageError(f"{source} is not valid TOML: {why}") from error
    if refused is not None:
        name, value = refused
        # Python writes no integer of thousands of digits either.
        bits = f"a number of {value.bit_length()} bits" if isinstance(value, int) else None
        raise UsageError(
            f"{source}: field {brief(name)} is {bits or brief(value)}, expected a finite number of "
            "64 bits, a string without control characters, true or false"
        )
    return table


def _not_plain(
    values: Iterable[tuple[object, Any]], where: str, depth: int = 0
) -> Iterator[tuple[str, Any]]:
    """Fields and their values of which another program could make nothing, or something else."""
    if depth > _DEEPEST:
        raise RecursionError
    for name, value in values:
        place = f"{where}.{name}" if where else str(name)
        if isinstance(value, dict):
            yield from _not_plain(value.items(), place, depth + 1)
        elif isinstance(value, list):
            yield from _not_plain(enumerate(value), place, depth + 1)
        elif not _is_plain(value):
            yield place, value


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return _CONTROL.isdisjoint(value)
    if isinstance(value, float):
        return isfinite(value)
    return isinstance(value, int) and value in _INTEGERS


def config_folder() -> Path:
    """Where the user's own profiles are."""
    if "NASPROF_CONFIG" in os.environ:
        return Path(os.environ["NASPROF_CONFIG"])
    from platformdirs import user_config_path

    return user_config_path("nasprof")


def list_profiles() -> dict[str, Path]:
    """Every profile's file by name, the user's own winning over shipped ones."""
    shipped = Path(str(files("devices") / "profiles"))
    own = config_folder() / "devices"
    return {
        path.stem: path
        for folder in (shipped, own)
        if folder.is_dir()
        for path in sorted(folder.glob("*.toml"))
    }


def find_profile(name: str) -> Profile:
    """The profile called ``name``, or the one in the file ``name`` if that ends in ``.toml``.

    Raises:
        UsageError: there is none, with near matches; or its file is invalid.
    """
    if name.endswith(".toml"):
        path = Path(name)
    else:
        known = list_profiles()
        if name not in known:
            raise UsageError(
                f"no device is called {name!r}",
                f"Known devices: {', '.join(sorted(known))}. "
                f"Your own go into {config_folder() / 'devices'} as NAME.toml.",
            )
        path = known[name]
    return read_profile(path)


def read_profile(path: Path) -> Profile:
    """The profile in a file.

    Raises:
        UsageError: it is no file that can be read, no UTF-8, or invalid.
    """
    return parse_profile(path.stem, _read_text(path), str(path))


def _read_text(path: Path) -> str:
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            content = file.read(MAX_BYTES + 1) if regular else b""
    except OSError as error:
        raise UsageError(f"cannot read device profile {path}: {error.strerror}") from error
    if not regular:
        raise UsageError(f"device profile {path} is no regular file")
    if len(content) > MAX_BYTES:
        raise UsageError(f"device profile {path} has more than {MAX_BYTES >> 10} KiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"device profile {path} is not UTF-8 from byte {error.start} on", "Save it as UTF-8."
        ) from error


def _without_waiting(name: str, flags: int) -> int:
    """Open a file; a pipe that nobody writes to would be waited for."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def open_device(profile: Profile) -> Device:
    """The device that a profile describes (not yet contacted)."""
    return device_kinds.get(profile.kind)(profile)
