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
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from devices import Device, RunnerRefused, RunSettings
from luts import Entry
from luts.fit import block_counts, covering, fit_costs
from nasprof.registry import Registry
from profiler.records import Measurement
from spaces import Arch, Space
from spaces.graph import Block, Network

if TYPE_CHECKING:
    from profiler.build import Workshop

Networks = Mapping[str, tuple[Space, Arch]]


class Source(ABC):
    """A way to find the cost of each block."""

    times_blocks: ClassVar[bool] = True
    """Whether every block is to be measured as a model of its own."""

    networks: ClassVar[int] = 0
    """Whole networks to be measured besides, of role "fit"."""

    @abstractmethod
    def entries(
        self,
        device: Device,
        settings: RunSettings,
        shop: Workshop,
        blocks: Sequence[Block],
        measured: Mapping[str, Measurement],
        networks: Networks,
    ) -> dict[str, Entry]:
        """The entry of each block by its key.

        Args:
            measured: by key of the block or name of the network.
            networks: space and arch of each network by name; the first are those to fit on.
        """


class BlockSource(Source):
    """Blocks as models of their own."""

    def entries(
        self,
        device: Device,
        settings: RunSettings,
        shop: Workshop,
        blocks: Sequence[Block],
        measured: Mapping[str, Measurement],
        networks: Networks,
    ) -> dict[str, Entry]:
        from profiler.build import entry_of

        return {block.key: entry_of(measured[block.key]) for block in blocks}


class NetworkSource(BlockSource):
    """Blocks as models of their own, corrected by whole networks."""

    networks = 20

    def entries(
        self,
        device: Device,
        settings: RunSettings,
        shop: Workshop,
        blocks: Sequence[Block],
        measured: Mapping[str, Measurement],
        networks: Networks,
    ) -> dict[str, Entry]:
        from profiler.build import latency_of

        entries = super().entries(device, settings, shop, blocks, measured, networks)
        place = {block.key: number for number, block in enumerate(blocks)}
        fitted = list(networks.items())[: self.networks]
        counts = np.zeros((len(fitted), len(blocks)))
        for row, (_, (space, arch)) in enumerate(fitted):
            held = block_counts(space, space.encode([arch]))[0]
            for number in np.flatnonzero(held):
                counts[row, place[space.vocabulary[number].key]] = held[number]
        clocks = set.intersection(*(set(entry.latency_ms) for entry in entries.values()))
        latency: dict[str, dict[str, float]] = {key: {} for key in entries}
        for clock in sorted(clocks, reverse=True):
            prior = np.array([entries[block.key].latency_ms[clock] for block in blocks])
            told = np.array([latency_of(measured[name])[clock] for name, _ in fitted])
            for block, cost in zip(blocks, fit_costs(prior, counts, told), strict=True):
                latency[block.key][clock] = float(cost)
        return {
            key: Entry(latency[key], entry.std_ms, entry.count, entry.flags)
            for key, entry in entries.items()
        }


class OperatorSource(Source):
    """Per-operator profiles of whole networks; by the wall clock only."""

    times_blocks = False
    rounds: ClassVar[int] = 10
    runs: ClassVar[int] = 3

    def entries(
        self,
        device: Device,
        settings: RunSettings,
        shop: Workshop,
        blocks: Sequence[Block],
        measured: Mapping[str, Measurement],
        networks: Networks,
    ) -> dict[str, Entry]:
        rng = np.random.default_rng(shop.plan.seed)
        held = [
            space.network(genes) for space in shop.plan.spaces for genes in covering(space, rng)
        ]
        items = {f"cover{i}": shop.item(f"cover{i}", network) for i, network in enumerate(held)}
        times: dict[str, list[float]] = {block.key: [] for block in blocks}
        with device.open(settings) as session:
            session.load({name: item.path for name, item in items.items()})
            for _ in range(self.rounds):
                for number in rng.permutation(len(held)):
                    told = session.profile(f"cover{number}", 1, self.runs)
                    for key, ms in block_times(held[number], told).items():
                        times.setdefault(key, []).append(ms)
        return {
            block.key: Entry(
                {"wall": float(np.mean(times[block.key]))},
                float(np.std(times[block.key])),
                len(times[block.key]) * self.runs,
            )
            for block in blocks
        }


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
