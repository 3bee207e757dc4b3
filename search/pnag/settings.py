"""How a generator is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any, Literal, Self

import numpy as np

from nasprof.errors import UsageError
from nasprof.typing import Array, JsonObject
from search.pnag.budgets import BudgetScale, Spacing


@dataclass(frozen=True)
class TrainingSettings:
    """How a generator is trained; the defaults are what was best (``benchmarks/pnag.py``).

    Args:
        reward: what architectures earn: see :data:`search.pnag.rewards.rewards`.
        knots: K, budgets that have embeddings of their own.
        spacing: of the knots: ``even`` differences as published, or even ratios (``log``).
        budgets: which are trained: the ``knots`` as published, or drawn ``between`` them too.
        steps: policy-gradient steps.
        groups: budgets in a step, where they are drawn; as many as knots else.
        samples: architectures for each budget in a step.
        learning_rate: of Adam, falling to a twentieth along a cosine.
        entropy: weight of the policy's entropy at the first step.
        final_entropy: the same at the last step, reached geometrically.
        baseline: what an architecture is compared with: the others of its budget in the same
            step (``group``), or a moving average of all rewards (``moving``).
        overshoot: factor on the advantage, where negative, of what does not meet its budget.
        imitation: weight of the log-likelihood of the best architectures sampled so far.
        imitated: share of the steps after which imitation is down to a twentieth.
        refine: steps after which the best sampled so far are improved by exchanges of genes, as
            answers are, before they are imitated (expert iteration, Anthony et al. 2017); 0 for
            never.
        embedding: length of the embeddings.
        hidden: size of the LSTM.
        pool: random architectures that the learnt rewards begin with.
        refresh: steps after which a learnt reward is trained on what was sampled; 0 for never.
        evaluator_width: of a learnt reward's hidden layers.
    """

    reward: str = "dominance"
    knots: int = 10
    spacing: Spacing = "log"
    budgets: Literal["knots", "between"] = "between"
    steps: int = 800
    groups: int = 16
    samples: int = 20
    learning_rate: float = 3e-3
    entropy: float = 0.5
    final_entropy: float = 0.005
    baseline: Literal["group", "moving"] = "group"
    overshoot: float = 5.0
    imitation: float = 0.1
    imitated: float = 0.6
    refine: int = 10
    embedding: int = 32
    hidden: int = 64
    pool: int = 2000
    refresh: int = 20
    evaluator_width: int = 128

    def __post_init__(self) -> None:
        for name in ("knots", "steps", "groups", "samples", "embedding", "hidden"):
            self._require(name, int, at_least=1)
        for name in ("pool", "evaluator_width"):
            self._require(name, int, at_least=1)
        for name in ("refresh", "refine"):
            self._require(name, int, at_least=0)
        for name in ("learning_rate", "entropy", "final_entropy", "overshoot"):
            self._require(name, float, at_least=0)
        for name in ("imitation", "imitated"):
            self._require(name, float, at_least=0)
        known = {"budgets": ("knots", "between"), "baseline": ("group", "moving")}
        for name, values in known.items():
            if getattr(self, name) not in values:
                raise UsageError(
                    f"setting {name!r} is {getattr(self, name)!r}, "
                    f"expected {' or '.join(map(repr, values))}"
                )

    def _require(self, name: str, kind: type, at_least: float) -> None:
        value = getattr(self, name)
        numbers = (int, float) if kind is float else (int,)
        if isinstance(value, bool) or not isinstance(value, numbers) or not isfinite(value):
            what = "a number" if kind is float else "a whole number"
            raise UsageError(f"setting {name!r} is {value!r}, expected {what}")
        if value < at_least:
            raise UsageError(f"setting {name!r} is {value!r}, expected at least {at_least}")

    @classmethod
    def published(cls, **changes: Any) -> Self:
        """A straight reading of Guo et al. 2022, Sec. 3 and 4.1, with ``changes``."""
        straight: JsonObject = {
            "reward": "learnt",
            "spacing": "even",
            "budgets": "knots",
            "learning_rate": 3e-4,
            "entropy": 1e-3,
            "final_entropy": 1e-3,
            "baseline": "moving",
            "overshoot": 1.0,
            "imitation": 0.0,
            "refine": 0,
            "refresh": 0,
        }
        return cls(**{**straight, **changes})

    def trained(self, scale: BudgetScale, n: int, rng: np.random.Generator) -> Array:
        """The budgets in ms of one step: the knots, or ``n`` drawn between them."""
        return scale.knots_ms if self.budgets == "knots" else scale.draw(n, self.spacing, rng)

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        """From JSON.

        Raises:
            UsageError: a setting is unknown, or has a value it cannot have.
        """
        known = [field.name for field in fields(cls)]
        for name in data:
            if name not in known:
                raise UsageError(
                    f"the training has no setting {name!r}", f"Known: {', '.join(sorted(known))}."
                )
        return cls(**data)
