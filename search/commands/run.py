"""``nassearch run``: one engine on objectives of your choice."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import json_option, print_json, say, setting_option, show_table
from nasprof.errors import UsageError
from profiler.commands.options import Milliseconds
from search.commands.limits import Budget, BudgetType
from search.commands.options import Asked, confidence_option, trade_off_options

if TYPE_CHECKING:
    from search.problem import Problem
    from search.runs.archive import Archive
    from search.runs.run import Progress, Stop
    from search.runs.summary import Summary
    from search.runs.trial import Start, Trial

OBJECTIVES = "top1,latency"


@click.command()
@click.option("--engine", "engine_name", required=True, help="linas, nat, nsga2, local, ...")
@click.option(
    "--objectives",
    "names",
    default=OBJECTIVES,
    show_default=True,
    help="Separated by commas: top1[@MODEL], latency[@DEVICE], latency_upper[@DEVICE], "
    "latency_measured[@DEVICE], macs, params, size_bytes[@int8], peak_memory, and "
    "[max:]NAME=module:function of your own.",
)
@trade_off_options
@click.option("--space", "space_name", help="Space, where no model tells it.")
@click.option("--width", type=float, help="Its width multiplier.")
@click.option(
    "--budget",
    "budgets",
    type=BudgetType(),
    multiple=True,
    help="The worst that is allowed: NAME=VALUE of any objective. A time alone is of the latency; "
    "several times for several searches.",
)
@confidence_option
@click.option(
    "--evals",
    "evaluations",
    type=click.IntRange(1),
    help="Networks to evaluate in each search: 5000 unless given; exact ends by itself.",
)
@click.option("--time", "time_ms", type=Milliseconds(), help="End each search then: 90s.")
@click.option(
    "--patience",
    type=click.IntRange(1),
    help="End a search after so many evaluations that did not change the front.",
)
@click.option(
    "--max-failures",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    help="Networks that may fail before a quarter of all evaluated is too many.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@setting_option("Any setting of the engine, as JSON: --set population=50.")
@click.option(
    "--warm-start",
    "warm_start",
    help="Begin with the front of an archive (.jsonl); or with that of a search on MACs: macs.",
)
@click.option("--executor", default="serial", show_default=True, help="serial, processes or ray.")
@click.option("--workers", type=click.IntRange(1), help="Networks evaluated at a time.")
@click.option("--address", help="Of the Ray cluster; one on this machine unless given.")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder for everything evaluated; what it holds is gone on with.",
)
@click.option("--fresh", is_flag=True, help="Forget what the folder holds of these searches.")
@setting_option(
    "Where the hypervolume ends, by objective; the worst there is unless given.",
    flag="--reference",
    name="reference",
)
@click.option("--plot", type=click.Path(path_type=Path), help="The front as PNG.")
@json_option
def run(asked: Asked, plot: Path | None, as_json: bool, **options: Any) -> None:
    """Search for networks by several objectives, with an engine of your choice.

    Interrupted, it shows what was found so far; with -o the same command goes on from there.
    """
    from profiler.progress import step_bar
    from search.engine import engines
    from search.executors import executors

    engines.get(options["engine_name"])
    executors.get(options["executor"])
    # Whatever a module of the user's prints when it is imported is no result of the command.
    with redirect_stdout(sys.stderr):
        searches = _searches(asked, options)
    if plot is not None:
        _check_plot(searches)
    interrupted = False
    try:
        with step_bar("evaluating") as progress:
            searches.run(progress)
    except KeyboardInterrupt:
        interrupted = True
        searches.reasons.append("interrupted")
        say("Interrupted; this is what was found so far.")
    found = searches.findings(options["reference"])
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found)
    if plot is not None:
        _plot(found, plot)
    if interrupted:
        click.get_current_context().exit(1)


def _searches(asked: Asked, options: dict[str, Any]) -> Searches:
    """What was asked for, checked before anything is evaluated."""
    from search.commands.limits import limited
    from search.objectives import objectives_of
    from search.problem import Problem

    sources = asked.sources(options["confidence"], options["space_name"], options["width"])
    names = [name.strip() for name in options["names"].split(",") if name.strip()]
    problem = Problem(*objectives_of(names, sources))
    named = [each for each in options["budgets"] if each.name is not None]
    bare = [each.text for each in options["budgets"] if each.name is None]
    times_ms = [Milliseconds().convert(text, None, None) for text in bare]
    if len(set(times_ms)) < len(times_ms):
        raise UsageError("a time is there twice as a budget", "Name each of them once.")
    wanted: list[float | None] = [*times_ms] or [None]
    problems = [limited(problem, named, each) for each in wanted]
    searches = Searches(limited(problem, named, None), times_ms, named, problems, options)
    searches.check()
    return searches


def _check_plot(searches: Searches) -> None:
    """Refuse a picture that there will be nothing to draw in."""
    if len(searches.problem.objectives) < 2:
        raise UsageError(
            f"--plot draws fronts; one objective has none: {searches.problem.objectives[0].name}",
            "Leave it out, or search by several objectives.",
        )


@dataclass
class Searches:
    """Searches on the same objectives, one for each time that is a budget.

    Args:
        problem: with the limits that all searches have in common.
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

    def check(self) -> None:
        """Refuse what makes no sense before anything is evaluated.

        Raises:
            UsageError: saying why, and what does.
        """
        from search.runs.warm_start import FROM_MACS, macs_problem

        for each in self.problems:
            self.trial(each, None, None).check()
            if self.options["warm_start"] == FROM_MACS:
                self.trial(macs_problem(each), None, None).check()
        self.findings(self.options["reference"])

    def run(self, progress: Progress) -> None:
        """Search one after the other; archives are there before they are filled."""
        for number, problem in enumerate(self.problems):
            time_ms = self.times_ms[number] if self.times_ms else None
            told = partial(_share, progress, number, len(self.problems))
            trial = self.trial(problem, self._start(problem, time_ms, told), time_ms)
            with trial.opened() as archive:
                self.archives.append(archive)
                self.reasons.append(trial.go_on(archive, told))
            if self.reasons[-1] is not None:
                say(f"Ended after {len(archive)} evaluations: {self.reasons[-1]}")

    def trial(self, problem: Problem, start: Start | None, time_ms: float | None) -> Trial:
        """The search of one problem."""
        from search.runs.trial import Trial

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
        )

    def _stop(self) -> Stop | None:
        from search.runs.run import Stop
        from search.runs.trial import EVALUATIONS

        given = self.options
        asked = (given["evaluations"], given["time_ms"], given["patience"])
        if given["engine_name"] == "exact" and asked == (None, None, None):
            return None
        seconds = None if given["time_ms"] is None else given["time_ms"] / 1e3
        evaluations = given["evaluations"] or EVALUATIONS
        return Stop(evaluations, seconds, given["patience"], given["max_failures"])

    def _executor(self) -> Callable[[Problem], Any]:
        from search.executors import open_executor

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
        limits += [] if time_ms is None else [f"{time_ms:g}ms"]
        parts = [given["engine_name"], *limits, *([beside] if beside else [])]
        name = "-".join([*parts, f"seed{given['seed']}"])
        return Path(folder) / f"{name.replace('/', '_')}.jsonl"

    def _start(self, problem: Problem, time_ms: float | None, progress: Progress) -> Start | None:
        """What it begins with, searched for now if need be."""
        from search.runs.warm_start import FROM_MACS, start_from, start_from_macs

        wanted = self.options["warm_start"]
        if wanted is None:
            return None
        if wanted != FROM_MACS:
            return start_from(Path(wanted), problem)
        say("Searching on MACs first")
        return start_from_macs(self._on_macs(problem, time_ms).run(progress))

    def _on_macs(self, problem: Problem, time_ms: float | None) -> Trial:
        """The search on MACs; as long as it was where a search has begun with it already."""
        from dataclasses import replace

        from search.runs.run import Stop
        from search.runs.warm_start import evaluations_on_macs, macs_problem

        trial = self.trial(macs_problem(problem), None, time_ms)
        begun = None if trial.path is None or trial.fresh else evaluations_on_macs(trial.path)
        stop = trial.stop if begun is None else Stop(begun, failures=self.options["max_failures"])
        return replace(trial, stop=stop, path=self._path(time_ms, beside="first-macs"))

    def findings(self, asked: dict[str, Any]) -> Findings:
        """What was found until now."""
        from search.runs.archive import Archive
        from search.runs.summary import summary_of
        from search.runs.trial import reference, union

        problem = self.problems[0] if len(self.problems) == 1 else self.problem
        archives = self.archives or [Archive(problem)]
        corner = problem.signs * reference(problem, union(archives)[1])
        names = [each.name for each in problem.objectives]
        given = dict(zip(names, corner.tolist(), strict=True)) | asked
        facts = {"engine": self.options["engine_name"]}
        return Findings(self, summary_of(problem, archives, given, facts))


