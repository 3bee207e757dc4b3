"""What a table shall hold: its spaces, and the networks that are measured beside its blocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from devices import Profile, RunSettings
from luts import Measured, cost_model_files
from luts.audit import Role
from nasprof.typing import JsonObject
from profiler.measuring.protocol import Protocol
from spaces import Genes, Space
from spaces.graph import Network


@dataclass(frozen=True)
class Plan:
    """What a table shall hold and how it is measured.

    Args:
        protocol: for blocks and networks alike.
        source: how blocks get their costs, see :mod:`profiler.tables.sources`.
        calibration: networks that the line from sums to latencies is fitted on.
        audit: networks that tell how good the table is.
        answers: networks that a search would choose, which tell how good it is for those.
        seed: draws networks, weights and orders.
    """

    spaces: tuple[Space, ...]
    protocol: Protocol
    precision: str = "fp32"
    batch: int = 1
    source: str = "blocks"
    calibration: int = 10
    audit: int = 20
    answers: int = 10
    seed: int = 0

    def path(self, profile: Profile, settings: RunSettings) -> Path:
        """Where the table is kept unless its user names a place: named after what it is of."""
        spaces = [space.label.replace("@", "-r").replace(" ", "-") for space in self.spaces]
        more = "" if len(spaces) == 1 else f"-and-{len(spaces) - 1}-more"
        threads = "" if settings.threads == 1 else f"-t{settings.threads}"
        batch = "" if self.batch == 1 else f"-b{self.batch}"
        parts = (profile.name, settings.runtime, self.precision + threads + batch, spaces[0] + more)
        return cost_model_files.path("-".join(parts))


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
    def arch(self) -> JsonObject:
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
