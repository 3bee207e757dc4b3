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
from search.answers.candidates import Candidates, key
from search.answers.deployment import Deployment
from search.answers.verification import Verification


def record_answers(
    deployment: Deployment, candidates: Sequence[Candidates], verification: Verification
) -> tuple[Path, int] | None:
    """Let a table remember the answers that were measured; its file and how many, if it did.

    Only a table that is the user's own records, has been audited, and was measured as the answers
    were; of these, those without doubts. They have a role of their own, "answer": they tell how
    far chosen networks are off (``luts.answers``), and move neither the line from sums to
    latencies nor the audit, for they are no random sample.
    """
    path = _own_file(deployment)
    ranks = _ranks(candidates, verification)
    fresh = [
        (measurement, ranks[name])
        for name, measurement in verification.measurements.items()
        if not measurement.flags and measurement.arch and _alike(measurement, deployment)
    ]
    if path is None or not fresh:
        return None
    with locked(path):
        table = read_cost_model(path)
        if not isinstance(table, LookupTable) or table.audit is None:
            return None
        answers = [answer_of(measurement, rank, table) for measurement, rank in fresh]
        write_cost_model(replace(table, networks=remembered(table.networks, answers)), path)
    return path, len(answers)


def remembered(
    networks: Sequence[Measured], fresh: Iterable[Measured], limit: int = WINDOW
) -> tuple[Measured, ...]:
    """The networks of a table and new answers, of which the latest ``limit`` are kept.

    What was drawn to be audited or fitted on stays as it is.
    """
    drawn = [network for network in networks if network.role != "answer"]
    answers = [network for network in networks if network.role == "answer"]
    return (*drawn, *[*answers, *fresh][-limit:])


def _ranks(candidates: Sequence[Candidates], verification: Verification) -> Mapping[bytes, int]:
    """1 for first choices; for the others as they were tried, from 2 on."""
    firsts = {key(one_budget.first) for one_budget in candidates}
    later = [name for name in verification.measurements if name not in firsts]
    return dict.fromkeys(firsts, 1) | {name: rank for rank, name in enumerate(later, 2)}


def _own_file(deployment: Deployment) -> Path | None:
    """The file of a table that may be changed: the user's, of this device as it is now."""
    table = deployment.trade_off.cost
    if not isinstance(table, LookupTable) or table.path is None or deployment.changed:
        return None
    own = table.path.resolve().parent != cost_model_files.shipped_folder.resolve()
    # The mode as well: the administrator may write what is meant to be read only.
    writable = os.access(table.path, os.W_OK) and table.path.stat().st_mode & stat.S_IWUSR
    return table.path if own and writable else None


def _alike(measurement: Measurement, deployment: Deployment) -> bool:
    """Whether a network was measured as the table was, but for the number of rounds."""
    if deployment.plan is None:
        return False
    known = deployment.plan.protocol
    same = replace(measurement.protocol, rounds_min=known.rounds_min, rounds_max=known.rounds_max)
    changed = conditions_of(deployment.trade_off.cost).differences(measurement.conditions)
    return same == known and not changed
