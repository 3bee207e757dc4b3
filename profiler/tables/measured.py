"""Measuring blocks and networks for a table: all in the same rounds, beside the sentinel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from devices import Backend
from nasprof.temporary import TemporaryFolder
from profiler.measuring.measure import measure
from profiler.measuring.records import Item, Measurement
from profiler.measuring.rounds import Status
from profiler.model_files.formats import format_for
from profiler.model_files.references import reference_files
from profiler.tables.plan import Plan
from profiler.tables.workshop import Workshop
from spaces import Genes, Space
from spaces.graph import Network


def _nothing(*_: object) -> None:
    """Whom nothing is told."""


@dataclass(frozen=True)
class BuildProgress:
    """Whom to tell how far building has come.

    Args:
        lowered: how many of how many model files are written.
        measuring: how far measuring has come, after each round.
        done: when it has ended, however it ended.
        estimating: whether every model is visited twice first, to tell how long all will take.
    """

    lowered: Callable[[int, int], None] = _nothing
    measuring: Callable[[Status], None] = _nothing
    done: Callable[[], None] = _nothing
    estimating: bool = True

    @contextmanager
    def until_done(self) -> Iterator[None]:
        """Tells that building has ended when the block inside has."""
        try:
            yield
        finally:
            self.done()


def measure_items(
    backend: Backend,
    shop: Workshop,
    items: Sequence[Item],
    progress: BuildProgress,
    journal: Path | None = None,
    patience_s: float = 0.0,
) -> list[Measurement]:
    """All items of a workshop in the same rounds, beside the sentinel.

    Raises:
        DeviceError, Interrupted: as :func:`profiler.measuring.measure.measure`.
    """
    sentinel, empty = reference_files(shop.format, shop.folder)
    return measure(
        backend.device,
        backend.settings,
        items,
        shop.plan.protocol,
        np.random.default_rng(shop.plan.seed),
        sentinel=sentinel,
        empty=empty,
        progress=progress.measuring,
        journal=journal,
        patience_s=patience_s,
        scout=progress.estimating,
    )


def measure_networks(
    backend: Backend,
    plan: Plan,
    networks: Mapping[str, Network],
    archs: Mapping[str, Mapping[str, Any]],
    progress: BuildProgress | None = None,
    journal: Path | None = None,
    patience_s: float = 0.0,
) -> list[Measurement]:
    """Networks by name, in their order, as a plan says.

    Args:
        archs: the architectures that they are of, by name.
        journal: file to resume from, see :func:`profiler.measuring.measure.measure`.
        patience_s: how long to wait for a device that was lost.

    Raises:
        DeviceError, Interrupted: as :func:`profiler.measuring.measure.measure`.
    """
    progress = progress or BuildProgress()
    with TemporaryFolder() as folder, progress.until_done():
        shop = Workshop(plan, format_for(backend.settings.runtime), folder, progress.lowered)
        items = shop.items(networks, archs)
        return measure_items(backend, shop, items, progress, journal, patience_s)


def measure_genes(
    backend: Backend,
    plan: Plan,
    space: Space,
    genes: Genes,
    progress: BuildProgress | None = None,
    journal: Path | None = None,
    patience_s: float = 0.0,
) -> list[Measurement]:
    """Architectures ``(n, n_genes)`` of a space together, named ``answer0``, ``answer1``, ...

    Arguments and errors are those of :func:`measure_networks`.
    """
    names = [f"answer{number}" for number in range(len(genes))]
    networks = dict(zip(names, map(space.network, genes), strict=True))
    archs = dict(zip(names, space.decode(genes), strict=True))
    return measure_networks(backend, plan, networks, archs, progress, journal, patience_s)
