"""What every search engine offers.

An engine proposes genes (:meth:`Engine.ask`) and is told what they are worth
(:meth:`Engine.tell`). It opens no files, devices or data, so that it can be stopped, saved and
resumed anywhere, and all engines can be compared on the same ground.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.registry import Registry
from search.problem import Problem
from spaces import Genes, Space


class Engine(ABC):
    """Proposes architectures of one space; every value it is told is to be minimised.

    Args:
        space: where to search.
        rng: the only source of randomness; its state is part of the engine's.
    """

    needs_limit: ClassVar[bool] = False
    """Whether it looks for one best architecture within limits, not for a whole front."""

    def __init__(self, space: Space, rng: np.random.Generator) -> None:
        self.space = space
        self.rng = rng

    @classmethod
    def create(cls, problem: Problem, rng: np.random.Generator) -> Self:
        """The engine for a problem, with its defaults.

        Raises:
            UsageError: it is not made for such problems, and which are.
        """
        return cls(problem.space, rng)

    @abstractmethod
    def ask(self, n: int) -> Genes:
        """Up to ``n`` new architectures ``(m, n_genes)``, canonical and never proposed before.

        Fewer than ``n`` when the engine has to be told of those first. None when it was told of
        all and is at its end.
        """

    @abstractmethod
    def tell(self, genes: Genes, values: NDArray[np.float64]) -> None:
        """Learn the objectives ``(n, n_objectives)`` of architectures ``(n, n_genes)``."""

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on exactly here, as JSON values."""
        return {"rng": self.rng.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was taken."""
        self.rng.bit_generator.state = state["rng"]


engines: Registry[type[Engine]] = Registry(
    "engine",
    {
        "evo": "search.engines.evo:EvolutionEngine",
        "exact": "search.engines.exact:ExactEngine",
        "local": "search.engines.local:LocalEngine",
        "nas-mo": "search.engines.nas_mo:PolicyEngine",
        "nsga2": "search.engines.nsga2:NSGA2Engine",
        "random": "search.engines.random:RandomEngine",
    },
)
"""One file an engine."""


def require_limit(problem: Problem) -> None:
    """Refuse a problem of several objectives where none but the first is limited.

    Raises:
        UsageError: naming the engines that search whole fronts.
    """
    if len(problem.objectives) > 1 and not np.isfinite(problem.worst[1:]).any():
        others = ", ".join(name for name in engines if not engines.get(name).needs_limit)
        limited = ", ".join(each.name for each in problem.objectives[1:])
        raise UsageError(
            f"this engine looks for the best within a limit; none is set on {limited}",
            f"Set a budget, or take an engine that searches the whole front: {others}.",
        )
