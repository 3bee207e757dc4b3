"""Whether a lookup table still holds on a device."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from devices import Backend, Target
from luts import (
    TABLE_SPEED,
    Agreement,
    Audit,
    LookupTable,
    Measured,
    Speed,
    agreement,
    cost_model_files,
    read_cost_model,
    sentinel_of,
    write_cost_model,
)
from nasprof.errors import NasprofError, UsageError
from nasprof.locking import locked
from nasprof.results import frame
from nasprof.typing import JsonObject
from profiler.measuring.protocol import Protocol, as_protocol
from profiler.measuring.speed import speed_between
from profiler.tables.build import audit_networks
from profiler.tables.chosen import at_speed
from profiler.tables.plan import Plan
from profiler.tables.progress import BuildProgress
from profiler.tables.provenance import (
    changes,
    conditions_of,
    known,
    known_provenance,
    protocol_of,
    require_same,
)
from spaces import Arch

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class AuditOptions:
    """What is measured to audit a table.

    Args:
        audit: whole networks to compare the table with, at least 2.
        calibration: other networks to fit the line from sums to latencies on.
        protocol: name of a protocol, with changes if any, or one; the table's unless given.
        seed: of networks and orders; a new one unless given.

    Raises:
        UsageError: there are too few networks.
    """

    audit: int = 20
    calibration: int = 10
    protocol: str | Protocol | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("audit", 2), ("calibration", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} is {getattr(self, name)}, expected at least {least}")


@dataclass(frozen=True)
class AuditedNetwork:
    """A network that was measured to audit a table; ``predicted_ms`` is at the table's speed."""

    arch: Arch
    predicted_ms: float
    measured_ms: float

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class AuditReport:
    """What networks that a table has never seen say about it.

    Args:
        table: its name.
        clock: the clock that it predicts.
        speed: the device's while networks were measured, beside the table's.
        stored: agreement of the table as it is with what was measured.
        today: likewise, at the device's speed.
        recalibrated: of the table newly calibrated.
        holds: whether predictions may be relied on.
        changed: what is different from when the table was built, in words.
        networks: those that were measured.
        path: the table's file.
        updated: whether it has taken over the new comparison and calibration.
    """

    table: str
    clock: str
    speed: Speed
    stored: Agreement
    today: Agreement
    recalibrated: Audit
    holds: bool
    changed: list[str]
    networks: tuple[AuditedNetwork, ...]
    path: Path | None = None
    updated: bool = False

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {
            "table": self.table,
            "clock": self.clock,
            "speed": self.speed.to_dict(),
            "stored": self.stored.to_dict(),
            "today": self.today.to_dict(),
            "recalibrated": self.recalibrated.to_dict(),
            "holds": self.holds,
            "changed": self.changed,
            "networks": [network.to_dict() for network in self.networks],
            "path": str(self.path),
            "updated": self.updated,
        }

    def to_frame(self) -> pandas.DataFrame:
        """A row a network, as a pandas data frame.

        Raises:
            UsageError: pandas is not installed.
        """
        return frame(network.to_dict() for network in self.networks)


def audit(
    lut: str | Path,
    device: Target | str | None = None,
    *,
    options: AuditOptions | None = None,
    update: bool = False,
    progress: BuildProgress | None = None,
) -> AuditReport:
    """Measure networks that a table has never seen, and compare them with what it says.

    A table without any audit keeps this one.

    Args:
        lut: name or file (``.json``) of a lookup table.
        device: where to measure, and how; the table's own device, as it was measured, unless
            given.
        options: how many networks, protocol and seed.
        update: have the table keep the new comparison and calibration if it has one already.
        progress: told how far measuring has come.

    Raises:
        UsageError: there is no such table.
        TableMismatch: it would be updated, and was measured otherwise.
        MissingEntries: the table has gaps.
        DeviceError, Interrupted: the device cannot be used.
        NasprofError: the device has no such clock.

    >>> report = audit("pixel.json", options=AuditOptions(audit=40))  # doctest: +SKIP
    >>> report.holds, report.today.mape  # doctest: +SKIP
    (True, 0.021)
    """
    path = cost_model_files.find(str(lut))
    table = read_cost_model(path)
    if not isinstance(table, LookupTable):
        raise UsageError(f"{lut} is no lookup table: only these can be audited")
    backend = Target.of(device).resolve(conditions_of(table))
    plan = _plan(table, backend, options or AuditOptions())
    if update:
        require_same(table, known_provenance(backend.conditions(), plan))
    networks, provenance = audit_networks(backend, plan, table, progress=progress)
    keep = update or table.audit is None
    if keep:
        with locked(path):
            _update(path, networks, provenance)
    fresh = replace(table, networks=networks)
    return replace(findings(table, fresh, provenance), path=path, updated=keep)


def _plan(table: LookupTable, backend: Backend, options: AuditOptions) -> Plan:
    if options.protocol is None:
        protocol = protocol_of(table) or as_protocol(backend.profile.table_protocol)
    else:
        protocol = as_protocol(options.protocol)
    conditions = conditions_of(table)
    return Plan(
        spaces=table.spaces,
        protocol=protocol,
        precision=conditions.precision or "fp32",
        batch=conditions.batch or 1,
        source=known(table, "source", str) or "blocks",
        calibration=options.calibration,
        audit=options.audit,
        seed=secrets.randbits(31) if options.seed is None else options.seed,
    )


def _update(path: Path, networks: tuple[Measured, ...], provenance: JsonObject) -> None:
    """Keep new networks in a table, which is of their speed then, with the answers it remembers."""
    table = read_cost_model(path)
    assert isinstance(table, LookupTable)
    sentinel = sentinel_of(provenance)
    answers = [
        at_speed(network, table.sentinel, sentinel)
        for network in table.networks
        if network.role == "answer"
    ]
    facts = {**table.provenance, "sentinel": provenance["sentinel"]}
    write_cost_model(replace(table, networks=(*networks, *answers), provenance=facts), path)


def findings(table: LookupTable, fresh: LookupTable, provenance: JsonObject) -> AuditReport:
    """What new networks say about a table as it is, and newly calibrated.

    Args:
        fresh: the table with the new networks alone.
        provenance: what these depend on.
    """
    audit = fresh.audit
    if audit is None:
        raise NasprofError(
            f"the device tells no {table.clock} times, and LUT {table.name!r} predicts these",
            "Build a table with --clock wall.",
        )
    audited = [network.role == "audit" for network in audit.networks]
    measured_ms = audit.measured_ms[audited]
    stored_ms = table.calibration(audit.raw_ms[audited])
    speed = _speed(table, provenance)
    stored = agreement(stored_ms, measured_ms)
    today = agreement(speed.factor * stored_ms, measured_ms)
    networks = zip(
        [network.arch for network in audit.networks if network.role == "audit"],
        stored_ms.tolist(),
        measured_ms.tolist(),
        strict=True,
    )
    return AuditReport(
        table=table.name,
        clock=table.clock,
        speed=speed,
        stored=stored,
        today=today,
        recalibrated=audit,
        holds=today.holds or (table.audit is None and audit.after.holds),
        changed=changes(table, provenance),
        networks=tuple(AuditedNetwork(*network) for network in networks),
    )


def _speed(table: LookupTable, provenance: JsonObject) -> Speed:
    """The device's speed while networks were measured; the table's where that is not known."""
    now = sentinel_of(provenance)
    if now is None or table.sentinel is None:
        return TABLE_SPEED
    return (speed_between(now, table.sentinel) or {}).get(table.clock, TABLE_SPEED)
