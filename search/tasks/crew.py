"""Processes that train networks of tasks; a killed one's task is done again by another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import wait
from typing import Any

from nasprof.errors import NasprofError
from search.executors.child import ONE_THREAD, Child
from search.executors.worker import connected_to_parent
from search.tasks.work import Done, TaskWork, work_on

_DEATHS = 3
_FINISHED = "finished"


def done_by(work: Sequence[TaskWork], workers: int) -> Iterator[Done]:
    """Do all of it, with so many processes; what comes first is anybody's guess.

    Raises:
        NasprofError: a task cannot be drawn, or ended its worker three times.
    """
    if workers == 1:
        for one in work:
            yield from work_on(one)
        return
    crew = _Crew(work, min(workers, len(work)))
    try:
        yield from crew.results()
    finally:
        crew.close()


class _Crew:
    """Workers, and which task each is at.

    Args:
        work: all of it.
        workers: how many processes.
    """

    def __init__(self, work: Sequence[TaskWork], workers: int) -> None:
        self._queue = deque(work)
        self._deaths: dict[str, int] = {}
        self._busy: dict[Child, TaskWork] = {}
        for _ in range(workers):
            self._employ(self._started())

    def results(self) -> Iterator[Done]:
        """What the workers have done, as it comes."""
        while self._busy:
            by_connection = {child.connection: child for child in self._busy}
            for connection in wait(list(by_connection)):
                yield from self._heard(by_connection[connection])  # type: ignore[index]

    def close(self) -> None:
        """End all of them at once."""
        while self._busy:
            self._busy.popitem()[0].kill()

    def _started(self) -> Child:
        return Child.start("search.tasks.crew:main", ONE_THREAD)

    def _employ(self, child: Child) -> None:
        if not self._queue:
            child.kill()
            return
        self._busy[child] = self._queue.popleft()
        with suppress(OSError):  # that it died is heard when it is asked
            child.connection.send(self._busy[child])

    def _heard(self, child: Child) -> Iterator[Done]:
        try:
            answer: Any = child.connection.recv()
        except (EOFError, OSError):
            self._bury(child)
            return
        if isinstance(answer, NasprofError):
            raise answer
        if answer == _FINISHED:
            del self._busy[child]
            self._employ(child)
            return
        work = self._busy[child]
        left = tuple(t for t in work.triplets if t.key != answer.triplet.key)
        self._busy[child] = replace(work, triplets=left)
        yield answer

    def _bury(self, child: Child) -> None:
        work = self._busy.pop(child)
        child.kill()
        name = work.task.name
        self._deaths[name] = self._deaths.get(name, 0) + 1
        if self._deaths[name] == _DEATHS:
            raise NasprofError(
                f"{_DEATHS} processes in a row ended while they trained on {name}",
                "Is there enough memory? Fewer workers need less: --workers 1.",
            )
        self._queue.appendleft(work)
        self._employ(self._started())


def main(descriptor: int) -> None:
    """Serve the process at the other end of a connection for as long as it lives."""
    connection = connected_to_parent(descriptor)
    with suppress(EOFError, OSError):
        while True:
            work: TaskWork = connection.recv()
            try:
                for done in work_on(work):
                    connection.send(done)
            except NasprofError as error:
                connection.send(error)
            connection.send(_FINISHED)
