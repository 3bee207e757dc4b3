"""A progress bar on stderr for measurements, silent where stderr is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from profiler.measure import Status


@contextmanager
def progress_bar() -> Iterator[Callable[[Status], None]]:
    """A function to be called with each status; the bar is gone at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("measuring"),
        BarColumn(),
        TextColumn("{task.fields[models]} complete, round {task.fields[rounds]}"),
        TextColumn("{task.fields[left]} {task.fields[flags]}"),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=1.0, models="0", rounds=0, left="", flags="")

        def update(status: Status) -> None:
            bar.update(
                task,
                completed=status.elapsed_s / (status.elapsed_s + status.remaining_s),
                models=f"{status.complete}/{status.total}",
                rounds=status.rounds,
                left=f"about {status.remaining_s:.0f} s left",
                flags=" ".join(status.flags),
            )

        yield update
