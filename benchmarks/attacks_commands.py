"""The commands that are attacked, each in a fresh folder with a home of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
TABLE = "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"
LIMIT_S = 300
"""A command that takes longer hangs."""


@dataclass(frozen=True)
class Command:
    """A command, and what is known of its output.

    Args:
        args: of ``python -m``, in which ``OUT`` is the output.
        output: its name.
        value: what a whole output holds that is the same each time; raises where it is not whole.
        going_on: patterns of what may lie beside the output until the same command ends well.
        others: further files that it writes.
        appends: whether each time adds to the output.
    """

    name: str
    args: Sequence[str]
    output: str
    value: Callable[[Path], Any]
    going_on: Sequence[str] = ()
    others: Sequence[str] = ()
    appends: bool = False

    @property
    def replaces(self) -> bool:
        """Whether the output is written as a whole."""
        return not self.appends and not self.name.startswith("run")

    def line(self, output: Path | str) -> list[str]:
        """The command as a process is started with it."""
        return [sys.executable, "-m", *(str(output) if a == "OUT" else a for a in self.args)]


@dataclass
class Done:
    """How a process ended; code None where it had to be killed since it hung."""

    code: int | None
    stdout: str
    stderr: str
    seconds: float

    @property
    def traceback(self) -> bool:
        """Whether one of ours was shown; what comes before our first line is the interpreter's."""
        return "Traceback" in self.stderr and str(ROOT) in self.stderr


