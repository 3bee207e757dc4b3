"""Engines written as coroutines: they yield architectures and are sent what these are worth."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator
from typing import Any, TypeAlias

import numpy as np

from nasprof.typing import Array
from search.engines.base.engine import Engine
from search.quality.ranking import evaluated
from spaces import Genes, Space

Search: TypeAlias = Generator[Genes, Array, None]

_IDLE_LIMIT = 1000


class CoroutineEngine(Engine):
    """Runs :meth:`search` and stands between it and whoever asks and tells.

    What the coroutine yields again is answered from memory, so that no architecture is proposed
    twice. A search depends on nothing but the state of ``rng`` at its start and the values told:
    its state is these, and going on is running it again on them.
    """

    def __init__(
        self,
        space: Space,
        rng: np.random.Generator,
        worst: Array | None = None,
        *,
        first: Genes | None = None,
    ) -> None:
        super().__init__(space, rng, worst, first=first)
        self._begin()

    def _begin(self) -> None:
        self._initial = dict(self.rng.bit_generator.state)
        self._known: dict[bytes, list[float]] = {}
        self._wanted: list[bytes] = []
        self._new: list[bytes] = []
        self._waiting: set[bytes] = set()
        self._search: Search | None = self.search()
        self._running = False

    @abstractmethod
    def search(self) -> Search:
        """Yield canonical genes ``(n, n_genes)``, n at least 1; receive values to be minimised.

        These are ``(n, n_objectives)``; what could not be evaluated is inf throughout. The engine
        is at its end when this returns, or has yielded nothing new for a long time.
        """

    def ask(self, n: int) -> Genes:
        self._advance()
        asked, self._new = self._new[:n], self._new[n:]
        self._waiting.update(asked)
        return np.array([_row(key) for key in asked], np.int8).reshape(-1, self.space.n_genes)

    def _advance(self) -> None:
        """Let the coroutine go on until it wants what is not known yet."""
        self._new = [key for key in self._new if key not in self._known]
        idle = 0
        while self._search is not None and not self._new and not self._waiting:
            try:
                wanted = self._resume(self._search)
            except StopIteration:
                self._search = None
                return
            self._wanted = [row.tobytes() for row in wanted]
            self._new = list(dict.fromkeys(key for key in self._wanted if key not in self._known))
            idle += 1
            if idle > _IDLE_LIMIT or (not self._new and len(self._known) >= self.space.size):
                self._search = None

    def _resume(self, search: Search) -> Genes:
        if not self._running:
            self._running = True
            return next(search)
        return search.send(np.array([self._known[key] for key in self._wanted]))

    def tell(self, genes: Genes, values: Array) -> None:
        values = np.asarray(values, np.float64)
        told = np.where(evaluated(values)[:, None], values, np.inf).tolist()
        for row, value in zip(self.space.canonical(genes), told, strict=True):
            self._known.setdefault(row.tobytes(), value)
            self._waiting.discard(row.tobytes())

    def state_dict(self) -> dict[str, Any]:
        # JSON has no infinity.
        told = [
            [_row(key).tolist(), [None if value == np.inf else value for value in values]]
            for key, values in self._known.items()
        ]
        waiting = [_row(key).tolist() for key in sorted(self._waiting)]
        return {"rng": self._initial, "told": told, "waiting": waiting}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rng.bit_generator.state = state["rng"]
        self._begin()
        for row, values in state["told"]:
            self._known[_key(row)] = [np.inf if value is None else value for value in values]
        self._advance()
        self._waiting = {_key(row) for row in state["waiting"]}
        self._new = [key for key in self._new if key not in self._waiting]


def _key(row: list[int]) -> bytes:
    return np.array(row, np.int8).tobytes()


def _row(key: bytes) -> Genes:
    return np.frombuffer(key, np.int8)
