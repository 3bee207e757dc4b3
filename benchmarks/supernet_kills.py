"""A training that is killed at 20 moments ends with the weights of one that never was."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import report
from supernet_common import SETTINGS

from spaces import get_space
from supernets import Supernet, read_data, read_supernet
from supernets.checkpoint import weights_digest
from supernets.training.options import TrainingOptions
from supernets.training.recipe import Recipe
from supernets.training.train import train

_LONGEST_S = 600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How often, how long."""
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--scheme", default="sandwich")


def measure(given: argparse.Namespace) -> None:
    """Train once undisturbed; then once more, killed again and again."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = Path(folder) / "whole.safetensors", Path(folder) / "killed.safetensors"
        start = time.monotonic()
        _start(whole, given).wait(_LONGEST_S)
        took = time.monotonic() - start
        kills = 0
        rows = []
        while True:
            process = _start(killed, given)
            try:
                moment = float(rng.uniform(0.2, 0.6)) * took if kills < given.kills else _LONGEST_S
                process.wait(moment)
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
                state = killed.with_name(killed.name + ".training")
                rows.append([kills, f"{moment:.1f}", state.exists()])
        digests = [weights_digest(read_supernet(path)[0].arrays()) for path in (whole, killed)]
    rows.append(["end", "-", "equal" if digests[0] == digests[1] else "DIFFERENT"])
    report("supernet_kills", ("kill", "after s", "state"), rows, kills=kills, digests=digests)


def _start(path: Path, given: argparse.Namespace) -> subprocess.Popen[bytes]:
    program = (
        f"import supernet_kills; supernet_kills.run({str(path)!r}, {given.steps}, {given.scheme!r})"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def run(path: str, steps: int, scheme: str) -> None:
    """Train a small supernet on digits, saving its state every second."""
    settings = {**SETTINGS, "resolution": 16}
    space = get_space("ofa-mbv3", **settings)
    train(
        Supernet(space),
        read_data("digits", (16, 16, 1)),
        Recipe(steps=steps, scheme=scheme),
        checkpoint=path,
        options=TrainingOptions(save_every_s=1.0),
    )