class Ground:
    """A fresh folder in which a command runs: inputs, output folder, home, temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inputs, self.out, self.home, self.tmp = (
            folder / name for name in ("in", "out", "home", "tmp")
        )
        for path in (self.inputs, self.out, self.home, self.tmp):
            path.mkdir(parents=True)
        self.settings = {"NASPROF_DATA": str(self.home / "data")}

    def environment(self) -> dict[str, str]:
        """Of the processes: nothing of the user's own folders."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("XDG_", "NASPROF_", "PYTHON"))
        }
        own = {"HOME": str(self.home), "TMPDIR": str(self.tmp), "PYTHONPATH": str(ROOT)}
        xdg = {f"XDG_{name}_HOME": str(self.home / name.lower()) for name in ("DATA", "CONFIG")}
        xdg["XDG_CACHE_HOME"] = str(self.home / "cache")
        return {**kept, **own, **xdg, **self.settings, "PYTHONDONTWRITEBYTECODE": "1"}

    def start(self, line: Sequence[str], **options: Any) -> subprocess.Popen[str]:
        """A process in the folder, in a session of its own."""
        given: dict[str, Any] = {
            "cwd": self.folder,
            "env": self.environment(),
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        return subprocess.Popen(
            line,
            text=True,
            start_new_session=True,
            **{**given, **options},
        )

    def end(self, process: subprocess.Popen[str], began: float) -> Done:
        """Wait for the end of a process."""
        code: int | None
        try:
            stdout, stderr = process.communicate(timeout=LIMIT_S)
            code = process.returncode
        except subprocess.TimeoutExpired:
            self.kill_all()
            stdout, stderr = process.communicate()
            code = None
        return Done(code, stdout or "", stderr or "", time.monotonic() - began)

    def run(self, line: Sequence[str], **options: Any) -> Done:
        """A process from its beginning to its end."""
        began = time.monotonic()
        return self.end(self.start(line, **options), began)

    def processes(self) -> list[int]:
        """Those that were started here, by the home that all of them have."""
        mark, found = f"HOME={self.home}\0".encode(), []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in path.read_bytes():
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return found

    def left(self, patience_s: float = 10) -> list[int]:
        """Processes that do not end by themselves."""
        end = time.monotonic() + patience_s
        while (found := self.processes()) and time.monotonic() < end:
            time.sleep(0.05)
        return found

    def kill_all(self) -> None:
        """End what was started here."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def beside(self, command: Command, going_on: bool) -> list[str]:
        """What lies in the output folder and is not to."""
        fine = [command.output, *command.others, *(command.going_on if going_on else ())]
        names = [path.relative_to(self.out) for path in self.out.rglob("*") if not path.is_dir()]
        return [str(name) for name in names if not any(name.match(each) for each in fine)]


def measured(path: Path) -> Any:
    """Records that measurements appended, each a whole line."""
    records = [json.loads(line) for line in path.read_text().splitlines()]
    if not all(record["samples_ms"] for record in records):
        raise ValueError("a record has no samples")
    return None


def table(path: Path) -> Any:
    """The blocks of a table."""
    from luts.files import read_cost_model

    return sorted(getattr(read_cost_model(path), "entries", ()))


def searched(path: Path) -> Any:
    """What was evaluated, in order of proposals."""
    (file,) = path.glob("*.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()][1:]
    places = {line.pop("place", number): line for number, line in enumerate(lines)}
    return [places[place] for place in range(len(lines))]


def generator(path: Path) -> Any:
    """A generator's arrays."""
    from search.pnag.checkpoint import GENERATOR, read_checkpoint

    return read_checkpoint(path, GENERATOR).digest()


def accuracy(path: Path) -> Any:
    """What an accuracy model predicts; its card has to lie beside it."""
    from search.accuracy.files import read_accuracy_model

    model = read_accuracy_model(path)
    if not path.with_suffix(".md").read_text().endswith("\n"):
        raise ValueError("the card is not whole")
    space = model.spaces[0]
    return np.round(model.top1(space.sample(20, np.random.default_rng(0))), 9).tolist()


def exported(path: Path) -> Any:
    """The text of a table in CSV."""
    return path.read_text()


_SEARCH = ("search", "run", "--objectives", "macs,params", "--space", "ofa-mbv3", "--json")
_SHORT = {"steps": 80, "samples": 10, "knots": 4, "groups": 4, "hidden": 16, "refine": 0}
COMMANDS = [
    Command(
        "measure",
        ("profiler", "measure", "--arch", "in/small.json", "in/medium.json", "--protocol", "quick",
         "--save", "OUT", "--json"),
        "saved.jsonl", measured, appends=True,
    ),
    Command(
        "build-lut",
        ("profiler", "build-lut", "--space", "nasbench201", "--protocol",
         "fixed:runs=10,rounds=10,warmup=1", "--audit", "0", "--calibrate", "0", "--answers", "0",
         "-o", "OUT"),
        "table.json", table, ["*.journal*"],
    ),
    Command(
        "run serial",
        (*_SEARCH, "--engine", "nsga2", "--evals", "3000", "-o", "OUT"),
        "search", searched, others=["search/*.jsonl"],
    ),
    Command(
        "run processes",
        (*_SEARCH, "--engine", "random", "--evals", "4000", "--executor", "processes",
         "--workers", "2", "-o", "OUT"),
        "search", searched, others=["search/*.jsonl"],
    ),
    Command(
        "train",
        ("search", "train", "--lut", "in/table.json", "-o", "OUT", "--json",
         *(word for name, value in _SHORT.items() for word in ("--set", f"{name}={value}"))),
        "generator.npz", generator, ["*.npz.training", "*.npz.lock"],
    ),
    Command(
        "lut import",
        ("profiler", "lut", "import", "--format", "csv", "in/table.csv", "--overwrite", "-o",
         "OUT"),
        "table.json", table,
    ),
    Command(
        "lut export",
        ("profiler", "lut", "export", "--format", "csv", "in/table.json", "--overwrite", "-o",
         "OUT"),
        "table.csv", exported,
    ),
    Command(
        "fit",
        ("search", "fit", "in/networks.csv", "--overwrite", "-o", "OUT"),
        "model.npz", accuracy, others=["model.md"],
    ),
]  # fmt: skip


def inputs(folder: Path) -> None:
    """Write what the commands read."""
    from luts.files import read_cost_model, write_cost_model
    from search.accuracy.files import read_accuracy_model
    from spaces import spaces

    folder.mkdir()
    for name in ("small", "medium"):
        (folder / f"{name}.json").write_bytes((ROOT / f"examples/{name}.json").read_bytes())
    write_cost_model(read_cost_model(TABLE), folder / "table.json")
    line = [sys.executable, "-m", "profiler", "lut", "export", "--format", "csv", TABLE]
    subprocess.run([*line, "-o", folder / "table.csv"], check=True, capture_output=True)
    space = spaces.get("ofa-mbv3")()
    genes = space.sample(60, np.random.default_rng(0))
    top1 = read_accuracy_model("imagenet").top1(genes)
    rows = zip(space.decode(genes), top1.tolist(), strict=True)
    quoted = [(json.dumps(arch).replace('"', '""'), percent) for arch, percent in rows]
    text = "".join(f'"{arch}",{percent:.3f}\n' for arch, percent in quoted)
    (folder / "networks.csv").write_text(f"arch,top1\n{text}")
