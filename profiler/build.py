"""Building lookup tables, and comparing them with whole networks.

Blocks and networks are measured together, taking turns in the same rounds: a slow minute falls on
both, and a block meets the caches as other work left them, as it does inside a network.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from devices import Device, RunSettings
from luts import Entry, LookupTable, Measured
from luts.audit import Role
from nasprof.errors import UsageError
from profiler.journal import differences
from profiler.lowering import formats, lower
from profiler.measure import measure
from profiler.models import format_for, reference_files
from profiler.protocol import Protocol
from profiler.records import Item, Measurement
from profiler.rounds import Status
from profiler.sources import sources
from spaces import Genes, Space
from spaces.graph import Block, Network
from spaces.weights import random_weights

COMPARED = (
    "device",
    "device_fingerprint",
    "runtime",
    "runtime_version",
    "threads",
    "affinity",
    "precision",
    "batch",
    "protocol",
    "source",
)
"""Fields of the provenance in which entries of one table must agree."""


class TableMismatch(UsageError):
    """A table cannot be completed because something it depends on has changed."""


@dataclass(frozen=True)
class Plan:
    """What a table shall hold and how it is measured.

    Args:
        protocol: for blocks and networks alike.
        source: how blocks get their costs, see :mod:`profiler.sources`.
        calibration: networks that the line from sums to latencies is fitted on.
        audit: networks that tell how good the table is.
        seed: draws networks, weights and orders.
    """

    spaces: tuple[Space, ...]
    protocol: Protocol
    precision: str = "fp32"
    batch: int = 1
    source: str = "blocks"
    calibration: int = 10
    audit: int = 20
    seed: int = 0


@dataclass
class Workshop:
    """Lowers blocks and networks into model files in a folder."""

    plan: Plan
    format: str
    folder: Path
    lowered: Callable[[int, int], None] = lambda done, total: None
    _count: int = field(default=0, init=False)

    def items(self, named: Mapping[str, Network], archs: Mapping[str, Any]) -> list[Item]:
        """A model file of each network, with progress told."""
        found = []
        for number, (name, network) in enumerate(named.items()):
            found.append(self.item(name, network, archs.get(name)))
            self.lowered(number + 1, len(named))
        return found

    def item(self, name: str, network: Network, arch: Mapping[str, Any] | None = None) -> Item:
        """A model file with random weights."""
        self._count += 1
        path = self.folder / f"{self._count}{formats.get(self.format).suffix}"
        lower(
            network,
            random_weights(network, np.random.default_rng(self.plan.seed)),
            path,
            self.format,
            self.plan.precision,
            batch=self.plan.batch,
            rng=np.random.default_rng(self.plan.seed),
        )
        extra = {"precision": self.plan.precision, "batch": self.plan.batch, "weights": "random"}
        return Item(name, path, arch, extra)


@dataclass(frozen=True)
class Progress:
    """Whom to tell how far building has come."""

    lowered: Callable[[int, int], None] = lambda done, total: None
    measuring: Callable[[Status], None] = lambda status: None


def build_table(
    device: Device,
    settings: RunSettings,
    plan: Plan,
    name: str,
    *,
    base: LookupTable | None = None,
    journal: Path | None = None,
    patience_s: float = 0.0,
    progress: Progress | None = None,
) -> LookupTable:
    """Measure a table, or what an existing one lacks.

    Args:
        base: a table of the same device and settings, whose entries are kept.
        journal: file to resume from, see :func:`profiler.measure.measure`.
        patience_s: how long to wait for a device that was lost.

    Raises:
        TableMismatch: ``base`` was measured otherwise, naming what differs.
        DeviceError, JournalMismatch, JournalBusy: as :func:`profiler.measure.measure`.
    """
    if base is not None:
        require_same(base, known_provenance(device, settings, plan))
    told = progress or Progress()
    source = sources.get(plan.source)()
    blocks = lacking_blocks(plan.spaces, base)
    networks = draw_networks(plan, source.networks, avoid=[] if base is None else base.networks)
    with tempfile.TemporaryDirectory(prefix="nasprof-") as folder:
        shop = Workshop(plan, format_for(settings.runtime), Path(folder), told.lowered)
        named = {name: drawn.network for name, drawn in networks.items()}
        if source.times_blocks:
            named = {block.key: Network.of(block) for block in blocks} | named
        items = shop.items(named, {name: drawn.arch for name, drawn in networks.items()})
        sentinel, empty = reference_files(shop.format, shop.folder)
        if not items:
            raise UsageError(
                f"source {plan.source!r} measures no blocks by themselves, and no networks were "
                "asked for: nothing would be timed",
                "Ask for an --audit.",
            )
        results = measure(
            device,
            settings,
            items,
            plan.protocol,
            np.random.default_rng(plan.seed),
            sentinel=sentinel,
            empty=empty,
            progress=told.measuring,
            journal=journal,
            patience_s=patience_s,
            scout=True,
        )
        measured = {result.name: result for result in results}
        provenance = provenance_of(results, plan, settings)
        if base is not None:
            require_same(base, provenance)
        drawn = {name: (drawn.space, drawn.arch) for name, drawn in networks.items()}
        entries = source.entries(device, settings, shop, blocks, measured, drawn)
    fresh = tuple(
        Measured(drawn.arch, drawn.role, latency_of(measured[name]))
        for name, drawn in networks.items()
    )
    return LookupTable(
        name=name,
        spaces=plan.spaces if base is None else tuple(dict.fromkeys([*base.spaces, *plan.spaces])),
        entries=entries if base is None else {**base.entries, **entries},
        provenance=provenance,
        networks=fresh if base is None else (*base.networks, *fresh),
    )


def lacking_blocks(spaces: Sequence[Space], base: LookupTable | None) -> list[Block]:
    """Distinct blocks of the spaces that ``base`` has no entry for."""
    known = set() if base is None else set(base.entries)
    blocks = {block.key: block for space in spaces for block in space.vocabulary}
    return [block for key, block in blocks.items() if key not in known]


@dataclass(frozen=True)
class Drawn:
    """A network that was drawn to be measured."""

    space: Space
    genes: Genes
    role: Role

    @property
    def network(self) -> Network:
        """What it is made of."""
        return self.space.network(self.genes)

    @property
    def arch(self) -> dict[str, Any]:
        """Its JSON object."""
        return self.space.decode(self.genes[None])[0]


def draw_networks(plan: Plan, fit: int, avoid: Iterable[Measured] = ()) -> dict[str, Drawn]:
    """Random networks over the whole range of MACs, by name, none of them twice or in ``avoid``.

    Spaces take turns; of each, the first are those fitted on, the last those audited.
    """
    counts: dict[Role, int] = {"fit": fit, "calibration": plan.calibration, "audit": plan.audit}
    roles = [role for role, count in counts.items() for _ in range(count)]
    rng = np.random.default_rng([plan.seed, len(roles)])
    seen = {repr(network.arch) for network in avoid}
    drawn: dict[str, Drawn] = {}
    while len(drawn) < len(roles):
        space = plan.spaces[len(drawn) % len(plan.spaces)]
        genes = space.sample(1, rng, "biased")[0]
        candidate = Drawn(space, genes, roles[len(drawn)])
        if repr(candidate.arch) in seen and len(seen) < space.size:
            continue
        seen.add(repr(candidate.arch))
        drawn[f"network{len(drawn)}"] = candidate
    return drawn


def latency_of(result: Measurement) -> dict[str, float]:
    """A measurement's trimmed means by clock."""
    times = {"wall": result.latency_ms.trimmed_mean}
    return times if result.cpu_ms is None else {**times, "cpu": result.cpu_ms.trimmed_mean}


