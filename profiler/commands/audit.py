"""``nasprof audit``: whether a lookup table still holds on a device."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import json_option, print_json, show_table
from nasprof.errors import NasprofError, UsageError
from profiler.commands.building import building_progress
from profiler.commands.options import network_options
from profiler.commands.speed import said
from profiler.commands.target import target_options

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from devices import Target
    from luts import LookupTable, Measured, Speed
    from profiler.measuring.protocol import Protocol
    from profiler.tables.plan import Plan


@click.command()
@click.argument("table")
@target_options()
@network_options(least=2)
@click.option("--protocol", help="The table's unless given.")
@click.option(
    "--update", is_flag=True, help="Keep the new comparison and calibration in the table."
)
@click.option("--seed", type=int, help="Seed of networks and orders; a new one unless given.")
@json_option
def audit(
    table: str,
    target: Target,
    n_audit: int,
    n_calibration: int,
    protocol: str | None,
    update: bool,
    seed: int | None,
    as_json: bool,
) -> None:
    """Measure networks that TABLE has never seen, and compare them with what it says.

    TABLE is a name or a file (.json). A table without any audit keeps this one; others are only
    changed with --update. Exit code 1 if the table does not hold.
    """
    from luts import LookupTable, cost_model_files, read_cost_model
    from nasprof.locking import locked
    from profiler.measuring.protocol import parse_protocol
    from profiler.tables.build import audit_networks
    from profiler.tables.provenance import (
        conditions_of,
        known_provenance,
        protocol_of,
        require_same,
    )

    path = cost_model_files.find(table)
    model = read_cost_model(path)
    if not isinstance(model, LookupTable):
        raise UsageError(f"{table} is no lookup table: only these can be audited")
    backend = target.resolve(conditions_of(model))
    how = parse_protocol(protocol) if protocol else protocol_of(model)
    how = how or parse_protocol(backend.profile.table_protocol)
    plan = _plan(model, how, n_audit, n_calibration, seed)
    keep = update or model.audit is None
    if update:
        require_same(model, known_provenance(backend.conditions(), plan))
    networks, provenance = audit_networks(backend, plan, model, progress=building_progress())
    fresh = replace(model, networks=networks)
    if keep:
        with locked(path):
            _update(path, networks, provenance)
    found = _findings(model, fresh, provenance) | {"path": str(path), "updated": keep}
    if as_json:
        print_json(found)
    else:
        _show(model, found)
    if not found["holds"]:
        raise NasprofError(
            f"LUT {model.name!r} does not hold on this device any more",
            "Build it anew (nasprof build-lut --fresh), or take over the new calibration with "
            "nasprof audit --update if that is enough.",
        )


def _update(path: Path, networks: tuple[Measured, ...], provenance: Mapping[str, Any]) -> None:
    """Keep new networks in a table, which is of their speed then, with the answers it remembers."""
    from luts import LookupTable, read_cost_model, sentinel_of, write_cost_model
    from profiler.tables.chosen import at_speed

    table = read_cost_model(path)
    assert isinstance(table, LookupTable)
    sentinel = sentinel_of(provenance)
    answers = [
        at_speed(each, table.sentinel, sentinel) for each in table.networks if each.role == "answer"
    ]
    facts = {**table.provenance, "sentinel": provenance["sentinel"]}
    write_cost_model(replace(table, networks=(*networks, *answers), provenance=facts), path)


def _speed(model: LookupTable, provenance: Mapping[str, Any]) -> Speed:
    """The device's speed while networks were measured; the table's where that is not known."""
    from luts import TABLE_SPEED, sentinel_of
    from profiler.measuring.speed import speed_between

    now = sentinel_of(provenance)
    if now is None or model.sentinel is None:
        return TABLE_SPEED
    return (speed_between(now, model.sentinel) or {}).get(model.clock, TABLE_SPEED)


def _findings(
    model: LookupTable, fresh: LookupTable, provenance: Mapping[str, Any]
) -> dict[str, Any]:
    """What the new networks say about the table as it is, and newly calibrated."""
    from luts import agreement
    from profiler.tables.provenance import changes

    audit = fresh.audit
    if audit is None:
        raise NasprofError(
            f"the device tells no {model.clock} times, and LUT {model.name!r} predicts these",
            "Build a table with --clock wall.",
        )
    chosen = [network.role == "audit" for network in audit.networks]
    stored_ms = model.calibration(audit.raw_ms[chosen])
    speed = _speed(model, provenance)
    stored = agreement(stored_ms, audit.measured_ms[chosen])
    today = agreement(speed.factor * stored_ms, audit.measured_ms[chosen])
    return {
        "table": model.name,
        "clock": model.clock,
        "speed": speed.as_dict(),
        "stored": stored.as_dict(),
        "today": today.as_dict(),
        "recalibrated": audit.as_dict(),
        "holds": today.holds or (model.audit is None and audit.after.holds),
        "changed": changes(model, provenance),
        "networks": [
            {"arch": network.arch, "predicted_ms": predicted, "measured_ms": measured}
            for network, predicted, measured in zip(
                [network for network in audit.networks if network.role == "audit"],
                stored_ms.tolist(),
                audit.measured_ms[chosen].tolist(),
                strict=True,
            )
        ],
    }


def _show(model: LookupTable, found: Mapping[str, Any]) -> None:
    columns = (f"{model.name}, {found['clock']} clock", ">n", ">MAPE", ">bias", ">worst")
    rows = [
        [
            name,
            str(facts["n"]),
            *(f"{facts[key]:.2%}" for key in ("mape", "bias", "worst")),
            *(f"{facts[key]:.4f}" for key in ("spearman", "kendall")),
        ]
        for name, facts in (
            ("as it is", found["stored"]),
            ("at today's speed", found["today"]),
            ("newly calibrated", found["recalibrated"]["after"]),
        )
    ]
    notes = [f"changed since it was built: {change}" for change in found["changed"]]
    notes.append(said(found["speed"]))
    notes.append("the table holds" if found["holds"] else "the table does not hold")
    if found["updated"]:
        notes.append(f"kept in {found['path']}")
    show_table((*columns, ">Spearman", ">Kendall"), rows, notes=notes)


def _plan(
    model: LookupTable, protocol: Protocol, n_audit: int, n_calibration: int, seed: int | None
) -> Plan:
    import secrets

    from profiler.tables.plan import Plan
    from profiler.tables.provenance import conditions_of, known

    conditions = conditions_of(model)
    return Plan(
        spaces=model.spaces,
        protocol=protocol,
        precision=conditions.precision or "fp32",
        batch=conditions.batch or 1,
        source=known(model, "source", str) or "blocks",
        calibration=n_calibration,
        audit=n_audit,
        seed=secrets.randbits(31) if seed is None else seed,
    )
