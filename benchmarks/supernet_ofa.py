"""Weights exchanged with the ofa package: missing keys and differences of outputs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from common import report

from spaces import get_space
from supernets import Supernet

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/support"))

COUNT = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to choose."""


def measure(given: argparse.Namespace) -> None:
    """Both ways, for both widths."""
    from oracles import ofa_subnet, ofa_supernet

    torch.set_num_threads(1)
    rows = []
    for width in (1.0, 1.2):
        space = get_space("ofa-mbv3", width=width, resolution=160)
        package = ofa_supernet(width)
        state = {
            key: value.numpy()
            for key, value in package.state_dict().items()
            if value.is_floating_point()
        }
        ours = Supernet(space).load_arrays(state).eval()
        missing = ours.state_dict().keys() ^ package.state_dict().keys()
        package.load_state_dict(ours.state_dict(), strict=True)
        images = torch.randn(4, 3, 160, 160, generator=torch.Generator().manual_seed(0))
        genes = space.sample(COUNT, np.random.default_rng(0))
        with torch.no_grad():
            differences = [
                float((ofa_subnet(package, arch)(images) - ours(images, row)).abs().max())
                for row, arch in zip(genes, space.decode(genes), strict=True)
            ]
        rows.append([width, len(state), len(missing), COUNT, f"{max(differences):.1e}"])
    report("supernet_ofa", ("width", "arrays", "keys missing", "networks", "largest |Δ|"), rows)