def entry_of(result: Measurement) -> Entry:
    """A measurement of a block as a table has it."""
    doubts = tuple(result.flags)
    return Entry(latency_of(result), result.latency_ms.std, len(result.samples_ms), doubts)


def provenance_of(
    results: Sequence[Measurement], plan: Plan, settings: RunSettings
) -> dict[str, Any]:
    """What a table made of these measurements depends on.

    ``affinity`` is what was asked for; where the device chose, ``runtime_facts`` tells what.
    """
    first = results[0]
    overheads = [result.overhead_ms for result in results if result.overhead_ms is not None]
    return {
        "device": first.device,
        "device_fingerprint": first.device_fingerprint,
        "runtime": first.runtime,
        "runtime_version": first.runtime_version,
        "runtime_facts": first.runtime_facts,
        "threads": first.threads,
        "affinity": None if settings.affinity is None else list(settings.affinity),
        "precision": plan.precision,
        "batch": plan.batch,
        "weights": "random",
        "source": plan.source,
        "protocol": plan.protocol.as_dict(),
        "seed": plan.seed,
        "clock": first.clock,
        "overhead_ms": float(np.mean(overheads)) if overheads else None,
        "flags": sorted({flag for result in results for flag in result.flags}),
        "state": first.state,
        "time": first.time,
        "nasprof": first.nasprof,
    }


def changes(table: LookupTable, provenance: Mapping[str, Any]) -> list[str]:
    """Which of the things that entries depend on are different now, in words."""
    now = {key: provenance[key] for key in COMPARED if key in provenance}
    return differences({key: table.provenance.get(key) for key in now}, now)


def known_provenance(device: Device, settings: RunSettings, plan: Plan) -> dict[str, Any]:
    """What is known of a table's provenance before anything is measured."""
    return {
        "device": device.profile.name,
        "device_fingerprint": device.fingerprint(),
        "runtime": settings.runtime,
        "threads": settings.threads,
        "precision": plan.precision,
        "batch": plan.batch,
        "protocol": plan.protocol.as_dict(),
        "source": plan.source,
    }


def require_same(base: LookupTable, provenance: Mapping[str, Any]) -> None:
    """Refuse to put entries into a table that was measured otherwise.

    Raises:
        TableMismatch: naming what differs.
    """
    changed = changes(base, provenance)
    if changed:
        raise TableMismatch(
            f"LUT {base.name!r} was measured otherwise: {'; '.join(changed)}",
            "Choose another output file, or measure all of it anew with --fresh.",
        )


def audit_networks(
    device: Device,
    settings: RunSettings,
    plan: Plan,
    table: LookupTable,
    *,
    progress: Progress | None = None,
    patience_s: float = 0.0,
) -> tuple[tuple[Measured, ...], dict[str, Any]]:
    """Measure networks that were never measured for a table, and what they depend on."""
    told = progress or Progress()
    networks = draw_networks(plan, 0, avoid=table.networks)
    with tempfile.TemporaryDirectory(prefix="nasprof-") as folder:
        shop = Workshop(plan, format_for(settings.runtime), Path(folder), told.lowered)
        items = shop.items(
            {name: drawn.network for name, drawn in networks.items()},
            {name: drawn.arch for name, drawn in networks.items()},
        )
        sentinel, empty = reference_files(shop.format, shop.folder)
        results = measure(
            device,
            settings,
            items,
            plan.protocol,
            np.random.default_rng(plan.seed),
            sentinel=sentinel,
            empty=empty,
            progress=told.measuring,
            patience_s=patience_s,
            scout=True,
        )
    measured = tuple(
        Measured(drawn.arch, drawn.role, latency_of(result))
        for drawn, result in zip(networks.values(), results, strict=True)
    )
    return measured, provenance_of(results, plan, settings)
