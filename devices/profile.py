"""Device profiles: TOML files that say what a device is and how to use it.

The shipped ones are in ``devices/profiles``; the user's own are in the configuration folder
(``$NASPROF_CONFIG`` or the platform's usual place, ``~/.config/nasprof/devices/*.toml`` on Linux)
and win over shipped ones of the same name.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from devices.base import Device, device_kinds
from devices.cpus import MAX_CPUS
from nasprof.errors import UsageError
from nasprof.places import config_folder, described, files_in
from nasprof.reader import brief
from nasprof.reading import parse_toml, read_text

MAX_SECONDS = 1e6
"""Longest time that a profile may let something wait: systems count ms in 32 bits."""


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


_EXPECTED: dict[str, tuple[type, str]] = {
    "kind": (str, "a string"),
    "description": (str, "a string"),
    "runtime": (str, "a string"),
    "threads": (int, "a whole number of at least 1"),
    "affinity": (list, "a list of CPU numbers"),
    "protocol": (str, "a string"),
    "table_protocol": (str, "a string"),
}


def parse_profile(name: str, text: str, source: str) -> Profile:
    """The profile written in ``text`` (TOML).

    Raises:
        UsageError: the text is no TOML, or a field is missing or of the wrong type.
    """
    table = parse_toml(text, source)
    if "kind" not in table:
        raise UsageError(
            f"{source}: field 'kind' is missing",
            f"Set it to one of: {', '.join(device_kinds)}.",
        )
    for key, (expected, words) in _EXPECTED.items():
        value = table.get(key)
        if value is not None and (not isinstance(value, expected) or isinstance(value, bool)):
            raise UsageError(f"{source}: field {key!r} is {brief(value)}, expected {words}")
    if table.get("threads", 1) < 1:
        raise UsageError(f"{source}: field 'threads' is {table['threads']}, expected at least 1")
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


def own_profiles() -> Path:
    """Where the user's own profiles are.

    Raises:
        UsageError: this user has no home folder.
    """
    return config_folder() / "devices"


def list_profiles() -> dict[str, Path]:
    """Every profile's file by name, the user's own winning over shipped ones.

    One's own are left out where they cannot be read.
    """
    places = (lambda: Path(str(files("devices") / "profiles")), own_profiles)
    return {path.stem: path for place in places for path in files_in(place, ".toml")}


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
                f"Your own go into {described(own_profiles)} as NAME.toml.",
            )
        path = known[name]
    return parse_profile(path.stem, read_text(path, "a device profile as TOML"), str(path))


def open_device(profile: Profile) -> Device:
    """The device that a profile describes (not yet contacted)."""
    return device_kinds.get(profile.kind)(profile)
