"""Lookup tables: what each block of a space costs on a device."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Self, cast

import numpy as np

from luts.agreement import Agreement, Bound, Calibration
from luts.audit import Audit, Measured, networks_from_dict
from luts.build_command import build_command
from luts.cost_model import CostModel, Extremes
from luts.digest import check_digest, digest
from luts.entry import CLOCKS, Entry
from luts.errors import CostModelInvalid, MissingEntries
from luts.provenance import check_provenance
from luts.speed import Sentinel, sentinel_of
from nasprof.errors import UsageError
from nasprof.reader import LONGEST_MS, SHORTEST_MS, Reader
from nasprof.typing import Array, JsonObject
from spaces import Genes, Space, get_space
from spaces.additive import additive_ends
from spaces.graph import Block

SCHEMA = 1


@dataclass(frozen=True)
class LookupTable(CostModel):
    """The cost of each block of one or several spaces; a network's latency is their sum.

    Args:
        name: what people call it.
        spaces: those it is meant for; they share entries of equal blocks.
        entries: by :attr:`spaces.graph.Block.key`. May be incomplete; a question that needs a
            missing entry is an error.
        provenance: what was measured and how: "device", "runtime", "threads", "precision",
            "batch", "protocol", "source", "time", ...
        clock: the clock that predictions are of.
        networks: whole networks measured on the same device, for calibration and audit.
        path: the file it was read from.
    """

    kind: ClassVar[str] = "lut"
    additive: ClassVar[bool] = True

    name: str
    spaces: tuple[Space, ...]
    entries: Mapping[str, Entry]
    provenance: JsonObject
    clock: str = "wall"
    networks: tuple[Measured, ...] = ()
    path: Path | None = field(default=None, compare=False)
    _kept: dict[object, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    # --- predictions ------------------------------------------------------------------------

    def latency_ms(self, genes: Genes, space: Space | None = None) -> Array:
        space = self.space_of(space)
        return self.calibration(self._sum(genes, space))

    def _sum(self, genes: Genes, space: Space) -> Array:
        total: Array = space.additive(genes, self.costs_ms(space), executed=True)
        return total

    def costs_ms(self, space: Space | None = None) -> Array:
        """Cost of each block of the vocabulary in ms before calibration: ``(n_blocks,)``.

        Raises:
            MissingEntries: naming how many there are and how to fill them.
        """
        space = self.space_of(space)
        key = ("costs", self.spaces.index(space))
        if key not in self._kept:
            missing = self.missing(space)
            if missing:
                raise self._lacking(missing, space)
            blocks = (self.entries[block.key] for block in space.vocabulary)
            self._kept[key] = np.array([entry.latency_ms[self.clock] for entry in blocks])
        return cast(Array, self._kept[key])

    def missing(self, space: Space | None = None) -> list[Block]:
        """Blocks of the space that have no entry on the table's clock."""
        return [
            block
            for block in self.space_of(space).vocabulary
            if block.key not in self.entries or self.clock not in self.entries[block.key].latency_ms
        ]

    def located(self, path: Path) -> Self:
        return replace(self, path=path)

    def _lacking(self, missing: Sequence[Block], space: Space) -> MissingEntries:
        output = self.name if self.path is None else shlex.quote(str(self.path))
        command = build_command(self.provenance, space)
        if self.provenance.get("source") == "imported":
            remedy = f"Add them to the imported file, or measure your own table: {command}"
        else:
            remedy = f"Measure only those: {command} -o {output}"
        return MissingEntries(
            f"LUT {self.name!r} has no entry {missing[0].key} "
            f"({len(missing)} of {len(space.vocabulary)} keys of {space.label} missing)",
            remedy,
        )

    @property
    def calibration(self) -> Calibration:
        """From sums of blocks to latencies of networks."""
        return Calibration() if self.audit is None else self.audit.calibration

    @property
    def audit(self) -> Audit | None:
        """How it compares with measured networks; None if it never was, or has gaps."""
        if "audit" not in self._kept:
            whole = not any(self.missing(space) for space in self.spaces)
            networks = self.networks if whole else ()
            self._kept["audit"] = Audit.of(networks, self._sum, self.clock)
        return cast("Audit | None", self._kept["audit"])

    @property
    def agreement(self) -> Agreement | None:
        return None if self.audit is None else self.audit.after

    def bound(self, confidence: float) -> Bound | None:
        return None if self.audit is None else self.audit.bound(confidence)

    def answer_bound(self, confidence: float) -> Bound | None:
        return None if self.audit is None else self.audit.answer_bound(confidence)

    @property
    def sentinel(self) -> Sentinel | None:
        """What ran in turns with all that was measured; None where none was kept."""
        return sentinel_of(self.provenance)

    def extremes(self, space: Space | None = None) -> Extremes:
        """The fastest and slowest architecture, exactly: each part of the genes on its own."""
        space = self.space_of(space)
        key = ("extremes", self.spaces.index(space))
        if key not in self._kept:
            ends = additive_ends(space, partial(self._sum, space=space))
            low, high = self.latency_ms(ends, space).tolist()
            self._kept[key] = Extremes(ends[0], ends[1], low, high, exact=True)
        return cast(Extremes, self._kept[key])

    def on_clock(self, clock: str) -> Self:
        """The same table with predictions by another clock.

        Raises:
            UsageError: an entry was not measured on it.
        """
        lacking = sum(clock not in entry.latency_ms for entry in self.entries.values())
        if lacking:
            raise UsageError(
                f"LUT {self.name!r} has no {clock!r} times "
                f"({lacking} of {len(self.entries)} entries lack them)"
            )
        return replace(self, clock=clock)

    @property
    def doubts(self) -> list[str]:
        doubts = []
        if self.audit is None:
            doubts.append("it was never compared with whole networks (nasprof audit does)")
        elif not self.audit.after.holds:
            after = self.audit.after
            doubts.append(after.shortfall(f"on {after.n} networks"))
        return doubts

    # --- files ------------------------------------------------------------------------------

    def to_dict(self) -> JsonObject:
        data = {
            "schema": SCHEMA,
            "kind": self.kind,
            "spaces": [space.settings for space in self.spaces],
            "clock": self.clock,
            "provenance": dict(self.provenance),
            "entries": {key: entry.to_dict() for key, entry in self.entries.items()},
            "networks": [network.to_dict() for network in self.networks],
            "audit": {
                clock: audit.to_dict()
                for clock in CLOCKS
                if (audit := self._audit_on(clock)) is not None
            },
        }
        return {**data, "sha256": digest(data)}

    def _audit_on(self, clock: str) -> Audit | None:
        if all(clock in entry.latency_ms for entry in self.entries.values()):
            return self.on_clock(clock).audit
        return None

    @classmethod
    def from_dict(cls, data: Mapping[str, object], name: str) -> Self:
        try:
            return cls._read(data, name)
        except CostModelInvalid:
            raise
        except UsageError as error:
            raise CostModelInvalid(f"LUT {name!r}: {error.message}", error.remedy) from error

    @classmethod
    def _read(cls, data: Mapping[str, object], name: str) -> Self:
        reader = Reader(data, "table")
        if reader.take("schema", "a whole number") != SCHEMA:
            raise CostModelInvalid(
                f"LUT {name!r}: field 'schema' is {data['schema']}, expected {SCHEMA}",
                "It was written by another version of nasprof; build it again.",
            )
        clock = reader.take("clock", "a string")
        if clock not in CLOCKS:
            raise UsageError(f"field 'clock' is {clock!r}, expected one of {', '.join(CLOCKS)}")
        spaces = tuple(_space(value) for value in reader.take("spaces", "a list"))
        entries = reader.take("entries", "an object")
        known = {block.key for space in spaces for block in space.vocabulary}
        for key in entries:
            if key not in known:
                labels = ", ".join(space.label for space in spaces)
                raise UsageError(f"entries: {key!r} is no block of {labels}")
        table = cls(
            name=name,
            spaces=spaces,
            entries={
                key: Entry.from_dict(value, f"entries[{key!r}]") for key, value in entries.items()
            },
            provenance=reader.take("provenance", "an object"),
            clock=clock,
            networks=networks_from_dict(reader.take("networks", "a list"), "networks"),
        )
        check_provenance(table.provenance)
        _ = table.sentinel  # refuses one that is damaged
        check_digest(
            data,
            "Change a table by nasprof lut export --format csv and lut import, "
            "which say so in its provenance.",
        )
        table._require_sane()
        return table

    def _require_sane(self) -> None:
        """Numbers that are latencies each may still add up to none, or be calibrated to none.

        Raises:
            UsageError: naming what networks of a space would take.
        """
        for space in self.spaces:
            if self.missing(space):
                continue
            with np.errstate(all="ignore"):
                ends = self.extremes(space)
            if not SHORTEST_MS <= ends.min_ms <= ends.max_ms <= LONGEST_MS:
                raise UsageError(
                    f"networks of {space.label} would take {ends.min_ms:.4g} to "
                    f"{ends.max_ms:.4g} ms, expected above 0 and at most a day",
                    "Its entries or its measured networks are no latencies; build it again.",
                )


def _space(value: object) -> Space:
    settings = dict(Reader({"space": value}, "spaces").take("space", "an object"))
    name = Reader(settings, "spaces").take("space", "a string")
    del settings["space"]
    return get_space(name, **settings)
