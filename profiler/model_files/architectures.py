"""Model files ready to be measured: lowered from architectures, or the user's own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasprof.arrays import read_npy, require_finite
from nasprof.errors import UsageError
from nasprof.files import write_atomic
from nasprof.temporary import TemporaryFolder
from profiler.lowering import Lowered, formats, lower
from spaces import Arch, Space, get_space, read_archs
from spaces.graph import Block, Network
from spaces.ops import Activate, Activation
from spaces.weights import random_weights


@dataclass(frozen=True)
class Subject:
    """An architecture under a short name that is unique among those read together."""

    name: str
    space: Space
    arch: Arch

    @property
    def network(self) -> Network:
        """The architecture's network."""
        return self.space.network(self.space.encode([self.arch])[0])


@dataclass(frozen=True)
class LoweringOptions:
    """How subjects become model files; see :func:`profiler.lowering.lower`.

    Args:
        weights: checkpoint to take the weights from; seeded random ones unless given.
        calibration: inputs ``(n, h, w, c)`` for int8; seeded random ones unless given.
    """

    format: str
    precision: str = "fp32"
    batch: int = 1
    weights: Path | None = None
    calibration: NDArray[np.float32] | None = None
    seed: int = 0


def read_subjects(paths: Sequence[Path]) -> list[Subject]:
    """Every architecture in the files, in order, named after its file."""
    found = [(path, read_archs(path)) for path in paths]
    names = unique_names(
        path.stem if len(archs) == 1 else f"{path.stem}-{number}"
        for path, archs in found
        for number in range(len(archs))
    )
    pairs = [pair for _, archs in found for pair in archs]
    return [Subject(name, *pair) for name, pair in zip(names, pairs, strict=True)]


def unique_names(names: Iterable[str]) -> list[str]:
    """The names in order, those that came before with a number behind them."""
    unique: dict[str, None] = {}
    for name in names:
        count = itertools.count(2)
        candidate = name
        while candidate in unique:
            candidate = f"{name}-{next(count)}"
        unique[candidate] = None
    return list(unique)


def file_name(subject: Subject, options: LoweringOptions) -> str:
    """``name[-precision][-bBATCH].suffix``."""
    precision = "" if options.precision == "fp32" else f"-{options.precision}"
    batch = "" if options.batch == 1 else f"-b{options.batch}"
    return f"{subject.name}{precision}{batch}{formats.get(options.format).suffix}"


def lower_subject(subject: Subject, options: LoweringOptions, folder: Path) -> Lowered:
    """Write one architecture as a model file into ``folder``."""
    network = subject.network
    if options.weights is None:
        weights = random_weights(network, np.random.default_rng(options.seed))
    else:
        from profiler.lowering.checkpoint import load_weights

        weights = load_weights(options.weights, network, subject.arch)
    return lower(
        network,
        weights,
        folder / file_name(subject, options),
        options.format,
        options.precision,
        batch=options.batch,
        calibration=options.calibration,
        rng=np.random.default_rng(options.seed),
    )


def read_calibration(path: Path) -> NDArray[np.float32]:
    """Inputs ``(n, h, w, c)`` from a ``.npy`` file.

    Raises:
        UsageError: the file holds no such array.
    """
    array = read_npy(path)
    if array.ndim != 4 or not array.size:
        raise UsageError(
            f"{path} holds an array of shape {array.shape}, "
            "expected (n, height, width, channels), all above 0"
        )
    numbers = array.astype(np.float32, copy=False)
    require_finite({"the array": numbers}, path)
    return numbers


def format_for(runtime: str, models: Sequence[Path] = ()) -> str:
    """The format of the model files that a runtime executes, or that the given files have.

    Raises:
        UsageError: no format names this runtime as its own, and there are no files to go by.
    """
    if models:
        return _format_of(models[0])
    for name in formats:
        if formats.get(name).runtime == runtime:
            return name
    known = ", ".join(sorted(formats.get(name).runtime for name in formats))
    raise UsageError(
        f"no model format belongs to runtime {runtime!r}",
        f"Runtimes that architectures are lowered for: {known}. Others take --model files.",
    )


def runtime_for(path: Path) -> str:
    """The runtime that executes a model file, by its suffix."""
    return formats.get(_format_of(path)).runtime


def _format_of(path: Path) -> str:
    for name in formats:
        if formats.get(name).suffix == path.suffix:
            return name
    known = ", ".join(sorted(formats.get(name).suffix for name in formats))
    raise UsageError(f"{path}: expected a model file that ends in {known}")


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
