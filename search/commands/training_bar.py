"""What is shown while a supernet is trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from profiler.commands.progress import bar_on_stderr

if TYPE_CHECKING:
    from supernets.training.run import TrainingProgress, TrainingStatus


@contextmanager
def training_bar() -> Iterator[TrainingProgress]:
    """A function to be told how far a training has come; the bar is gone at the end."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

    columns = (
        TextColumn("training {task.fields[phase]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
    )
    with bar_on_stderr(*columns) as bar:
        task = bar.add_task("", total=None, visible=False, phase="", speed="")

        def update(status: TrainingStatus) -> None:
            speed = (
                f"loss {status.loss:.3f}, {status.images_per_s:.0f} images/s, "
                f"about {status.remaining_s:.0f} s left"
            )
            phase = "" if status.phase == "all" else status.phase
            bar.update(
                task,
                completed=status.step,
                total=status.total,
                visible=status.step < status.total,
                phase=phase,
                speed=speed,
            )

        yield update
