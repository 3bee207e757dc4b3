"""One job after the other, in this process."""

from __future__ import annotations

import sys
from collections import deque
from contextlib import redirect_stdout
from typing import Self

from nasprof.errors import UsageError
from search.executors.base import Executor, require_idle
from search.executors.evaluation import Evaluation, evaluate
from search.problem import Problem
from spaces import Genes


class SerialExecutor(Executor):
    """Evaluates while it is waited for; the only one that may use devices of this process."""

    workers = 1

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._waiting: deque[tuple[int, Genes]] = deque()

    @classmethod
    def open(cls, problem: Problem, workers: int | None) -> Self:
        if workers not in {None, 1}:
            raise UsageError(
                f"the executor 'serial' evaluates one job at a time, not {workers}",
                "Several at a time: --executor processes.",
            )
        return cls(problem)

    def submit(self, job: int, genes: Genes) -> None:
        self._waiting.append((job, genes))

    def wait(self) -> list[tuple[int, Evaluation]]:
        if not self._waiting:
            return []
        job, genes = self._waiting.popleft()
        # Whatever an objective prints is no result of the command.
        with redirect_stdout(sys.stderr):
            return [(job, evaluate(self._problem, genes))]

    def change_problem(self, problem: Problem) -> None:
        require_idle(len(self._waiting))
        self._problem = problem

    def close(self) -> None:
        self._waiting.clear()
