"""Random search: the yardstick every engine has to beat."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.engines.base.engine import Engine
from spaces import Genes, Space
from spaces.base import Sampling

_ATTEMPTS = 100


class RandomEngine(Engine):
    """Draws architectures without replacement.

    Args:
        worst: not used, limits do not guide it.
        strategy: how they are drawn, see :meth:`spaces.Space.sample`.
        first: architectures to begin with ``(n, n_genes)``.
    """

    def __init__(
        self,
        space: Space,
        rng: np.random.Generator,
        worst: NDArray[np.float64] | None = None,
        *,
        strategy: Sampling = "uniform",
        first: Genes | None = None,
    ) -> None:
        super().__init__(space, rng, worst, first=first)
        self.strategy: Sampling = strategy
        self._first = list(space.canonical(self.first))
        self._proposed: dict[bytes, None] = {}

    def ask(self, n: int) -> Genes:
        new: list[Genes] = []
        while self._first and len(new) < n:
            row = self._first.pop(0)
            if row.tobytes() not in self._proposed:
                self._proposed[row.tobytes()] = None
                new.append(row)
        for _ in range(_ATTEMPTS):
            missing = min(n, self.space.size - len(self._proposed) + len(new)) - len(new)
            if missing <= 0:
                break
            for row in self.space.sample(2 * missing, self.rng, self.strategy)[:]:
                if len(new) < n and row.tobytes() not in self._proposed:
                    self._proposed[row.tobytes()] = None
                    new.append(row)
        return np.array(new, np.int8).reshape(len(new), self.space.n_genes)

    def tell(self, genes: Genes, values: NDArray[np.float64]) -> None:
        """Random search learns nothing, but does not propose what it was told of."""
        self._proposed.update((row.tobytes(), None) for row in self.space.canonical(genes))

    def state_dict(self) -> dict[str, Any]:
        rows = [np.frombuffer(row, np.int8).tolist() for row in self._proposed]
        first = [row.tolist() for row in self._first]
        return super().state_dict() | {"proposed": rows, "first": first}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self._first = [np.array(row, np.int8) for row in state["first"]]
        self._proposed = {np.array(row, np.int8).tobytes(): None for row in state["proposed"]}
