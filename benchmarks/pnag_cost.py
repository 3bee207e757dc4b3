"""What it costs to answer budgets by inference, or to search for each anew, as a table."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from math import ceil
from time import process_time
from typing import Any, TypeAlias

import numpy as np
from common import report
from platforms import best_known, best_within, platform, unseen_budgets
from pnag_jobs import Search
from pnag_trainings import COMPARED

from nasprof.threads import one_thread
from search.generators.answers import AnswerSettings, answer
from search.pnag.settings import TrainingSettings
from search.pnag.training import train

Spent: TypeAlias = dict[str, Any]

BUDGETS = 5
EVALUATIONS = 10_000
"""Of a search within one budget."""


def cost(options: Namespace) -> None:
    """Table 4: CPU seconds of one to five budgets. Timed, nothing kept."""
    rows, facts = [], {}
    for name in COMPARED:
        budgets_ms = unseen_budgets(name, BUDGETS)
        with one_thread():
            found = {"PNAG": _inference(name, budgets_ms, options)}
            for engine in ("nas-mo", "local"):
                found[engine] = _searches(name, engine, budgets_ms)
        rows += [[name, label, *_cells(each, found["PNAG"])] for label, each in found.items()]
        facts[name] = {"budgets_ms": budgets_ms, "found": found}
    numbers = [str(n + 1) for n in range(BUDGETS)]
    columns = ["platform", "by", "training", *numbers, "5 + training"]
    columns += ["evaluations", "short", "dearer from"]
    report("pnag_paper_cost", columns, rows, unit="CPU seconds", details=facts)


def _cells(found: Spent, pnag: Spent) -> list[str]:
    """With the number of budgets from which on PNAG is cheaper, its training included."""
    spent, training = found["cpu_s"], found["training_cpu_s"]
    saved = (spent[-1] - pnag["cpu_s"][-1]) / BUDGETS
    return [
        f"{training:.1f}",
        *(f"{cpu_s:.2f}" for cpu_s in spent),
        f"{training + spent[-1]:.1f}",
        f"{found['evaluations']:,}",
        f"{found['short']:.3f}",
        f"{ceil(pnag['training_cpu_s'] / saved)}" if saved > 0 else "",
    ]


def _inference(name: str, budgets_ms: Sequence[float], options: Namespace) -> Spent:
    began = process_time()
    generator = train(platform(name), TrainingSettings(steps=options.steps), 0)
    training_cpu_s = process_time() - began
    counts: list[int] = []
    trade_off = platform(name).watched(lambda genes: counts.append(len(genes)))
    rng = np.random.default_rng(0)
    answer(generator, trade_off, budgets_ms[:1], rng, AnswerSettings(None))
    spent = []
    for n in range(1, len(budgets_ms) + 1):
        counts.clear()
        began = process_time()
        answers = answer(generator, trade_off, budgets_ms[:n], rng, AnswerSettings(None))
        spent.append(process_time() - began)
    return {
        "training_cpu_s": training_cpu_s,
        "cpu_s": spent,
        "evaluations": sum(counts),
        "short": _short(name, [each[0].top1 for each in answers], budgets_ms),
    }


def _searches(name: str, engine: str, budgets_ms: Sequence[float]) -> Spent:
    spent, top1, evaluations = [], [], 0
    for budget_ms in budgets_ms:
        began = process_time()
        found = Search(name, 0, engine, (budget_ms,), EVALUATIONS).run()
        spent.append(process_time() - began)
        top1 += found["top1"]
        evaluations += sum(found["evaluations"])
    return {
        "training_cpu_s": 0.0,
        "cpu_s": np.cumsum(spent).tolist(),
        "evaluations": evaluations,
        "short": _short(name, top1, budgets_ms),
    }


def _short(name: str, top1: Sequence[float | None], budgets_ms: Sequence[float]) -> float:
    """Points below the best known, the mean over the budgets that were met."""
    gaps = best_within(best_known(name), budgets_ms) - np.array(top1, float)
    return float(np.nanmean(gaps))
