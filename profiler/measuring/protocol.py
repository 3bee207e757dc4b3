"""How a latency is measured: how many runs, in how many rounds, and when to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from nasprof.errors import UsageError
from nasprof.reader import Reader, brief
from nasprof.registry import Registry
from nasprof.typing import JsonObject


@dataclass(frozen=True)
class Protocol:
    """A way to measure.

    In every round each model is visited ``visits`` times, in random order; a visit is ``warmup``
    untimed and ``runs`` timed runs.

    Args:
        name: what people call it.
        warmup: untimed runs at the start of each visit.
        runs: timed runs in each visit.
        visits: visits of each model in each round.
        rounds_min: undisturbed rounds taken in any case.
        rounds_max: undisturbed rounds after which it ends.
        trim: share of samples the trimmed mean leaves out at each end.
        cool_down_s: pause before each round.
        target: stop when half the 95 % interval of the trimmed mean (wall clock, the headline) is
            at most this share of it; None always takes ``rounds_max`` rounds.
        drift_limit: a round whose sentinel is off by more than this share is disturbed.
        sentinel: whether a sentinel model is run in every round, if there is one.
        limit_s: time after which ``rounds_min`` rounds must do, for each of the models; None for
            no such limit.
        repeats: disturbed rounds that are taken again before they are counted for want of better.
    """

    name: str
    warmup: int = 1
    runs: int = 5
    visits: int = 1
    rounds_min: int = 40
    rounds_max: int = 300
    trim: float = 0.1
    cool_down_s: float = 0.0
    target: float | None = 0.01
    drift_limit: float = 0.03
    sentinel: bool = True
    repeats: int = 100
    limit_s: float | None = None

    def __post_init__(self) -> None:
        for field, (least, below) in _LIMITS.items():
            value = getattr(self, field)
            if value is not None and not least <= value < below:
                raise UsageError(
                    f"protocol: field {field!r} is {brief(value)}, "
                    f"expected at least {least:g} and below {below:g}"
                )
        if self.rounds_max < self.rounds_min:
            raise UsageError(
                f"protocol: field 'rounds_max' is {self.rounds_max}, "
                f"expected at least rounds_min ({self.rounds_min})"
            )

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """From JSON.

        Raises:
            UsageError: naming the field that is missing, unknown or of the wrong type.
        """
        known = {field.name for field in fields(cls)}
        Reader(data, "protocol")
        for name in data:
            if name not in known:
                raise UsageError(
                    f"protocol: unknown field {name!r}", f"Known: {', '.join(sorted(known))}."
                )
        if not isinstance(data.get("name"), str):
            raise UsageError(f"protocol: field 'name' is {data.get('name')!r}, expected a string")
        return cls(**{name: _typed(name, value) for name, value in data.items()})


_ANY = 1e9
_LIMITS: dict[str, tuple[float, float]] = {
    "warmup": (0, _ANY),
    "runs": (1, _ANY),
    "visits": (1, _ANY),
    "rounds_min": (1, _ANY),
    "rounds_max": (1, _ANY),
    "trim": (0, 0.5),
    "cool_down_s": (0, _ANY),
    "target": (0, _ANY),
    "drift_limit": (0, _ANY),
    "repeats": (0, _ANY),
    "limit_s": (0, _ANY),
}
_OPTIONAL = ("target", "limit_s")
_WHOLE = ("warmup", "runs", "visits", "rounds_min", "rounds_max", "repeats")


def _typed(name: str, value: Any) -> Any:
    if name == "name" or (name in _OPTIONAL and value is None):
        return value
    if name == "sentinel":
        fits = isinstance(value, bool)
    elif name in _WHOLE:
        fits = type(value) is int
    else:
        fits = type(value) in (int, float)
    if not fits:
        wanted = {"sentinel": "true or false"}.get(
            name, "a whole number" if name in _WHOLE else "a number"
        )
        raise UsageError(f"protocol: field {name!r} is {brief(value)}, expected {wanted}")
    return value


_PROTOCOLS = (
    # Many short rounds: what disturbs a processor lasts from milliseconds to minutes, so models
    # are compared best when they take turns often (benchmarks/measure.py).
    Protocol("adaptive", limit_s=60.0),
    Protocol("quick", rounds_min=20, rounds_max=20, target=None, repeats=10),
    Protocol(
        "thorough",
        runs=10,
        rounds_min=100,
        rounds_max=600,
        target=0.005,
        repeats=200,
        limit_s=600.0,
    ),
    # The mean of 100 runs without those outside their central 90 % interval, which of 100 samples
    # is exactly the mean trimmed by 0.05.
    Protocol("pomonag", 10, 100, 1, 1, 1, trim=0.05, target=None, sentinel=False, repeats=0),
    # Lookup tables: short visits, so that blocks meet the caches as a network leaves them, and
    # many, since what disturbs a processor outlasts a visit. One sentinel visit tells little, so
    # that only gross drift counts.
    Protocol(
        "table", 1, 1, 5, rounds_min=20, rounds_max=20, target=None, drift_limit=0.25, repeats=5
    ),
    Protocol("fixed", rounds_min=50, rounds_max=50, target=None, repeats=10),
)
protocols: Registry[Protocol] = Registry(
    "protocol", {protocol.name: protocol for protocol in _PROTOCOLS}
)


def as_protocol(protocol: str | Protocol) -> Protocol:
    """A protocol, or the one that a text names; see :func:`parse_protocol`."""
    return protocol if isinstance(protocol, Protocol) else parse_protocol(protocol)


def parse_protocol(text: str) -> Protocol:
    """The protocol that ``text`` names, with changes: ``fixed:runs=50,rounds=5,sentinel=off``.

    ``rounds`` sets ``rounds_min`` and ``rounds_max``.

    Raises:
        UsageError: an unknown name or field, or a value that does not fit, naming it.

    >>> parse_protocol("fixed:runs=50,rounds=5").rounds_max
    5
    """
    name, _, changes = text.partition(":")
    values: JsonObject = {}
    for change in filter(None, (part.strip() for part in changes.split(","))):
        field, equals, value = (part.strip() for part in change.partition("="))
        if not equals:
            raise UsageError(f"protocol: {change!r} is no change, expected field=value")
        for target in ("rounds_min", "rounds_max") if field == "rounds" else (field,):
            values[target] = _parsed(field, target, value)
    return replace(protocols.get(name), **values)


def _parsed(field: str, target: str, text: str) -> Any:
    known = [known.name for known in fields(Protocol) if known.name != "name"]
    if target not in known:
        raise UsageError(
            f"protocol: unknown field {field!r}", f"Known: {', '.join(sorted([*known, 'rounds']))}."
        )
    if target in _OPTIONAL and text == "none":
        return None
    convert: Callable[[str], Any] = int if target in _WHOLE else float
    if target == "sentinel":
        convert = {"on": True, "true": True, "off": False, "false": False}.__getitem__
    try:
        return convert(text)
    except (KeyError, ValueError):
        wanted = {"sentinel": "on or off"}.get(
            target, "a whole number" if target in _WHOLE else "a number"
        )
        raise UsageError(f"protocol: field {field!r} is {brief(text)}, expected {wanted}") from None
