"""What a search begins with: the best of another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nasprof.errors import UsageError
from nasprof.reader import is_whole
from nasprof.threads import one_thread
from nasprof.typing import Array
from search.archives.archive import Archive, ArchiveMismatch
from search.archives.archive_log import ARCHIVES
from search.archives.stored import read_archive
from search.objectives import objectives
from search.objectives.computed import Macs
from search.problem import Objective, Problem
from search.quality.ranking import evaluated
from search.runs.trial import Start
from spaces import Genes

FROM_MACS = "macs"
"""Instead of a file: a search on MACs in the place of latencies."""


def start_from(path: Path, problem: Problem) -> Start:
    """The front of an archive; what it knows of the same objectives needs no evaluation.

    Raises:
        ArchiveInvalid: it is no archive, or damaged.
        ArchiveMismatch: it is of another space.
    """
    stored = read_archive(path)
    if stored.space != problem.space:
        raise ArchiveMismatch(
            f"{path} is of {stored.space.label}, the search of {problem.space.label}",
            "Begin with an archive of the same space, width and resolution.",
        )
    told = [
        {"name": each.name, "unit": each.unit, "maximise": each.maximise, **each.facts}
        for each in stored.objectives
    ]
    known = _known(problem, told, stored.genes, stored.minimised)
    facts = {"from": path.name, "front": len(stored.front), "known": len(known)}
    return Start(stored.genes[stored.front], known, facts)


def _known(
    problem: Problem, told: Sequence[Mapping[str, object]], genes: Genes, values: Array
) -> dict[bytes, Array]:
    """Objectives of a problem, to be minimised, that need no evaluation, by genes as bytes.

    Nothing is known unless all were told but those whose values cost nothing.

    Args:
        told: the objectives of ``values`` as an archive's head has them.
        genes: ``(n, n_genes)``.
        values: of each, to be minimised, ``(n, n_told)``; nan where it failed.
    """
    wanted = [each.to_dict() for each in problem.objectives]
    pairs = list(zip(problem.objectives, wanted, strict=True))
    if all(each not in told for each in wanted):
        return {}
    if not all(each in told or objective.free for objective, each in pairs):
        return {}
    rows = evaluated(values)
    with one_thread():
        columns = [
            values[rows, told.index(each)]
            if each in told
            else sign * objective.function(genes[rows])
            for sign, (objective, each) in zip(problem.signs, pairs, strict=True)
        ]
    found = np.stack(columns, 1)
    return {row.tobytes(): each for row, each in zip(genes[rows], found, strict=True)}


def macs_problem(problem: Problem) -> Problem:
    """The same with MACs in the place of all latencies, which they are a first guess at.

    Cummings et al. 2022, App. E. Limits on latencies are dropped.

    Raises:
        UsageError: there is no latency among the objectives.
    """
    others = [each for each in problem.objectives if not _is_latency(each)]
    if len(others) == len(problem.objectives):
        names = ", ".join(each.name for each in problem.objectives)
        raise UsageError(
            f"--warm-start {FROM_MACS} searches on MACs instead of latency, which is no objective",
            f"Objectives: {names}. Begin with an archive instead: --warm-start FILE.",
        )
    if all(each.name != FROM_MACS for each in others):
        others.append(Macs(FROM_MACS).objective(problem.space))
    kept = {name: limit for name, limit in problem.limits.items() if name in _names(others)}
    return replace(problem, objectives=tuple(others), limits=kept)


def start_from_macs(archive: Archive, problem: Problem) -> Start:
    """The front of a search on MACs; what it evaluated for a problem is not evaluated again."""
    told = [each.to_dict() for each in archive.problem.objectives]
    known = _known(problem, told, archive.genes, archive.values)
    return Start(archive.front[0], known, {"from": FROM_MACS, "evaluations": len(archive)})


def evaluations_on_macs(path: Path) -> int | None:
    """How long a search on MACs was that the archive in a file begins with; None if with none.

    It is not gone on with: another front is the beginning of another search.
    """
    try:
        start = ARCHIVES.header(path)["facts"]["start"]
        known = start["from"] == FROM_MACS and is_whole(start["evaluations"])
        return start["evaluations"] if known else None
    except (UsageError, OSError, ValueError, LookupError, TypeError):
        return None


def _is_latency(objective: Objective) -> bool:
    bare = objective.name.partition("@")[0]
    return bare in objectives and bare.startswith("latency")


def _names(kept: list[Objective]) -> set[str]:
    return {each.name for each in kept}
