"""Building tables from commands: what they show while they work, and what they keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nasprof.cli import say
from nasprof.errors import UsageError

if TYPE_CHECKING:
    from devices import Device, RunSettings
    from luts import LookupTable
    from profiler.tables.build import BuildProgress
    from profiler.tables.plan import Plan


@contextmanager
def building_progress() -> Iterator[BuildProgress]:
    """Tells the estimate on stderr, then draws bars where stderr is a terminal."""
    from profiler.commands.progress import lowering_bar, progress_bar
    from profiler.measuring.measure import Status
    from profiler.tables.build import BuildProgress

    # One bar at a time: two would write over each other.
    with ExitStack() as bars:
        lowered = bars.enter_context(lowering_bar())
        measuring: Callable[[Status], None] | None = None

        def update(status: Status) -> None:
            nonlocal measuring
            if measuring is None:
                bars.close()
                left = _duration(status.remaining_s)
                say(f"{status.total} models; measuring will take about {left}")
                measuring = bars.enter_context(progress_bar())
            measuring(status)

        yield BuildProgress(lowered, update)


def build_and_keep(
    device: Device,
    settings: RunSettings,
    plan: Plan,
    output: Path,
    base: LookupTable | None,
    resume: bool = True,
    patience_s: float = 300.0,
    clock: str = "wall",
) -> LookupTable:
    """Measure a table, or what ``base`` lacks, and write it; after an interruption it goes on.

    Args:
        resume: whether to go on with what a journal next to ``output`` holds.
        clock: what predictions of a new table are of.

    Raises:
        TableMismatch, Interrupted: as :func:`profiler.tables.build.build_table`.
    """
    work = _Building(device, settings, plan, output, patience_s)
    if not resume:
        work.forget()
    elif base is None and work.journal.exists():
        say(f"Going on with what {work.journal} holds.")
    if base is not None:
        work = work.completing(base)
        if work.is_complete(base):
            return work.left_alone(base)
    if base is None or work.lacks_blocks(base):
        base = work.measured(base, clock)
    return work.with_answers(base) if lacks_answers(base, plan) else base


def lacks_answers(table: LookupTable, plan: Plan) -> bool:
    """Whether networks that a search would choose are still to be measured for the table."""
    measured = any(each.role == "answer" for each in table.networks)
    whole = any(not table.missing(space) for space in table.spaces)
    able = table.sentinel is not None and table.audit is not None
    return plan.answers > 0 and able and whole and not measured


@dataclass(frozen=True)
class _Building:
    """A table being built, with a journal for each of its two parts."""

    device: Device
    settings: RunSettings
    plan: Plan
    output: Path
    patience_s: float

    @property
    def journal(self) -> Path:
        """Of blocks and random networks."""
        return self.output.with_name(self.output.name + ".journal")

    @property
    def answers_journal(self) -> Path:
        """Of networks that a search would choose."""
        return self.output.with_name(self.output.name + ".answers.journal")

    def forget(self) -> None:
        """Remove what earlier runs left."""
        from profiler.measuring.journal import discard
        from profiler.tables.sources import source_journal

        for journal in (self.journal, source_journal(self.journal), self.answers_journal):
            discard(journal)

    def completing(self, base: LookupTable) -> _Building:
        """The same, without networks that an existing table has already."""
        if set(self.plan.spaces) <= set(base.spaces) and base.networks:
            return replace(self, plan=replace(self.plan, calibration=0, audit=0))
        return self

    def lacks_blocks(self, base: LookupTable) -> bool:
        """Whether blocks or random networks are still to be measured."""
        from profiler.tables.build import lacking_blocks

        return bool(lacking_blocks(self.plan.spaces, base) or self.plan.audit)

    def is_complete(self, base: LookupTable) -> bool:
        """Whether nothing is to be measured."""
        return not self.lacks_blocks(base) and not lacks_answers(base, self.plan)

    def left_alone(self, base: LookupTable) -> LookupTable:
        """A table that is complete; says so, and where it was measured otherwise."""
        from devices.conditions import Conditions
        from profiler.tables.provenance import changes, known_provenance

        say(f"{self.output} is complete; --fresh measures it anew.")
        now = Conditions.of(self.device, self.settings, contact=False)
        if changed := changes(base, known_provenance(now, self.plan)):
            say(f"Careful: it was measured otherwise: {'; '.join(changed)}")
        return base

    def measured(self, base: LookupTable | None, clock: str) -> LookupTable:
        """The table with all blocks, written."""
        from luts import write_cost_model
        from profiler.measuring.journal import discard
        from profiler.tables.build import build_table
        from profiler.tables.sources import source_journal

        with self._kept(self.journal) as progress:
            table = build_table(
                self.device,
                self.settings,
                self.plan,
                self.output.stem,
                base=base,
                journal=self.journal,
                patience_s=self.patience_s,
                progress=progress,
            )
        table = table.on_clock(clock if base is None else base.clock)
        write_cost_model(table, self.output)
        discard(self.journal)
        discard(source_journal(self.journal))
        return table

    def with_answers(self, table: LookupTable) -> LookupTable:
        """The table with answers, written; it was safe before they were measured."""
        from luts import write_cost_model
        from nasprof.locking import locked
        from profiler.measuring.journal import discard
        from profiler.tables.build import measure_answers

        say("Measuring networks as a search would choose them")
        with self._kept(self.answers_journal) as progress:
            answers = measure_answers(
                self.device,
                self.settings,
                self.plan,
                table,
                journal=self.answers_journal,
                patience_s=self.patience_s,
                progress=progress,
            )
        with locked(self.output):
            # Others may have written into it meanwhile.
            table = existing_table(self.output) or table
            table = replace(table, networks=(*table.networks, *answers))
            write_cost_model(table, self.output)
        discard(self.answers_journal)
        return table

    @contextmanager
    def _kept(self, journal: Path) -> Iterator[BuildProgress]:
        """Tells of progress and, when it is interrupted, that nothing is lost."""
        from profiler.measuring.measure import Interrupted

        try:
            with building_progress() as progress:
                yield progress
        except Interrupted:
            say(f"What was measured is kept in {journal}; the same command goes on.")
            raise


def existing_table(output: Path) -> LookupTable | None:
    """The table in that file, None if there is no file.

    Raises:
        UsageError: the file holds something else.
    """
    from luts import LookupTable, read_cost_model

    if not output.exists():
        return None
    model = read_cost_model(output)
    if not isinstance(model, LookupTable):
        raise UsageError(f"{output} holds a cost model that is no table", "Choose another file.")
    return model


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
