"""Tables that are built into files, and kept there while they are not complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from devices import Backend
from luts import LookupTable, read_cost_model, write_cost_model
from nasprof.errors import UsageError
from nasprof.locking import locked
from nasprof.log import logger
from profiler.measuring.interruption import Interrupted
from profiler.measuring.journal import discard
from profiler.tables.build import lacking_blocks, measure_answers, measure_table
from profiler.tables.plan import Plan
from profiler.tables.progress import BuildProgress
from profiler.tables.provenance import changes, known_provenance
from profiler.tables.sources import source_journal


@dataclass(frozen=True)
class TableBuild:
    """Builds a table into a file, with a journal for each of its two parts.

    Args:
        output: the table's file; its journals stand beside it.
        patience_s: how long to wait for a device that was lost.
    """

    backend: Backend
    plan: Plan
    output: Path
    patience_s: float = 300.0
    progress: BuildProgress = field(default_factory=BuildProgress)

    def run(
        self, base: LookupTable | None = None, *, resume: bool = True, clock: str = "wall"
    ) -> LookupTable:
        """Measure the table, or what ``base`` lacks, and write it; interrupted, it can go on.

        Args:
            base: what the file holds.
            resume: whether to go on with what journals hold.
            clock: what predictions of a new table are of, "wall" or "cpu".

        Raises:
            TableMismatch, Interrupted: as :func:`profiler.tables.build.measure_table`.
        """
        if not resume:
            self._forget()
        elif base is None and self.journal.exists():
            logger.info(f"Going on with what {self.journal} holds.")
        work = self if base is None else self._completing(base)
        if base is not None and work._is_complete(base):
            return work._left_alone(base)
        if base is None or work._lacks_blocks(base):
            base = work._measured(base, clock)
        return work._with_answers(base) if lacks_answers(base, self.plan) else base

    @property
    def journal(self) -> Path:
        """Of blocks and random networks."""
        return self.output.with_name(self.output.name + ".journal")

    @property
    def answers_journal(self) -> Path:
        """Of networks that a search would choose."""
        return self.output.with_name(self.output.name + ".answers.journal")

    def _forget(self) -> None:
        """Remove what earlier runs left."""
        for journal in (self.journal, source_journal(self.journal), self.answers_journal):
            discard(journal)

    def _completing(self, base: LookupTable) -> TableBuild:
        """The same, without networks that an existing table has already."""
        if set(self.plan.spaces) <= set(base.spaces) and base.networks:
            return replace(self, plan=replace(self.plan, calibration=0, audit=0))
        return self

    def _lacks_blocks(self, base: LookupTable) -> bool:
        """Whether blocks or random networks are still to be measured."""
        return bool(lacking_blocks(self.plan.spaces, base) or self.plan.audit)

    def _is_complete(self, base: LookupTable) -> bool:
        """Whether nothing is to be measured."""
        return not self._lacks_blocks(base) and not lacks_answers(base, self.plan)

    def _left_alone(self, base: LookupTable) -> LookupTable:
        """A table that is complete; says so, and where it was measured otherwise."""
        logger.info(f"{self.output} is complete; --fresh measures it anew.")
        now = self.backend.conditions(contact=False)
        if changed := changes(base, known_provenance(now, self.plan)):
            logger.warning(f"Careful: it was measured otherwise: {'; '.join(changed)}")
        return base

    def _measured(self, base: LookupTable | None, clock: str) -> LookupTable:
        """The table with all blocks, written."""
        with self._kept(self.journal):
            table = measure_table(
                self.backend,
                self.plan,
                self.output.stem,
                base=base,
                journal=self.journal,
                patience_s=self.patience_s,
                progress=self.progress,
            )
        table = table.on_clock(clock if base is None else base.clock)
        write_cost_model(table, self.output)
        discard(self.journal)
        discard(source_journal(self.journal))
        return table

    def _with_answers(self, table: LookupTable) -> LookupTable:
        """The table with answers, written; it was safe before they were measured."""
        logger.info("Measuring networks as a search would choose them")
        with self._kept(self.answers_journal):
            answers = measure_answers(
                self.backend,
                self.plan,
                table,
                journal=self.answers_journal,
                patience_s=self.patience_s,
                progress=self.progress,
            )
        with locked(self.output):
            # Others may have written into it meanwhile.
            table = existing_table(self.output) or table
            table = replace(table, networks=(*table.networks, *answers))
            write_cost_model(table, self.output)
        discard(self.answers_journal)
        return table

    @contextmanager
    def _kept(self, journal: Path) -> Iterator[None]:
        """Tells, when it is interrupted, that nothing is lost."""
        try:
            yield
        except Interrupted:
            logger.info(f"What was measured is kept in {journal}; the same command goes on.")
            raise


def lacks_answers(table: LookupTable, plan: Plan) -> bool:
    """Whether networks that a search would choose are still to be measured for the table."""
    measured = any(network.role == "answer" for network in table.networks)
    whole = any(not table.missing(space) for space in table.spaces)
    able = table.sentinel is not None and table.audit is not None
    return plan.answers > 0 and able and whole and not measured


def existing_table(path: Path) -> LookupTable | None:
    """The table in that file, None if there is no file.

    Raises:
        UsageError: the file holds something else.
    """
    if not path.exists():
        return None
    model = read_cost_model(path)
    if not isinstance(model, LookupTable):
        raise UsageError(f"{path} holds a cost model that is no table", "Choose another file.")
    return model
