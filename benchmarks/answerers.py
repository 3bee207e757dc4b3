"""Who answers budgets: accuracy and CPU seconds of the ways of answering, beside each other.

For each platform and seed: what is done once (a training, an exact front), 20 budgets that no
training saw, each asked alone, and all of them in one call. Points of top-1 below the best known
within each budget, and the number of budgets from which on a training costs less than answering
without one. One thread, CPU seconds; latencies and budgets are predictions, without slack.

Run: python benchmarks/answerers.py [--platforms cpu-onnxruntime,...] [--seeds 0,1,2]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from math import ceil
from time import process_time
from typing import Any, TypeVar

import numpy as np
from common import report, seed_list
from platforms import best_known, platform, shortfall, unseen_budgets

from nasprof.threads import one_thread
from search.answers.answerers import answerers
from search.answers.request import AnswerOptions, AnswerProgress
from search.generators.answers import Answer, AnswerSettings, Sampler, answer
from search.objectives.trade_off import TradeOff
from search.pnag.training import train

DEFAULT = ("cpu-onnxruntime", "cpu-litert", "note10")
BY = ("exact", "local", "pnag")
"""POMONAG's answers stand in its own report, ``benchmarks/pomonag.py``."""
QUICK = "local"
TRAINED = "pnag"
T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What some work gives, and its CPU seconds."""
    before = process_time()
    result = work()
    return result, process_time() - before


def sampler_of(by: str, trade_off: TradeOff, seed: int) -> Sampler:
    """What an answerer draws with; trained anew where it is a generator."""
    if by == TRAINED:
        return train(trade_off, seed=seed)
    rng = np.random.default_rng(seed)
    return answerers.get(by)().sampler(trade_off, AnswerOptions(), rng, AnswerProgress())


def judged(name: str, by: str, seed: int) -> dict[str, Any]:
    """One answerer with one seed."""
    trade_off, budgets_ms = platform(name), unseen_budgets(name)
    sampler, once_s = timed(lambda: sampler_of(by, trade_off, seed))
    rng = np.random.default_rng(seed + 1000)

    def asked(some: Sequence[float]) -> list[Answer]:
        return [found[0] for found in answer(sampler, trade_off, some, rng, AnswerSettings(None))]

    asked(budgets_ms[:1])  # fills caches
    alone, alone_s = timed(lambda: [asked([budget_ms])[0] for budget_ms in budgets_ms])
    together, together_s = timed(lambda: asked(budgets_ms))
    return {
        "platform": name,
        "by": by,
        "seed": seed,
        "once_cpu_s": once_s,
        "alone_cpu_s": alone_s / len(budgets_ms),
        "together_cpu_s": together_s / len(budgets_ms),
        "alone_short": short(name, alone, budgets_ms),
        "together_short": short(name, together, budgets_ms),
    }


def short(name: str, answers: Sequence[Answer], budgets_ms: Sequence[float]) -> list[float]:
    """Points below the best known, of each answer within its own budget."""
    return [
        float(shortfall(name, np.array([[-one.top1, one.latency_ms]]), [budget_ms])[0])
        for one, budget_ms in zip(answers, budgets_ms, strict=True)
    ]


def pays(runs: Sequence[dict[str, Any]], name: str) -> int:
    """Budgets in one call from which on training and asking costs less than local search."""

    def mean(by: str, key: str) -> float:
        return float(np.mean([r[key] for r in runs if (r["platform"], r["by"]) == (name, by)]))

    saved = mean(QUICK, "together_cpu_s") - mean(TRAINED, "together_cpu_s")
    return ceil(mean(TRAINED, "once_cpu_s") / saved)


def row(runs: Sequence[dict[str, Any]], name: str, by: str, pays_from: int) -> list[str]:
    """Means over seeds; the largest shortfall of any."""
    own = [r for r in runs if (r["platform"], r["by"]) == (name, by)]

    def mean(key: str) -> float:
        return float(np.mean([r[key] for r in own]))

    return [
        name,
        by,
        f"{mean('once_cpu_s'):.2f}",
        f"{mean('alone_cpu_s'):.2f}",
        f"{mean('together_cpu_s'):.2f}",
        *(
            f"{mean(key):.3f} / {np.max([r[key] for r in own]):.3f}"
            for key in ("alone_short", "together_short")
        ),
        str(pays_from) if by == TRAINED else "",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--platforms", default=",".join(DEFAULT))
    parser.add_argument("--seeds", type=seed_list, default=[0, 1, 2])
    options = parser.parse_args()
    names = options.platforms.split(",")
    for name in names:
        best_known(name)
    with one_thread():
        runs = [judged(name, by, seed) for name in names for by in BY for seed in options.seeds]
    rows = [row(runs, name, by, pays(runs, name)) for name in names for by in BY]
    columns = ("platform", "by", "once", "a budget alone", "one of 20", "short, alone")
    report(
        "answerers",
        (*columns, "short, of 20", "training pays from"),
        rows,
        unit="CPU seconds; points of top-1 below the best known, mean / largest",
        runs=runs,
    )


if __name__ == "__main__":
    main()
