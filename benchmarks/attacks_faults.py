"""Disks, folders and permissions that do not do what a command needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import attacks_troubles as troubles
from attacks_commands import Command
from attacks_ground import Done, Ground
from attacks_kills import again, left_in, not_whole

NAMED = ["build-lut", "lut import", "fit"]
LOCKING = ["build-lut", "run serial", "run processes"]
MAY_SUCCEED = {
    troubles.full_with_earlier_output,
    troubles.full_tmpdir,
    troubles.one_page_of_tmpdir_free,
    troubles.full_home,
    troubles.parent_missing,
    troubles.no_home,
    troubles.no_folder_for_temporary_files,
    troubles.input_of_another_user,
    troubles.dev_full,
    troubles.deleted_folder,
}
"""Where a command may have no need of what is denied."""
GONE_ON_WITH = {
    troubles.full_output,
    troubles.one_page_free,
    troubles.size_limit,
    troubles.read_only_folder,
    troubles.full_stdout,
}
"""After which the same command is to come to its end."""
BEGUN = ["*.journal*", "*.training", "search/*.jsonl", "new/folder/*", "mine*"]


class Fault:
    """A trouble that a command has."""

    def __init__(self, command: Command, prepare: troubles.Prepare) -> None:
        self.command, self.prepare = command, prepare
        self.said = ""
        self.name = f"{command.name}, {prepare.__name__.replace('_', ' ')}"

    def attack(self, ground: Ground, known: dict[str, Any]) -> Iterator[str]:
        """Do it; what went wrong."""
        trouble = troubles.Trouble(self.command, ground, known["out"])
        with self.prepare(trouble):
            before = held(ground)
            done = trouble.run()
            if left := ground.left():
                yield f"processes {left} are left"
                ground.kill_all()
            after = held(ground)
        yield from self._ended(done)
        for path, data in before.items():
            if path not in after:
                yield f"{path} is gone"
            elif after[path] != data:
                yield f"{path} has changed"
        if done.code == 0 and self.prepare is troubles.parent_missing:
            yield from not_whole(self.command, Path(trouble.out), known["value"])
        if done.code != 0 and self.prepare in GONE_ON_WITH:
            yield from again(self.command, ground, known)
        elif done.code != 0:
            yield from self._left(ground, after.keys() - before.keys())
        yield from left_in(ground.tmp)

    def _ended(self, done: Done) -> Iterator[str]:
        self.said = done.stderr.partition("Error: ")[2].strip()
        into = self.prepare is troubles.output_is_folder and self.command.name == "lut export"
        fine = (0, 1, 2) if into or self.prepare in MAY_SUCCEED else (1, 2)
        if done.code not in fine:
            yield f"exit code {done.code}"
        if "Traceback" in done.stderr:
            yield f"a traceback: {done.stderr.strip()[-300:]}"
        if done.code and "Error: " not in done.stderr:
            yield f"no error is named: {done.stderr.strip()[-300:]}"

    def _left(self, ground: Ground, new: set[str]) -> Iterator[str]:
        for name in sorted(new):
            path = Path(name)
            if any(path.match(each) for each in BEGUN):
                continue
            yield f"a failed command left {name}"


def held(ground: Ground) -> dict[str, bytes]:
    """Every file but those of the home's caches, by its path."""
    found = {}
    for path in ground.folder.rglob("*"):
        if path.is_file() and ".held" not in path.parts[-2]:
            found[str(path.relative_to(ground.folder))] = path.read_bytes()
    return found


def faults(commands: list[Command], count: int, rng: Random) -> list[Fault]:
    """As many, drawn from all."""
    found = [Fault(command, prepare) for prepare in troubles.EVERY for command in commands]
    found += [Fault(command, troubles.full_home) for command in commands if command.name in NAMED]
    found += [Fault(command, troubles.locked) for command in commands if command.name in LOCKING]
    return found if count >= len(found) else rng.sample(found, count)
