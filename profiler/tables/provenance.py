"""What a table depends on, and whether that is still the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from devices.conditions import CONDITIONS, Conditions, differences_of
from luts import CostModel, LookupTable
from nasprof.errors import UsageError
from nasprof.typing import JsonObject
from profiler.measuring.protocol import Protocol
from profiler.measuring.records import Measurement
from profiler.tables.plan import Plan

COMPARED = (*CONDITIONS, "protocol", "source")
"""Fields of the provenance in which entries of one table must agree."""


class TableMismatch(UsageError):
    """A table cannot be completed because something it depends on has changed."""


def provenance_of(results: Sequence[Measurement], plan: Plan, conditions: Conditions) -> JsonObject:
    """What a table made of these measurements depends on.

    ``affinity`` is what was asked for; where the device chose, ``runtime_facts`` tells what.

    Args:
        results: in the same rounds, at least one.
        plan: how they were measured.
        conditions: under which.
    """
    first = results[0]
    overheads = [result.overhead_ms for result in results if result.overhead_ms is not None]
    return {
        **known_provenance(replace(conditions, runtime_version=first.runtime_version), plan),
        "runtime_facts": first.runtime_facts,
        "weights": "random",
        "seed": plan.seed,
        "clock": first.clock,
        "sentinel": first.sentinel,
        "overhead_ms": float(np.mean(overheads)) if overheads else None,
        "flags": sorted({flag for result in results for flag in result.flags}),
        "state": first.state,
        "time": first.time,
        "nasprof": first.nasprof,
    }


def known(model: CostModel, name: str, kind: type) -> Any:
    """What a cost model's provenance has under a name, if it is of that type; else None.

    Args:
        model: the cost model.
        name: of the field.
        kind: type that its value must have.
    """
    value = model.provenance.get(name)
    return value if type(value) is kind else None


def conditions_of(model: CostModel) -> Conditions:
    """What a cost model was measured under, as far as it tells."""
    return Conditions.from_dict(model.provenance)


def protocol_of(table: CostModel) -> Protocol | None:
    """The protocol a table was measured with, None where that is not known."""
    recorded = known(table, "protocol", dict)
    return None if recorded is None else Protocol.from_dict(recorded)


def changes(table: CostModel, provenance: Mapping[str, object]) -> list[str]:
    """Which of the things that entries depend on are different now, in words."""
    now = {key: provenance[key] for key in COMPARED if key in provenance}
    return differences_of({key: table.provenance.get(key) for key in now}, now)


def known_provenance(conditions: Conditions, plan: Plan) -> JsonObject:
    """What is known of a table's provenance before anything is measured."""
    conditions = replace(conditions, precision=plan.precision, batch=plan.batch)
    return {
        **conditions.to_dict(),
        "protocol": plan.protocol.to_dict(),
        "source": plan.source,
    }


def require_same(base: LookupTable, provenance: Mapping[str, object]) -> None:
    """Refuse to put entries into a table that was measured otherwise.

    Raises:
        TableMismatch: naming what differs.
    """
    changed = changes(base, provenance)
    if changed:
        raise TableMismatch(
            f"LUT {base.name!r} was measured otherwise: {'; '.join(changed)}",
            "Choose another output file, or measure all of it anew with --fresh.",
        )
