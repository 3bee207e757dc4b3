"""Worker processes on this machine."""

from __future__ import annotations

from contextlib import suppress
from multiprocessing.connection import wait
from typing import Self

from devices.host import available_cpus
from search.executors.child import ONE_THREAD, Child
from search.executors.pool import Pool
from search.executors.worker import Answer, Sign
from search.problem import Problem
from spaces import Genes

_PATIENCE_S = 1.0


class ProcessExecutor(Pool[Child]):
    """A connection to each worker says which of them died, and of what."""

    def __init__(self, problem: Problem, workers: int) -> None:
        super().__init__(problem, workers)
        self._children: list[Child] = []

    @classmethod
    def open(cls, problem: Problem, workers: int | None) -> Self:
        return cls(problem, workers or usable_cores())

    def _start(self) -> Child:
        child = Child.start("search.executors.worker:main", ONE_THREAD)
        self._children.append(child)
        return child

    def _load(self, worker: Child) -> None:
        self._send(worker, self._payload)

    def _give(self, worker: Child, genes: Genes) -> None:
        self._send(worker, genes)

    def _send(self, worker: Child, message: bytes | Genes) -> None:
        # That the worker died is heard soon enough, as it is said of those that are asked.
        with suppress(OSError):
            worker.connection.send(message)

    def _arrivals(self) -> list[tuple[Child, Answer]]:
        by_connection = {child.connection: child for child in self._children}
        ready = wait(list(by_connection), _PATIENCE_S)
        # A process started by a worker may hold the connection open after the worker's end.
        heard = [by_connection[connection] for connection in ready] if ready else self._children  # type: ignore[index]
        answers = [(child, self._listen(child)) for child in heard]
        return [(child, answer) for child, answer in answers if answer is not None]

    def _listen(self, child: Child) -> Answer | None:
        try:
            answer = child.connection.recv() if child.connection.poll() else None
            if answer is Sign.HELLO:
                child.connection.send(self._payload)
                return None
        except (EOFError, OSError):
            return self._dead(child)
        return self._dead(child) if answer is None and child.ended else answer

    def _dead(self, child: Child) -> Sign:
        child.kill()
        self._children.remove(child)
        return Sign.DIED

    def close(self) -> None:
        while self._children:
            self._children.pop().kill()


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(available_cpus())
