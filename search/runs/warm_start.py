"""What a search begins with: the best of another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nasprof.errors import UsageError
from nasprof.reader import is_whole
from nasprof.threads import one_thread
from nasprof.typing import Array, JsonObject
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
    known = _known(
        problem,
        [objective.to_dict() for objective in stored.objectives],
        stored.genes,
        stored.minimised,
    )
    facts = {"from": path.name, "front": len(stored.front), "known": len(known)}
    return Start(stored.genes[stored.front], known, facts)


def _known(
    problem: Problem, evaluated_of: Sequence[JsonObject], genes: Genes, values: Array
) -> dict[bytes, Array]:
    """Objectives of a problem, to be minimised, that need no evaluation, by genes as bytes.

    Nothing is known unless all were evaluated but those whose values cost nothing.

    Args:
        evaluated_of: the objectives of ``values`` as an archive's head has them.
        genes: ``(n, n_genes)``.
        values: of each, to be minimised, ``(n, n_evaluated)``; nan where it failed.
    """
    described = [(objective, objective.to_dict()) for objective in problem.objectives]
    if all(data not in evaluated_of for _, data in described):
        return {}
    if not all(data in evaluated_of or objective.free for objective, data in described):
        return {}
    rows = evaluated(values)
    with one_thread():
        columns = [
            values[rows, evaluated_of.index(data)]
            if data in evaluated_of
            else sign * objective.function(genes[rows])
            for sign, (objective, data) in zip(problem.signs, described, strict=True)
        ]
    known = np.stack(columns, 1)
    return {row.tobytes(): point for row, point in zip(genes[rows], known, strict=True)}


def macs_problem(problem: Problem) -> Problem:
    """The same with MACs in the place of all latencies, which they are a first guess at.

    Cummings et al. 2022, App. E. Limits on latencies are dropped.

    Raises:
        UsageError: there is no latency among the objectives.
    """
    others = [objective for objective in problem.objectives if not _is_latency(objective)]
    if len(others) == len(problem.objectives):
        names = ", ".join(objective.name for objective in problem.objectives)
        raise UsageError(
            f"--warm-start {FROM_MACS} searches on MACs instead of latency, which is no objective",
            f"Objectives: {names}. Begin with an archive instead: --warm-start FILE.",
        )
    if all(objective.name != FROM_MACS for objective in others):
        others.append(Macs(FROM_MACS).objective(problem.space))
    kept = {name: limit for name, limit in problem.limits.items() if name in _names(others)}
    return replace(problem, objectives=tuple(others), limits=kept)


def start_from_macs(archive: Archive, problem: Problem) -> Start:
    """The front of a search on MACs; what it evaluated for a problem is not evaluated again."""
    evaluated_of = [objective.to_dict() for objective in archive.problem.objectives]
    known = _known(problem, evaluated_of, archive.genes, archive.values)
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


def _names(objectives: list[Objective]) -> set[str]:
    return {objective.name for objective in objectives}
