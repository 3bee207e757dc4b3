"""What a table records of networks that were chosen by search and measured."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from luts import LookupTable, Measured, cost_model_files, read_cost_model, write_cost_model
from luts.answers import WINDOW
from nasprof.locking import locked
from profiler.measuring.records import Measurement
from profiler.tables.chosen import answer_of
from profiler.tables.provenance import conditions_of
from search.answers.deployment import Deployment
from search.answers.verify import Candidates, Verification, key


def record_answers(
    site: Deployment, candidates: Sequence[Candidates], found: Verification
) -> tuple[Path, int] | None:
    """Let a table remember the answers that were measured; its file and how many, if it did.

    Only a table that is the user's own records, has been audited, and was measured as the answers
    were; of these, those without doubts. They have a role of their own, "answer": they tell how
    far chosen networks are off (``luts.answers``), and move neither the line from sums to
    latencies nor the audit, for they are no random sample.
    """
    path = _own_file(site)
    ranks = _ranks(candidates, found)
    sure = [(taken, ranks[name]) for name, taken in found.measurements.items() if not taken.flags]
    fresh = [(taken, rank) for taken, rank in sure if taken.arch and _alike(taken, site)]
    if path is None or not fresh:
        return None
    with locked(path):
        table = read_cost_model(path)
        if not isinstance(table, LookupTable) or table.audit is None:
            return None
        answers = [answer_of(taken, rank, table) for taken, rank in fresh]
        write_cost_model(replace(table, networks=remembered(table.networks, answers)), path)
    return path, len(answers)


def remembered(
    networks: Sequence[Measured], fresh: Iterable[Measured], limit: int = WINDOW
) -> tuple[Measured, ...]:
    """The networks of a table and new answers, of which the latest ``limit`` are kept.

    What was drawn to be audited or fitted on stays as it is.
    """
    drawn = [each for each in networks if each.role != "answer"]
    answers = [each for each in networks if each.role == "answer"]
    return (*drawn, *[*answers, *fresh][-limit:])


def _ranks(candidates: Sequence[Candidates], found: Verification) -> Mapping[bytes, int]:
    """1 for first choices; for the others their place in the order in which they were tried."""
    firsts = {key(each.first) for each in candidates}
    later = [name for name in found.measurements if name not in firsts]
    return dict.fromkeys(firsts, 1) | {name: 2 + place for place, name in enumerate(later)}


def _own_file(site: Deployment) -> Path | None:
    """The file of a table that may be changed: the user's, of this device as it is now."""
    table = site.trade_off.cost
    if not isinstance(table, LookupTable) or table.path is None or site.changed:
        return None
    own = table.path.resolve().parent != cost_model_files.shipped_folder.resolve()
    # The mode as well: the administrator may write what is meant to be read only.
    writable = os.access(table.path, os.W_OK) and table.path.stat().st_mode & stat.S_IWUSR
    return table.path if own and writable else None


def _alike(measurement: Measurement, site: Deployment) -> bool:
    """Whether a network was measured as the table was, but for the number of rounds."""
    if site.plan is None:
        return False
    known = site.plan.protocol
    same = replace(measurement.protocol, rounds_min=known.rounds_min, rounds_max=known.rounds_max)
    changed = conditions_of(site.trade_off.cost).differences(measurement.conditions)
    return same == known and not changed
