"""The working folder of a user whose objectives are functions of their own, and misbehave."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager

from console import console

from nasprof.settings import setting_infos
from search.cli import main
from search.engines import engines

CODE = '''
"""Functions of a cell; what they do beside that, files in this folder say."""

import os
import re
import time
import zlib
from functools import partial
from pathlib import Path

HERE = Path(__file__).parent
WORTH = {"none": 0, "skip_connect": 3, "nor_conv_1x1": 5, "nor_conv_3x3": 8, "avg_pool_3x3": 2}

print("imported")


def score(arch):
    """No sum, so that there is something to search for."""
    ops = re.findall(r"(\\w+)~", arch["cell"])
    return sum(WORTH[op] * (place + 2) ** 0.5 for place, op in enumerate(ops)) ** 0.9


def top1(arch):
    note(arch["cell"])
    print("evaluating", arch)
    return 40 + score(arch)


def note(what):
    """Who calls is written down, and stalls where that is asked for."""
    with (HERE / "calls").open("a") as calls:
        calls.write(f"{what}\\n")
    stall("stall_all", lambda asked: None)
    stall("stall_one", Path.unlink)


def stall(name, claim):
    asked = HERE / name
    try:
        if len((HERE / "calls").read_text().splitlines()) < int(asked.read_text()):
            return
        claim(asked)
    except FileNotFoundError:
        return
    (HERE / f"stalled-{os.getpid()}").touch()
    while True:  # A signal that comes just before a sleep is heeded after it.
        time.sleep(0.1)


def whimsical(arch):
    """Fails in one of many ways for every tenth cell; after it was mended, never."""
    note(arch["cell"])
    if (HERE / "mended").exists():
        return 40 + score(arch)
    return WHIMS.get(zlib.crc32(arch["cell"].encode()) % 60, succeed)(arch)


def succeed(arch):
    return 40 + score(arch)


def fail(arch):
    raise ValueError(f"no GPU is idle\\nfor {arch['cell']}")


WHIMS = {
    0: fail,
    1: lambda arch: float("nan"),
    2: lambda arch: float("inf"),
    3: lambda arch: [1.0, 2.0],
    4: lambda arch: "fast",
    5: lambda arch: None,
}


def hopeless(arch):
    """Never works."""
    note(arch["cell"])
    if (HERE / "mended").exists():
        return 40 + score(arch)
    raise ValueError("no GPU is idle")


def counted(function, genes):
    """An additive objective as if its values were measured one by one."""
    if len(genes) == 1:
        note(genes.tolist())
    return function(genes)


def register():
    """Make that an objective of the command line."""
    from dataclasses import replace

    from search.objectives import objectives
    from search.objectives.computed import Macs

    @objectives.register("counted")
    class Counted(Macs):
        form = "counted"

        def objective(self, space):
            known = super().objective(space)
            function = partial(counted, known.function)
            return replace(known, function=function, kind="evaluated", free=False)
'''
RUN = ("run", "--accuracy", "own_whims:top1", "--space", "nasbench201")
"""Beginning of a command in the folder."""
SMALL = {
    "batch": 16,
    "candidates": 4,
    "generations": 6,
    "initial": 20,
    "inner_evaluations": 300,
    "population": 16,
    "predictor": "ridge",
    "samples": 24,
    "startup": 16,
}

OWN = {
    "pomonag": {
        "width": 16,
        "pool": 200,
        "steps": 20,
        "round_steps": 5,
        "samples": 48,
        "mutants": 64,
    }
}
"""The same of an engine that learns for long, by its name."""


def quick(engine):
    """Settings with which it is past its beginnings after few evaluations, as options."""
    infos = setting_infos(type(engines.get(engine).settings))
    known = {info.name: SMALL[info.name] for info in infos if info.name in SMALL}
    known |= OWN.get(engine, {})
    return [part for name in sorted(known) for part in ("--set", f"{name}={known[name]}")]


class Folder:
    """A working folder with the user's module in it, and commands in there."""

    def __init__(self, path):
        self.path = path
        self.invoke = console(main)
        (path / "own_whims.py").write_text(CODE)

    def run(self, *args):
        """``nassearch run`` in this process."""
        return self.invoke(*RUN, *args)

    def begin(self, *args, code="from search.cli import main; main()"):
        """The same in a process of its own."""
        command = [sys.executable, "-c", code, *RUN, *map(str, args)]
        return subprocess.Popen(
            command, cwd=self.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    @property
    def calls(self):
        """What the functions were called with until now."""
        noted = self.path / "calls"
        return noted.read_text().splitlines() if noted.exists() else []

    @property
    def stalled(self):
        """Processes in which a function stalled."""
        return [int(each.name.partition("-")[2]) for each in self.path.glob("stalled-*")]

    def stall(self, which, calls):
        """Have functions stall after so many calls: ``all`` of them or ``one``."""
        (self.path / f"stall_{which}").write_text(str(calls))

    def forget(self):
        """No function was called, and none stalls."""
        for each in ("calls", "stall_all", "stall_one", *self.path.glob("stalled-*")):
            (self.path / each).unlink(missing_ok=True)


@contextmanager
def user_folder(path, monkeypatch):
    """The folder as working folder; what is imported from it is forgotten afterwards."""
    monkeypatch.setenv("NASPROF_DATA", str(path / "data"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(path)
    yield Folder(path)
    sys.modules.pop("own_whims", None)


def lines(path):
    """The head of an archive, and its evaluations in order of their places."""
    head, *records = map(json.loads, path.read_text().splitlines())
    placed = {record.pop("place", line): record for line, record in enumerate(records)}
    assert sorted(placed) == list(range(len(records)))
    return head, [placed[place] for place in range(len(records))]
