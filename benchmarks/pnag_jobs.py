"""Trainings and searches of the comparisons with PNAG's paper, and how they are judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

import numpy as np
from jobs import Job
from platforms import best_known, best_within, platform, share, unseen_budgets

from nasprof.threads import one_thread
from search.archives.archive import Archive
from search.generators.answers import AnswerSettings, answer
from search.pnag.budgets import BudgetScale
from search.pnag.checkpoint import read_generator, write_generator
from search.pnag.generator import Generator
from search.pnag.settings import TrainingSettings
from search.pnag.training import train
from search.runs.run import Stop
from search.runs.trial import Trial

SAMPLES = 64
"""Drawn for each budget where the policy is judged alone."""
DENSE = 100
"""Budgets that the fronts of policy and answers are of."""


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
        generator = train(platform(self.platform), self.trained_with, self.seed)
        write_generator(generator, self.path(".npz"))
        return {
            "evaluations": generator.provenance["evaluations"],
            "evaluator": generator.provenance.get("evaluator"),
            **judge(self.platform, generator),
        }

    @property
    def generator(self) -> Generator:
        """Read from where it is kept."""
        return read_generator(self.path(".npz"), platform(self.platform).space)


def dense_budgets(name: str) -> list[float]:
    """Budgets over the whole range, half in even steps and half in even ratios."""
    ends = platform(name).extremes
    both = [spread(ends.min_ms, ends.max_ms, DENSE // 2) for spread in (np.linspace, np.geomspace)]
    return np.sort(np.concatenate(both)).clip(ends.min_ms, ends.max_ms).tolist()


def policy_values(
    name: str, generator: Generator, budgets_ms: Sequence[float], n: int
) -> np.ndarray:
    """Objectives of ``n`` raw samples for each budget, ``(n_budgets, n, 2)``."""
    genes = generator.sample(np.repeat(budgets_ms, n), np.random.default_rng(0))
    return platform(name).problem().values(genes).reshape(len(budgets_ms), n, 2)


def answer_values(name: str, generator: Generator, budgets_ms: Sequence[float]) -> list[np.ndarray]:
    """Objectives of all answers to each budget, best first, each ``(n, 2)``."""
    rng = np.random.default_rng(0)
    lists = answer(generator, platform(name), budgets_ms, rng, AnswerSettings(None))
    return [np.array([[-each.top1, each.latency_ms] for each in found]) for found in lists]


def own_best(values: Iterable[np.ndarray], budgets_ms: Sequence[float]) -> list[float | None]:
    """Top-1 of the best of what was made for each budget; None where none is within."""
    pairs = zip(values, budgets_ms, strict=True)
    return or_none([best_within(each, [budget_ms])[0] for each, budget_ms in pairs])


def or_none(values: Iterable[float]) -> list[float | None]:
    """What JSON can hold."""
    return [float(value) if np.isfinite(value) else None for value in values]


def judge(name: str, generator: Generator) -> dict[str, Any]:
    """Fronts, budgets that training never saw, and how many raw samples are within theirs."""
    dense, unseen = dense_budgets(name), unseen_budgets(name)
    drawn = policy_values(name, generator, dense, SAMPLES)
    own = policy_values(name, generator, unseen, SAMPLES)
    answers = answer_values(name, generator, dense)
    return {
        "policy_share": share(name, drawn.reshape(-1, 2)),
        "answers_share": share(name, np.concatenate(answers)),
        "policy_shortfall": _shortfall(name, own, unseen),
        "answers_shortfall": _shortfall(name, answer_values(name, generator, unseen), unseen),
        "within": (own[:, :, 1] <= np.array(unseen)[:, None]).mean(1).tolist(),
    }


def _shortfall(
    name: str, values: Iterable[np.ndarray], budgets_ms: Sequence[float]
) -> list[float | None]:
    """Points below the best known of what was made for each budget."""
    best = np.array(own_best(values, budgets_ms), float)
    return or_none(best_within(best_known(name), budgets_ms) - best)


@dataclass(frozen=True)
class Independent(Job):
    """Trainings of the LSTM policy for one budget each, with others forgotten."""

    budgets_ms: tuple[float, ...]
    settings: tuple[tuple[str, Any], ...]

    @property
    def trained_with(self) -> TrainingSettings:
        return TrainingSettings(knots=1, budgets="knots", **dict(self.settings))

    @property
    def facts(self) -> dict[str, Any]:
        return {**super().facts, "settings": asdict(self.trained_with)}

    def run(self) -> dict[str, Any]:
        return {"top1": [self._search(budget_ms) for budget_ms in self.budgets_ms]}

    def _search(self, budget_ms: float) -> float | None:
        """Top-1 of the best that was sampled within the budget."""
        from search.pnag.trainer import Trainer

        trainer = Trainer(platform(self.platform), self.trained_with, self.seed)
        trainer.scale = BudgetScale(np.array([budget_ms]))
        with one_thread():
            while not trainer.done:
                trainer.step()
        within = trainer.elites.latency_ms <= budget_ms
        return float(trainer.elites.top1[within].max()) if within.any() else None


@dataclass(frozen=True)
class Search(Job):
    """An engine, anew for each budget, and again with another seed where it ends early."""

    engine: str
    budgets_ms: tuple[float, ...]
    evaluations: int

    def run(self) -> dict[str, Any]:
        archives = [list(self._runs(budget_ms)) for budget_ms in self.budgets_ms]
        values = [np.concatenate([each.values for each in runs]) for runs in archives]
        return {
            "top1": own_best(values, self.budgets_ms),
            "evaluations": [len(each) for each in values],
            "runs": [len(runs) for runs in archives],
        }

    def _runs(self, budget_ms: float) -> Iterator[Archive]:
        left, trade_off = self.evaluations, platform(self.platform)
        for seed in count(1000 * self.seed):
            archive = Trial(trade_off.problem(budget_ms), self.engine, Stop(left), seed).run()
            left -= len(archive)
            yield archive
            if left <= 0 or not len(archive):
                return
