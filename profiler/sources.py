"""Where the costs of a table's blocks come from.

- ``blocks``: each block is measured as a model of its own.
- ``networks``: the same, then corrected by whole networks (:func:`luts.fit.fit_costs`).
- ``operators``: the runtime's per-operator profile of a few whole networks that together hold
  every block. Needs a runtime that names the model's operators in its profile.

``benchmarks/lut.py`` compares them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from devices import Device, RunnerRefused, RunSettings
from luts import Entry, Sentinel
from luts.features import Array, block_counts
from luts.fit import covering, fit_costs
from nasprof.registry import Registry
from profiler.plan import Drawn
from profiler.records import Measurement
from profiler.workshop import Workshop
from spaces.graph import Block, Network


@dataclass(frozen=True)
class Materials:
    """What a source may make entries of.

    Args:
        shop: lowers what else is to be measured on the device.
        blocks: those that need an entry.
        measured: by key of the block or name of the network.
        networks: by name; those of role "fit" are for the source.
        sentinel: tells the speed that entries are of; None leaves times as they were clocked.
    """

    device: Device
    settings: RunSettings
    shop: Workshop
    blocks: Sequence[Block]
    measured: Mapping[str, Measurement]
    networks: Mapping[str, Drawn]
    sentinel: Sentinel | None = None

    def latency_ms(self, name: str) -> dict[str, float]:
        """What a block or a network took, by clock, at the speed of the table."""
        return self.measured[name].at_speed_of(self.sentinel)


class Source(ABC):
    """A way to find the cost of each block."""

    times_blocks: ClassVar[bool] = True
    """Whether every block is to be measured as a model of its own."""

    networks: ClassVar[int] = 0
    """Whole networks to be measured besides, of role "fit"."""

    @abstractmethod
    def entries(self, made: Materials) -> dict[str, Entry]:
        """The entry of each block by its key."""


class BlockSource(Source):
    """Blocks as models of their own."""

    def entries(self, made: Materials) -> dict[str, Entry]:
        return {block.key: self._entry(made, block.key) for block in made.blocks}

    @staticmethod
    def _entry(made: Materials, key: str) -> Entry:
        taken = made.measured[key]
        latency_ms, flags = made.latency_ms(key), tuple(taken.flags)
        return Entry(latency_ms, taken.latency_ms.std, len(taken.samples_ms), flags)


class NetworkSource(BlockSource):
    """Blocks as models of their own, corrected by whole networks."""

    networks = 20

    def entries(self, made: Materials) -> dict[str, Entry]:
        entries = super().entries(made)
        fitted = {name: drawn for name, drawn in made.networks.items() if drawn.role == "fit"}
        counts = _counts(list(fitted.values()), made.blocks)
        clocks = set.intersection(*(set(entry.latency_ms) for entry in entries.values()))
        latency_ms: dict[str, dict[str, float]] = {key: {} for key in entries}
        for clock in sorted(clocks, reverse=True):
            prior = np.array([entries[block.key].latency_ms[clock] for block in made.blocks])
            told = np.array([made.latency_ms(name)[clock] for name in fitted])
            for block, cost in zip(made.blocks, fit_costs(prior, counts, told), strict=True):
                latency_ms[block.key][clock] = float(cost)
        return {key: replace(entry, latency_ms=latency_ms[key]) for key, entry in entries.items()}


class OperatorSource(Source):
    """Per-operator profiles of whole networks; by the wall clock only."""

    times_blocks = False
    rounds: ClassVar[int] = 10
    runs: ClassVar[int] = 3

    def entries(self, made: Materials) -> dict[str, Entry]:
        plan = made.shop.plan
        rng = np.random.default_rng(plan.seed)
        held = [space.network(genes) for space in plan.spaces for genes in covering(space, rng)]
        items = [made.shop.item(f"cover{place}", network) for place, network in enumerate(held)]
        times: dict[str, list[float]] = {block.key: [] for block in made.blocks}
        with made.device.open(made.settings) as session:
            session.load({item.name: item.path for item in items})
            for _ in range(self.rounds):
                for place in rng.permutation(len(held)):
                    told = session.profile(items[place].name, 1, self.runs)
                    for key, ms in block_times(held[place], told).items():
                        times.setdefault(key, []).append(ms)
        return {
            block.key: Entry(
                {"wall": float(np.mean(times[block.key]))},
                float(np.std(times[block.key])),
                len(times[block.key]) * self.runs,
            )
            for block in made.blocks
        }


def _counts(networks: Sequence[Drawn], blocks: Sequence[Block]) -> Array:
    """How often each network, of any space, holds each block: ``(n, n_blocks)``."""
    place = {block.key: number for number, block in enumerate(blocks)}
    counts = np.zeros((len(networks), len(blocks)))
    for row, drawn in enumerate(networks):
        held = block_counts(drawn.space, drawn.genes[None])[0]
        for number in np.flatnonzero(held):
            counts[row, place[drawn.space.vocabulary[number].key]] = held[number]
    return counts


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


sources: Registry[type[Source]] = Registry("source of tables")
sources.register("blocks")(BlockSource)
sources.register("networks")(NetworkSource)
sources.register("operators")(OperatorSource)
