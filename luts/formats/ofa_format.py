"""OFA's YAML: one file a resolution, ``key: {mean, std, count}``, in ms.

Source: Cai et al., "Once-for-All", ICLR 2020, the lookup tables of its tutorial. Its head is four
rows (``Conv_1``, ``AvgPool2D``, ``Conv_2``, ``Logits``), ours is one block: their sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import hypot, sqrt

from luts.entry import Entry
from luts.formats.base import Exported, Imported, TableFormat, reject_unknown_keys
from luts.formats.ofa_keys import ofa_keys, space_of
from luts.formats.yaml_text import dump_yaml, parse_yaml
from luts.table import LookupTable
from nasprof.errors import UsageError
from nasprof.reader import Reader
from nasprof.typing import JsonObject
from spaces import Space

HEAD_LOSS = (
    "the whole head stands under Conv_1 and zeros under AvgPool2D, Conv_2 and Logits: "
    "it is one block here and cannot be divided"
)


class OfaFormat(TableFormat):
    """Width, resolution and number of classes follow from the keys."""

    names_spaces = True

    def read(self, texts: Mapping[str, str], spaces: Sequence[Space]) -> Imported:
        sources: dict[Space, str] = {}
        taken: dict[str, list[Entry]] = {}
        for name, text in texts.items():
            rows = {
                key: _entry(f"{name}: {key}", row) for key, row in parse_yaml(name, text).items()
            }
            space = space_of(name, rows)
            if space in sources:
                raise UsageError(f"{name}: {space.label} was already read from {sources[space]}")
            sources[space] = name
            keys = ofa_keys(space)
            known = {key: None for theirs in keys.values() for key in theirs}
            unknown = [repr(key) for key in rows if key not in known]
            reject_unknown_keys(name, unknown, len(rows), known, space.label)
            for ours, theirs in keys.items():
                if parts := _parts(name, rows, theirs):
                    taken.setdefault(ours, []).append(_sum(parts))
        entries = {key: _pooled(entries) for key, entries in taken.items()}
        return Imported(tuple(sources), entries, _repeats(taken))

    def write(self, table: LookupTable) -> Exported:
        files: dict[str, str] = {}
        for space in table.spaces:
            rows = _rows(table, space)
            name = f"{space.settings['resolution']}_lookup_table.yaml"
            if name in files:
                raise UsageError(
                    f"LUT {table.name!r} has two spaces of one resolution, "
                    "which the names of OFA's files do not tell apart",
                    "Use --format csv for it.",
                )
            about = f"{table.name}: {space.label}, {table.clock} clock, ms"
            files[name] = dump_yaml(rows, (about, HEAD_LOSS))
        clocks = {clock for entry in table.entries.values() for clock in entry.latency_ms}
        losses = [f"{clock} times are left out" for clock in sorted(clocks - {table.clock})]
        return Exported(files, [HEAD_LOSS, *losses])


def _entry(where: str, row: JsonObject) -> Entry:
    reader = Reader(row, where)
    mean_ms = reader.latency_ms("mean", 0)
    std_ms = None if row.get("std") is None else reader.latency_ms("std", 0)
    count = None if row.get("count") is None else reader.take("count", "a whole number")
    if count is not None and count < 1:
        raise UsageError(f"{where}: field 'count' is {count}, expected at least 1")
    return Entry({"wall": mean_ms}, std_ms, count)


def _parts(name: str, rows: Mapping[str, Entry], keys: Sequence[str]) -> list[Entry]:
    """The rows that make up one block; none or all."""
    missing = [key for key in keys if key not in rows]
    if 0 < len(missing) < len(keys):
        raise UsageError(
            f"{name}: {missing[0]} is missing ({len(missing)} of the {len(keys)} rows of the head)"
        )
    return [] if missing else [rows[key] for key in keys]


def _sum(parts: Sequence[Entry]) -> Entry:
    """Parts that run one after the other, their samples taken as independent."""
    if len(parts) == 1:
        return parts[0]
    spreads = [part.std_ms for part in parts if part.std_ms is not None]
    counts = [part.count for part in parts if part.count is not None]
    return Entry(
        {"wall": sum(part.latency_ms["wall"] for part in parts)},
        hypot(*spreads) if len(spreads) == len(parts) else None,
        min(counts) if len(counts) == len(parts) else None,
    )


def _pooled(entries: Sequence[Entry]) -> Entry:
    """All samples of one block together, which the files of several resolutions may hold."""
    if len(entries) == 1:
        return entries[0]
    counts = [entry.count for entry in entries if entry.count is not None]
    known = len(counts) == len(entries)
    shares = (
        [count / sum(counts) for count in counts] if known else [1 / len(entries)] * len(entries)
    )
    times = [entry.latency_ms["wall"] for entry in entries]
    mean_ms = sum(share * time for share, time in zip(shares, times, strict=True))
    spreads = [entry.std_ms for entry in entries if entry.std_ms is not None]
    std_ms = None
    if len(spreads) == len(entries):
        parts = zip(shares, spreads, times, strict=True)
        std_ms = sqrt(sum(share * (std**2 + (time - mean_ms) ** 2) for share, std, time in parts))
    return Entry({"wall": mean_ms}, std_ms, sum(counts) if known else None)


def _repeats(taken: Mapping[str, Sequence[Entry]]) -> list[str]:
    """What to say about blocks that several files hold with different times."""
    spans = []
    for entries in taken.values():
        times = [entry.latency_ms["wall"] for entry in entries]
        if max(times) > min(times):
            spans.append(max(times) / min(times) - 1 if min(times) > 0 else float("inf"))
    if not spans:
        return []
    return [
        f"{len(spans)} of {len(taken)} blocks are in several files with different times "
        f"(by up to {max(spans):.1%}); their means are taken, weighted by count. "
        "Tables of one file each keep the times apart."
    ]


def _rows(table: LookupTable, space: Space) -> JsonObject:
    """A space's entries under OFA's keys."""
    rows: JsonObject = {}
    keys = _keys(space)
    costs = table.costs_ms(space).tolist()
    for (ours, theirs), mean_ms in zip(keys.items(), costs, strict=True):
        entry = table.entries[ours]
        spread = {} if entry.std_ms is None else {"std": float(entry.std_ms)}
        count = {} if entry.count is None else {"count": entry.count}
        for key in theirs[1:]:
            rows[key] = {"mean": 0.0, **(spread and {"std": 0.0}), **count}
        rows[theirs[0]] = {"mean": mean_ms, **spread, **count}
    return rows


def _keys(space: Space) -> dict[str, tuple[str, ...]]:
    """OFA's keys of a space that can be told from them again."""
    if space.name == "ofa-mbv3":
        keys = ofa_keys(space)
        try:
            if space_of("", [key for theirs in keys.values() for key in theirs]) == space:
                return keys
        except UsageError:
            pass
    raise UsageError(
        f"OFA's format is for ofa-mbv3 of width 1.0 and 1.2, not for {space.label}",
        "Use --format csv for it.",
    )
