"""What commands of ``nassearch`` show while they work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from nasprof.cli import say
from nasprof.typing import Progress

if TYPE_CHECKING:
    from search.answers.compare import CompareProgress
    from search.answers.request import AnswerProgress
    from search.delivery.request import DeliveryProgress
    from search.runs.evaluate_supernet import EvaluationProgress

_TOLD_AFTER_S = 2.0
_READING = "reading images"


@contextmanager
def answer_progress() -> Iterator[AnswerProgress]:
    """What is shown while answers are made: bars of building, training and measuring."""
    from profiler.commands.building import building_progress
    from search.answers.request import AnswerProgress

    building = building_progress()
    with training_progress() as training, ExitStack() as bars:
        yield AnswerProgress(
            building.lowered,
            building.measuring,
            building.done,
            training=training,
            sampling=late_bar(bars, "sampling"),
        )


@contextmanager
def delivery_progress() -> Iterator[DeliveryProgress]:
    """What is shown while a network is delivered: bars of each step, one after the other."""
    from profiler.commands.building import building_progress
    from profiler.commands.progress import progress_bar
    from search.delivery.request import DeliveryProgress

    building = building_progress()
    with training_progress() as training, ExitStack() as bars, progress_bar() as latency:
        yield DeliveryProgress(
            building.lowered,
            building.measuring,
            building.done,
            training=training,
            evaluating=late_bar(bars, "evaluating networks"),
            fine_tuning=late_bar(bars, "fine-tuning"),
            accuracy=late_bar(bars, "accuracy of the files"),
            latency=latency,
        )


@contextmanager
def evaluation_progress() -> Iterator[EvaluationProgress]:
    """What is shown while networks of a supernet are evaluated: images, then networks."""
    from search.runs.evaluate_supernet import EvaluationProgress

    with ExitStack() as bars:
        yield EvaluationProgress(
            images=late_bar(bars, _READING),
            networks=late_bar(bars, "evaluating"),
        )


@contextmanager
def reading_progress() -> Iterator[Progress]:
    """A function to be told how many of how many images have been looked at."""
    with ExitStack() as bars:
        yield late_bar(bars, _READING)


@contextmanager
def compare_progress() -> Iterator[CompareProgress]:
    """What is shown while engines are compared: also bars of the best-known front and searches."""
    from profiler.commands.building import building_progress
    from search.answers.compare import CompareProgress

    building = building_progress()
    with training_progress() as training, ExitStack() as bars:
        yield CompareProgress(
            building.lowered,
            building.measuring,
            building.done,
            training=training,
            best_known=late_bar(bars, "best-known front"),
            searches=late_bar(bars, "searches"),
        )


def late_bar(bars: ExitStack, what: str) -> Progress:
    """A function to be told how many of how many steps are done.

    Its bar is drawn from the first step to the last, in the place of the one before.
    """
    from profiler.commands.progress import step_bar

    bar: Progress | None = None

    def update(done: int, total: int) -> None:
        nonlocal bar
        if bar is None:
            bars.close()
            bar = bars.enter_context(step_bar(what))
        bar(done, total)
        if done >= total:
            bars.close()
            bar = None

    return update


@contextmanager
def training_progress() -> Iterator[Callable[[int, int], None]]:
    """A function to be told how many of how many steps are done; says how long it will take.

    Its bar is drawn from the first step on, for a generator may be there already.
    """
    from profiler.commands.progress import step_bar

    first: tuple[int, float] | None = None
    bar: Callable[[int, int], None] | None = None
    estimated = False
    with ExitStack() as bars:

        def update(done: int, total: int) -> None:
            nonlocal first, bar, estimated
            now = time.monotonic()
            # What comes before the first step is no measure of the others.
            first = first or (done, now)
            bar = bar or bars.enter_context(step_bar("training"))
            steps, elapsed_s = done - first[0], now - first[1]
            if not estimated and steps and elapsed_s > _TOLD_AFTER_S:
                estimated = True
                say(f"This will take about {elapsed_s * (total - done) / steps:.0f} s")
            bar(done, total)
            if done >= total:
                bars.close()

        yield update
