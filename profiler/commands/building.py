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
    from profiler.conditions import Conditions
    from profiler.journal import discard
    from profiler.measure import Interrupted
    from profiler.provenance import changes, known_provenance
    from profiler.sources import source_journal

    journal = output.with_name(output.name + ".journal")
    if not resume:
        discard(journal)
        discard(source_journal(journal))
    if base is not None:
        if set(plan.spaces) <= set(base.spaces) and base.networks:
            plan = replace(plan, calibration=0, audit=0)
        if not lacking_blocks(plan.spaces, base) and not plan.audit:
            say(f"{output} is complete; --fresh measures it anew.")
            now = Conditions.of(device, settings, contact=False)
            if changed := changes(base, known_provenance(now, plan)):
                say(f"Careful: it was measured otherwise: {'; '.join(changed)}")
            return base
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
    discard(source_journal(journal))
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
