"""Commands that are ended from outside at a moment drawn at random, and then repeated."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from subprocess import Popen
from typing import Any

from attacks_commands import Command
from attacks_ground import Done, Ground

SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT]


class Kill:
    """A signal to a command, or to all its processes as a terminal sends it."""

    def __init__(self, command: Command, number: signal.Signals, rng: Random) -> None:
        self.command, self.number = command, number
        self.said = ""
        self.everybody = rng.random() < 0.5
        self.share = rng.random()
        self.writing = command.replaces and rng.random() < 0.3
        whom = "all" if self.everybody else "one"
        moment = "as it writes" if self.writing else f"at {self.share:.0%}"
        self.name = f"{command.name}, {number.name} to {whom} {moment}"

    def attack(self, ground: Ground, known: dict[str, Any]) -> Iterator[str]:
        """Do it; what went wrong.

        Args:
            known: ``seconds`` that the command takes, and ``value`` of its output.
        """
        out = ground.out / self.command.output
        line = self.command.line(out)
        began = time.monotonic()
        process = ground.start(line)
        self._await(process, ground, known["seconds"])
        with suppress(ProcessLookupError):
            (os.killpg if self.everybody else os.kill)(process.pid, self.number)
        yield from self._ended(ground.end(process, began))
        if left := ground.left():
            yield f"processes {left} are left"
            ground.kill_all()
        if self.number != signal.SIGKILL:
            yield from left_in(ground.tmp)
            yield from (f"left beside the output: {each}"
                        for each in ground.beside(self.command, going_on=True))  # fmt: skip
        if out.is_file():
            yield from not_whole(self.command, out)
        yield from again(self.command, ground, known)

    def _await(self, process: Popen[str], ground: Ground, seconds: float) -> None:
        """The moment: when so much of its time is over, or a file is in the making."""
        if not self.writing:
            time.sleep(self.share * seconds)
            return
        while process.poll() is None and not any(ground.out.glob(".*")):
            time.sleep(0.0002)

    def _ended(self, done: Done) -> Iterator[str]:
        self.said = f"exit code {done.code}"
        if done.code not in (0, 1, -self.number):
            yield f"exit code {done.code}"
        if done.traceback:
            yield f"a traceback: {done.stderr.strip()[-300:]}"
        told = "nterrupted" in done.stderr or "Traceback" in done.stderr
        if done.code == 1 and not told:
            yield f"exit code 1 without a word of the interruption: {done.stderr[-300:]}"
        if self.number == signal.SIGKILL and done.code == 1:
            yield "exit code 1"


def left_in(folder: Path) -> Iterator[str]:
    """What lies in the temporary folder."""
    for path in folder.iterdir():
        yield f"left in TMPDIR: {path.name}"


_ANY = object()


def not_whole(command: Command, out: Path, expected: Any = _ANY) -> Iterator[str]:
    """Why an output is not what it should be."""
    try:
        value = command.value(out)
    except Exception as error:
        yield f"the output is not whole: {type(error).__name__}: {error}"
        return
    if expected is not _ANY and value != expected:
        yield "the output is not that of a command that was not disturbed"


def again(command: Command, ground: Ground, known: dict[str, Any]) -> Iterator[str]:
    """Run a command once more, undisturbed; what went wrong."""
    out = ground.out / command.output
    done = ground.run(command.line(out))
    if done.code != 0:
        yield f"the same command again: exit code {done.code}, {done.stderr[-300:]}"
        return
    if done.traceback:
        yield "the same command again: a traceback"
    yield from not_whole(command, out, known["value"])
    yield from left_in(ground.tmp)
    for each in ground.beside(command, going_on=False):
        yield f"left beside the output after the command was repeated: {each}"
    if left := ground.left():
        yield f"the same command again: processes {left} are left"


def kills(commands: list[Command], count: int, rng: Random) -> list[Kill]:
    """As many, in turns by signal and command."""
    pairs = [(command, number) for number in SIGNALS for command in commands]
    return [Kill(*pairs[place % len(pairs)], rng) for place in range(count)]
