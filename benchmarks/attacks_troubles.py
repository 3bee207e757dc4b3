"""What a command is denied: space, folders, permissions, locks."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from attacks_commands import Command
from attacks_ground import Done, Ground

OTHER = 65534
"""Another user."""
SMALL = 2000
"""Bytes that a file may have, or a disk has free: less than any output."""


class Trouble:
    """What is prepared for a command: its line, and where and how it runs.

    Args:
        earlier: the output folder of the same command when nothing disturbed it.
    """

    def __init__(self, command: Command, ground: Ground, earlier: Path) -> None:
        self.command, self.ground, self.earlier = command, ground, earlier
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
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", folder], check=True)
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


@contextmanager
def full_with_earlier_output(trouble: Trouble) -> Iterator[None]:
    shutil.copytree(trouble.earlier, trouble.ground.out, dirs_exist_ok=True)
    with full(trouble.ground.out):
        yield


def one_page_free(trouble: Trouble) -> AbstractContextManager[None]:
    return full(trouble.ground.out, 4096)


def full_tmpdir(trouble: Trouble) -> AbstractContextManager[None]:
    return full(trouble.ground.tmp)


def one_page_of_tmpdir_free(trouble: Trouble) -> AbstractContextManager[None]:
    return full(trouble.ground.tmp, 4096)


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
    """The current folder, in which the output is to be, is gone when the command starts."""
    gone = trouble.ground.folder / "gone"
    gone.mkdir()
    trouble.before = ["sh", "-c", 'rmdir ../gone; exec "$@"', "sh"]
    trouble.options["cwd"] = gone
    line = trouble.command.line(trouble.command.output)
    inputs = f"{trouble.ground.inputs}/"
    trouble.line = [inputs + word[3:] if word.startswith("in/") else word for word in line]
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
    full_output, full_with_earlier_output, one_page_free, full_tmpdir, size_limit,
    read_only_folder, no_folder_for_temporary_files, no_home, output_is_folder, parent_is_file,
    parent_missing, input_of_another_user, output_of_another_user, dev_full, full_stdout,
    deleted_folder, one_page_of_tmpdir_free,
]  # fmt: skip
