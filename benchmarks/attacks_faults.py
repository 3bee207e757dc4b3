"""Disks, folders and permissions that do not do what a command needs."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

from attacks_commands import Command, Done, Ground
from attacks_kills import again, left_in, not_whole

OTHER = 65534
"""Another user."""
SMALL = 2000
"""Bytes that a file may have, or a disk has free: less than any output."""


class Trouble:
    """What is prepared for a command: its line, where it runs, and what is undone afterwards."""

    def __init__(self, command: Command, ground: Ground) -> None:
        self.command, self.ground = command, ground
        self.out: Path | str = ground.out / command.output
        self.options: dict[str, Any] = {}
        self.before: list[str] = []
        self.line: list[str] | None = None

    def run(self) -> Done:
        line = self.line or self.command.line(self.out)
        return self.ground.run([*self.before, *line], **self.options)


Prepare = Callable[[Trouble], AbstractContextManager[None]]


@contextmanager
def full(folder: Path, free: int = 0) -> Iterator[None]:
    """A file system of its own with so many bytes free; what it held is still there."""
    held = folder.with_name(f"{folder.name}.held")
    shutil.copytree(folder, held)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", folder], check=True)
    try:
        shutil.copytree(held, folder, dirs_exist_ok=True)
        filler = folder / "filler"
        with filler.open("wb", buffering=0) as stream:
            with suppress(OSError):
                while stream.write(bytes(4096)):
                    pass
            stream.truncate(stream.tell() - free)
        yield
        filler.unlink()
        shutil.rmtree(held)
        shutil.copytree(folder, held)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
    shutil.rmtree(folder)
    held.rename(folder)


def unprivileged(trouble: Trouble) -> None:
    """Let modes bind the command, also where root starts it."""
    if os.geteuid() == 0:
        trouble.before = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


def give_away(path: Path) -> None:
    """Make a file somebody else's, readable to nobody else."""
    path.chmod(0)
    if os.geteuid() == 0:
        os.chown(path, OTHER, OTHER)


def full_output(trouble: Trouble) -> AbstractContextManager[None]:
    return full(trouble.ground.out)


def one_page_free(trouble: Trouble) -> AbstractContextManager[None]:
    return full(trouble.ground.out, 4096)


def full_tmpdir(trouble: Trouble) -> AbstractContextManager[None]:
    return full(trouble.ground.tmp)


@contextmanager
def full_home(trouble: Trouble) -> Iterator[None]:
    """The output is a name, kept in the data folder of the home."""
    del trouble.ground.settings["NASPROF_DATA"]
    trouble.out = "mine"
    with full(trouble.ground.home):
        yield


