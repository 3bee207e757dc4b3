"""Several archives of the same objectives as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from luts.files import refuse_existing
from nasprof.differences import differences
from nasprof.errors import UsageError
from nasprof.files import write_atomic
from nasprof.jsonl import log_line
from nasprof.locking import open_alone
from nasprof.typing import Array, Flags, Indices, JsonObject
from search.archives.archive_log import ArchiveBusy, ArchiveMismatch, header
from search.archives.lines import Line
from search.archives.stored import StoredArchive
from search.quality.ranking import evaluated
from spaces import Genes

OF_A_SEARCH = frozenset(
    {"budgets", "engine", "seed", "batch", "evaluations", "limits", "settings", "sources", "start"}
)
"""Facts that tell how was searched, not what for; all others have to agree."""


def merge_archives(archives: Sequence[StoredArchive]) -> tuple[StoredArchive, list[str]]:
    """The distinct architectures of several archives, in order, with the values first found.

    An evaluation takes the place of a failure. Limits stay if all have the same.

    Args:
        archives: of the same objectives; at least one.

    Returns:
        The archive, not written yet, and what should be said about it.

    Raises:
        ArchiveMismatch: they are of different spaces, objectives or models, naming what differs.

    >>> from search import Models, RunOptions, run
    >>> from spaces import get_space
    >>> cells, options = Models(space=get_space("nasbench201")), RunOptions(evaluations=20)
    >>> archives = [
    ...     run(engine, "macs,params", models=cells, options=options).archive
    ...     for engine in ("random", "nsga2")
    ... ]
    >>> merged, notes = merge_archives(archives)
    >>> 20 <= len(merged) <= 40
    True
    """
    first = archives[0]
    for other in archives[1:]:
        _require_same(first, other)
    genes = np.concatenate([archive.genes for archive in archives])
    values = np.concatenate([archive.values for archive in archives])
    errors = [error for archive in archives for error in archive.errors]
    chosen, standing = _first_known(genes, evaluated(values))
    merged = StoredArchive(
        first.path,
        first.space,
        first.objectives,
        _merged_facts(archives),
        genes[chosen],
        values[chosen],
        [errors[index] for index in chosen],
    )
    return merged, _disagreements(archives, values, values[standing])


def _first_known(genes: Genes, known: Flags) -> tuple[Indices, Indices]:
    """Which of equal architectures stands for all: the first that is known, else the first.

    Returns:
        Indices of the distinct ones in order of first appearance, and for each of all the index
        of the one that stands for it.
    """
    _, first, group = np.unique(genes, axis=0, return_index=True, return_inverse=True)
    group = group.reshape(-1)
    order = np.lexsort((~known, group))
    _, beginnings = np.unique(group[order], return_index=True)
    standing = order[beginnings]
    return standing[np.argsort(first)], standing[group]


def _disagreements(archives: Sequence[StoredArchive], values: Array, kept: Array) -> list[str]:
    """Where what was evaluated differs, by more than rounding, from the values kept."""
    differing = evaluated(values) & ~np.isclose(values, kept, rtol=1e-9, atol=0).all(1)
    ends = np.cumsum([len(archive) for archive in archives])[:-1]
    counts = [int(part.sum()) for part in np.split(differing, ends)]
    return [
        f"{archive.path}: the values of {count} architectures differ from those before, "
        "which are kept"
        for archive, count in zip(archives, counts, strict=True)
        if count
    ]


def _require_same(first: StoredArchive, other: StoredArchive) -> None:
    changed = differences(_shared(first.facts), _shared(other.facts))
    if changed:
        raise ArchiveMismatch(
            f"{other.path} is of something else than {first.path}: {'; '.join(changed)}",
            "Merge archives of the same space, objectives and models.",
        )


def _shared(facts: Mapping[str, object]) -> JsonObject:
    return {name: value for name, value in facts.items() if name not in OF_A_SEARCH}


def _merged_facts(archives: Sequence[StoredArchive]) -> JsonObject:
    first = archives[0]
    same = all(archive.limits == first.limits for archive in archives)
    sources = [name for archive in archives for name in _sources(archive)]
    own = {"limits": dict(first.limits) if same else {}, "engine": "merge"}
    return _shared(first.facts) | own | {"sources": list(dict.fromkeys(sources))}


def _sources(archive: StoredArchive) -> list[str]:
    """The files that an archive is of: itself, or those it was merged from."""
    sources = archive.facts.get("sources")
    return [str(source) for source in sources] if isinstance(sources, list) else [str(archive.path)]


def write_archive(archive: StoredArchive, path: Path | str, overwrite: bool = False) -> None:
    """Write an archive as a whole.

    Args:
        archive: what a search evaluated.
        path: of its file (.jsonl).
        overwrite: replace the file if it exists.

    Raises:
        UsageError: there is a file already.
        ArchiveBusy: a search is at work on it.
        NasprofError: it cannot be written.

    >>> from search import Models, RunOptions, read_archive, run
    >>> from spaces import get_space
    >>> cells, options = Models(space=get_space("nasbench201")), RunOptions(evaluations=20)
    >>> result = run("random", "macs,params", models=cells, options=options)
    >>> write_archive(result.archive, Path("random.jsonl"))
    >>> len(read_archive(Path("random.jsonl")))
    20
    """
    path = Path(path)
    refuse_existing(path, overwrite)
    if path.exists():
        _require_idle(path)
    write_atomic(path, b"".join(map(log_line, [header(archive.facts), *_records(archive)])))


def _records(archive: StoredArchive) -> list[JsonObject]:
    names = [objective.name for objective in archive.objectives]
    rows = zip(archive.genes.tolist(), archive.values.tolist(), archive.errors, strict=True)
    return [Line(index, *row).to_dict(names) for index, row in enumerate(rows)]


def _require_idle(path: Path) -> None:
    try:
        stream = open_alone(path)
    except OSError as error:
        raise UsageError(f"cannot replace {path}: {error.strerror}") from error
    if stream is None:
        raise ArchiveBusy(f"a search is at work on {path}", "Wait, or choose another place.")
    stream.close()
