"""The same command twice at the same time, on the same output."""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random
from typing import Any

from attacks_commands import Command
from attacks_ground import Done, Ground
from attacks_kills import left_in, not_whole


class Pair:
    """Two processes, the second a moment after the first."""

    def __init__(self, command: Command, rng: Random) -> None:
        self.command, self.said = command, ""
        self.share = rng.choice([0.0, 0.5 * rng.random()])
        self.name = f"{command.name}, the second at {self.share:.0%}"

    def attack(self, ground: Ground, known: dict[str, Any]) -> Iterator[str]:
        """Do it; what went wrong."""
        out = ground.out / self.command.output
        line = self.command.line(out)
        began = time.monotonic()
        first = ground.start(line)
        time.sleep(self.share * known["seconds"])
        second = ground.start(line)
        ended = [ground.end(each, began) for each in (first, second)]
        for done in ended:
            yield from self._ended(done)
        self.said = f"exit codes {ended[0].code}, {ended[1].code}"
        right = sum(done.code == 0 for done in ended)
        if not right:
            yield "neither came to its end"
        yield from not_whole(self.command, out, known["value"])
        if self.command.appends:
            records = len(out.read_text().splitlines())
            if records != right * known["records"]:
                yield f"{records} records of {right} measurements"
        if left := ground.left():
            yield f"processes {left} are left"
            ground.kill_all()
        yield from left_in(ground.tmp)
        for each in ground.beside(self.command, going_on=False):
            yield f"left beside the output: {each}"

    def _ended(self, done: Done) -> Iterator[str]:
        if done.code not in (0, 1):
            yield f"exit code {done.code}: {done.stderr[-300:]}"
        if "Traceback" in done.stderr:
            yield f"a traceback: {done.stderr.strip()[-300:]}"
        if done.code == 1 and "another process" not in done.stderr:
            yield f"the other process is not named: {done.stderr[-300:]}"


def pairs(commands: list[Command], count: int, rng: Random) -> list[Pair]:
    """As many, in turns by command."""
    return [Pair(commands[place % len(commands)], rng) for place in range(count)]
