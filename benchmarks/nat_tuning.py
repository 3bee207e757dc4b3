"""The learning rate of each method, chosen by validation accuracy on letters."""

from __future__ import annotations

import argparse

from common import report
from nat_common import BUDGETS, Kept, add_common_arguments, best_within, length_of

from search.adaptation.settings import METHODS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which rates."""
    add_common_arguments(parser)
    parser.set_defaults(seeds=[100])
    parser.add_argument("--rates", default="0.01,0.02,0.04", help="separated by commas")
    parser.add_argument("--methods", default=",".join(METHODS), help="likewise")


def measure(given: argparse.Namespace) -> None:
    """A row a method; the best rate is what the other parts take."""
    rates = [float(rate) for rate in given.rates.split(",")]
    rows, best = [], {}
    for method in given.methods.split(","):
        scores = [_score(method, rate, given) for rate in rates]
        best[method] = max(zip(scores, rates, strict=True))[1]
        rows.append([method, *(f"{score:.2f}" for score in scores), best[method]])
    report("nat_tuning", ("", *map(str, rates), "best"), rows, best=best, seeds=given.seeds)


def _score(method: str, rate: float, given: argparse.Namespace) -> float:
    """Mean validation top-1 over budgets and seeds."""
    found = []
    for seed in given.seeds:
        name = f"{method}-rate{rate:g}"
        recipe = {"learning_rate": rate}
        record = Kept(name, ("letters",), seed, length_of(given), method, recipe=recipe).record
        for budget in BUDGETS:
            best = best_within(record["front"], budget)
            found.append(0.0 if best is None else best["validation_top1"])
    return sum(found) / len(found)
