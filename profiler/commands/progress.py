"""Progress bars on stderr, silent where stderr is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, cast

from profiler.measuring.status import Status

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn


@contextmanager
def progress_bar() -> Iterator[Callable[[Status], None]]:
    """A function to be called with each status; the bar is gone at the end."""
    from rich.progress import BarColumn, TextColumn

    columns = (
        TextColumn("measuring"),
        BarColumn(),
        TextColumn("{task.fields[models]} complete, round {task.fields[rounds]}"),
        TextColumn("{task.fields[left]} {task.fields[doubts]}"),
    )
    with bar_on_stderr(*columns) as bar:
        task = bar.add_task("", total=1.0, models="0", rounds=0, left="", doubts="")

        def update(status: Status) -> None:
            spent = status.elapsed_s + status.remaining_s
            bar.update(
                task,
                completed=status.elapsed_s / spent if spent else 1.0,
                models=f"{status.complete}/{status.total}",
                rounds=status.rounds,
                left=status.waiting or f"about {status.remaining_s:.0f} s left",
                doubts=_doubts(status),
            )

        yield update


@contextmanager
def lowering_bar() -> Iterator[Callable[[int, int], None]]:
    """A function to be called with how many of how many model files are written."""
    with step_bar("writing models") as update:
        yield update


@contextmanager
def step_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A function to be called with how many of how many steps of ``what`` are done."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with bar_on_stderr(*columns) as bar:
        task = bar.add_task("", total=None, visible=False)

        def update(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=done < total)

        yield update


def bar_on_stderr(*columns: ProgressColumn) -> Progress:
    """A bar that is drawn where stderr is a terminal, and gone at the end."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(file=cast(IO[str], _Terminal(sys.stderr)))
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


class _Terminal:
    """A stream that is written to while there is somebody to read it: a lost terminal is no error.

    What was measured is still to be saved when the terminal is gone.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _doubts(status: Status) -> str:
    """What is to be known of the device: its temperature, doubts, rounds to be taken again."""
    words = list(status.flags)
    if status.temperature_c is not None:
        words.insert(0, f"{status.temperature_c:.0f} °C")
    if status.disturbed:
        words.append(f"{status.disturbed} rounds disturbed")
    return " ".join(words)
