"""Running an engine: ask, evaluate, keep, tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from luts.estimators import one_thread
from search.engine import Engine
from search.runs.archive import Archive, ArchiveMismatch
from spaces import Genes

Array: TypeAlias = NDArray[np.float64]
Progress: TypeAlias = Callable[[int, int], None]
"""Told how many evaluations of how many are done."""

BATCH = 64


def run(
    engine: Engine,
    archive: Archive,
    evaluations: int,
    *,
    batch: int = BATCH,
    progress: Progress | None = None,
) -> None:
    """Let an engine search until the archive holds ``evaluations``, or the engine is at its end.

    What the archive holds already is not evaluated: the engine, which has to be new, proposes it
    again and is told. Interrupted and gone on with, a search is the same as without interruption,
    as long as engine, seed and ``batch`` are the same. Everything evaluated is in the archive
    at any moment, also after an exception.

    Args:
        batch: how many the engine is asked for at a time.

    Raises:
        ArchiveMismatch: the engine proposes something else than the archive holds.
    """
    known_genes, known_values = archive.genes, archive.values
    done = 0
    with one_thread():
        while done < evaluations and len(genes := engine.ask(batch)):
            genes = genes[: evaluations - done]
            known = slice(done, done + len(genes))
            values = _evaluated(archive, genes, known_genes[known], known_values[known])
            engine.tell(genes, values)
            done += len(genes)
            if progress is not None:
                progress(done, evaluations)


def _evaluated(archive: Archive, genes: Genes, known: Genes, known_values: Array) -> Array:
    """Objectives of ``genes``, of which the first ones are known."""
    if (genes[: len(known)] != known).any():
        raise ArchiveMismatch(
            "the archive holds other architectures than this search proposes",
            "It is of another version of the models or of nasprof: begin anew with --fresh.",
        )
    if len(known) == len(genes):
        return known_values
    # The whole batch, since the last digits may depend on how many are evaluated at a time.
    values = archive.problem.values(genes)
    values[: len(known)] = known_values
    archive.add(genes[len(known) :], values[len(known) :])
    return values
