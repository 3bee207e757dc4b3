"""The learning rate of each method, chosen by validation accuracy on letters."""

from __future__ import annotations

import argparse

from common import report
from nat_common import Kept, add_common_arguments, length_of
from nat_table import BUDGETS, best_within

from search.adaptation.settings import METHODS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which rates."""
    add_common_arguments(parser)
    parser.set_defaults(seeds=[100])
    parser.add_argument("--rates", default="0.01,0.02,0.04", help="separated by commas")
    parser.add_argument("--methods", default=",".join(METHODS), help="likewise")


def measure(given: argparse.Namespace) -> None:
    """A row a method; the best rate is what the other parts take."""
    first = [float(rate) for rate in given.rates.split(",")]
    scores = {method: _scores(method, first, given) for method in given.methods.split(",")}
    best = {method: max(found, key=found.__getitem__) for method, found in scores.items()}
    rates = sorted({rate for found in scores.values() for rate in found})
    rows = [
        [
            method,
            *(f"{found[rate]:.2f}" if rate in found else "-" for rate in rates),
            f"{best[method]:g}",
        ]
        for method, found in scores.items()
    ]
    columns = ("", *(f"{rate:g}" for rate in rates), "best")
    report("nat_tuning", columns, rows, best=best, seeds=given.seeds)


def _scores(method: str, rates: list[float], given: argparse.Namespace) -> dict[float, float]:
    """Score by rate, with further ones while the best is the lowest or the highest tried."""
    scores = {rate: _score(method, rate, given) for rate in rates}
    while True:
        best = max(scores, key=scores.__getitem__)
        beyond = {min(scores): best / 2, max(scores): best * 2}.get(best)
        if beyond is None:
            return scores
        scores[beyond] = _score(method, beyond, given)


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
