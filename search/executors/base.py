"""What every executor offers: jobs are submitted, and come back evaluated in any order."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from nasprof.errors import UsageError
from nasprof.registry import Registry
from search.executors.evaluation import Evaluation
from search.problem import Problem
from spaces import Genes


class Executor(AbstractContextManager["Executor"]):
    """Evaluates architectures of one problem at a time; closed at the end of a ``with`` block.

    Attributes:
        workers: how many jobs are evaluated at once.
    """

    workers: int

    @classmethod
    @abstractmethod
    def open(cls, problem: Problem, workers: int | None) -> Self:
        """An executor with so many workers, or as many as suit it.

        Raises:
            UsageError: it cannot evaluate such a problem, or not with so many workers.
            NasprofError: it cannot be started.
        """

    @abstractmethod
    def submit(self, job: int, genes: Genes) -> None:
        """Have ``genes`` ``(n, n_genes)`` evaluated as the job of a number not in use."""

    @abstractmethod
    def wait(self) -> list[tuple[int, Evaluation]]:
        """Jobs that have finished, at least one; none only if none is outstanding.

        Raises:
            DeviceError, EvaluationImpossible: nothing can be evaluated any more.
            NasprofError: the workers cannot be used any more; all jobs that finished were given.
        """

    @abstractmethod
    def change_problem(self, problem: Problem) -> None:
        """Evaluate architectures of another problem from now on; nothing may be outstanding.

        Workers that have started go on, with what they have loaded.

        Raises:
            UsageError: it cannot evaluate such a problem.
            RuntimeError: something is outstanding.
        """

    @abstractmethod
    def close(self) -> None:
        """End at once whatever is outstanding; a second time it does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def require_idle(outstanding: int) -> None:
    """Make sure that no jobs are outstanding.

    Raises:
        RuntimeError: so many are.
    """
    if outstanding:
        raise RuntimeError(f"{outstanding} jobs are outstanding, of the problem so far")


class RemoteExecutor(Executor):
    """An executor that works on other machines, and so has an address."""

    @classmethod
    @abstractmethod
    def open_at(cls, problem: Problem, workers: int | None, address: str | None) -> Self:
        """The same, on the machines at an address; on this one unless given.

        Raises:
            UsageError: it is no such address.
            NasprofError: nobody there takes us.
        """

    @classmethod
    def open(cls, problem: Problem, workers: int | None) -> Self:
        return cls.open_at(problem, workers, None)


executors: Registry[type[Executor]] = Registry(
    "executor",
    {
        "processes": "search.executors.processes:ProcessExecutor",
        "ray": "search.executors.ray_cluster:RayExecutor",
        "serial": "search.executors.serial:SerialExecutor",
    },
)


def open_executor(
    name: str, problem: Problem, *, workers: int | None = None, address: str | None = None
) -> Executor:
    """The executor called ``name`` for a problem, started.

    Args:
        workers: how many jobs it evaluates at once; None lets it choose.
        address: of the cluster whose machines do the work.

    Raises:
        UsageError: there is no such executor, or it cannot be used like that.
        NasprofError: it cannot be started.
    """
    kind = executors.get(name)
    if workers is not None and workers < 1:
        raise UsageError(f"{workers} workers, expected at least 1")
    if issubclass(kind, RemoteExecutor):
        return kind.open_at(problem, workers, address)
    if address is not None:
        clusters = ", ".join(
            other for other in executors if issubclass(executors.get(other), RemoteExecutor)
        )
        raise UsageError(
            f"the executor {name!r} works on this machine alone, and has no address",
            f"Executors for clusters: {clusters}.",
        )
    return kind.open(problem, workers)
