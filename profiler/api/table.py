"""Lookup tables of a device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from devices import Target
from luts import LookupTable, cost_model_files
from luts.files import warn_of_doubts
from nasprof.errors import UsageError
from profiler.measuring.protocol import Protocol, as_protocol
from profiler.tables.keep import TableBuild, existing_table
from profiler.tables.plan import Plan
from profiler.tables.progress import BuildProgress
from profiler.tables.provenance import protocol_of
from profiler.tables.sources import sources
from spaces import Space, get_space


@dataclass(frozen=True)
class TableOptions:
    """What a table shall hold, and how it is measured.

    Args:
        precision: "fp32", "fp16" or "int8".
        batch: images a run.
        protocol: name of a protocol, with changes if any (``"table:visits=10,rounds=40"``), or
            one; that of an existing table, else the device's for tables, unless given.
        source: where block costs come from: "blocks", "networks" or "operators".
        calibration: networks that the line from sums to latencies is fitted on.
        audit: networks to compare the table with.
        answers: networks that a search would choose, for the bound that answers get.
        clock: what predictions are of: "wall" or "cpu".
        patience_s: seconds to wait for a device that was lost.
        seed: of all that is random.

    Raises:
        UsageError: naming what is too small or unknown.

    >>> TableOptions(precision="int8", audit=40).answers
    10
    """

    precision: str = "fp32"
    batch: int = 1
    protocol: str | Protocol | None = None
    source: str = "blocks"
    calibration: int = 10
    audit: int = 20
    answers: int = 10
    clock: str = "wall"
    patience_s: float = 300.0
    seed: int = 0

    def __post_init__(self) -> None:
        sources.get(self.source)
        for name, least in (("batch", 1), *((name, 0) for name in _COUNTS)):
            if not getattr(self, name) >= least:
                raise UsageError(f"{name} is {getattr(self, name)}, expected at least {least}")
        if self.clock not in ("wall", "cpu"):
            raise UsageError(f"clock is {self.clock!r}, expected 'wall' or 'cpu'")

    def plan(self, spaces: Sequence[Space], protocol: Protocol) -> Plan:
        """What is to be measured of these spaces."""
        return Plan(
            spaces=tuple(spaces),
            protocol=protocol,
            precision=self.precision,
            batch=self.batch,
            source=self.source,
            calibration=self.calibration,
            audit=self.audit,
            answers=self.answers,
            seed=self.seed,
        )


_COUNTS = ("calibration", "audit", "answers", "patience_s")


def build_table(
    spaces: Space | str | Sequence[Space | str],
    device: Target | str | None = None,
    *,
    options: TableOptions | None = None,
    output: str | Path | None = None,
    resume: bool = True,
    progress: BuildProgress | None = None,
) -> LookupTable:
    """Measure what each block of a space costs on a device, and audit the table.

    Everything measured is kept as it comes: after an interruption, the same call goes on. A table
    that is there already is completed.

    Args:
        spaces: a space, its name, or several, which share entries of equal blocks.
        device: where to measure, and how; this machine's processor unless given.
        options: precision, batch, protocol, and networks to compare with.
        output: file (``.json``) or name; a name made of what it is of unless given.
        resume: go on with what is there; else measure all of it anew.
        progress: told how far it has come.

    Returns:
        The table, which knows its file (``path``).

    Raises:
        UsageError: there is no such space or device, or the file holds something else.
        TableMismatch, JournalMismatch: what is there was measured otherwise, naming what differs.
        JournalBusy: another process is at work on it.
        DeviceError, Interrupted: the device cannot be used; what was measured is kept.

    >>> from profiler import Target
    >>> target = Target("pixel", runtime="litert", threads=4)
    >>> table = build_table("ofa-mbv3", target)  # doctest: +SKIP
    >>> table.path, table.audit.after.mape  # doctest: +SKIP
    (PosixPath('.../luts/pixel-litert-fp32-t4-ofa-mbv3-w1.0-r224.json'), 0.017)
    """
    options = options or TableOptions()
    backend = Target.of(device).resolve()
    protocol = as_protocol(options.protocol or backend.profile.table_protocol)
    plan = options.plan(_spaces(spaces), protocol)
    named = plan.path(backend.profile, backend.settings)
    path = cost_model_files.path(str(output)) if output else named
    base = existing_table(path) if resume else None
    if base is not None and options.protocol is None:
        plan = replace(plan, protocol=protocol_of(base) or plan.protocol)
    build = TableBuild(backend, plan, path, options.patience_s, progress or BuildProgress())
    table = build.run(base, resume=resume, clock=options.clock).located(path)
    warn_of_doubts(table)
    return table


def _spaces(spaces: Space | str | Sequence[Space | str]) -> list[Space]:
    several = [spaces] if isinstance(spaces, str | Space) else list(spaces)
    if not several:
        raise UsageError("a table needs at least one space")
    known = [get_space(space) if isinstance(space, str) else space for space in several]
    return [member for space in known for member in space.members]
