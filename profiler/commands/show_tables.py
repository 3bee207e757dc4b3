"""Cost models as tables on stdout: which there are, what is in one, where two differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from luts import Agreement, Bound, CostModel, Extremes, LookupTable
from luts.audit import Audit
from nasprof.cli import show_table
from nasprof.differences import flatten
from nasprof.typing import JsonObject
from profiler.reports.tables import entry_times, space_facts
from spaces import Space
from spaces.panels import Panel, outside

METHODS = {
    "conformal": "whatever the distribution of errors (conformal)",
    "student": "too few networks for that: assumes log-normal errors",
    "answers": "as many answers of searches were off (adaptive conformal)",
    "answers-student": "as answers of searches were off, too few for that: log-normal errors",
}


def show_overviews(items: Sequence[JsonObject]) -> None:
    """Print known cost models, one a line; doubts and damage below."""
    rows, notes = [], []
    for item in items:
        name = item["name"]
        if item["error"] is not None:
            rows.append([name, "damaged", *"----"])
            notes.append(f"{name}: {item['error']}")
            continue
        facts = [str(item[key] or "?") for key in ("device", "runtime", "precision", "clock")]
        good = ["-", "-"]
        if item["mape"] is not None:
            good = [f"{item['mape']:.1%}", f"{item['spearman']:.3f}"]
        mark = "*" if item["doubts"] else ""
        entries = str(item["entries"] or "-")
        rows.append([name + mark, _shortened(item["spaces"]), ", ".join(facts), entries, *good])
        notes += [f"* {name}: {doubt}" for doubt in item["doubts"]]
    columns = ("table", "spaces", "device, runtime, precision, clock", ">entries")
    show_table((*columns, ">MAPE", ">Spearman"), rows, notes=notes)


def _shortened(labels: Sequence[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{labels[0]} and {len(labels) - 1} more"


def show_model(model: CostModel) -> None:
    """Print all that a cost model says: provenance, summary and, of a table, its entries."""
    facts = flatten(model.provenance)
    rows = [(name, "-" if value is None else str(value)) for name, value in facts.items()]
    show_table(("measured", "value"), rows)
    show_summary(model)
    if isinstance(model, LookupTable):
        for space in model.spaces:
            _show_entries(model, space)


def show_summary(model: CostModel) -> None:
    """Print how good a cost model is and the ranges of its spaces."""
    _show_spaces(model)
    if isinstance(model, LookupTable) and model.audit is not None:
        _show_audit(model.audit)
    elif model.agreement is not None:
        _show_agreements({"predicted": model.agreement})
    _show_bounds(model)


def _show_spaces(model: CostModel) -> None:
    rows, notes, exact = [], [], set[bool | None]()
    for space in model.spaces:
        facts = space_facts(model, space)
        ends = [facts["min_ms"], facts["max_ms"]]
        blocks, missing = str(facts.get("blocks", "-")), facts.get("missing", [])
        if missing:
            notes.append(f"{len(missing)} of {blocks} keys missing. {facts['remedy']}")
        exact.add(facts["exact"])
        times = ["-" if end is None else f"{end:.3f}" for end in ends]
        rows.append([space.label, blocks, str(len(missing)), *times])
    if True in exact:
        notes.append("fastest and slowest: exact, no network of the space lies outside")
    if False in exact:
        notes.append("fastest and slowest: the best that were found")
    title = f"{model.name} ({model.clock} clock)"
    columns = ("space", ">blocks", ">missing", ">fastest ms", ">slowest ms")
    show_table(columns, rows, title, notes=notes)


def _show_audit(audit: Audit) -> None:
    line = audit.calibration
    fitted = (
        f"calibration: {line.slope:.4f} * sum {line.intercept_ms:+.4f} ms, "
        f"fitted on {line.n} other networks"
    )
    agreements = {"sum of blocks": audit.before, "calibrated": audit.after}
    _show_agreements(agreements, fitted if line.n else "calibration: none")


def _show_agreements(agreements: Mapping[str, Agreement], *notes: str) -> None:
    rows = []
    for name, agreement in agreements.items():
        shares = [f"{share:.2%}" for share in (agreement.mape, agreement.bias, agreement.worst)]
        ranks = [f"{agreement.spearman:.4f}", f"{agreement.kendall:.4f}"]
        rows.append([name, str(agreement.n), *shares, *ranks])
    columns = ("against whole networks", ">n", ">MAPE", ">bias", ">worst", ">Spearman", ">Kendall")
    show_table(columns, rows, notes=notes)


def _show_bounds(model: CostModel) -> None:
    """Bounds for random networks and for those that a search has chosen, which may be wider."""
    all_bounds = {"random": model.bounds(), "chosen": model.answer_bounds()}
    if not any(all_bounds.values()):
        return
    ends = model.extremes(model.spaces[0])
    rows = [
        (networks, f"{level:.0%}", at_most(bound, ends), METHODS[bound.method])
        for networks, bounds in all_bounds.items()
        for level, bound in bounds.items()
    ]
    show_table(("networks", ">confidence", "at most", "how sure that is"), rows)


def at_most(bound: Bound, ends: Extremes) -> str:
    """A bound as a multiple of what is predicted, for the fastest and the slowest network."""
    small, large = (f"{bound.upper(ms) / ms:.4f}" for ms in (ends.min_ms, ends.max_ms))
    several = small if small == large else f"{small} (fastest) to {large} (slowest)"
    return f"{several} x predicted"


def _show_entries(table: LookupTable, space: Space) -> None:
    """Entries in ms: those of panels with the same columns together, then all others."""
    times = entry_times(table, space)
    title: str | None = f"{space.label}: ms by the {table.clock} clock"
    panels = [panel for row in space.panels for panel in row]
    for (row_name, columns), group in groupby(panels, _headings):
        rows = [row for panel in group for row in _panel_rows(panel, times)]
        show_table(("blocks", row_name, *columns), rows, title)
        title = None
    rest = outside(space.panels, len(space.vocabulary))
    listed = [(space.vocabulary[number].key, _cell(times[number])) for number in rest]
    if listed:
        show_table(("other blocks", ">ms"), listed, title)


def _headings(panel: Panel) -> tuple[str, tuple[str, ...]]:
    return panel.row_name, tuple(f">{panel.column_name} {name}" for name in panel.columns)


def _panel_rows(panel: Panel, times: Sequence[float | None]) -> Iterator[list[str]]:
    for label, numbers in zip(panel.rows, panel.blocks.tolist(), strict=True):
        cells = [_cell(times[number] if number >= 0 else None) for number in numbers]
        yield [panel.title, label, *cells]


def _cell(time_ms: float | None) -> str:
    return "-" if time_ms is None else f"{time_ms:.4f}"


def show_comparison(comparison: JsonObject, top: int) -> None:
    """Print where two cost models differ and whether they rank networks alike."""
    names = [comparison[side]["name"] for side in ("a", "b")]
    differing: list[Sequence[str]] = [
        [name, *(str(sides[side]) for side in ("a", "b"))]
        for name, sides in comparison["provenance"].items()
    ]
    show_table(("provenance", *names), differing or [("(no difference)", "", "")])
    if comparison["entries"] is not None:
        _show_ratios(comparison["entries"], names, top)
    rows = [
        [row["space"], str(row["n"])]
        + ["-" if row[key] is None else f"{row[key]:.4f}" for key in _RANKS]
        for row in comparison["spaces"]
    ]
    notes = [f"{row['space']}: {row['reason']}" for row in comparison["spaces"] if "reason" in row]
    if rows:
        columns = ("random networks of", ">n", ">Spearman", ">Kendall", f">{names[1]}/{names[0]}")
        show_table(columns, rows, notes=notes)


_RANKS = ("spearman", "kendall", "median_ratio")


def _show_ratios(entries: JsonObject, names: Sequence[str], top: int) -> None:
    rows = [
        (row["key"], f"{row['a_ms']:.4f}", f"{row['b_ms']:.4f}", f"{row['ratio']:.3f}")
        for row in entries["ratios"][:top]
    ]
    notes = [f"{entries['common']} common entries"]
    if entries["median_ratio"] is not None:
        notes[0] += f", median ratio {entries['median_ratio']:.3f}"
    for name, side in zip(names, ("only_a", "only_b"), strict=True):
        if keys := entries[side]:
            notes.append(f"{len(keys)} only in {name}: {', '.join(keys[:3])}")
    columns = ("entries that differ most", f">{names[0]} ms", f">{names[1]} ms", ">ratio")
    show_table(columns, rows, notes=notes)