@dataclass(frozen=True)
class Findings:
    """What searches found."""

    searches: Searches
    summary: Summary

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        told = self.summary.as_dict()
        seed, _ = self.searches.options["seed"], told.pop("path")
        budgets = [self._answer(*each) for each in self._within()]
        ended = next((each for each in self.searches.reasons if each is not None), None)
        return {**told, "seed": seed, "ended": ended, "budgets": budgets}

    def _within(self) -> list[tuple[float, Problem]]:
        return list(zip(self.searches.times_ms, self.searches.problems, strict=False))

    def _answer(self, budget_ms: float, problem: Problem) -> dict[str, Any]:
        """The best of everything evaluated within a budget; null where nothing is."""
        from search.commands.limits import first_latency
        from search.runs.ranking import best

        stored, latency = self.summary.archive, first_latency(problem)
        place = best(stored.minimised, problem.worst)
        if place is None:
            return {"budget_ms": budget_ms, "arch": None, "values": None, "upper_ms": None}
        values = {
            each.name: float(value)
            for each, value in zip(problem.objectives, stored.values[place], strict=True)
        }
        return {
            "budget_ms": budget_ms,
            "arch": problem.space.decode(stored.genes[place : place + 1])[0],
            "values": values,
            "upper_ms": values[latency.name] * latency.slack,
        }


