"""Where two cost models differ, and whether they rank networks alike."""

from __future__ import annotations

from math import log
from statistics import median

import numpy as np

from luts.agreement import agreement
from luts.cost_model import CostModel
from luts.errors import MissingEntries
from luts.table import LookupTable
from nasprof.differences import differing
from nasprof.typing import JsonObject
from spaces import Space


def compare(a: CostModel, b: CostModel, n: int, seed: int) -> JsonObject:
    """Differences of ``b`` from ``a``, ready for JSON; ratios are b over a.

    Args:
        n: number of random architectures, drawn uniformly, that both rank in each common space.
    """
    common = [space for space in a.spaces if space in b.spaces]
    tables = isinstance(a, LookupTable) and isinstance(b, LookupTable)
    return {
        "a": _summary(a),
        "b": _summary(b),
        "provenance": {
            name: {"a": first, "b": second}
            for name, (first, second) in differing(a.provenance, b.provenance).items()
        },
        "entries": compare_entries(a, b) if tables else None,  # type: ignore[arg-type]
        "spaces": [compare_space(a, b, space, n, seed) for space in common],
    }


def _summary(model: CostModel) -> JsonObject:
    labels = [space.label for space in model.spaces]
    return {"name": model.name, "kind": model.kind, "clock": model.clock, "spaces": labels}


def compare_entries(a: LookupTable, b: LookupTable) -> JsonObject:
    """Ratio of each common entry, those that differ most first, and keys of one table only."""
    first, second = _times(a), _times(b)
    ratios = {
        key: second[key] / first[key]
        for key in first
        if key in second and min(first[key], second[key]) > 0
    }
    rows = [
        {"key": key, "a_ms": first[key], "b_ms": second[key], "ratio": ratios[key]}
        for key in sorted(ratios, key=lambda key: -abs(log(ratios[key])))
    ]
    return {
        "common": sum(key in second for key in first),
        "median_ratio": median(ratios.values()) if ratios else None,
        "ratios": rows,
        "only_a": [key for key in first if key not in second],
        "only_b": [key for key in second if key not in first],
    }


def _times(table: LookupTable) -> dict[str, float]:
    """Entries on the table's clock."""
    return {
        key: entry.latency_ms[table.clock]
        for key, entry in table.entries.items()
        if table.clock in entry.latency_ms
    }


def compare_space(a: CostModel, b: CostModel, space: Space, n: int, seed: int) -> JsonObject:
    """Rank correlation over random architectures; None, with the reason, where one cannot tell."""
    genes = space.sample(n, np.random.default_rng(seed), "uniform")
    row: JsonObject = {"space": space.label, "n": n, "seed": seed}
    unknown = {"spearman": None, "kendall": None, "median_ratio": None}
    try:
        times = [model.latency_ms(genes, space) for model in (a, b)]
    except MissingEntries as error:
        return row | unknown | {"reason": error.message}
    if min(times[0].min(), times[1].min()) <= 0:
        return row | unknown | {"reason": "some predictions are not above 0 ms"}
    ranks = agreement(times[1], times[0])
    ratio = float(np.median(times[1] / times[0]))
    return row | {"spearman": ranks.spearman, "kendall": ranks.kendall, "median_ratio": ratio}
