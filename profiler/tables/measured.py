"""Measuring blocks and networks for a table: all in the same rounds, beside the sentinel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from devices import Backend
from nasprof.temporary import TemporaryFolder
from profiler.measuring.measure import measure_files
from profiler.measuring.records import Measurement
from profiler.measuring.request import Listeners, MeasureRequest
from profiler.model_files.formats import format_for
from profiler.model_files.model_file import ModelFile
from profiler.model_files.references import reference_files
from profiler.tables.plan import Plan
from profiler.tables.progress import BuildProgress
from profiler.tables.workshop import Workshop
from spaces import Arch, Genes, Space
from spaces.graph import Network


def measure_beside_sentinel(
    backend: Backend,
    shop: Workshop,
    files: Sequence[ModelFile],
    progress: BuildProgress,
    journal: Path | None = None,
    patience_s: float = 0.0,
) -> list[Measurement]:
    """Files of a workshop in the same rounds, beside the sentinel.

    Raises:
        DeviceError, Interrupted: as :func:`profiler.measuring.measure.measure_files`.
    """
    sentinel, empty = reference_files(shop.format, shop.folder)
    request = MeasureRequest(
        backend,
        shop.plan.protocol,
        np.random.default_rng(shop.plan.seed),
        sentinel,
        empty,
        Listeners(progress.measuring),
        journal,
        patience_s,
        scout=progress.estimating,
    )
    return measure_files(files, request)


def measure_networks(
    backend: Backend,
    plan: Plan,
    networks: Mapping[str, Network],
    archs: Mapping[str, Arch],
    progress: BuildProgress | None = None,
    journal: Path | None = None,
    patience_s: float = 0.0,
) -> list[Measurement]:
    """Networks by name, in their order, as a plan says.

    Args:
        archs: the architectures that they are of, by name.
        journal: file to resume from, see :func:`profiler.measuring.measure.measure_files`.
        patience_s: how long to wait for a device that was lost.

    Raises:
        DeviceError, Interrupted: as :func:`profiler.measuring.measure.measure_files`.
    """
    progress = progress or BuildProgress()
    with TemporaryFolder() as folder, progress.until_done():
        shop = Workshop(plan, format_for(backend.settings.runtime), folder, progress.lowered)
        files = shop.files(networks, archs)
        return measure_beside_sentinel(backend, shop, files, progress, journal, patience_s)


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
