"""Cost models for people: in a few fields, and everything that one says."""

from __future__ import annotations

from pathlib import Path

from luts import CostModel, LookupTable, MissingEntries
from nasprof.errors import NasprofError
from nasprof.typing import JsonObject
from spaces import Space


def overview(name: str, path: Path) -> JsonObject:
    """A known cost model in a few fields, ready for JSON; a damaged one has an ``error``."""
    from luts import read_cost_model

    item: JsonObject = {"name": name, "path": str(path), "error": None}
    try:
        model = read_cost_model(path)
        agreement = model.agreement
        doubts = model.doubts
    except NasprofError as error:
        return item | {"error": str(error)}
    facts = {key: model.provenance.get(key) for key in ("device", "runtime", "precision")}
    return item | {
        "kind": model.kind,
        "spaces": [space.label for space in model.spaces],
        **facts,
        "clock": model.clock,
        "entries": len(model.entries) if isinstance(model, LookupTable) else None,
        "mape": None if agreement is None else agreement.mape,
        "spearman": None if agreement is None else agreement.spearman,
        "doubts": doubts,
    }


def description(model: CostModel) -> JsonObject:
    """All that a cost model says, ready for JSON."""
    table = model if isinstance(model, LookupTable) else None
    agreement = model.agreement
    audit = None if table is None or table.audit is None else table.audit
    return {
        "name": model.name,
        "kind": model.kind,
        "clock": model.clock,
        "provenance": dict(model.provenance),
        "spaces": [space_facts(model, space) for space in model.spaces],
        "agreement": None if agreement is None else agreement.to_dict(),
        "audit": None if audit is None else audit.to_dict(),
        "upper": {str(level): bound.to_dict() for level, bound in model.bounds().items()},
        "answers_upper": {
            str(level): bound.to_dict() for level, bound in model.answer_bounds().items()
        },
        "doubts": model.doubts,
        "entries": None
        if table is None
        else {key: entry.to_dict() for key, entry in table.entries.items()},
    }


def space_facts(model: CostModel, space: Space) -> JsonObject:
    """A space's range of latencies; None where entries are missing."""
    facts: JsonObject = {
        "space": space.label,
        "settings": space.settings,
        "min_ms": None,
        "max_ms": None,
    }
    if isinstance(model, LookupTable):
        missing = [block.key for block in model.missing(space)]
        facts |= {"blocks": len(space.vocabulary), "missing": missing}
    try:
        ends = model.extremes(space)
    except MissingEntries as error:
        return facts | {"exact": None, "remedy": error.remedy}
    return facts | {"min_ms": ends.min_ms, "max_ms": ends.max_ms, "exact": ends.exact}


def entry_times(table: LookupTable, space: Space) -> list[float | None]:
    """Entry of each block of the vocabulary on the table's clock in ms, None where missing."""
    entries = (table.entries.get(block.key) for block in space.vocabulary)
    return [None if entry is None else entry.latency_ms.get(table.clock) for entry in entries]
