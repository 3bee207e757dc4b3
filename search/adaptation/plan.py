"""How long a transfer is: steps of training, and images that the search looks at."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from math import ceil

import numpy as np

from nasprof.errors import UsageError
from nasprof.log import logger
from nasprof.reader import Reader
from nasprof.typing import JsonObject
from search.adaptation.learner import Draw, Task
from search.adaptation.request import TransferOptions
from search.adaptation.settings import TransferSettings
from spaces import Genes
from spaces.base import Sampling
from supernets import Evaluation, Evaluator, SupernetCard
from supernets.data.loader import Loader
from supernets.threads import torch_threads
from supernets.training.budget import NOMINAL, steps_within
from supernets.training.recipe import Recipe
from supernets.training.schemes.drawn import Drawn

_EVALUATING = 0.2
"""Share of the time for evaluations in the search, if that many images can be looked at in it."""
_FEWEST, _MOST = 200, 1000
"""Validation images that an evaluation looks at."""
_REPORTED = 6
"""Networks of the front, about, that are looked at on all images at the end."""
_TRIED = 100
_OTHERWISE = 0.03
"""Share of the time for all the rest."""


@dataclass(frozen=True)
class Plan:
    """How long a transfer is.

    Args:
        steps: of the adaptation of each data set; about, where a time is given.
        validation: images that an evaluation in the search looks at.
        seconds: CPU time of everything, if that is what is given.
        step_s: CPU seconds of a step for every data set, about.
        evaluation_s: likewise of an evaluation.
        report_s: likewise of what is looked at in the end.
    """

    steps: int
    validation: int
    seconds: float | None = None
    step_s: float = 0.0
    evaluation_s: float = 0.0
    report_s: float = 0.0

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: JsonObject) -> Plan:
        """From what :meth:`to_dict` gave, as a log has it.

        Raises:
            UsageError: a field is missing or wrong.
        """
        reader = Reader(data, "the plan of a transfer")
        return cls(
            reader.take("steps", "a whole number"),
            reader.take("validation", "a whole number"),
            reader.take("seconds", "a number or null"),
            *(reader.not_negative(name) for name in ("step_s", "evaluation_s", "report_s")),
        )


def plan(tasks: list[Task], recipe: Recipe, options: TransferOptions) -> Plan:
    """How long a transfer is, where it was not begun before.

    Raises:
        UsageError: the time is too short to train at all.
    """
    settings, length = options.transfer_settings, options.length
    available = min(len(task.data.validation) for task in tasks)
    if "seconds" not in length:
        validation = min(settings.validation or available, available)
        return Plan(_steps(tasks, recipe, options), validation)
    seconds = length["seconds"] - options.spent_s
    begun = time.process_time()
    costs = [_Cost.of(task, settings) for task in tasks]
    fixed = sum(cost.recalibration_s for cost in costs) * settings.evaluations
    each_s = sum(cost.image_s for cost in costs) * settings.evaluations
    fitting = int((_EVALUATING * seconds - fixed) / each_s)
    within = int(np.clip(fitting, _FEWEST, _MOST))
    validation = min(settings.validation or within, available)
    report = sum(cost.report_s for cost in costs)
    left = seconds * (1 - _OTHERWISE) - fixed - each_s * validation - report
    left = (left - (time.process_time() - begun)) / len(tasks)
    least = length["seconds"] - left * len(tasks)
    if left < 0.1 * seconds / len(tasks):
        raise UsageError(
            f"{length['seconds']:g} CPU seconds are too few: evaluating "
            f"{settings.evaluations} networks takes about {least:.0f} of them",
            f"Give at least {ceil(1.5 * least)} (--seconds), or let the search evaluate fewer "
            "(--set archive=8).",
        )
    steps = min(_steps_within(task, left, recipe, settings) for task in tasks)
    steps = max(steps, settings.iterations)
    logger.info(
        f"{length['seconds']:g} CPU seconds are {steps:,} steps, and {settings.evaluations} "
        f"evaluations on {validation:,} images"
    )
    return Plan(
        steps=steps,
        validation=validation,
        seconds=length["seconds"] * (1 - _OTHERWISE),
        step_s=left / steps * len(tasks),
        evaluation_s=(fixed + each_s * validation) / settings.evaluations,
        report_s=report,
    )


def _steps(tasks: list[Task], recipe: Recipe, options: TransferOptions) -> int:
    """Those that were asked for, one an iteration at least."""
    iterations = options.transfer_settings.iterations
    if options.steps is not None:
        return max(options.steps, iterations)
    epochs = options.length["epochs"]
    images = max(len(task.data.train) for task in tasks)
    return int(iterations * max(1, round(epochs * images / recipe.batch)))


@dataclass(frozen=True)
class _Cost:
    """CPU seconds of evaluating a network of middling size.

    Args:
        recalibration_s: of recalibrating its batch norm.
        image_s: of classifying one image.
        report_s: of what is looked at on all images at the end.
    """

    recalibration_s: float
    image_s: float
    report_s: float

    @classmethod
    def of(cls, task: Task, settings: TransferSettings) -> _Cost:
        """Evaluate the smallest and the largest network on a few images."""
        tried = min(_TRIED, len(task.data.validation))
        supernet = task.supernet
        card = SupernetCard(supernet.space, task.data.classes, task.data.normalisation)
        with torch_threads(1):
            small, large = (
                _evaluation(task, card, genes, tried)
                for genes in (supernet.smallest, supernet.largest)
            )
        recalibration = (small.recalibration_cpu_s + large.recalibration_cpu_s) / 2
        image = ((small.cpu_s + large.cpu_s) / 2 - recalibration) / tried
        seen = len(task.data.validation) + len(task.data.test)
        return cls(recalibration, image, _REPORTED * (2 * recalibration + seen * image))


def _evaluation(task: Task, card: SupernetCard, genes: Genes, images: int) -> Evaluation:
    """What evaluating a network ``(n_genes,)`` takes, once all that is needed has been made."""
    ((member, _, own),) = task.supernet.space.by_member(genes[None])
    evaluator = Evaluator(
        task.supernet.in_space(member),
        card.in_space(member),
        task.data.at(member.input_shape).limited("validation", images),
        split="validation",
        recalibration=task.images.recalibration,
    )
    evaluator.evaluate(own[0])
    return evaluator.evaluate(own[0])


def _steps_within(task: Task, seconds: float, recipe: Recipe, settings: TransferSettings) -> int:
    """Steps that fit into a time, trained on what the search will train on, about."""
    scheme = Drawn(task.supernet.space, NOMINAL)
    scheme.draw = _typical(task, settings)
    loader = Loader(task.data, recipe.batch, seed=recipe.seed)
    with closing(loader), torch_threads(recipe.threads):
        return steps_within(seconds, task.supernet, recipe, loader.__next__, scheme)


def _typical(task: Task, settings: TransferSettings) -> Draw:
    """Draws networks such as a training by these settings has, before it is known."""
    if settings.sampling in ("largest", "smallest"):
        return task.alone(settings.sampling)
    strategy: Sampling = "biased" if settings.sampling == "archive" else "uniform"
    return partial(task.supernet.space.sample, strategy=strategy)
