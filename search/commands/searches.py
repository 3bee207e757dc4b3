"""What ``nassearch run`` was asked to do: searches on the same objectives, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from nasprof.cli import say
from nasprof.errors import UsageError
from nasprof.typing import Progress
from profiler.commands.options import Milliseconds
from search.archives.archive import Archive
from search.archives.summary import summary_of
from search.commands.findings import Findings
from search.commands.limits import Budget, budgets_of
from search.commands.options import Asked
from search.engines import engines
from search.executors import Executor, open_executor
from search.naming import exactly
from search.objectives import objectives_of
from search.problem import Problem
from search.runs.run import Stop
from search.runs.trial import Start, Trial, reference, union
from search.runs.warm_start import (
    FROM_MACS,
    evaluations_on_macs,
    macs_problem,
    start_from,
    start_from_macs,
)


@dataclass
class Searches:
    """Searches on the same objectives, one for each time that is a budget.

    Args:
        problem: with the limits that all searches have in common.
        times_ms: that are budgets; none for one search without.
        named: the limits in common, as they were written.
        problems: with those of each search, one a search.
        options: as given on the command line.
    """

    problem: Problem
    times_ms: list[float]
    named: list[Budget]
    problems: list[Problem]
    options: dict[str, Any]
    archives: list[Archive] = field(default_factory=list)
    reasons: list[str | None] = field(default_factory=list)

    @classmethod
    def of(cls, asked: Asked, options: dict[str, Any]) -> Searches:
        """What was asked for, checked before anything is evaluated.

        Raises:
            UsageError: it makes no sense, saying why, and what does.
            BudgetImpossible: no architecture meets a limit.
        """
        models = asked.models(options["confidence"], options["space_name"], options["width"])
        names = [name.strip() for name in options["names"].split(",") if name.strip()]
        problem = Problem(*objectives_of(names, models))
        named = [each for each in options["budgets"] if each.name is not None]
        bare = [each.text for each in options["budgets"] if each.name is None]
        times_ms = [Milliseconds().convert(text, None, None) for text in bare]
        if len(set(times_ms)) < len(times_ms):
            raise UsageError("a time is there twice as a budget", "Name each of them once.")
        wanted: list[float | None] = [*times_ms] or [None]
        problems = [problem.within(budgets_of(problem, named, each)) for each in wanted]
        common = problem.within(budgets_of(problem, named, None))
        searches = cls(common, times_ms, named, problems, options)
        searches._check()
        return searches

    def _check(self) -> None:
        for each in self.problems:
            self._trial(each, None, None).check()
            if self.options["warm_start"] == FROM_MACS:
                self._check_on_macs(macs_problem(each))
        self.findings()

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

    def run(self, progress: Progress) -> None:
        """Search one after the other; archives are there before they are filled.

        Limits become those that the archives were begun with.
        """
        for number, problem in enumerate(self.problems):
            time_ms = self.times_ms[number] if self.times_ms else None
            told = partial(_share, progress, number, len(self.problems))
            trial = self._trial(problem, self._start(problem, time_ms, told), time_ms)
            with trial.opened() as archive:
                self.archives.append(archive)
                self.problems[number] = archive.problem
                common = {name: archive.problem.limits[name] for name in self.problem.limits}
                self.problem = replace(self.problem, limits=common)
                self.reasons.append(trial.go_on(archive, told))
            if self.reasons[-1] is not None:
                say(f"Ended after {len(archive)} evaluations: {self.reasons[-1]}")

    def _trial(self, problem: Problem, start: Start | None, time_ms: float | None) -> Trial:
        """The search of one problem."""
        given = self.options
        return Trial(
            problem,
            given["engine_name"],
            self._stop(),
            given["seed"],
            given["settings"],
            start,
            self._path(time_ms),
            given["fresh"],
            self._executor(),
            self._budgets(problem, time_ms),
        )

    def _budgets(self, problem: Problem, time_ms: float | None) -> dict[str, dict[str, float]]:
        """What the limits of a problem follow from, by objective; latencies with a confidence."""
        asked = budgets_of(self.problem, self.named, time_ms)
        found = {name: {"value": asked[name]} for name in asked if name in problem.limits}
        for each in problem.objectives:
            if each.name in found and each.unit == "ms" and each.kind == "predicted":
                found[each.name]["confidence"] = self.options["confidence"]
        return found

    def _stop(self) -> Stop | None:
        given = self.options
        asked = (given["evaluations"], given["seconds"], given["patience"])
        engine = engines.get(given["engine_name"])
        if engine.ends_itself and asked == (None, None, None):
            return None
        evaluations = given["evaluations"] or engine.evaluations
        return Stop(evaluations, given["seconds"], given["patience"], given["max_failures"])

    def _executor(self) -> Callable[[Problem], Executor]:
        given = self.options
        return partial(
            open_executor, given["executor"], workers=given["workers"], address=given["address"]
        )

    def _path(self, time_ms: float | None, beside: str = "") -> Path | None:
        """The archive of a search, named after what it is of."""
        folder, given = self.options["folder"], self.options
        if folder is None:
            return None
        limits = [f"{each.name}={each.text}" for each in self.named]
        limits += [] if time_ms is None else [f"{exactly(time_ms)}ms"]
        parts = [given["engine_name"], *limits, *([beside] if beside else [])]
        name = "-".join([*parts, f"seed{given['seed']}"])
        return Path(folder) / f"{name.replace('/', '_')}.jsonl"

    def _start(self, problem: Problem, time_ms: float | None, progress: Progress) -> Start | None:
        """What it begins with, searched for now if need be."""
        wanted = self.options["warm_start"]
        if wanted is None:
            return None
        if wanted != FROM_MACS:
            return start_from(Path(wanted), problem)
        say("Searching on MACs first")
        return start_from_macs(self._on_macs(problem, time_ms).run(progress), problem)

    def _on_macs(self, problem: Problem, time_ms: float | None) -> Trial:
        """The search on MACs; as long as it was where a search has begun with it already."""
        trial = self._trial(macs_problem(problem), None, time_ms)
        begun = None if trial.path is None or trial.fresh else evaluations_on_macs(trial.path)
        stop = trial.stop if begun is None else Stop(begun, failures=self.options["max_failures"])
        return replace(trial, stop=stop, path=self._path(time_ms, beside="first-macs"))

    def findings(self) -> Findings:
        """What was found until now.

        Raises:
            UsageError: a reference is of no objective, or no number.
        """
        problem = self.problems[0] if len(self.problems) == 1 else self.problem
        archives = self.archives or [Archive(problem)]
        corner = problem.signs * reference(problem, union(archives)[1])
        names = [each.name for each in problem.objectives]
        given = dict(zip(names, corner.tolist(), strict=True)) | self.options["reference"]
        facts = {"engine": self.options["engine_name"]}
        ended = next((each for each in self.reasons if each is not None), None)
        within = list(zip(self.times_ms, self.problems, strict=False))
        return Findings(
            summary_of(problem, archives, given, facts), self.options["seed"], ended, within
        )


def _share(progress: Progress, number: int, total: int, done: int, of: int) -> None:
    """Progress of one of several equal runs as progress of all."""
    progress(number * of + done, total * of)
