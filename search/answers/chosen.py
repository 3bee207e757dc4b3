"""The networks that a fresh table measures as a search would choose them."""

from __future__ import annotations

import numpy as np

from luts import LookupTable
from profiler.tables.chosen import spread
from search.accuracy import read_accuracy_model
from search.engines.exact import nearest_front
from search.generators.polish import improve
from search.generators.population import Population
from search.objectives.trade_off import TradeOff
from spaces import Genes, Space
from spaces.predictor import SpaceMismatch

ACCURACY = "imagenet"


def top1_front(table: LookupTable, space: Space, n: int, rng: np.random.Generator) -> Genes | None:
    """Networks with the best predicted top-1 for their latency, see ``profiler.tables.chosen``.

    They are of the exact front of the nearest additive model, improved by exchanges of genes as
    every answer is.
    """
    try:
        trade_off = TradeOff(space, read_accuracy_model(ACCURACY), table)
    except SpaceMismatch:
        return None
    front, _ = nearest_front(trade_off, rng)
    start = Population.evaluated(trade_off, spread(front, table, space, n))
    return improve(trade_off, start, start.latency_ms).genes
