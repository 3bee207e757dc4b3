"""Networks as a search would choose them, so that a fresh table knows how far such ones are off."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from luts import LookupTable, Measured, Sentinel
from nasprof.registry import Registry
from profiler.measuring.records import Measurement
from profiler.measuring.speed import speed_beside
from spaces import Genes, Space


class Finder(Protocol):
    """Finds networks of a space that are good for their predicted latency."""

    def __call__(
        self, table: LookupTable, space: Space, n: int, rng: np.random.Generator
    ) -> Genes | None:
        """Up to ``n`` distinct networks ``(m, n_genes)`` over the range of latencies.

        None where it cannot tell which networks of that space are good.
        """


finders: Registry[Finder] = Registry(
    "finder of answers",
    {
        "macs": "profiler.tables.chosen:most_macs",
        # What accuracy is, only a search knows: it is named here, and imported when it is asked.
        "top1": "search.answers.chosen:top1_front",
    },
)
"""All others are asked before ``macs``, which knows every space."""

_PRICES = 200


def find_answers(table: LookupTable, space: Space, n: int, rng: np.random.Generator) -> Genes:
    """Networks as a search would choose them ``(m, n_genes)``."""
    for name in sorted(finders, key=lambda name: name == "macs"):
        genes = finders.get(name)(table, space, n, rng)
        if genes is not None:
            return genes
    return space.sample(0, rng)


def most_macs(table: LookupTable, space: Space, n: int, rng: np.random.Generator) -> Genes:
    """Networks with the most multiply-accumulates for their latency: the hull of that front.

    What a network can is not known here, but that it grows with its size; and whoever takes the
    most for the time takes what the table underestimates, as any search does.
    """
    found = np.concatenate([_most_macs_from(base[None], table, space) for base in space.origins])
    return spread(np.unique(space.canonical(found), axis=0), table, space, n)


def _most_macs_from(base: Genes, table: LookupTable, space: Space) -> Genes:
    """The same of networks that have the genes of ``base``, ``(1, n_genes)``, in no part."""
    networks = np.repeat(base, _PRICES, 0)
    for place, values in space.parts:
        alone = np.repeat(base, len(values), 0)
        alone[:, place] = values
        gain = (space.macs(alone) - space.macs(base)).astype(np.float64)
        cost = table.latency_ms(alone, space) - table.latency_ms(base, space)
        # At each price of a millisecond, the value of the part that is worth most.
        prices = np.geomspace(1e-2, 1e2, _PRICES) * gain.max() / max(np.ptp(cost), 1e-9)
        best = (gain - prices[:, None] * cost).argmax(1)
        networks[:, place] = values[best]
    return networks


def spread(genes: Genes, table: LookupTable, space: Space, n: int) -> Genes:
    """Up to ``n`` of these networks, evenly spread over the range of their latencies."""
    latency_ms = table.latency_ms(genes, space)
    order = np.argsort(latency_ms)
    goals = np.linspace(latency_ms.min(), latency_ms.max(), n + 2)[1:-1]
    places = np.searchsorted(latency_ms[order], goals).clip(0, len(order) - 1)
    chosen: Genes = genes[order[np.unique(places)]]
    return chosen


def answer_of(measurement: Measurement, rank: int, table: LookupTable) -> Measured:
    """A network that was measured as an answer, at the table's speed."""
    speed = {} if table.sentinel is None else speed_beside([measurement], table.sentinel) or {}
    return Measured(
        arch=measurement.arch or {},
        role="answer",
        latency_ms=measurement.at_speed_of(table.sentinel),
        multiples=measurement.multiples if speed else {},
        session=measurement.time,
        rank=rank,
        speed={clock: known.factor for clock, known in speed.items()},
    )


def at_speed(answer: Measured, then: Sentinel | None, now: Sentinel | None) -> Measured:
    """An answer that a table remembers, when the table becomes one of another speed.

    Args:
        then: what told the table's speed.
        now: what tells it from now on.
    """
    if not answer.multiples or then is None or now is None or then.sha256 != now.sha256:
        return answer
    clocks = now.latency_ms.keys() & then.latency_ms.keys()
    factors = {clock: now.latency_ms[clock] / then.latency_ms[clock] for clock in clocks}
    latency_ms = {
        clock: factors.get(clock, 1.0) * time_ms for clock, time_ms in answer.latency_ms.items()
    }
    speed = {clock: value / factors.get(clock, 1.0) for clock, value in answer.speed.items()}
    return replace(answer, latency_ms=latency_ms, speed=speed)
