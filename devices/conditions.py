"""The conditions that latencies are taken under: what makes measurements comparable.

Journals, tables, measurements, learned models and archives hold them, and all of them are
compared by :meth:`Conditions.differences`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeVar

from devices.device import Device
from devices.settings import RUNTIME_OPTIONS, RunSettings
from nasprof.differences import changed, differences
from nasprof.typing import JsonObject

_T = TypeVar("_T")


@dataclass(frozen=True)
class Conditions:
    """What latencies depend on besides the models and the protocol.

    Args:
        device: name of the profile.
        device_fingerprint: what identifies the device; None where it was not contacted.
        device_options: the profile's, as far as latencies depend on them, without the runtime's.
        runtime: what executes the models.
        runtime_version: None where it is not known (yet).
        threads: threads the runtime may use.
        affinity: CPUs that were asked for; None where the device chooses.
        runtime_options: those of the profile and of the settings, which win.
        precision: of the models; None where they have several, or it is not known.
        batch: likewise, images at a time.
        clock: "wall" or "cpu"; None where latencies on both are meant.
    """

    device: str | None = None
    device_fingerprint: Mapping[str, object] | None = None
    device_options: Mapping[str, object] = field(default_factory=dict)
    runtime: str | None = None
    runtime_version: str | None = None
    threads: int | None = None
    affinity: tuple[int, ...] | None = None
    runtime_options: Mapping[str, object] = field(default_factory=dict)
    precision: str | None = None
    batch: int | None = None
    clock: str | None = None

    @classmethod
    def of(
        cls,
        device: Device,
        settings: RunSettings,
        *,
        precision: str | None = None,
        batch: int | None = None,
        clock: str | None = None,
        contact: bool = True,
    ) -> Self:
        """As they are now.

        Args:
            contact: whether a device elsewhere may be asked what it is.

        Raises:
            DeviceError: it was asked and does not answer.
        """
        options = device.relevant_options()
        of_runtime = options.pop(RUNTIME_OPTIONS, {})
        return cls(
            device=device.profile.name,
            device_fingerprint=device.fingerprint() if contact or device.local else None,
            device_options=options,
            runtime=settings.runtime,
            threads=settings.threads,
            affinity=settings.affinity or device.profile.affinity,
            runtime_options={**of_runtime, **settings.options},
            precision=precision,
            batch=batch,
            clock=clock,
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Self:
        """Those that a file tells; what it lacks, or has of another type, is not known.

        Files from before there were options count as measured without any. Older ones have the
        profile's options of the runtime among those of the device.

        Args:
            data: such as a table's provenance; further fields are ignored.
        """
        cpus = _typed(data, "affinity", list)
        options = dict(_typed(data, "device_options", dict) or {})
        of_runtime = options.pop(RUNTIME_OPTIONS, {})
        return cls(
            device=_typed(data, "device", str),
            device_fingerprint=_typed(data, "device_fingerprint", dict),
            device_options=options,
            runtime=_typed(data, "runtime", str),
            runtime_version=_typed(data, "runtime_version", str),
            threads=_typed(data, "threads", int),
            affinity=tuple(cpus) if cpus else None,
            runtime_options={**of_runtime, **(_typed(data, "runtime_options", dict) or {})},
            precision=_typed(data, "precision", str),
            batch=_typed(data, "batch", int),
            clock=_typed(data, "clock", str),
        )

    def to_dict(self) -> JsonObject:
        """As JSON, without what is not known."""
        data = {condition.name: getattr(self, condition.name) for condition in fields(self)}
        # That the device chooses its CPUs is known.
        known = {name: value for name, value in data.items() if name in _KNOWN or value is not None}
        plain: JsonObject = json.loads(json.dumps(known, default=str))
        return plain

    def differences(self, other: Conditions) -> list[str]:
        """Where others differ from these, each as ``name was X, now Y``.

        What is not known of the others is not compared.

        >>> Conditions("cpu", threads=1).differences(Conditions("cpu", threads=2, affinity=(0, 1)))
        ['threads was 1, now 2', 'affinity was null, now [0, 1]']
        """
        return differences(*self._beside(other))

    def changed(self, other: Conditions) -> dict[str, tuple[Any, Any]]:
        """The same as pairs of values, by dotted name."""
        return changed(*self._beside(other))

    def _beside(self, other: Conditions) -> tuple[JsonObject, JsonObject]:
        """Both as JSON, with the fields that the others have."""
        now, before = other.to_dict(), self.to_dict()
        return {name: before.get(name) for name in now}, now


CONDITIONS = tuple(condition.name for condition in fields(Conditions))
"""Names of the fields, as files have them."""
_KNOWN = ("affinity",)


def differences_of(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """Where objects differ that hold conditions among other facts, each ``name was X, now Y``.

    >>> differences_of({"threads": 1, "models": "a"}, {"threads": 2, "models": "b"})
    ['threads was 1, now 2', 'models was "a", now "b"']
    """
    before, now = _with_conditions(old), _with_conditions(new)
    # What is not known now of the conditions is not compared.
    unknown = {name for name in CONDITIONS if name not in now}
    return differences({name: before[name] for name in before if name not in unknown}, now)


def _with_conditions(facts: Mapping[str, object]) -> JsonObject:
    """Facts with the conditions among them as they are written today, in their order."""
    conditions = Conditions.from_dict(facts).to_dict()
    others = {name: value for name, value in facts.items() if name not in CONDITIONS}
    known = {**conditions, **others}
    return {name: known[name] for name in {**facts, **conditions} if name in known}


def _typed(data: Mapping[str, object], name: str, kind: type[_T]) -> _T | None:
    value = data.get(name)
    return value if type(value) is kind else None
