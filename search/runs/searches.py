"""Searches with one engine on the same objectives, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from nasprof.errors import UsageError
from nasprof.log import logger
from nasprof.typing import JsonObject, Progress
from search.archives.archive import Archive
from search.archives.summary import summary_of
from search.engines import engines
from search.naming import exactly
from search.objectives import Models, objectives_of
from search.problem import Problem
from search.runs.budgets import Budget, budgets_of, parse_budgets
from search.runs.options import RunOptions
from search.runs.result import SearchResult
from search.runs.run import Stop
from search.runs.trial import Start, Trial, reference, union
from search.runs.warm_start import (
    FROM_MACS,
    evaluations_on_macs,
    macs_problem,
    start_from,
    start_from_macs,
)

OBJECTIVES = ("top1", "latency")


class SearchInterrupted(KeyboardInterrupt):
    """A search was interrupted.

    Args:
        result: what it had found until then; it goes on where its folder is given again.
    """

    def __init__(self, result: SearchResult) -> None:
        super().__init__("interrupted")
        self.result = result


def run(
    engine: str,
    objectives: str | Sequence[str] = OBJECTIVES,
    *,
    budgets: float | str | Iterable[float | str | Budget] = (),
    models: Models | None = None,
    options: RunOptions | None = None,
    progress: Progress | None = None,
) -> SearchResult:
    """Search for architectures by several objectives with one engine.

    Several times that are budgets make several searches, whose findings are one result.

    Args:
        engine: its name: "linas", "nat", "nsga2", "local", ...
        objectives: their names: "top1", "latency", "macs", "latency_measured@DEVICE",
            "[max:]NAME=module:function", ...; in one text separated by commas, or several.
        budgets: the worst that is allowed: numbers are ms of the first latency, text a time such
            as "12ms", or "NAME=VALUE" of any objective.
        models: where objectives take their models from.
        options: everything else.
        progress: told how many of how many evaluations are done.

    Returns:
        Everything evaluated, its front, and the best within each budget.

    Raises:
        UsageError: it makes no sense, saying why, and what does.
        BudgetImpossible: no architecture meets a budget.
        TooManyFailures: with the traceback of the first one.
        SearchInterrupted: on Ctrl-C, with what was found until then.

    >>> from spaces import get_space
    >>> cells = Models(space=get_space("nasbench201"))
    >>> result = run("nsga2", "macs,params", models=cells, options=RunOptions(evaluations=60))
    >>> len(result.archive), result.to_dict()["engine"]
    (60, 'nsga2')
    """
    searches = Searches.of(engine, objectives, budgets, models, options)
    return searches.run(progress)


@dataclass
class Searches:
    """Searches on the same objectives, one for each time that is a budget.

    Args:
        engine: its name.
        problem: with the limits that all searches have in common.
        times_ms: that are budgets; none for one search without.
        named: the limits in common, as they were written.
        problems: with those of each search, one a search.
        confidence: with which latencies keep within their budgets.
        archives: what each search evaluated, once it has begun.
        reasons: why each search ended early, None where it did not, once it ended.
    """

    engine: str
    problem: Problem
    times_ms: list[float]
    named: list[Budget]
    problems: list[Problem]
    confidence: float
    options: RunOptions
    archives: list[Archive] = field(default_factory=list)
    reasons: list[str | None] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        engine: str,
        objectives: str | Sequence[str],
        budgets: float | str | Iterable[float | str | Budget] = (),
        models: Models | None = None,
        options: RunOptions | None = None,
    ) -> Searches:
        """Searches that are checked before anything is evaluated; arguments as of :func:`run`.

        Raises:
            UsageError: they make no sense, saying why, and what does.
            BudgetImpossible: no architecture meets a limit.
        """
        engines.get(engine)
        models = models or Models()
        listed = objectives.split(",") if isinstance(objectives, str) else objectives
        names = [name.strip() for name in listed if name.strip()]
        problem = Problem(*objectives_of(names, models))
        named, times_ms = parse_budgets(budgets)
        times: list[float | None] = [*times_ms] or [None]
        problems = [problem.within(budgets_of(problem, named, time_ms)) for time_ms in times]
        common = problem.within(budgets_of(problem, named, None))
        searches = cls(
            engine, common, times_ms, named, problems, models.confidence, options or RunOptions()
        )
        searches._check()
        return searches

    def _check(self) -> None:
        for problem in self.problems:
            self._trial(problem, None, None).check()
            if self.options.warm_start == FROM_MACS:
                self._check_on_macs(macs_problem(problem))
        self.result()

    def _check_on_macs(self, problem: Problem) -> None:
        """Refuse what suits the search itself, but not the one on MACs before it."""
        try:
            self._trial(problem, None, None).check()
        except UsageError as error:
            raise UsageError(
                f"--warm-start {FROM_MACS} searches on MACs instead of latency first, and then "
                f"{error.message}",
                f"{error.remedy or ''} Or begin with an archive: --warm-start FILE.".lstrip(),
            ) from error

    def run(self, progress: Progress | None = None) -> SearchResult:
        """Search one after the other; limits become those that archives were begun with.

        Raises:
            TooManyFailures: with the traceback of the first one.
            SearchInterrupted: on Ctrl-C, with what was found until then.
        """
        try:
            for number in range(len(self.problems)):
                self._search(number, partial(_share, progress, number, len(self.problems)))
        except KeyboardInterrupt as interruption:
            self.reasons.append("interrupted")
            raise SearchInterrupted(self.result()) from interruption
        return self.result()

    def _search(self, number: int, progress: Progress) -> None:
        """One of the searches; its archive is there before it is filled."""
        problem = self.problems[number]
        time_ms = self.times_ms[number] if self.times_ms else None
        trial = self._trial(problem, self._start(problem, time_ms, progress), time_ms)
        with trial.opened() as archive:
            self.archives.append(archive)
            self.problems[number] = archive.problem
            common = {name: archive.problem.limits[name] for name in self.problem.limits}
            self.problem = replace(self.problem, limits=common)
            reason = trial.go_on(archive, progress)
        self.reasons.append(reason)
        if reason is not None:
            logger.info(f"Ended after {len(archive)} evaluations: {reason}")

    def _trial(self, problem: Problem, start: Start | None, time_ms: float | None) -> Trial:
        """The search of one problem."""
        return Trial(
            problem,
            self.engine,
            self.options.stop(self.engine),
            seed=self.options.seed,
            settings=self.options.settings,
            start=start,
            path=self._path(time_ms),
            fresh=self.options.fresh,
            executor=self.options.open_executor,
            budgets=self._budgets(problem, time_ms),
        )

    def _budgets(self, problem: Problem, time_ms: float | None) -> JsonObject:
        """What the limits of a problem follow from, by objective; latencies with a confidence."""
        values = budgets_of(self.problem, self.named, time_ms)
        budgets = {name: {"value": values[name]} for name in values if name in problem.limits}
        for objective in problem.objectives:
            latency = objective.unit == "ms" and objective.kind == "predicted"
            if latency and objective.name in budgets:
                budgets[objective.name]["confidence"] = self.confidence
        return budgets

    def _path(self, time_ms: float | None, beside: str = "") -> Path | None:
        """The archive of a search, named after what it is of."""
        if self.options.folder is None:
            return None
        limits = [f"{budget.name}={budget.text}" for budget in self.named]
        limits += [] if time_ms is None else [f"{exactly(time_ms)}ms"]
        parts = [self.engine, *limits, *([beside] if beside else [])]
        name = "-".join([*parts, f"seed{self.options.seed}"])
        return Path(self.options.folder) / f"{name.replace('/', '_')}.jsonl"

    def _start(self, problem: Problem, time_ms: float | None, progress: Progress) -> Start | None:
        """What it begins with, searched for now if need be."""
        warm_start = self.options.warm_start
        if warm_start is None:
            return None
        if warm_start != FROM_MACS:
            return start_from(Path(warm_start), problem)
        logger.info("Searching on MACs first")
        return start_from_macs(self._on_macs(problem, time_ms).run(progress), problem)

    def _on_macs(self, problem: Problem, time_ms: float | None) -> Trial:
        """The search on MACs; as long as it was where a search has begun with it already."""
        trial = self._trial(macs_problem(problem), None, time_ms)
        begun = None if trial.path is None or trial.fresh else evaluations_on_macs(trial.path)
        stop = trial.stop if begun is None else Stop(begun, failures=self.options.max_failures)
        return replace(trial, stop=stop, path=self._path(time_ms, beside="first-macs"))

    def result(self) -> SearchResult:
        """What was found until now.

        Raises:
            UsageError: a reference is of no objective, or no number.
        """
        problem = self.problems[0] if len(self.problems) == 1 else self.problem
        archives = self.archives or [Archive(problem)]
        corner = problem.signs * reference(problem, union(archives)[1])
        names = [objective.name for objective in problem.objectives]
        ends = dict(zip(names, corner.tolist(), strict=True)) | dict(self.options.reference)
        summary = summary_of(problem, archives, ends, {"engine": self.engine})
        ended = next((reason for reason in self.reasons if reason is not None), None)
        within = list(zip(self.times_ms, self.problems, strict=False))
        return SearchResult(summary, self.options.seed, ended, within)


def _share(progress: Progress | None, number: int, total: int, done: int, of: int) -> None:
    """Progress of one of several equal runs as progress of all."""
    if progress is not None:
        progress(number * of + done, total * of)
