"""Triplets and tasks as files: a CSV and a JSON text."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from nasprof.errors import UsageError
from nasprof.files import write_together
from nasprof.json_text import JsonInvalid, plain_json
from nasprof.reader import Reader
from nasprof.reading import read_bytes
from nasprof.typing import JsonObject
from search.tasks.plan import Triplet, as_tuple
from search.tasks.task import Task
from spaces import Genes, get_space
from spaces.nasbench201 import NasBench201Space

TRIPLETS, TASKS, JOURNAL = "triplets.csv.gz", "tasks.json", "journal.jsonl"
COLUMNS = ("task", "index", "seed", "top1", "params", "macs")
_SCHEMA = 1
_MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class MetaData:
    """Tasks and what networks reached on them.

    Args:
        tasks: by name.
        triplets: with their accuracies.
        about: seed, recipe and what else is known of how they were made.
    """

    tasks: Mapping[str, Task]
    triplets: tuple[Triplet, ...]
    about: JsonObject

    def of(self, task: str) -> list[Triplet]:
        """The triplets of a task."""
        return [triplet for triplet in self.triplets if triplet.task == task]


def write_meta_data(data: MetaData, folder: Path) -> None:
    """Both files of a meta-data set, or none."""
    tasks = {"schema": _SCHEMA, **data.about, "tasks": [t.to_dict() for t in data.tasks.values()]}
    write_together(
        {
            folder / TRIPLETS: gzip.compress(_csv(data).encode(), mtime=0),
            folder / TASKS: (json.dumps(tasks, ensure_ascii=False) + "\n").encode(),
        }
    )


def _csv(data: MetaData) -> str:
    from search.tasks.networks import task_costs

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    indices = cell_space().index(np.array([t.genes for t in data.triplets], np.int8))
    for triplet, index in zip(data.triplets, indices, strict=True):
        params, macs = task_costs(triplet.genes, len(data.tasks[triplet.task].classes))
        writer.writerow((triplet.task, index, triplet.seed, f"{triplet.top1:.4f}", params, macs))
    return text.getvalue()


@cache
def cell_space() -> NasBench201Space:
    """The space whose cells are trained on tasks, in the benchmark's own size."""
    space = get_space("nasbench201")
    assert isinstance(space, NasBench201Space)
    return space


def shipped_folder() -> Path:
    """Where the meta-data set is that comes with this project."""
    return Path(str(files("search"))) / "tasks" / "data"


def read_meta_data(folder: Path) -> MetaData:
    """A meta-data set.

    Raises:
        UsageError: a file is missing or damaged, naming what is wrong with it.
    """
    about = _read_tasks(folder / TASKS)
    tasks = {}
    for number, value in enumerate(Reader(about, TASKS).take("tasks", "a list of objects")):
        try:
            task = Task.from_dict(value)
        except UsageError as error:
            raise UsageError(f"{folder / TASKS}: task {number}: {error.message}") from error
        tasks[task.name] = task
    del about["tasks"], about["schema"]
    return MetaData(tasks, _read_triplets(folder / TRIPLETS, tasks), about)


def _read_tasks(path: Path) -> JsonObject:
    try:
        about = plain_json(read_bytes(path, _MAX_BYTES).decode())
    except (JsonInvalid, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no JSON: {error}") from error
    if Reader(about, str(path)).take("schema", "a whole number") != _SCHEMA:
        raise UsageError(f"{path} is of another version", "Make it again: nassearch pomonag tasks")
    value: JsonObject = about
    return value


def _read_triplets(path: Path, tasks: Mapping[str, Task]) -> tuple[Triplet, ...]:
    packed = read_bytes(path, _MAX_BYTES)
    try:
        with gzip.open(io.BytesIO(packed)) as stream:
            text = stream.read(_MAX_BYTES).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is damaged: {error}", "Copy or make it again.") from error
    rows = list(csv.reader(io.StringIO(text)))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise UsageError(f"{path} has other columns than {', '.join(COLUMNS)}")
    return tuple(
        _triplet(row, f"{path}, line {line}", tasks) for line, row in enumerate(rows[1:], 2)
    )


def _triplet(row: Sequence[str], where: str, tasks: Mapping[str, Task]) -> Triplet:
    try:
        task, index, seed, top1, *_ = row
        genes: Genes = cell_space().from_index(np.array([int(index)]))[0]
        triplet = Triplet(task, as_tuple(genes), int(seed), float(top1))
    except ValueError as error:
        raise UsageError(f"{where} is damaged: {error}") from error
    if task not in tasks:
        raise UsageError(f"{where}: no task is called {task!r}")
    if not 0 <= float(top1) <= 100:
        raise UsageError(f"{where}: top1 is {top1}, expected 0 to 100")
    return triplet
