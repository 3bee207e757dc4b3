"""Building tables from commands: what they show while they work, and what they keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nasprof.cli import say
from nasprof.errors import UsageError

if TYPE_CHECKING:
    from devices import Device, RunSettings
    from luts import LookupTable
    from profiler.build import Progress
    from profiler.plan import Plan


@contextmanager
def building_progress() -> Iterator[Progress]:
    """Tells the estimate on stderr, then draws bars where stderr is a terminal."""
    from profiler.build import Progress
    from profiler.measure import Status
    from profiler.progress import lowering_bar, progress_bar

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

        yield Progress(lowered, update)


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
        TableMismatch, Interrupted: as :func:`profiler.build.build_table`.
    """
    from luts import write_cost_model
    from profiler.build import build_table, lacking_blocks
    from profiler.journal import discard
    from profiler.measure import Interrupted

    journal = output.with_name(output.name + ".journal")
    if not resume:
        discard(journal)
    answers = output.with_name(output.name + ".answers.journal")
    if not resume:
        discard(answers)
    if base is not None:
        if set(plan.spaces) <= set(base.spaces) and base.networks:
            plan = replace(plan, calibration=0, audit=0)
        if not lacking_blocks(plan.spaces, base) and not plan.audit:
            if not lacks_answers(base, plan):
                say(f"{output} is complete; --fresh measures it anew.")
                return base
            return _with_answers(device, settings, plan, output, base, answers, patience_s)
    elif resume and journal.exists():
        say(f"Going on with what {journal} holds.")
    try:
        with building_progress() as progress:
            table = build_table(
                device,
                settings,
                plan,
                output.stem,
                base=base,
                journal=journal,
                patience_s=patience_s,
                progress=progress,
            )
    except Interrupted:
        say(f"What was measured is kept in {journal}; the same command goes on.")
        raise
    table = table.on_clock(clock if base is None else base.clock)
    write_cost_model(table, output)
    discard(journal)
    if lacks_answers(table, plan):
        table = _with_answers(device, settings, plan, output, table, answers, patience_s)
    return table


def lacks_answers(table: LookupTable, plan: Plan) -> bool:
    """Whether networks that a search would choose are still to be measured for the table."""
    measured = any(each.role == "answer" for each in table.networks)
    whole = any(not table.missing(space) for space in table.spaces)
    able = table.sentinel is not None and table.audit is not None
    return plan.answers > 0 and able and whole and not measured


def _with_answers(
    device: Device,
    settings: RunSettings,
    plan: Plan,
    output: Path,
    table: LookupTable,
    journal: Path,
    patience_s: float,
) -> LookupTable:
    """The table with answers, written; the table itself is safe before they are measured."""
    from luts import write_cost_model
    from profiler.build import measure_answers
    from profiler.journal import discard
    from profiler.measure import Interrupted

    say("Measuring networks as a search would choose them")
    try:
        with building_progress() as progress:
            table = measure_answers(
                device,
                settings,
                plan,
                table,
                journal=journal,
                patience_s=patience_s,
                progress=progress,
            )
    except Interrupted:
        say(f"{output} is written; what was measured since is kept in {journal}; the same command")
        say("goes on.")
        raise
    write_cost_model(table, output)
    discard(journal)
    return table


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
