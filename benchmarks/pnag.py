"""PNAG: quality on four platforms and speed.

Quality: hypervolumes as shares of the best-known front's, for samples of the policy alone (64 at
each of 200 budgets, half of them evenly spread and half in equal ratios) and for the answers of
``generate`` at the same budgets; accuracy below the best known at 20 budgets that training never
saw; and local search with as many evaluations a budget as an answer takes, and with 10,000.
Latencies and budgets are predictions, without slack.

Speed: CPU seconds of one thread. The published procedure samples one architecture a step; it and
ours take turns.

Whether answers hold when they are measured: benchmarks/hold.py.

Run: python benchmarks/pnag.py [quality|speed ...]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import report
from platforms import (
    PLATFORMS,
    best_known,
    front_of,
    platform,
    share,
    shortfall,
    unseen_budgets,
)

from nasprof.threads import one_thread
from search.archives.archive import Archive
from search.engines.local import LocalEngine
from search.generators.answers import AnswerSettings, answer
from search.objectives.trade_off import TradeOff
from search.pnag.checkpoint import write_generator
from search.pnag.generator import Generator
from search.pnag.network import PolicyNetwork
from search.pnag.policy import n_tokens
from search.pnag.settings import TrainingSettings
from search.pnag.trainer import Trainer
from search.pnag.training import train
from search.problem import Limit
from search.runs.run import run

SEEDS = (0, 1)
LOCAL_EVALUATIONS = 10_000
SAMPLES = 256
TURNS = 5
STEPS_A_TURN = 4
PUBLISHED_A_TURN = 40


# --- quality --------------------------------------------------------------------------------


def local_values(trade_off: TradeOff, budget_ms: float, evaluations: int, seed: int) -> np.ndarray:
    """What local search evaluates for one budget."""
    archive = Archive(trade_off.problem())
    limited = replace(archive.problem, limits={"latency": Limit.of_budget(budget_ms)})
    engine = LocalEngine().setup(limited, np.random.default_rng(seed))
    run(engine, archive, evaluations)
    return archive.values


def judged(name: str, seed: int) -> dict[str, Any]:
    """One training, and everything it is judged by."""
    before = time.process_time()
    generator = train(platform(name), TrainingSettings(), seed)
    train_s = time.process_time() - before
    rng = np.random.default_rng(seed + 1000)
    budgets_ms = unseen_budgets(name)
    asked: list[int] = []
    watched = platform(name).watched(lambda genes: asked.append(len(genes)))
    settings = AnswerSettings(None, SAMPLES)
    answers = answer(generator, watched, budgets_ms, rng, settings)
    an_answer = sum(asked) // len(budgets_ms)
    best = [found[0] for found in answers]
    answered = np.array([[-each.top1, each.latency_ms] for each in best])
    raw = np.repeat(budgets_ms, 1000)
    within = platform(name).latency_ms(generator.sample(raw, rng)) <= raw
    local = {
        count: np.concatenate(
            [local_values(platform(name), limit, count, seed) for limit in budgets_ms]
        )
        for count in (an_answer, LOCAL_EVALUATIONS)
    }
    spread = spread_budgets(name)
    settings = AnswerSettings(None, samples=64, keep=1)
    many = answer(generator, platform(name), spread, rng, settings)
    front = np.array([[-found[0].top1, found[0].latency_ms] for found in many])
    drawn = platform(name).problem().values(generator.sample(np.repeat(spread, 64), rng))
    short = shortfall(name, answered, budgets_ms)
    return {
        "platform": name,
        "seed": seed,
        "train_cpu_s": train_s,
        "policy_share": share(name, drawn),
        "answers_share": share(name, front),
        "worst_shortfall": float(short.max()),
        "mean_shortfall": float(short.mean()),
        "answers_within": float(np.mean(answered[:, 1] <= budgets_ms)),
        "samples_within": float(within.mean()),
        "least_samples_within": float(within.reshape(len(budgets_ms), -1).mean(1).min()),
        "evaluations": {
            "training": generator.provenance["evaluations"],
            "an_answer": an_answer,
        },
        "local": [
            {
                "evaluations": count,
                "worst_shortfall": float(shortfall(name, values, budgets_ms).max()),
                "mean_shortfall": float(shortfall(name, values, budgets_ms).mean()),
                "share_at_budgets": share(name, front_of(values)),
            }
            for count, values in local.items()
        ],
        "share_at_budgets": share(name, answered),
        "budgets_ms": budgets_ms,
        "shortfall": short.tolist(),
    }


def spread_budgets(name: str) -> list[float]:
    """200 budgets from the fastest network to where the best-known front ends."""
    low, high = best_known(name)[[0, -1], 1].tolist()
    return [*np.linspace(low, high, 100), *np.geomspace(low, high, 100).clip(low, high)]


def quality() -> None:
    found = [judged(name, seed) for name in PLATFORMS for seed in SEEDS]
    rows = [
        [
            each["platform"],
            each["seed"],
            f"{each['train_cpu_s']:.0f}",
            f"{each['policy_share']:.4f}",
            f"{each['answers_share']:.4f}",
            f"{each['worst_shortfall']:.3f} / {each['mean_shortfall']:.3f}",
            f"{each['answers_within']:.0%}",
            f"{each['evaluations']['training']:,} + {each['evaluations']['an_answer']:,}",
            f"{each['samples_within']:.1%} ({each['least_samples_within']:.0%})",
            *(
                f"{local['worst_shortfall']:.3f} / {local['mean_shortfall']:.3f}"
                for local in each["local"]
            ),
        ]
        for each in found
    ]
    columns = ("platform", "seed", "train CPU s", "policy", "answers", "below best known")
    more = (
        "within",
        "evaluations",
        "samples within (least)",
        "local, as an answer",
        f"local, {LOCAL_EVALUATIONS:,}",
    )
    report("pnag", (*columns, *more), rows, runs=found, settings=TrainingSettings().to_dict())


# --- speed ----------------------------------------------------------------------------------


class Published:
    """The published procedure: one architecture a step, gene by gene, with gradients."""

    def __init__(self, trade_off: TradeOff, trainer: Trainer) -> None:
        self.trade_off, self.trainer = trade_off, trainer
        settings = trainer.settings
        self.network = PolicyNetwork(
            trade_off.space, settings.knots, settings.embedding, settings.hidden, 0
        )
        self.cell = torch.nn.LSTMCell(settings.embedding, settings.hidden)
        own = [*self.network.parameters(), *self.cell.parameters()]
        self.optimizer = torch.optim.Adam(own, 3e-4)
        self.expected = 0.0

    def step(self) -> int:
        """Sample, evaluate and learn from one architecture."""
        space, scale = self.trade_off.space, self.trainer.scale
        budget = torch.from_numpy(scale.weights(self.trainer.rng.choice(scale.knots_ms, 1)))
        given = self.network.budgets(budget)
        state = None
        token = torch.zeros(1, dtype=torch.int64)
        genes = np.zeros((1, space.n_genes), np.int8)
        logs, entropy = [], []
        for gene, count in enumerate(space.n_choices.tolist()):
            state = self.cell(self.network.tokens(token) + given, state)
            logits = state[0] @ self.network.heads[gene, :count].T
            choice = torch.distributions.Categorical(
                logits=logits + self.network.head_bias[gene, :count]
            )
            drawn = choice.sample()
            active = bool(space.active(genes)[0, gene])
            if active:
                genes[0, gene] = int(drawn)
                logs.append(choice.log_prob(drawn))
                entropy.append(choice.entropy())
            start = 2 + int(space.n_choices[:gene].sum())
            token = (start + drawn) if active else torch.ones(1, dtype=torch.int64)
        assert int(token) < n_tokens(space)
        onehot = torch.from_numpy(space.onehot(genes))
        with torch.no_grad():
            reward = float(self.trainer.reward.evaluator(onehot, budget))
        self.expected = 0.99 * self.expected + 0.01 * reward
        loss = -(reward - self.expected) * torch.cat(logs).sum() - 1e-3 * torch.cat(entropy).sum()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return 1


def cpu_s(work: Callable[[], Any]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def rates(trade_off: TradeOff) -> dict[str, list[float]]:
    """Architectures a CPU second, published and ours in turns, both with a learnt evaluator."""
    learnt = TrainingSettings(reward="learnt", pool=500)
    published = Published(trade_off, Trainer(trade_off, learnt, 0))
    ours = {
        "published": None,
        "ours, counted dominance": Trainer(trade_off, TrainingSettings(), 0),
        "ours, learnt evaluator": Trainer(trade_off, learnt, 0),
    }
    for trainer in filter(None, ours.values()):
        trainer.step()
    found: dict[str, list[float]] = {name: [] for name in ours}
    n = TrainingSettings().groups * TrainingSettings().samples
    for _ in range(TURNS):
        for name, trainer in ours.items():
            if trainer is None:
                taken = cpu_s(lambda: [published.step() for _ in range(PUBLISHED_A_TURN)])
                found[name].append(PUBLISHED_A_TURN / taken)
            else:
                taken = cpu_s(lambda t=trainer: [t.step() for _ in range(STEPS_A_TURN)])
                found[name].append(STEPS_A_TURN * n / taken)
    return found


def answering(generator: Generator, trade_off: TradeOff) -> dict[str, float]:
    """CPU and wall seconds of 5 budgets, the median of 9, after one that fills the caches."""
    budgets_ms = unseen_budgets("cpu-onnxruntime")[::4]
    rng = np.random.default_rng(0)
    answer(generator, trade_off, budgets_ms, rng)
    taken = []
    for _ in range(9):
        wall, cpu = time.perf_counter(), time.process_time()
        answer(generator, trade_off, budgets_ms, rng)
        taken.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall_s, cpu_s_ = np.median(taken, axis=0)
    return {"wall_s": float(wall_s), "cpu_s": float(cpu_s_)}


def whole_command(generator: Generator) -> list[float]:
    """Wall seconds of ``nassearch generate`` in a process of its own, nothing verified."""
    path = Path(__file__).resolve().parents[1] / "out/benchmarks/generator.npz"
    write_generator(generator, path)
    command = [str(Path(sys.executable).with_name("nassearch")), "generate", "--budget", "12"]
    more = ["--lut", "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224", "--generator", str(path)]
    taken = []
    for _ in range(5):
        before = time.perf_counter()
        subprocess.run(
            [*command, *more, "--no-verify", "--json"],
            check=True,
            capture_output=True,
            env=os.environ,
        )
        taken.append(time.perf_counter() - before)
    return taken


def speed() -> None:
    torch.set_num_threads(1)
    trade_off = platform("cpu-onnxruntime")
    with one_thread():
        found = rates(trade_off)
    medians = {name: float(np.median(rate)) for name, rate in found.items()}
    before = time.process_time()
    generator = train(trade_off, TrainingSettings(), 0)
    train_s = time.process_time() - before
    learnt_s = cpu_s(lambda: train(trade_off, TrainingSettings(reward="learnt"), 0))
    answered, command = answering(generator, trade_off), whole_command(generator)
    rows = [
        *(
            [f"architectures a CPU s, {name}", f"{rate:,.0f} ({rate / medians['published']:.0f}x)"]
            for name, rate in medians.items()
        ),
        ["training, CPU s", f"{train_s:.0f}"],
        ["training with a learnt evaluator, CPU s", f"{learnt_s:.0f}"],
        ["5 budgets in process, s", f"{answered['wall_s']:.3f} wall, {answered['cpu_s']:.3f} CPU"],
        ["nassearch generate, one budget, s wall", f"{np.median(command):.2f}"],
    ]
    facts = {"rates": found, "train_s": train_s, "answering": answered, "command_s": command}
    report("pnag_speed", ("what", "measured"), rows, train_learnt_s=learnt_s, **facts)


SECTIONS = {"quality": quality, "speed": speed}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", default=[*SECTIONS], choices=[*SECTIONS, []])
    for section in parser.parse_args().sections:
        SECTIONS[section]()
