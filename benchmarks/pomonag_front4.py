"""The best-known front of MB in four objectives, which hypervolumes are shares of."""

from __future__ import annotations

import argparse

import numpy as np
from common import report
from engine_problems import engine_for, evaluated_by
from pomonag_common import FRONT, four

from search.quality.indicators import hypervolume, non_dominated
from spaces import Genes

ENGINES = {"nsga3": 30_000, "agemoea": 30_000, "local": 200_000, "unsga3": 60_000}
"""Evaluations of each in a round, from the second on beginning at what is known."""
BEGUN_WITH = 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long."""
    parser.add_argument("--rounds", type=int, default=1, help="of all engines")
    parser.add_argument("--seed", type=int, default=0)


def measure(given: argparse.Namespace) -> None:
    """Add what engines find to the front that is kept."""
    genes = np.zeros((0, four("MB").space.n_genes), np.int8)
    if FRONT.exists():
        with np.load(FRONT) as kept:
            genes = kept["genes"]
    rows = []
    for number in range(given.rounds):
        for engine, evaluations in ENGINES.items():
            genes = more_of(genes, engine, evaluations, given.seed + number)
            FRONT.parent.mkdir(exist_ok=True)
            np.savez_compressed(FRONT, genes=genes)
            values = four("MB").values(genes)
            rows.append([engine, evaluations, len(genes), hypervolume(values, values.max(0))])
            print(*rows[-1], flush=True)
    report("pomonag_front4", ("engine", "evaluations", "on the front", "hypervolume"), rows)


def more_of(genes: Genes, engine: str, evaluations: int, seed: int) -> Genes:
    """The front of what is known and of what an engine finds from a part of that."""
    first = None
    if len(genes):
        first = np.random.default_rng(seed).permutation(genes)[:BEGUN_WITH]
    found, _ = evaluated_by(engine_for(engine, four("MB"), seed, first), four("MB"), evaluations)
    every = np.unique(np.concatenate([genes, found]), axis=0)
    return every[non_dominated(four("MB").values(every))]
