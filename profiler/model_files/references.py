"""Networks that run beside everything that is measured: the sentinel and the empty one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from nasprof.files import write_atomic
from nasprof.temporary import TemporaryFolder
from profiler.lowering import formats, lower
from spaces import get_space
from spaces.graph import Block, Network
from spaces.ops import Activate, Activation
from spaces.weights import random_weights


def reference_files(format: str, folder: Path) -> tuple[Path, Path]:
    """Model files of the sentinel and of the empty network, at fp32 and batch 1.

    They are lowered once a process.

    Raises:
        NasprofError: they cannot be written.
    """
    suffix = formats.get(format).suffix
    sentinel, empty = folder / f".sentinel{suffix}", folder / f".empty{suffix}"
    for path, content in zip((sentinel, empty), _reference_contents(format), strict=True):
        write_atomic(path, content)
    return sentinel, empty


@cache
def _reference_contents(format: str) -> list[bytes]:
    contents = []
    with TemporaryFolder() as folder:
        path = folder / f"reference{formats.get(format).suffix}"
        for network in (sentinel_network(), empty_network()):
            weights = random_weights(network, np.random.default_rng(0))
            contents.append(lower(network, weights, path, format).path.read_bytes())
    return contents


def sentinel_network() -> Network:
    """The network run in every round to notice that the device itself has changed its speed.

    It is like what is measured in size and kind (251 M MACs at 224 pixels): a small one that fits
    into a cache tells of other changes than networks see. Over fresh processes the multiples of
    this one scattered by 0.4 to 1.0 %, of one at 128 pixels by 1.8 to 2.9 %
    (``benchmarks/measure.py``).
    """
    space = get_space("ofa-mbv3", resolution=224)
    genes = ((space.n_choices - 1) // 2)[None].astype(np.int8)
    return space.network(space.canonical(genes)[0])


def empty_network() -> Network:
    """The least a runtime can be asked to do: its time is the framework's own."""
    relu = Activate(name="relu", inputs=("in0",), activation=Activation.RELU)
    return Network.of(Block("empty", ((1, 1, 1),), (relu,)))