def _share(progress: Progress, number: int, total: int, done: int, of: int) -> None:
    """Progress of one of several equal runs as progress of all."""
    progress(number * of + done, total * of)


def _plot(found: Findings, path: Path) -> None:
    from search.commands.archive_view import plot_fronts

    if len(found.summary.front):
        plot_fronts([found.summary], path)
    else:
        say("Nothing is plotted: no network was found")


def _show(found: Findings) -> None:
    from search.commands.archive_view import show_front, text

    told = found.as_dict()
    title = f"{told['engine']}: {told['evaluations']} evaluated"
    title += f", {told['failed']} failed" if told["failed"] else ""
    if told["budgets"]:
        from search.delivery.replies import brief_arch

        names = [f">{each['name']} {each['unit']}" for each in told["objectives"]]
        rows = []
        for each in told["budgets"]:
            values = each["values"] or dict.fromkeys(names)
            arch = brief_arch(each["arch"]) if each["arch"] else "none found within the budget"
            cells = (*map(text, values.values()), text(each["upper_ms"]), arch)
            rows.append((f"{each['budget_ms']:.4g}", *cells))
        show_table((">budget ms", *names, ">at most ms", "architecture"), rows, title)
        return
    about = "" if told["hypervolume_exact"] else "about "
    note = f"hypervolume {about}{told['hypervolume']:.6g}, up to the reference of --json"
    show_front(found.summary, 20, title, [note])
