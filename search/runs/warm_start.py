"""What a search begins with: the best of another one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from nasprof.errors import UsageError
from search.objectives import objectives
from search.objectives.computed import Macs
from search.problem import Objective, Problem
from search.runs.archive import Archive, ArchiveMismatch
from search.runs.stored import StoredArchive, read_stored
from search.runs.trial import Start

FROM_MACS = "macs"
"""Instead of a file: a search on MACs in the place of latencies."""


def start_from(path: Path, problem: Problem) -> Start:
    """The front of an archive; what it knows of the same objectives needs no evaluation.

    Raises:
        ArchiveInvalid: it is no archive, or damaged.
        ArchiveMismatch: it is of another space.
    """
    stored = read_stored(path)
    if stored.space != problem.space:
        raise ArchiveMismatch(
            f"{path} is of {stored.space.label}, the search of {problem.space.label}",
            "Begin with an archive of the same space, width and resolution.",
        )
    known = {}
    if (columns := _columns(stored, problem)) is not None:
        values = problem.signs * stored.values[:, columns]
        rows = np.flatnonzero(np.isfinite(values).all(1))
        known = {stored.genes[row].tobytes(): values[row] for row in rows}
    facts = {"from": path.name, "front": len(stored.front), "known": len(known)}
    return Start(stored.genes[stored.front], known, facts)


def _columns(stored: StoredArchive, problem: Problem) -> list[int] | None:
    """Where the archive has each objective of the problem; None where it has not all of them."""
    told = [
        {"name": each.name, "unit": each.unit, "maximise": each.maximise, **each.facts}
        for each in stored.objectives
    ]
    wanted = [each.as_dict() for each in problem.objectives]
    return [told.index(each) for each in wanted] if all(each in told for each in wanted) else None


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


def start_from_macs(archive: Archive) -> Start:
    """The front of a search on MACs."""
    genes, _ = archive.front
    return Start(genes, facts={"from": FROM_MACS, "evaluations": len(archive)})


def evaluations_on_macs(path: Path) -> int | None:
    """How long a search on MACs was that the archive in a file begins with; None if with none.

    It is not gone on with: another front is the beginning of another search.
    """
    try:
        with path.open("rb") as stream:
            start = json.loads(stream.readline())["facts"]["start"]
        return int(start["evaluations"]) if start["from"] == FROM_MACS else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _is_latency(objective: Objective) -> bool:
    bare = objective.name.partition("@")[0]
    return bare in objectives and bare.startswith("latency")


def _names(kept: list[Objective]) -> set[str]:
    return {each.name for each in kept}
