"""Whether answers keep the bound that they are given.

On this machine, in two steps with at least half an hour between them, which are processes of their
own:

    python benchmarks/hold.py build      # tables of both runtimes, and a generator for each clock
    python benchmarks/hold.py answer     # 40 budgets in each of four settings: do they hold?

Budgets are answered five at a time, as somebody asks for them: today's speed is timed, first
choices are measured once, and the table remembers them. A first choice holds if it takes at most
its budget at the speed that was stated (``measured``); how many did as the clock had it, while the
machine ran at whatever speed, stands beside (``clocked``).

    python benchmarks/hold.py simulate

takes the shipped ONNX Runtime table for the truth, gives tables independent errors in each block,
and asks how many answers keep their bound: also where the device's speed steps by 10 % up or down
every 20 answers, with a sentinel that tells and without one.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common import RESULTS, report

from devices import Target
from luts import LookupTable, Speed, read_cost_model
from luts.agreement import calibrate, upper_bound
from luts.answers import answer_bound
from profiler.measuring.protocol import parse_protocol
from profiler.tables.keep import TableBuild
from profiler.tables.plan import Plan
from search.accuracy import read_accuracy_model
from search.accuracy.ridge import ridge_of
from search.answers.candidates import Candidates, candidates_for, key
from search.answers.context import Context
from search.answers.deployment import Deployment, deployment_of
from search.answers.feedback import record_answers
from search.answers.speed import StatedSpeed
from search.answers.verify import verify_candidates
from search.engines.exact import exact_front
from search.generators.answers import AnswerSettings, answer
from search.pnag.checkpoint import read_generator
from search.pnag.settings import TrainingSettings
from search.pnag.stored import shelf
from search.problem import Objective, Problem
from spaces import get_space

RUNTIMES = ("onnxruntime", "litert")
CLOCKS = ("wall", "cpu")
BUDGETS, AT_ONCE = 40, 5
CONFIDENCE = 0.95
LEAST_WAIT_S = 1800
FOLDER = Path("out/hold")


def target_of(runtime: str) -> Target:
    return Target(runtime=runtime)


def build(folder: Path) -> None:
    """Tables first, then generators, so that tables are as old as can be when they are used."""
    accuracy, space = read_accuracy_model("imagenet"), get_space("ofa-mbv3")
    for runtime in RUNTIMES:
        backend = target_of(runtime).resolve()
        plan = Plan((space,), parse_protocol(backend.profile.table_protocol))
        path = folder / f"{runtime}.json"
        TableBuild(backend, plan, path).run(resume=False)
    for runtime in RUNTIMES:
        for clock in CLOCKS:
            (folder / f"answers-{runtime}-{clock}.json").unlink(missing_ok=True)
            table = read_cost_model(folder / f"{runtime}.json").on_clock(clock)
            site = deployment_of(table, accuracy, target_of(runtime))
            generator = folder / f"{runtime}-{clock}.npz"
            shelf.train_and_store(site.trade_off, TrainingSettings(), generator, resume=False)


def answer_all(folder: Path) -> list[dict[str, Any]]:
    """Every setting, one after the other; those that an earlier run has answered are kept."""
    rows = []
    for runtime in RUNTIMES:
        path = folder / f"{runtime}.json"
        age_s = (
            time.time()
            - datetime.fromisoformat(read_cost_model(path).provenance["time"]).timestamp()
        )
        if age_s < LEAST_WAIT_S:
            raise SystemExit(f"{path} is {age_s / 60:.0f} minutes old: wait until it is 30")
        for clock in CLOCKS:
            kept = folder / f"answers-{runtime}-{clock}.json"
            if not kept.exists():
                # Settings do not learn of each other.
                copy = folder / f"{runtime}-{clock}.json"
                copy.write_bytes(path.read_bytes())
                found = answers_of(copy, clock, runtime, folder / f"{runtime}-{clock}.npz")
                kept.write_text(json.dumps(found))
                print_setting(found)
            rows += json.loads(kept.read_text())
    return rows


def answers_of(path: Path, clock: str, runtime: str, trained: Path) -> list[dict[str, Any]]:
    """First choices of 40 budgets in random order, measured."""
    accuracy = read_accuracy_model("imagenet")
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    order = rng.permutation(BUDGETS).reshape(-1, AT_ONCE)
    for places in order:
        # Read anew: the table has learnt from the last ones.
        site = deployment_of(read_cost_model(path).on_clock(clock), accuracy, target_of(runtime))
        generator = read_generator(trained, site.trade_off.space)
        speed = site.speed()
        assert speed is not None
        context = Context.at(site, CONFIDENCE, speed)
        asking = partial(answer, generator, site.trade_off, rng=rng, speed=speed)
        bounded = partial(asking, settings=AnswerSettings(CONFIDENCE))
        low_ms = context.minimum_ms
        ((best, *_),) = bounded([context.maximum_ms])
        # In equal ratios, as slack is one, between the fastest network and the most accurate one:
        # beyond there is no choice.
        shares = 0.03 + 0.97 * places / (BUDGETS - 1)
        budgets_ms = low_ms * (best.upper_ms / low_ms) ** shares
        candidates = candidates_for(budgets_ms.tolist(), bounded)
        found = measured(candidates, site, speed)
        careless = asking(budgets_ms.tolist(), settings=AnswerSettings(None))
        setting = {"runtime": runtime, "clock": clock}
        rows += [
            {**setting, **row, "price": best.top1 - row["top1"]}
            for row, (best, *_) in zip(found, careless, strict=True)
        ]
    return rows


def measured(candidates: list[Candidates], site: Deployment, speed: Speed) -> list[dict[str, Any]]:
    """First choices measured together, once, and remembered by the table."""
    stated = StatedSpeed.at(site, speed)
    found = verify_candidates(
        candidates, stated, site.measure, lambda _: [[]], attempts=1, confirm=False
    )
    record_answers(site, candidates, found)
    return [
        {
            "budget_ms": each.budget_ms,
            "top1": each.first.top1,
            "latency_ms": each.first.latency_ms,
            "upper_ms": each.first.upper_ms,
            "measured_ms": found.measured_ms(each.first),
            "clocked_ms": found.clocked_ms(each.first),
            "speed": speed.to_dict(),
            "drift": found.drift(),
            "flags": found.measurements[key(each.first)].flags,
        }
        for each in candidates
    ]


COLUMNS = (
    "setting", "budgets", "hold", "hold as clocked", "median slack", "as clocked",
    "bound kept", "price in points", "speed", "drift",
)  # fmt: skip


def summary(rows: Sequence[dict[str, Any]], name: str) -> list[str]:
    """How many first choices held, and by how much."""
    budget, measured, clocked, upper, price, drift = (
        np.array([row[field] for row in rows])
        for field in ("budget_ms", "measured_ms", "clocked_ms", "upper_ms", "price", "drift")
    )
    speed = np.array([row["speed"]["factor"] for row in rows])
    return [
        name,
        str(len(rows)),
        str(int((measured <= budget).sum())),
        str(int((clocked <= budget).sum())),
        f"{np.median(1 - measured / budget):.2%}",
        f"{np.median(1 - clocked / budget):.2%}",
        str(int((measured <= upper).sum())),
        f"{np.mean(price):.3f}",
        f"{speed.min():.3f} to {speed.max():.3f}",
        f"{drift.min():.3f} to {drift.max():.3f}",
    ]


def summaries(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    settings = [(runtime, clock) for runtime in RUNTIMES for clock in CLOCKS]
    table = []
    for setting in settings:
        own = [row for row in rows if (row["runtime"], row["clock"]) == setting]
        if own:
            table.append(summary(own, ", ".join(setting)))
    return [*table, summary(rows, "all")] if rows else []


# --- simulation --------------------------------------------------------------------------------

ERRORS = (0.01, 0.025, 0.05)
TRIALS, ANSWERS, REGIME, SETTLED = 40, 100, 20, 10
TIMING_ERROR = 0.005
"""Standard deviation of the timed speed."""


class Simulated:
    """A table with errors in its blocks, the networks on its front, and what they truly take."""

    def __init__(self, truth: LookupTable, top1: Objective, error: float, seed: int) -> None:
        rng = self.rng = np.random.default_rng(seed)
        entries = {
            name: replace(
                entry,
                latency_ms={"wall": entry.latency_ms["wall"] * (1 + error * rng.standard_normal())},
            )
            for name, entry in truth.entries.items()
        }
        table = replace(truth, entries=entries, networks=())
        space = truth.spaces[0]
        latency = Objective("latency", "ms", table.latency_ms, additive=True)
        front, _ = exact_front(Problem(space, (top1, latency)), rng)
        genes = space.sample(30, rng, "biased")
        told, true = table.latency_ms(genes), truth.latency_ms(genes)
        line = calibrate(told[:10], true[:10])
        self.audited = upper_bound(true[10:] / line(told[10:]), CONFIDENCE)
        self.random = truth.latency_ms(other := space.sample(1000, rng, "biased")) / line(
            table.latency_ms(other)
        )
        told_ms = line(table.latency_ms(front))
        order = np.argsort(told_ms)
        self.told_ms, self.true_ms = told_ms[order], truth.latency_ms(front)[order]

    def best(self, limit_ms: float) -> tuple[float, float]:
        """Predicted and true latency of the best network within a limit."""
        place = max(int(np.searchsorted(self.told_ms, limit_ms, side="right")) - 1, 0)
        return float(self.told_ms[place]), float(self.true_ms[place])

    def budget(self, share: float) -> float:
        return float(self.told_ms[0] + share * (self.told_ms[-1] - self.told_ms[0]))

    def answers(self, steps: float, timed: bool) -> tuple[list[bool], list[float]]:
        """Which answers keep their bound, and how far above its prediction each bound is.

        Args:
            steps: what the speed changes by every ``REGIME`` answers, up or down.
            timed: whether the sentinel tells.
        """
        rng = self.rng
        known = [self.best(self.budget(share)) for share in np.linspace(0.05, 0.95, 10)]
        kept, widths = [], []
        for number in range(ANSWERS):
            regime = number // REGIME
            speed = 1 + steps * (0, 1, -1)[regime % 3]
            told = speed * rng.lognormal(0, TIMING_ERROR) if timed and steps else 1.0
            bound = answer_bound(*np.array(known).T, CONFIDENCE, self.audited)
            predicted, true = self.best(bound.limit(self.budget(rng.uniform(0.05, 0.95))))
            upper, measured = bound.upper(predicted), true * speed / told
            kept.append(measured <= upper)
            widths.append(upper / predicted - 1)
            known.append((predicted, measured))
        return kept, widths


def simulate() -> list[list[str]]:
    """Coverage of answers at nominal 95 %, over trials of 100 answers each."""
    truth = read_cost_model("cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224")
    assert isinstance(truth, LookupTable)
    truth = replace(truth.on_clock("wall"), networks=())
    additive = ridge_of(read_accuracy_model("imagenet"), truth.spaces[0], np.random.default_rng(0))
    top1 = Objective("top1", "%", additive.top1, maximise=True, additive=True)
    rows = []
    for error in ERRORS:
        trials = [Simulated(truth, top1, error, seed) for seed in range(TRIALS)]
        random = np.mean([(trial.random <= trial.audited.factor).mean() for trial in trials])
        before = [
            np.mean([true <= trial.audited.upper(told)
                     for share in np.linspace(0.05, 0.95, 40)
                     for told, true in [trial.best(trial.budget(share))]])
            for trial in trials
        ]  # fmt: skip
        for steps, timed in ((0.0, True), (0.1, True), (0.1, False)):
            found = [trial.answers(steps, timed) for trial in trials]
            kept = np.array([kept for kept, _ in found], np.float64)
            settled = kept[:, np.arange(ANSWERS) % REGIME >= SETTLED]
            widths = np.array([widths for _, widths in found])
            speed = "steady" if not steps else "steps, " + ("timed" if timed else "not timed")
            rows.append([
                f"{error:.1%}", speed, f"{random:.1%}", f"{np.mean(before):.1%}",
                f"{kept.mean():.1%}", f"{settled.mean():.1%}", f"{kept.mean(1).min():.0%}",
                f"{widths.mean():.2%}",
            ])  # fmt: skip
    return rows


SIMULATED = (
    "block error", "speed", "audited bound, random", "audited bound, answers", "answers' bound",
    "after 10 of a regime", "worst trial", "mean width",
)  # fmt: skip


def print_setting(rows: Sequence[dict[str, Any]]) -> None:
    print(" | ".join(summary(rows, f"{rows[0]['runtime']}, {rows[0]['clock']}")), flush=True)


def main() -> None:
    """One of the steps; the last one reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=["build", "answer", "simulate"])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--json", action="store_true", help="print the JSON instead of the table")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.step == "build":
        build(given.folder)
        return
    name = "hold" if given.step == "answer" else "hold_simulated"
    if given.step == "simulate":
        columns, rows, facts = SIMULATED, simulate(), {"trials": TRIALS, "answers": ANSWERS}
    else:
        found = answer_all(given.folder)
        columns, rows, facts = COLUMNS, summaries(found), {"answers": found}
    report(name, columns, rows, quiet=given.json, **facts)
    if given.json:
        print((RESULTS / f"{name}.json").read_text())


if __name__ == "__main__":
    main()
