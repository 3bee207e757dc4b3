"""Where the costs of a table's blocks come from.

- ``blocks``: each block is measured as a model of its own.
- ``networks``: the same, then corrected by whole networks (:func:`luts.fit.fit_costs`).
- ``operators``: the runtime's per-operator profile of a few whole networks that together hold
  every block. Needs a runtime that names the model's operators in its profile.

``benchmarks/lut.py`` compares them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from devices import Backend, Conditions, RunnerRefused, Samples
from luts import Entry, Sentinel
from luts.features import block_counts
from luts.fit import covering, fit_costs
from nasprof.registry import Registry
from nasprof.typing import Array
from profiler.measuring.estimates import trimmed_mean
from profiler.measuring.facts import journal_facts
from profiler.measuring.interruption import giving_partial
from profiler.measuring.journal import Journal
from profiler.measuring.patience import Patience
from profiler.measuring.records import Measurement
from profiler.tables.plan import Drawn
from profiler.tables.workshop import Workshop
from spaces.graph import Block, Network


@dataclass(frozen=True)
class Materials:
    """What a source may make entries of.

    Args:
        shop: lowers what else is to be measured on the device.
        blocks: those that need an entry.
        measured: by key of the block or name of the network.
        networks: by name; those of role "fit" are for the source.
        known: entries of other blocks, which stay as they are, by key.
        conditions: what everything is measured under.
        journal: file beside which what the source measures is kept, see :func:`source_journal`.
        patience_s: how long to wait for a device that was lost.
        sentinel: tells the speed that entries are of; None leaves times as they were clocked.
    """

    backend: Backend
    shop: Workshop
    blocks: Sequence[Block]
    measured: Mapping[str, Measurement]
    networks: Mapping[str, Drawn]
    known: Mapping[str, Entry]
    conditions: Conditions
    journal: Path | None = None
    patience_s: float = 0.0
    sentinel: Sentinel | None = None

    def latency_ms(self, name: str) -> dict[str, float]:
        """What a block or a network took, by clock, at the speed of the table."""
        return self.measured[name].at_speed_of(self.sentinel)


def source_journal(journal: Path) -> Path:
    """Where a source keeps what it measures itself, beside the journal of the rounds."""
    return journal.with_name(journal.name + ".source")


class Source(ABC):
    """A way to find the cost of each block."""

    times_blocks: ClassVar[bool] = True
    """Whether every block is to be measured as a model of its own."""

    networks: ClassVar[int] = 0
    """Whole networks to be measured besides, of role "fit"."""

    @abstractmethod
    def entries(self, materials: Materials) -> dict[str, Entry]:
        """The entry of each block by its key.

        Raises:
            Interrupted, Cancelled: it measures more, and could not; with what had been measured.
        """


class BlockSource(Source):
    """Blocks as models of their own."""

    def entries(self, materials: Materials) -> dict[str, Entry]:
        return {block.key: self._entry(materials, block.key) for block in materials.blocks}

    @staticmethod
    def _entry(materials: Materials, key: str) -> Entry:
        measurement = materials.measured[key]
        latency_ms, flags = materials.latency_ms(key), tuple(measurement.flags)
        return Entry(latency_ms, measurement.latency_ms.std, len(measurement.samples_ms), flags)


class NetworkSource(BlockSource):
    """Blocks as models of their own, corrected by whole networks."""

    networks = 20

    def entries(self, materials: Materials) -> dict[str, Entry]:
        entries = super().entries(materials)
        fitted = {name: drawn for name, drawn in materials.networks.items() if drawn.role == "fit"}
        held = [_block_counts(drawn) for drawn in fitted.values()]
        settled = {
            key: materials.known[key] for counts in held for key in counts if key not in entries
        }
        used = [*entries.values(), *settled.values()]
        clocks = set.intersection(*(set(entry.latency_ms) for entry in used))
        latency_ms: dict[str, dict[str, float]] = {key: {} for key in entries}
        for clock in sorted(clocks, reverse=True):
            measured_ms = np.array([materials.latency_ms(name)[clock] for name in fitted])
            prior, others = (_costs(part, clock) for part in (entries, settled))
            known_ms = _matrix(held, settled) @ others
            costs = fit_costs(prior, _matrix(held, entries), measured_ms, known_ms=known_ms)
            for key, cost in zip(entries, costs, strict=True):
                latency_ms[key][clock] = float(cost)
        return {key: replace(entry, latency_ms=latency_ms[key]) for key, entry in entries.items()}


class OperatorSource(Source):
    """Per-operator profiles of whole networks; by the wall clock only."""

    times_blocks = False
    rounds: ClassVar[int] = 10
    runs: ClassVar[int] = 3

    def entries(self, materials: Materials) -> dict[str, Entry]:
        plan = materials.shop.plan
        rng = np.random.default_rng(plan.seed)
        held = [space.network(genes) for space in plan.spaces for genes in covering(space, rng)]
        networks = {f"cover{place}": network for place, network in enumerate(held)}
        times: dict[str, list[float]] = {}
        with giving_partial(lambda: list(materials.measured.values())):
            for profile in self._profiles(materials, networks, rng):
                for key, ms in profile.items():
                    times.setdefault(key, []).append(ms)
        return {
            block.key: Entry(
                {"wall": trimmed_mean(times[block.key], plan.protocol.trim)},
                float(np.std(times[block.key])),
                len(times[block.key]) * self.runs,
            )
            for block in materials.blocks
        }

    def _profiles(
        self, materials: Materials, networks: Mapping[str, Network], rng: np.random.Generator
    ) -> Iterator[dict[str, float]]:
        """Mean ms of each block of a network by its key, from every profile of every network.

        First those that an earlier run left in the journal, which are not taken again.
        """
        shop = materials.shop
        models = {name: shop.file(name, network).path for name, network in networks.items()}
        facts = {
            **journal_facts(materials.conditions, shop.plan.protocol, models),
            "runs": self.runs,
        }
        path = source_journal(materials.journal or shop.folder / "journal")
        with Journal(path, facts) as journal, materials.backend.open() as session:
            for name, rounds in journal.earlier.items():
                for round_ in rounds:
                    yield dict(zip(_keys(networks[name]), round_.wall_ms, strict=True))
            done = {(name, r.index) for name, rounds in journal.earlier.items() for r in rounds}
            patient = Patience(materials.backend.device, session, materials.patience_s)
            patient(lambda: session.load(models))
            for number in range(self.rounds):
                for name in rng.permutation(list(networks)):
                    if (name, number) not in done:
                        operators = patient(partial(session.profile, name, 1, self.runs))
                        profile = block_times(networks[name], operators)
                        # A visit of the network: instead of runs, its blocks in order.
                        journal.visit(number, name, Samples(list(profile.values())))
                        yield profile


def _keys(network: Network) -> list[str]:
    """Keys of a network's distinct blocks, in the order of :func:`block_times`."""
    return list(dict.fromkeys(layer.block.key for layer in network.layers))


