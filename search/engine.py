"""What every search engine offers.

An engine proposes genes (:meth:`Engine.ask`) and is told what they are worth
(:meth:`Engine.tell`). It opens no files, devices or data, so that it can be stopped, saved and
resumed anywhere, and all engines can be compared on the same ground.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nasprof.registry import Registry
from search.problem import Problem
from spaces import Genes, Space


class Engine(ABC):
    """Proposes architectures of one space; every value it is told is to be minimised.

    Args:
        space: where to search.
        rng: the only source of randomness; its state is part of the engine's.
    """

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

        Fewer than ``n`` only when the engine has no more; none when it is at its end.
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
    "engine", {"random": "search.engines.random:RandomEngine"}
)
"""One file an engine."""
