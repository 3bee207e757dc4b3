"""Trainings and searches of the comparisons with PNAG's paper, and how they are judged."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from jobs import Job
from platforms import best_known, best_within, platform, share, unseen_budgets

from search.pnag.answers import answer
from search.pnag.budgets import BudgetScale
from search.pnag.checkpoint import read_generator, write_generator
from search.pnag.generator import Generator
from search.pnag.settings import TrainingSettings
from search.pnag.training import train
from search.problem import TradeOff
from search.runs.trial import Trial
from search.threads import one_numpy_thread
from spaces import Genes

SAMPLES = 64
"""Drawn for each budget where the policy is judged alone."""
DENSE = 100
"""Budgets that the fronts of policy and answers are of, in even steps, and in even ratios."""


@dataclass(frozen=True)
class Counted(TradeOff):
    """A trade-off that counts the architectures whose accuracy it was asked for."""

    counts: list[int] = field(default_factory=list)

    @classmethod
    def on(cls, name: str) -> Counted:
        known = platform(name)
        return cls(known.space, known.accuracy, known.cost)

    def top1(self, genes: Genes) -> np.ndarray:
        self.counts.append(len(genes))
        return super().top1(genes)

    @property
    def evaluations(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True)
class Training(Job):
    """A generator and how good it is.

    Args:
        settings: changes to the default settings, or to the published ones.
    """

    settings: tuple[tuple[str, Any], ...] = ()
    published: bool = False

    @property
    def trained_with(self) -> TrainingSettings:
        made = TrainingSettings.published if self.published else TrainingSettings
        return made(**dict(self.settings))

    @property
    def facts(self) -> dict[str, Any]:
        # All settings, so that a new default is another training.
        settings = asdict(self.trained_with)
        return {"job": "Training", "platform": self.platform, "seed": self.seed, **settings}

    def run(self) -> dict[str, Any]:
        trade_off = Counted.on(self.platform)
        generator = train(trade_off, self.trained_with, self.seed)
        write_generator(generator, self.path(".npz"))
        return {
            "evaluations": trade_off.evaluations,
            "evaluator": generator.provenance.get("evaluator"),
            **judge(self.platform, generator),
        }

    @property
    def generator(self) -> Generator:
        """Read from where it is kept."""
        return read_generator(self.path(".npz"), platform(self.platform).space)


def dense_budgets(name: str, n: int = DENSE // 2) -> np.ndarray:
    """Budgets over the whole range ``(2 n,)``, in even steps and in even ratios, ascending."""
    ends = platform(name).extremes
    both = [spread(ends.min_ms, ends.max_ms, n) for spread in (np.linspace, np.geomspace)]
    return np.sort(np.concatenate(both)).clip(ends.min_ms, ends.max_ms)


def policy_values(name: str, generator: Generator, budgets_ms: np.ndarray, n: int) -> np.ndarray:
    """Objectives of ``n`` raw samples for each budget, ``(n_budgets, n, 2)``."""
    genes = generator.sample(np.repeat(budgets_ms, n), np.random.default_rng(0))
    return platform(name).problem().values(genes).reshape(len(budgets_ms), n, 2)


def answer_values(name: str, generator: Generator, budgets_ms: np.ndarray) -> list[np.ndarray]:
    """Objectives of all answers to each budget, best first, each ``(n, 2)``."""
    rng = np.random.default_rng(0)
    lists = answer(generator, platform(name), budgets_ms.tolist(), rng, confidence=None)
    return [np.array([[-each.top1, each.latency_ms] for each in found]) for found in lists]


def judge(name: str, generator: Generator) -> dict[str, Any]:
    """Fronts, budgets that training never saw, and how many raw samples are within theirs."""
    dense, unseen = dense_budgets(name), np.array(unseen_budgets(name))
    drawn = policy_values(name, generator, dense, SAMPLES)
    own = policy_values(name, generator, unseen, SAMPLES)
    answered = answer_values(name, generator, dense)
    return {
        "policy_share": share(name, drawn.reshape(-1, 2)),
        "answers_share": share(name, np.concatenate(answered)),
        "policy_shortfall": shortfalls(name, own, unseen),
        "answers_shortfall": shortfalls(name, answer_values(name, generator, unseen), unseen),
        "within": (own[:, :, 1] <= unseen[:, None]).mean(1).tolist(),
    }


def shortfalls(name: str, values: Any, budgets_ms: np.ndarray) -> list[float | None]:
    """Points below the best known of what was made for each budget; None where none is within."""
    known = best_within(best_known(name), budgets_ms.tolist())
    found = [best_within(*pair)[0] for pair in zip(values, budgets_ms[:, None], strict=True)]
    return [float(gap) if np.isfinite(gap) else None for gap in known - np.array(found)]


@dataclass(frozen=True)
class Independent(Job):
    """Trainings of the LSTM policy for one budget each, with others forgotten."""

    budgets_ms: tuple[float, ...]
    settings: tuple[tuple[str, Any], ...]

    def run(self) -> dict[str, Any]:
        return {"top1": [self._search(budget_ms) for budget_ms in self.budgets_ms]}

    def _search(self, budget_ms: float) -> float | None:
        """Top-1 of the best that was sampled within the budget."""
        from search.pnag.trainer import Trainer

        settings = TrainingSettings(knots=1, budgets="knots", **dict(self.settings))
        trainer = Trainer(platform(self.platform), settings, self.seed)
        trainer.scale = BudgetScale(np.array([budget_ms]))
        with one_numpy_thread():
            while not trainer.done:
                trainer.step()
        within = trainer.elites.latency_ms <= budget_ms
        return float(trainer.elites.top1[within].max()) if within.any() else None


@dataclass(frozen=True)
class Search(Job):
    """An engine, anew for each budget."""

    engine: str
    budgets_ms: tuple[float, ...]
    evaluations: int

    def run(self) -> dict[str, Any]:
        trial = Trial(platform(self.platform), self.engine, None, self.evaluations, self.seed)
        archives = [trial.run(budget_ms) for budget_ms in self.budgets_ms]
        best = [
            best_within(archive.values, [budget_ms])[0]
            for archive, budget_ms in zip(archives, self.budgets_ms, strict=True)
        ]
        return {
            "top1": [float(top1) if np.isfinite(top1) else None for top1 in best],
            "evaluations": [len(archive) for archive in archives],
        }
