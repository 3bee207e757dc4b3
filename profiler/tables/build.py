"""Building lookup tables, and comparing them with whole networks.

Blocks and networks are measured together, taking turns in the same rounds: a slow minute falls on
both, and a block meets the caches as other work left them, as it does inside a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from devices import Backend, Conditions
from luts import LookupTable, Measured, sentinel_of
from nasprof.errors import UsageError
from nasprof.temporary import TemporaryFolder
from nasprof.typing import JsonObject
from profiler.measuring.records import Measurement
from profiler.model_files.formats import format_for
from profiler.model_files.model_file import ModelFile
from profiler.tables.chosen import answer_of, find_answers
from profiler.tables.measured import measure_beside_sentinel, measure_genes, measure_networks
from profiler.tables.plan import Drawn, Plan, draw_networks
from profiler.tables.progress import BuildProgress
from profiler.tables.provenance import known_provenance, provenance_of, require_same
from profiler.tables.sources import Materials, sources
from profiler.tables.workshop import Workshop
from spaces import Space
from spaces.graph import Block, Network


def measure_table(
    backend: Backend,
    plan: Plan,
    name: str,
    *,
    base: LookupTable | None = None,
    journal: Path | None = None,
    patience_s: float = 0.0,
    progress: BuildProgress | None = None,
) -> LookupTable:
    """Measure a table, or what an existing one lacks.

    Args:
        base: a table of the same backend, whose entries are kept.
        journal: file to resume from, see :func:`profiler.measuring.measure.measure_files`.
        patience_s: how long to wait for a device that was lost.

    Raises:
        TableMismatch: ``base`` was measured otherwise, naming what differs.
        DeviceError, JournalMismatch, JournalBusy: as
            :func:`profiler.measuring.measure.measure_files`.
    """
    conditions = backend.conditions()
    if base is not None:
        require_same(base, known_provenance(conditions, plan))
    source = sources.get(plan.source)()
    blocks = lacking_blocks(plan.spaces, base)
    fit = source.networks if blocks else 0
    networks = draw_networks(plan, fit, avoid=[] if base is None else base.networks)
    if base is not None and not blocks and not networks:
        return base
    progress = progress or BuildProgress()
    with TemporaryFolder() as folder, progress.until_done():
        shop = Workshop(plan, format_for(backend.settings.runtime), folder, progress.lowered)
        files = _files(shop, blocks if source.times_blocks else [], networks)
        results = measure_beside_sentinel(backend, shop, files, progress, journal, patience_s)
        provenance = _provenance(results, plan, conditions, base)
        materials = Materials(
            backend=backend,
            shop=shop,
            blocks=blocks,
            measured={result.name: result for result in results},
            networks=networks,
            sentinel=sentinel_of(provenance),
            known={} if base is None else base.entries,
            conditions=replace(conditions, runtime_version=results[0].runtime_version),
            journal=journal,
            patience_s=patience_s,
        )
        entries = source.entries(materials) if blocks else {}
    fresh = LookupTable(name, plan.spaces, entries, provenance, networks=_measured(materials))
    return fresh if base is None else _completed(base, fresh)


def _provenance(
    results: Sequence[Measurement], plan: Plan, conditions: Conditions, base: LookupTable | None
) -> JsonObject:
    """What a table depends on; all of it is of one speed, that of its first entries."""
    provenance = provenance_of(results, plan, conditions)
    if base is not None:
        require_same(base, provenance)
        provenance["sentinel"] = base.provenance.get("sentinel")
    return provenance


def _measured(materials: Materials) -> tuple[Measured, ...]:
    """The whole networks among what was measured."""
    return tuple(
        Measured(
            drawn.arch,
            drawn.role,
            materials.latency_ms(name),
            materials.measured[name].multiples,
        )
        for name, drawn in materials.networks.items()
    )


def _completed(base: LookupTable, fresh: LookupTable) -> LookupTable:
    """A table with what another one has besides."""
    return replace(
        fresh,
        spaces=tuple(dict.fromkeys([*base.spaces, *fresh.spaces])),
        entries={**base.entries, **fresh.entries},
        networks=(*base.networks, *fresh.networks),
    )


def _files(
    shop: Workshop, blocks: Sequence[Block], networks: Mapping[str, Drawn]
) -> list[ModelFile]:
    """Model files of blocks and networks.

    Raises:
        UsageError: there are none.
    """
    named = {block.key: Network.of(block) for block in blocks}
    named |= {name: drawn.network for name, drawn in networks.items()}
    if not named:
        raise UsageError(
            f"source {shop.plan.source!r} measures no blocks by themselves, and no networks were "
            "asked for: nothing would be timed",
            "Ask for an --audit.",
        )
    return shop.files(named, {name: drawn.arch for name, drawn in networks.items()})


def lacking_blocks(spaces: Sequence[Space], base: LookupTable | None) -> list[Block]:
    """Distinct blocks of the spaces that ``base`` has no entry for."""
    known = set() if base is None else set(base.entries)
    blocks = {block.key: block for space in spaces for block in space.vocabulary}
    return [block for key, block in blocks.items() if key not in known]


def audit_networks(
    backend: Backend,
    plan: Plan,
    table: LookupTable,
    *,
    progress: BuildProgress | None = None,
    patience_s: float = 0.0,
) -> tuple[tuple[Measured, ...], JsonObject]:
    """Measure networks that were never measured for a table, and what they depend on.

    Args:
        backend: where they are measured.
        plan: how many, and how.
        table: that never saw them.
        progress: told how far it has come.
        patience_s: how long to wait for a device that was lost.

    Raises:
        MissingEntries: the table has gaps, so that nothing can be compared with it.
        DeviceError, Interrupted: as :func:`profiler.measuring.measure.measure_files`.
    """
    for space in table.spaces:
        table.costs_ms(space)
    conditions = backend.conditions()
    networks = draw_networks(plan, 0, avoid=table.networks)
    results = measure_networks(
        backend,
        plan,
        {name: drawn.network for name, drawn in networks.items()},
        {name: drawn.arch for name, drawn in networks.items()},
        progress,
        patience_s=patience_s,
    )
    provenance = provenance_of(results, plan, conditions)
    sentinel = sentinel_of(provenance)
    measured = tuple(
        Measured(drawn.arch, drawn.role, result.at_speed_of(sentinel), result.multiples)
        for drawn, result in zip(networks.values(), results, strict=True)
    )
    return measured, provenance


def measure_answers(
    backend: Backend,
    plan: Plan,
    table: LookupTable,
    *,
    journal: Path | None = None,
    patience_s: float = 0.0,
    progress: BuildProgress | None = None,
) -> tuple[Measured, ...]:
    """Networks that a search would choose by a table, measured: ``plan.answers`` of them at most.

    A bound for random networks is not one for chosen ones (``luts.answers``): with these, a fresh
    table has one. They are of the table's first space that has no gaps.

    Args:
        backend: where they are measured.
        plan: how many, and how.
        table: that a search would choose by.
        journal: file to resume from.
        patience_s: how long to wait for a device that was lost.
        progress: told how far it has come.

    Raises:
        TableMismatch: the table was measured otherwise, naming what differs.
        DeviceError, JournalMismatch, JournalBusy: as
            :func:`profiler.measuring.measure.measure_files`.
    """
    require_same(table, known_provenance(backend.conditions(), plan))
    space = next(space for space in table.spaces if not table.missing(space))
    rng = np.random.default_rng([plan.seed, plan.answers])
    genes = find_answers(table, space, plan.answers, rng)
    results = measure_genes(backend, plan, space, genes, progress, journal, patience_s)
    return tuple(answer_of(result, 1, table) for result in results)
