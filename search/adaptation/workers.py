"""Networks evaluated by workers that stay for the whole of a transfer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nasprof.log import logger
from search.adaptation.request import TransferOptions, TransferProgress
from search.adaptation.spending import Spending
from search.executors import Executor, open_executor
from search.objectives.supernet_accuracy import SupernetEvaluator
from search.problem import Objective, Problem
from spaces import Genes


class Workers:
    """What evaluates networks, started when it is first asked.

    Args:
        options: which executor, and how many workers.
        progress: whom to tell how far it has come.
        spending: of CPU seconds; told of those of other processes.
    """

    def __init__(
        self, options: TransferOptions, progress: TransferProgress, spending: Spending
    ) -> None:
        self._options, self._progress, self._spending = options, progress, spending
        self._executor: Executor | None = None

    def evaluations(
        self, genes: Genes, evaluators: Sequence[SupernetEvaluator]
    ) -> Iterator[tuple[int, list[float]]]:
        """Numbers of networks as they are evaluated, each with its top-1 in percent by each
        evaluator; nan where it could not be evaluated.

        Args:
            genes: ``(n, n_genes)``.
            evaluators: one a data set.

        Raises:
            NasprofError: nothing can be evaluated any more.
        """
        problem = _problem_of(evaluators)
        executor = self._working_on(problem)
        for number in range(len(genes)):
            executor.submit(number, genes[number : number + 1])
        done = 0
        self._progress.evaluating(done, len(genes))
        while finished := executor.wait():
            for number, evaluation in finished:
                self._spending.elsewhere(evaluation.cpu_s)
                if evaluation.errors[0] is not None:
                    logger.warning(f"A network was not evaluated: {evaluation.errors[0]}")
                yield number, (problem.signs * evaluation.values[0]).tolist()
                done += 1
                self._progress.evaluating(done, len(genes))

    def _working_on(self, problem: Problem) -> Executor:
        if self._executor is not None:
            self._executor.change_problem(problem)
            return self._executor
        options = self._options
        self._executor = open_executor(
            options.executor, problem, workers=options.workers, address=options.address
        )
        return self._executor

    def close(self) -> None:
        """End whoever was started."""
        if self._executor is not None:
            self._executor.close()


def _problem_of(evaluators: Sequence[SupernetEvaluator]) -> Problem:
    """Top-1 by each evaluator, as a problem that executors take."""
    objectives = [
        Objective(f"top1 {number}", "%", evaluator.top1, maximise=True, kind="evaluated")
        for number, evaluator in enumerate(evaluators)
    ]
    return Problem(evaluators[0].space, tuple(objectives))
