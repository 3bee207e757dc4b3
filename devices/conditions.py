"""The conditions that latencies are taken under: what makes measurements comparable.

Journals, tables, searches and what is told of changes all compare these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from devices import Device, RunSettings


@dataclass(frozen=True)
class Conditions:
    """What latencies depend on besides the models and the protocol.

    Args:
        device: name of the profile.
        device_fingerprint: what identifies the device; None where it was not contacted.
        device_options: the profile's, as far as latencies depend on them.
        runtime: what executes the models.
        runtime_version: None where it is not known (yet).
        threads: threads the runtime may use.
        affinity: CPUs that were asked for; None where the device chooses.
        runtime_options: those of the settings.
    """

    device: str
    device_fingerprint: Mapping[str, Any] | None
    device_options: Mapping[str, Any]
    runtime: str
    runtime_version: str | None
    threads: int
    affinity: list[int] | None
    runtime_options: Mapping[str, Any]

    @classmethod
    def of(cls, device: Device, settings: RunSettings, *, contact: bool = True) -> Self:
        """As they are now.

        Args:
            contact: whether a device elsewhere may be asked what it is.

        Raises:
            DeviceError: it was asked and does not answer.
        """
        affinity = settings.affinity or device.profile.affinity
        return cls(
            device=device.profile.name,
            device_fingerprint=device.fingerprint() if contact or device.local else None,
            device_options=device.relevant_options(),
            runtime=settings.runtime,
            runtime_version=None,
            threads=settings.threads,
            affinity=None if affinity is None else list(affinity),
            runtime_options=dict(settings.options),
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON, without what is not known."""
        unknown = {name for name in _MAYBE_UNKNOWN if getattr(self, name) is None}
        return {name: value for name, value in asdict(self).items() if name not in unknown}


_MAYBE_UNKNOWN = ("device_fingerprint", "runtime_version")
CONDITIONS = tuple(field.name for field in fields(Conditions))
"""Names of the fields, as journals and the provenance of tables have them."""
