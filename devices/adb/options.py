"""What a profile of an ADB device may say."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import PurePosixPath
from typing import TypeGuard

from devices.adb.address import DEFAULT_PORT, Address, parse_address
from devices.device_profile import MAX_SECONDS, Profile
from nasprof.errors import UsageError
from nasprof.reader import brief, is_number
from nasprof.typing import JsonObject

RUNNERS = ("benchmark_model", "json")


@dataclass(frozen=True)
class AdbOptions:
    """Options of a profile, checked.

    Args:
        serial: USB serial or ``host:port``; None for the one in ``$ANDROID_SERIAL``, else the only
            phone connected by USB.
        port: TCP port where ``serial`` names none.
        product: kind of phone to prefer ("pixel").
        runner: "benchmark_model" or "json".
        benchmark_model: path of TensorFlow Lite's tool on this computer, or ``device:PATH``.
        benchmark_flags: further flags for it.
        delegate: delegate it shall use ("gpu", "nnapi", "xnnpack", "hexagon", "none").
        python: interpreter on the device, for the JSON runner.
        runtime_options: what is handed to the JSON runner's runtime.
        timeout_s: longest time without an answer: an invocation, or the visit of a model.
        lock_wait_s: how long to wait while somebody else measures.
        cool_below_c: temperature to wait for before each round.
        cool_limit_s: longest time to wait for it, or for the end of throttling.
        remote_dir: folder on the device in which a temporary one is made.
    """

    serial: str | None = None
    port: int = DEFAULT_PORT
    product: str | None = None
    runner: str = "benchmark_model"
    benchmark_model: str | None = None
    benchmark_flags: list[str] = field(default_factory=list)
    delegate: str | None = None
    python: str = "python3"
    runtime_options: JsonObject = field(default_factory=dict)
    timeout_s: float = 120.0
    lock_wait_s: float = 300.0
    cool_below_c: float | None = None
    cool_limit_s: float = 120.0
    remote_dir: str = "/data/local/tmp"

    @property
    def address(self) -> Address:
        """Which device is meant: where ``serial`` names none, the one in ``$ANDROID_SERIAL``."""
        serial = self.serial or os.environ.get("ANDROID_SERIAL", "").strip() or None
        return parse_address(serial, self.port, self.product)


def read_options(profile: Profile) -> AdbOptions:
    """The options of a profile.

    Raises:
        UsageError: one is unknown, or its value is not what it should be.
    """
    known = {item.name for item in fields(AdbOptions)}
    for name, value in profile.options.items():
        if name not in known:
            raise UsageError(
                f"device {profile.name!r} of kind 'adb' knows no option {name!r}",
                f"Known: {', '.join(sorted(known))}.",
            )
        valid, expected = _RULES[name]
        if not valid(value):
            raise UsageError(
                f"{profile.source or profile.name}: field {name!r} is {brief(value)}, "
                f"expected {expected}"
            )
    options = AdbOptions(**profile.options)
    _ = options.address
    return options


def _text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value)


def _number(value: object) -> TypeGuard[float]:
    return is_number(value) and value >= 0


def _flags(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(flag, str) and re.match(r"--\w+=", flag) for flag in value
    )


_SECONDS: tuple[Callable[[object], bool], str] = (
    lambda v: _number(v) and v <= MAX_SECONDS,
    f"a number of seconds up to {MAX_SECONDS:.0f}",
)
_RULES: dict[str, tuple[Callable[[object], bool], str]] = {
    "serial": (_text, "a USB serial or HOST:PORT"),
    "port": (lambda v: isinstance(v, int) and v is not True and 0 < v < 65536, "a TCP port"),
    "product": (_text, "a part of a product name"),
    "runner": (lambda v: v in RUNNERS, " or ".join(map(repr, RUNNERS))),
    "benchmark_model": (_text, "a path, or device:PATH"),
    "benchmark_flags": (_flags, 'a list of flags like "--name=value"'),
    "delegate": (_text, "a delegate's name"),
    "python": (_text, "a command"),
    "runtime_options": (lambda v: isinstance(v, dict), "a table"),
    "timeout_s": (
        lambda v: _number(v) and 0 < v <= MAX_SECONDS,
        f"a number of seconds above 0, up to {MAX_SECONDS:.0f}",
    ),
    "lock_wait_s": _SECONDS,
    "cool_below_c": (_number, "a temperature in degrees Celsius"),
    "cool_limit_s": _SECONDS,
    "remote_dir": (
        lambda v: _text(v) and PurePosixPath(v).is_absolute(),
        "an absolute path on the device",
    ),
}