@contextmanager
def size_limit(trouble: Trouble) -> Iterator[None]:
    limit = (SMALL, SMALL)
    trouble.options["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    yield


@contextmanager
def read_only_folder(trouble: Trouble) -> Iterator[None]:
    unprivileged(trouble)
    trouble.ground.out.chmod(0o555)
    yield
    trouble.ground.out.chmod(0o755)


@contextmanager
def no_folder_for_temporary_files(trouble: Trouble) -> Iterator[None]:
    unprivileged(trouble)
    trouble.ground.tmp.chmod(0o555)
    yield
    trouble.ground.tmp.chmod(0o755)


@contextmanager
def no_home(trouble: Trouble) -> Iterator[None]:
    unprivileged(trouble)
    give_away(trouble.ground.home)
    yield
    trouble.ground.home.chmod(0o755)


@contextmanager
def output_is_folder(trouble: Trouble) -> Iterator[None]:
    """For a search, whose output is a folder, its archive is one."""
    folder = trouble.ground.out / trouble.command.output
    if trouble.command.name.startswith("run"):
        engine = trouble.command.args[trouble.command.args.index("--engine") + 1]
        folder = folder / f"{engine}-seed0.jsonl"
    folder.mkdir(parents=True)
    (folder / "held").write_text("something else")
    trouble.ground.out.joinpath("kept").write_text("kept")
    yield


@contextmanager
def parent_is_file(trouble: Trouble) -> Iterator[None]:
    file = trouble.ground.out / "file"
    file.write_text("something else")
    trouble.out = file / trouble.command.output
    yield


@contextmanager
def parent_missing(trouble: Trouble) -> Iterator[None]:
    trouble.out = trouble.ground.out / "new" / "folder" / trouble.command.output
    yield


@contextmanager
def input_of_another_user(trouble: Trouble) -> Iterator[None]:
    unprivileged(trouble)
    for path in trouble.ground.inputs.iterdir():
        give_away(path)
    yield


@contextmanager
def output_of_another_user(trouble: Trouble) -> Iterator[None]:
    unprivileged(trouble)
    path = trouble.ground.out / trouble.command.output
    if trouble.command.name.startswith("run"):
        path.mkdir()
    else:
        path.write_text("theirs\n")
    give_away(path)
    yield


@contextmanager
def dev_full(trouble: Trouble) -> Iterator[None]:
    trouble.out = "/dev/full"
    yield


@contextmanager
def full_stdout(trouble: Trouble) -> Iterator[None]:
    with Path("/dev/full").open("wb", buffering=0) as stream:
        trouble.options["stdout"] = stream
        yield


@contextmanager
def deleted_folder(trouble: Trouble) -> Iterator[None]:
    """The current folder is gone when the command starts, its inputs with it."""
    gone = trouble.ground.folder / "gone"
    gone.mkdir()
    trouble.before = ["sh", "-c", 'rmdir ../gone; exec "$@"', "sh"]
    trouble.options["cwd"] = gone
    trouble.out = trouble.command.output
    yield


@contextmanager
def locked(trouble: Trouble) -> Iterator[None]:
    """The archive or journal is another process's, which holds it."""
    out = trouble.ground.out / trouble.command.output
    if trouble.command.name == "build-lut":
        path = out.with_name(f"{out.name}.journal")
    else:
        engine = trouble.command.args[trouble.command.args.index("--engine") + 1]
        path = out / f"{engine}-seed0.jsonl"
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


EVERY: list[Prepare] = [
    full_output, one_page_free, full_tmpdir, size_limit, read_only_folder,
    no_folder_for_temporary_files, no_home, output_is_folder, parent_is_file, parent_missing,
    input_of_another_user, output_of_another_user, dev_full, full_stdout, deleted_folder,
]  # fmt: skip
NAMED = ["build-lut", "lut import", "fit"]
LOCKING = ["build-lut", "run serial", "run processes"]
MAY_SUCCEED = {
    full_tmpdir, full_home, parent_missing, no_home, no_folder_for_temporary_files,
    input_of_another_user, dev_full, deleted_folder,
}  # fmt: skip
"""Where a command may have no need of what is denied."""
GONE_ON_WITH = {full_output, one_page_free, size_limit, read_only_folder, full_stdout}
"""After which the same command is to come to its end."""
BEGUN = ["*.journal*", "*.training", "search/*.jsonl", "new/folder/*", "mine*"]


class Fault:
    """A trouble that a command has."""

    def __init__(self, command: Command, prepare: Prepare) -> None:
        self.command, self.prepare = command, prepare
        self.said = ""
        self.name = f"{command.name}, {prepare.__name__.replace('_', ' ')}"

    def attack(self, ground: Ground, known: dict[str, Any]) -> Iterator[str]:
        """Do it; what went wrong."""
        trouble = Trouble(self.command, ground)
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
        if done.code == 0 and self.prepare is parent_missing:
            yield from not_whole(self.command, Path(trouble.out), known["value"])
        if done.code != 0 and self.prepare in GONE_ON_WITH:
            yield from again(self.command, ground, known)
        elif done.code != 0:
            yield from self._left(ground, after.keys() - before.keys())
        yield from left_in(ground.tmp)

    def _ended(self, done: Done) -> Iterator[str]:
        self.said = done.stderr.partition("Error: ")[2].strip()
        into = self.prepare is output_is_folder and self.command.name == "lut export"
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
    found = [Fault(command, prepare) for prepare in EVERY for command in commands]
    found += [Fault(command, full_home) for command in commands if command.name in NAMED]
    found += [Fault(command, locked) for command in commands if command.name in LOCKING]
    return found if count >= len(found) else rng.sample(found, count)
