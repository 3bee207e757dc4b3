"""The accuracy of a supernet's networks, many at a time: ``nassearch supernet evaluate``."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nasprof.errors import UsageError
from nasprof.files import write_atomic
from nasprof.results import Records
from nasprof.typing import Array, JsonObject, Progress
from profiler.model_files.architectures import ArchLike, NamedArch, named_archs
from search.executors import Executor, open_executor
from search.objectives.images import LabelledImages
from search.objectives.supernet_accuracy import SupernetEvaluator, SupernetFile
from search.problem import Problem
from search.runs.evaluated_rows import evaluated_rows, from_row, rows_problem
from search.runs.kept_evaluations import KeptEvaluations
from spaces import Genes, Space
from spaces.distinct import sample_distinct

if TYPE_CHECKING:
    from supernets.evaluation import Evaluation


_NAMES = ("supernet", "data")
"""Facts that accuracies do not depend on."""


@dataclass(frozen=True)
class EvaluationOptions:
    """How networks of a supernet are evaluated, apart from the images.

    Args:
        random: random networks of the supernet to evaluate beside those that are named.
        seed: draws them.
        inherited: whether to tell also the accuracy without recalibrated batch norm.
        resolution: input pixels of networks that are not named; the supernet's own unless given.
        executor: what evaluates: "serial", "processes" or "ray".
        workers: networks evaluated at a time; as many as suit the executor unless given.
        address: of the Ray cluster; one on this machine unless given.
        fresh: evaluate anew what is known from before.

    Raises:
        UsageError: a number is below 0.
    """

    random: int = 0
    seed: int = 0
    inherited: bool = False
    resolution: int | None = None
    executor: str = "serial"
    workers: int | None = None
    address: str | None = None
    fresh: bool = False

    def __post_init__(self) -> None:
        for name in ("random", "seed"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} is {getattr(self, name)}, expected at least 0")

    def open_executor(self, problem: Problem) -> Executor:
        """What evaluates a problem, started.

        Raises:
            UsageError: it cannot be used like that.
            NasprofError: it cannot be started.
        """
        return open_executor(self.executor, problem, workers=self.workers, address=self.address)


def _nobody(done: int, total: int) -> None:
    """Whom nothing is told."""


@dataclass(frozen=True)
class EvaluationProgress:
    """Whom to tell how far the work has come.

    Args:
        images: how many images have been looked at.
        networks: how many networks have been evaluated.
    """

    images: Progress = _nobody
    networks: Progress = _nobody


@dataclass(frozen=True)
class EvaluatedArch:
    """The accuracy of a network of a supernet.

    Args:
        arch: which network, under its name.
        evaluation: how accurate it is, on how many images, after which recalibration.
        inherited: top-1 in percent without recalibrated batch norm, where that was asked for.
        classes: names of the classes, in the order of the outputs.
        facts: what else accuracies depend on: weights, images, split, recalibration.
    """

    arch: NamedArch
    evaluation: Evaluation
    inherited: float | None
    classes: tuple[str, ...]
    facts: JsonObject

    def to_dict(self) -> JsonObject:
        """As JSON."""
        measured = self.evaluation.to_dict()
        by_class = dict(zip(self.classes, measured.pop("by_class"), strict=True))
        inherited = {} if self.inherited is None else {"inherited_top1": self.inherited}
        return {
            "name": self.arch.name,
            "arch": self.arch.arch,
            **measured,
            **inherited,
            "by_class": by_class,
            **self.facts,
        }


class EvaluatedArchs(Records[EvaluatedArch]):
    """An accuracy a network, in the order that they were named in."""

    def rows(self) -> list[JsonObject]:
        """A flat row each: name, accuracy with its interval, images, CPU seconds."""
        names = ("name", "top1", "low", "high", "top5", "n", "recalibrated_on", "cpu_s")
        return [{name: data[name] for name in names} for data in self.to_dict()]

    def write_csv(self, path: Path | str) -> None:
        """Write a table of ``arch,top1``, which accuracy models are fitted to.

        Raises:
            NasprofError: the file cannot be written.
        """
        text = StringIO(newline="")
        table = csv.writer(text, lineterminator="\n")
        table.writerow(("arch", "top1"))
        for one in self:
            table.writerow((json.dumps(one.arch.arch), repr(one.evaluation.accuracy.top1)))
        write_atomic(Path(path), text.getvalue().encode())


def evaluate_supernet(
    supernet: Path | str,
    images: LabelledImages | Path | str,
    archs: ArchLike | Iterable[ArchLike] | None = None,
    *,
    options: EvaluationOptions | None = None,
    progress: EvaluationProgress | None = None,
) -> EvaluatedArchs:
    """The accuracy of networks of a supernet on labelled images.

    Args:
        supernet: its file: ``.safetensors``, or a checkpoint of Once-for-All.
        images: which, and what recalibrates batch norm; of a name, folder or file the test
            images.
        archs: files of architectures, architectures as dicts, or spaces with genes; the smallest
            and the largest network unless any are given or drawn.
        options: everything else.
        progress: whom to tell how far it has come.

    Returns:
        An accuracy a network, in order; those drawn come last. What was evaluated before with the
        same weights, images and recalibration is known, also from work that was interrupted.

    Raises:
        UsageError: something cannot be read, or does not fit, naming what.
        NasprofError: a network cannot be evaluated, or weights or images have changed meanwhile.

    >>> from spaces import get_space
    >>> from supernets import Supernet, SupernetCard, read_data, write_supernet
    >>> space = get_space("nasbench201", cells=1, classes=10, resolution=16)
    >>> digits = read_data("digits", (16, 16, 3))
    >>> card = SupernetCard(space, digits.classes, digits.normalisation, data=digits.facts())
    >>> write_supernet(Path("cells.safetensors"), Supernet(space), card)
    >>> smallest, largest = evaluate_supernet("cells.safetensors", "digits")
    >>> largest.evaluation.accuracy.n, largest.evaluation.recalibrated_on
    (359, 500)
    """
    options, progress = options or EvaluationOptions(), progress or EvaluationProgress()
    if not isinstance(images, LabelledImages):
        images = LabelledImages(images, split="test")
    file = SupernetFile.read(supernet)
    return evaluate_networks(
        file, partial(file.evaluator, images, progress=progress.images), archs, options, progress
    )


def evaluate_networks(
    file: SupernetFile,
    evaluator_in: Callable[[Space], SupernetEvaluator],
    archs: ArchLike | Iterable[ArchLike] | None,
    options: EvaluationOptions,
    progress: EvaluationProgress,
) -> EvaluatedArchs:
    """The same of a supernet that has been read.

    Args:
        file: the supernet.
        evaluator_in: what evaluates its networks in one of its spaces.
        archs: as :func:`evaluate_supernet` takes them; likewise the rest.
    """
    chosen = _chosen(file, archs, options)
    evaluated: dict[int, EvaluatedArch] = {}
    for space in dict.fromkeys(arch.space for arch in chosen):
        numbers = [number for number, arch in enumerate(chosen) if arch.space == space]
        evaluator = evaluator_in(space)
        classes, facts = evaluator.evaluator().classes, file.facts(evaluator)
        progress.networks(len(evaluated), len(chosen))
        group = [chosen[number] for number in numbers]
        for at, row in _rows(evaluator, classes, facts, group, options):
            evaluated[numbers[at]] = EvaluatedArch(group[at], *from_row(row), classes, facts)
            progress.networks(len(evaluated), len(chosen))
    return EvaluatedArchs(evaluated[number] for number in range(len(chosen)))


def _rows(
    evaluator: SupernetEvaluator,
    classes: Sequence[str],
    facts: JsonObject,
    archs: Sequence[NamedArch],
    options: EvaluationOptions,
) -> Iterator[tuple[int, Array]]:
    """Rows of networks of one space, each with the number of its network: first those known."""
    problem = rows_problem(evaluator, len(classes), options.inherited)
    dependencies = {
        **{name: value for name, value in facts.items() if name not in _NAMES},
        "space": dict(evaluator.space.settings),
        "inherited": options.inherited,
    }
    with KeptEvaluations(dependencies, len(problem.objectives), fresh=options.fresh) as kept:
        missing = []
        for number, arch in enumerate(archs):
            row = kept.get(arch.genes)
            if row is None:
                missing.append(number)
            else:
                yield number, row
        if not missing:
            return
        genes, names = zip(*((archs[at].genes, archs[at].name) for at in missing), strict=True)
        with options.open_executor(problem) as executor:
            for at, row in evaluated_rows(executor, np.stack(genes), names):
                kept.add(genes[at], row)
                yield missing[at], row


def _chosen(
    file: SupernetFile, archs: ArchLike | Iterable[ArchLike] | None, options: EvaluationOptions
) -> list[NamedArch]:
    """The networks to evaluate, all of them the supernet's."""
    named = [] if archs is None else named_archs(archs)
    for arch in named:
        file.card.in_space(arch.space)
    space = file.at(options.resolution)
    if options.random:
        rng = np.random.default_rng(options.seed)
        drawn = sample_distinct(space, options.random, rng, "biased")
        named += _named(space, drawn, [f"random{number}" for number in range(len(drawn))])
    if not named:
        ends = np.stack([np.zeros_like(space.n_choices), space.n_choices - 1])
        named = _named(space, space.canonical(ends), ["smallest", "largest"])
    return named


def _named(space: Space, genes: Genes, names: Sequence[str]) -> list[NamedArch]:
    archs = space.decode(genes)
    return [NamedArch(name, space, arch) for name, arch in zip(names, archs, strict=True)]
