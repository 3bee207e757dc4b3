"""New networks by crossover and mutation alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nasprof.typing import Array
from search.adaptation.settings import TransferSettings
from search.engines.nsga3 import NSGA3Engine
from search.problem import Problem
from spaces import Genes


def bred(
    problem: Problem,
    settings: TransferSettings,
    parents: Genes,
    values: Array,
    rng: np.random.Generator,
) -> Genes:
    """One generation of NSGA-III, begun from parents ``(n, n_genes)``.

    Args:
        values: the parents' objectives to be minimised, ``(n, n_objectives)``.

    Returns:
        Their children, ``(m, n_genes)``.
    """
    engine = NSGA3Engine(replace(settings, population=len(parents)))
    search = engine.setup(problem, rng, parents).search()
    known = {row.tobytes(): value for row, value in zip(parents, values, strict=True)}
    nothing = np.full(values.shape[1], np.inf)
    first = next(search)
    return search.send(np.array([known.get(row.tobytes(), nothing) for row in first]))
