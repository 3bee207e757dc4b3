"""Settings: frozen dataclasses whose fields know their range and what they mean.

What ``--set`` accepts, ``--help-settings`` prints and the documentation lists is all made from
these fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from types import NoneType, UnionType
from typing import (
    ClassVar,
    Literal,
    Self,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import numpy as np

from nasprof.errors import UsageError

T = TypeVar("T")


def setting(default: T, help: str, low: float = -np.inf, high: float = np.inf) -> T:
    """A field of a :class:`Settings`.

    Args:
        default: where nothing is set.
        help: what it means, in one line.
        low: the least that a number may be.
        high: the most.

    Returns:
        The field, which type checkers take for its default.

    Example:
        >>> @dataclass(frozen=True)
        ... class WalkSettings(Settings):
        ...     steps: int = setting(10, "steps in a row", low=1)
        >>> WalkSettings.of({"steps": 3})
        WalkSettings(steps=3)
        >>> WalkSettings(steps=0)
        Traceback (most recent call last):
            ...
        nasprof.errors.UsageError: setting 'steps' is 0, expected something like 10 (integer, 1..)
    """
    metadata = {"help": help, "low": low, "high": high}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class SettingInfo:
    """What is known of one setting.

    Args:
        hint: its type: ``int``, ``float``, ``str``, a ``Literal``, or a union of such.
        low: the least that a number may be.
        high: the most.
    """

    name: str
    hint: object
    default: object
    help: str
    low: float
    high: float

    @property
    def type_name(self) -> str:
        """Its type as JSON calls it; the values themselves where there are only a few."""
        *others, last = dict.fromkeys(_type_name(hint) for hint in _alternatives(self.hint))
        return f"{', '.join(others)} or {last}" if others else last

    @property
    def range_text(self) -> str:
        """Least and most as ``low..high``, either left out where there is none."""
        ends = ["" if np.isinf(end) else f"{end:g}" for end in (self.low, self.high)]
        return "..".join(ends) if any(ends) else ""

    def converted(self, value: object) -> object:
        """``value`` as its type.

        Raises:
            UsageError: it is of another type, or out of range.
        """
        if not any(self._fits(value, hint) for hint in _alternatives(self.hint)):
            kind = ", ".join(filter(None, (self.type_name, self.range_text)))
            expected = kind if self.default is None else f"something like {self.default!r} ({kind})"
            raise UsageError(f"setting {self.name!r} is {value!r}, expected {expected}")
        return float(value) if self.hint is float and isinstance(value, int) else value

    def _fits(self, value: object, hint: object) -> bool:
        if hint is int:
            return type(value) is int and self.low <= value <= self.high
        if hint is float:
            number = value if isinstance(value, int | float) else np.nan
            return (
                not isinstance(value, bool) and self.low <= number <= self.high and number < np.inf
            )
        if get_origin(hint) is Literal:
            return value in get_args(hint)
        return isinstance(value, get_origin(hint) or cast(type, hint))

    def to_dict(self) -> dict[str, object]:
        """As JSON; ends that there are not are null."""
        low, high = (None if np.isinf(end) else end for end in (self.low, self.high))
        about = {"name": self.name, "type": self.type_name, "default": self.default}
        return {**about, "low": low, "high": high, "help": self.help}


@dataclass(frozen=True)
class Settings:
    """What can be set of something with a name, such as an engine: a subclass for each.

    Checked when it is made. A subclass whose fields can be wrong together checks that in a
    ``__post_init__`` of its own, after this one.

    Raises:
        UsageError: a field is of another type, or out of range.
    """

    owner: ClassVar[str] = "this engine"
    """Whose settings they are, for messages."""

    def __post_init__(self) -> None:
        for info in setting_infos(type(self)):
            info.converted(getattr(self, info.name))

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Self:
        """Those that ``values`` names, defaults for the rest.

        Raises:
            UsageError: one is unknown, of another type, or out of range.
        """
        known = {info.name: info for info in setting_infos(cls)}
        for name in values:
            if name not in known:
                offered = ", ".join(f"{info.name}={info.default}" for info in known.values())
                raise UsageError(
                    f"{cls.owner} has no setting {name!r}", f"It has: {offered or 'none'}."
                )
        return cls(**{name: known[name].converted(value) for name, value in values.items()})


def setting_infos(settings: type[Settings]) -> tuple[SettingInfo, ...]:
    """Every setting of a class of them, in order.

    Args:
        settings: a frozen dataclass.

    Returns:
        What its fields say.

    Example:
        >>> @dataclass(frozen=True)
        ... class DrawSettings(Settings):
        ...     strategy: Literal["uniform", "biased"] = setting("uniform", "how it is drawn")
        >>> [(info.name, info.type_name) for info in setting_infos(DrawSettings)]
        [('strategy', "'uniform' or 'biased'")]
    """
    hints = get_type_hints(settings)
    return tuple(
        SettingInfo(spec.name, hints[spec.name], spec.default, **spec.metadata)
        for spec in fields(settings)
        if spec.default is not MISSING
    )


def _alternatives(hint: object) -> tuple[object, ...]:
    """The members of a union, else the type alone."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _type_name(hint: object) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(repr(value) for value in get_args(hint))
    names: dict[object, str] = {
        int: "integer",
        float: "number",
        str: "string",
        Mapping: "object",
        NoneType: "null",
    }
    return names.get(get_origin(hint) or hint, str(hint))
