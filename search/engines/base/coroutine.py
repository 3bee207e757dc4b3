"""Engines written as coroutines: they yield architectures and are sent what these are worth."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator
from typing import Self, TypeAlias

import numpy as np

from nasprof.typing import Array
from search.engines.base.engine import Engine
from search.problem import Problem
from search.quality.ranking import evaluated
from spaces import Genes

Search: TypeAlias = Generator[Genes, Array, None]

_IDLE_LIMIT = 1000


class CoroutineEngine(Engine):
    """Runs :meth:`search` and stands between it and whoever asks and tells.

    The search begins at the first :meth:`ask`. What it yields again is answered from memory, so
    that no architecture is proposed twice.
    """

    def setup(self, problem: Problem, rng: np.random.Generator, first: Genes | None = None) -> Self:
        super().setup(problem, rng, first)
        self._search: Search | None = None
        self._ended = False
        self._values: dict[bytes, list[float]] = {}
        self._yielded: list[bytes] = []
        self._unasked: list[bytes] = []
        self._pending: set[bytes] = set()
        return self

    @abstractmethod
    def search(self) -> Search:
        """Yield canonical genes ``(n, n_genes)``, n at least 1; receive values to be minimised.

        These are ``(n, n_objectives)``; what could not be evaluated is inf throughout. The engine
        is at its end when this returns, or has yielded nothing new for a long time.
        """

    def ask(self, n: int) -> Genes:
        self._advance()
        batch, self._unasked = self._unasked[:n], self._unasked[n:]
        self._pending.update(batch)
        rows = [np.frombuffer(key, np.int8) for key in batch]
        return np.array(rows, np.int8).reshape(-1, self.space.n_genes)

    def _advance(self) -> None:
        """Let the search go on until it yields what is not known yet."""
        self._unasked = [key for key in self._unasked if key not in self._values]
        idle = 0
        while not (self._ended or self._unasked or self._pending):
            try:
                genes = self._resume()
            except StopIteration:
                self._ended = True
                return
            self._yielded = [row.tobytes() for row in genes]
            new = (key for key in self._yielded if key not in self._values)
            self._unasked = list(dict.fromkeys(new))
            idle += 1
            exhausted = not self._unasked and len(self._values) >= self.space.size
            self._ended = exhausted or idle > _IDLE_LIMIT

    def _resume(self) -> Genes:
        """What the search yields next."""
        if self._search is None:
            self._search = self.search()
            return next(self._search)
        return self._search.send(np.array([self._values[key] for key in self._yielded]))

    def tell(self, genes: Genes, values: Array) -> None:
        values = np.asarray(values, np.float64)
        values = np.where(evaluated(values)[:, None], values, np.inf)
        for row, value in zip(self.space.canonical(genes), values.tolist(), strict=True):
            self._values.setdefault(row.tobytes(), value)
            self._pending.discard(row.tobytes())
