"""How a search is run: everything but what is searched for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nasprof.errors import UsageError
from nasprof.reader import brief
from search.engines import engines
from search.executors import Executor, executors, open_executor
from search.problem import Problem
from search.runs.run import Stop


@dataclass(frozen=True)
class RunOptions:
    """How a search is run.

    Args:
        seed: of everything random.
        evaluations: networks to evaluate in each search; as many as suit the engine unless given.
        seconds: ends each search then.
        patience: ends a search after so many evaluations that did not change the front.
        max_failures: networks that may fail before a quarter of all evaluated is too many.
        settings: of the engine, by name, where not its defaults.
        warm_start: archive (.jsonl) whose front is begun with, or "macs" for the front of a search
            on MACs.
        executor: what evaluates: "serial", "processes" or "ray".
        workers: networks evaluated at a time; as many as suit the executor unless given.
        address: of the Ray cluster; one on this machine unless given.
        folder: for everything evaluated; what it holds is gone on with. In memory only unless
            given.
        fresh: forget what the folder holds of these searches.
        reference: where the hypervolume ends, by objective and in its unit; the worst there is
            unless given.

    Raises:
        UsageError: one of them makes no sense.

    >>> RunOptions(evaluations=200, seed=1).executor
    'serial'
    """

    seed: int = 0
    evaluations: int | None = None
    seconds: float | None = None
    patience: int | None = None
    max_failures: int = 20
    settings: Mapping[str, object] = field(default_factory=dict)
    warm_start: Path | str | None = None
    executor: str = "serial"
    workers: int | None = None
    address: str | None = None
    folder: Path | str | None = None
    fresh: bool = False
    reference: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        least = {"seed": 0, "evaluations": 1, "patience": 1, "max_failures": 0, "workers": 1}
        for name, smallest in least.items():
            value = getattr(self, name)
            if value is not None and value < smallest:
                raise UsageError(f"{name} is {brief(value)}, expected at least {smallest}")
        if self.seconds is not None and not 0 < self.seconds < float("inf"):
            raise UsageError(f"seconds is {brief(self.seconds)}, expected a time above 0")
        executors.get(self.executor)

    def stop(self, engine: str) -> Stop | None:
        """When a search ends; None where that is left to an engine that ends by itself."""
        kind = engines.get(engine)
        if kind.ends_itself and (self.evaluations, self.seconds, self.patience) == (None,) * 3:
            return None
        evaluations = self.evaluations or kind.evaluations
        return Stop(evaluations, self.seconds, self.patience, self.max_failures)

    def open_executor(self, problem: Problem) -> Executor:
        """What evaluates a problem, started.

        Raises:
            UsageError: it cannot be used like that.
            NasprofError: it cannot be started.
        """
        return open_executor(self.executor, problem, workers=self.workers, address=self.address)
