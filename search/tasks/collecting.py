"""Triplets collected: resumable, by any number of processes, the same whatever happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from nasprof.append_log import AppendLog, LogKind
from nasprof.differences import changed
from nasprof.errors import NasprofError, UsageError
from nasprof.progress import no_progress
from nasprof.reader import Reader
from nasprof.typing import JsonObject, Progress
from search.tasks.crew import done_by
from search.tasks.files import JOURNAL, MetaData, write_meta_data
from search.tasks.plan import Plan, PlanSettings, Triplet, draw_plan
from search.tasks.recipe import TaskRecipe
from search.tasks.work import Done, missing


class TasksBusy(NasprofError):
    """Another process is collecting in the same folder."""


class TasksInvalid(UsageError):
    """A file is no journal of triplets, or damaged."""


class TasksMismatch(UsageError):
    """The journal was begun with other settings, or on a machine with other fonts."""


def _differences(begun: JsonObject, now: JsonObject) -> list[str]:
    words = []
    for name, (was, is_now) in changed(begun, now).items():
        if name == "plan":
            words.append("the tasks are others: are other fonts or data sets installed?")
        else:
            words.append(f"{name} was {was!r}, now {is_now!r}")
    return words


JOURNALS = LogKind("journal", 1, TasksBusy, TasksInvalid, TasksMismatch, _differences)


@dataclass(frozen=True)
class TasksRequest:
    """What is collected.

    Args:
        output: folder of the journal and of what comes out.
        settings: how many tasks and networks.
        recipe: how they are trained.
        data: names and places of data sets that are unseen tasks.
        seed: of everything.
        workers: processes.
        fresh: forget what was collected.
    """

    output: Path
    settings: PlanSettings = field(default_factory=PlanSettings)
    recipe: TaskRecipe = field(default_factory=TaskRecipe)
    data: Sequence[tuple[str, str]] = ()
    seed: int = 0
    workers: int = 1
    fresh: bool = False


def collect_triplets(request: TasksRequest, progress: Progress = no_progress) -> MetaData:
    """Train the networks of every task, go on with what is there, and write both files.

    The same request gives the same files on one machine, whatever the number of workers and
    however often it was ended. The files are there once everything is trained.

    Args:
        request: what.
        progress: told how many triplets of how many there are.

    Raises:
        UsageError: this machine lacks what tasks are drawn from, or the folder holds others.
        NasprofError: a worker cannot do its work.
    """
    plan = draw_plan(request.settings, request.seed, request.data)
    facts = {
        "plan": plan.digest(),
        "seed": request.seed,
        "settings": asdict(request.settings),
        "recipe": asdict(request.recipe),
    }
    with AppendLog(request.output / JOURNAL, JOURNALS, facts, fresh=request.fresh) as log:
        known = _Known([_read(where, record) for where, record in log.read()])
        _train(plan, request, known, log, progress)
    data = MetaData(
        {task.name: task for task in plan.tasks},
        tuple(known.done(triplet) for triplet in plan.triplets),
        {**facts, "images": {task.name: known.images[task.name] for task in plan.tasks}},
    )
    write_meta_data(data, request.output)
    return data


class _Known:
    """What was trained, and the digests of tasks' images."""

    def __init__(self, done: Sequence[Done]) -> None:
        self.images: dict[str, str] = {}
        self._top1: dict[tuple[str, tuple[int, ...], int], float | None] = {}
        for one in done:
            self.take(one)

    def take(self, done: Done) -> None:
        """Remember a network that was trained.

        Raises:
            TasksMismatch: its task had other images before.
        """
        name = done.triplet.task
        if self.images.setdefault(name, done.images) != done.images:
            raise TasksMismatch(
                f"the images of {name} are others than those that its first networks were "
                "trained on: have fonts, a data set or a library changed?",
                "Restore them, or begin anew with --fresh.",
            )
        self._top1[done.triplet.key] = done.triplet.top1

    def __contains__(self, triplet: Triplet) -> bool:
        return triplet.key in self._top1

    def done(self, triplet: Triplet) -> Triplet:
        """The same with its accuracy."""
        return replace(triplet, top1=self._top1[triplet.key])


def _train(
    plan: Plan, request: TasksRequest, known: _Known, log: AppendLog, progress: Progress
) -> None:
    left = [triplet for triplet in plan.triplets if triplet not in known]
    done, total = len(plan.triplets) - len(left), len(plan.triplets)
    progress(done, total)
    for one in done_by(missing(plan.tasks, left, request.recipe), request.workers):
        known.take(one)
        log.append([_record(one)])
        done += 1
        progress(done, total)


def _record(done: Done) -> JsonObject:
    triplet = done.triplet
    record = {"task": triplet.task, "genes": list(triplet.genes), "seed": triplet.seed}
    return {**record, "top1": triplet.top1, "images": done.images}


def _read(where: str, record: JsonObject) -> Done:
    try:
        reader = Reader(record, where)
        genes = tuple(reader.take("genes", "a list of whole numbers"))
        triplet = Triplet(
            reader.take("task", "a string"),
            genes,
            reader.take("seed", "a whole number"),
            reader.within("top1", 0, 100),
        )
        return Done(triplet, reader.take("images", "a string"))
    except UsageError as error:
        raise TasksInvalid(error.message, error.remedy) from error