def _costs(entries: Mapping[str, Entry], clock: str) -> Array:
    """Costs in ms of entries on a clock: ``(n_entries,)``."""
    return np.array([entry.latency_ms[clock] for entry in entries.values()], np.float64)


def _block_counts(drawn: Drawn) -> dict[str, float]:
    """How often a network holds each block that it holds, by key."""
    counts = block_counts(drawn.space, drawn.genes[None])[0]
    return {
        drawn.space.vocabulary[number].key: float(counts[number])
        for number in np.flatnonzero(counts)
    }


def _matrix(held: Sequence[Mapping[str, float]], keys: Iterable[str]) -> Array:
    """How often each network holds each block: ``(n, n_keys)``."""
    rows = [[counts.get(key, 0.0) for key in keys] for counts in held]
    return np.array(rows, np.float64).reshape(len(held), -1)


def block_times(network: Network, operators: Mapping[str, float]) -> dict[str, float]:
    """Mean ms of each block of a network, by key, from those of its operators in order.

    An operator is named after its layer, or begins with the layer's name and a dot. What the
    runtime put in between (a change of layout) belongs to the block before it.

    Raises:
        RunnerRefused: the profile does not name the network's operators.
    """
    layers = {layer.name: layer.block.key for layer in network.layers}
    total: dict[str, float] = dict.fromkeys(layers, 0.0)
    current = next(iter(layers))
    named = 0
    for name, ms in operators.items():
        parts = name.split(".")
        prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        layer = next((prefix for prefix in prefixes if prefix in layers), None)
        named += layer is not None
        current = layer or current
        total[current] += ms
    if named < len(layers):
        raise RunnerRefused(
            f"the profile names {named} operators of the model, expected at least one for each of "
            f"its {len(layers)} blocks",
            "Use --source blocks.",
        )
    times: dict[str, list[float]] = {}
    for name, ms in total.items():
        times.setdefault(layers[name], []).append(ms)
    return {key: float(np.mean(values)) for key, values in times.items()}


sources: Registry[type[Source]] = Registry(
    "source of tables",
    {"blocks": BlockSource, "networks": NetworkSource, "operators": OperatorSource},
)
