"""Supernets small enough to be trained in seconds, of every space that has them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from spaces import Space, get_space
from supernets import DataSet, Supernet, SupernetCard, read_data, write_supernet
from supernets.data import batches

TINY_MOBILENET = {
    "resolution": 16,
    "classes": 10,
    "in_channels": 1,
    "stem_width": 8,
    "stem_stride": 2,
    "stage_widths": (8, 8, 16, 16, 16),
    "stage_strides": (1, 2, 1, 1, 1),
    "head_widths": (24, 32),
}
SPACES = {
    "ofa-mbv3": get_space("ofa-mbv3", **TINY_MOBILENET),
    "nasbench201": get_space("nasbench201", classes=10, cells=1, resolution=16),
}
ELASTIC = get_space(
    "elastic-resolution", of=SPACES["ofa-mbv3"].without_resolution, resolutions=[10, 13, 16]
)
"""The tiny MobileNetV3 at three resolutions."""


def digits_for(space: Space) -> DataSet:
    """Handwritten digits in the shape that the space's networks see."""
    return read_data("digits", space.input_shape)


def card_of(space: Space, data: DataSet) -> SupernetCard:
    """What a supernet that was trained on these images tells."""
    return SupernetCard(space, data.classes, data.normalisation, data=data.facts())


@cache
def trained_supernet() -> tuple[Supernet, SupernetCard, DataSet]:
    """A supernet of the tiny MobileNetV3 that has learned something, its card and its images.

    It is made once a process: nobody may change its weights.
    """
    space = SPACES["ofa-mbv3"]
    data = digits_for(space)
    supernet = Supernet(space).train()
    optimiser = torch.optim.AdamW(supernet.parameters(), 1e-2, fused=True)
    rng = np.random.default_rng(0)
    for _ in range(90):
        chosen = rng.integers(0, len(data.train), 32)
        ((images, labels),) = batches(data.train, data.normalisation, 32, chosen)
        optimiser.zero_grad()
        genes = space.sample(1, rng)[0]
        functional.cross_entropy(supernet(images, genes), labels).backward()
        optimiser.step()
    return supernet.eval(), card_of(space, data), data


def write_trained_supernet(folder: Path) -> Path:
    """A folder with it as ``s.safetensors`` and two of its networks: ``small.json``, ``large``."""
    supernet, card, _ = trained_supernet()
    write_supernet(folder / "s.safetensors", supernet, card)
    for name, genes in (("small", supernet.smallest), ("large", supernet.largest)):
        arch = supernet.space.decode(genes[None])[0]
        (folder / f"{name}.json").write_text(json.dumps(arch))
    return folder
