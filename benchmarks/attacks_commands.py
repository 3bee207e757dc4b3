"""The commands that are attacked, what they read, and what they write."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
TABLE = "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"


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
    from search.generators.checkpoint import read_checkpoint
    from search.pnag.checkpoint import GENERATOR

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
