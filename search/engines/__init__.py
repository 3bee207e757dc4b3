"""Search engines: one file an algorithm, what they share in ``search.engines.base``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nasprof.registry import Registry

if TYPE_CHECKING:
    from search.engines.base.engine import Engine

__all__ = ["engines", "make_engine"]

engines: Registry[type[Engine]] = Registry(
    "engine",
    {
        "agemoea": "search.engines.agemoea:AGEMOEAEngine",
        "ctaea": "search.engines.ctaea:CTAEAEngine",
        "evo": "search.engines.evo:EvolutionEngine",
        "exact": "search.engines.exact:ExactEngine",
        "linas": "search.engines.linas:LinasEngine",
        "local": "search.engines.local:LocalEngine",
        "moead": "search.engines.moead:MOEADEngine",
        "motpe": "search.engines.motpe:MOTPEEngine",
        "nas-mo": "search.engines.nas_mo:PolicyEngine",
        "nat": "search.engines.nat:NatEngine",
        "nsga2": "search.engines.nsga2:NSGA2Engine",
        "nsga3": "search.engines.nsga3:NSGA3Engine",
        "ofa-ea": "search.engines.ofa_ea:OfaEvolutionEngine",
        "oneshot": "search.engines.oneshot:OneShotEngine",
        "pomonag": "search.engines.pomonag:PomonagEngine",
        "random": "search.engines.random_search:RandomEngine",
        "unsga3": "search.engines.unsga3:UNSGA3Engine",
    },
)
"""One file an engine."""


def make_engine(name: str, settings: Mapping[str, object] | None = None) -> Engine:
    """An engine by its name, to be set up for a problem.

    Args:
        name: as in :data:`engines`.
        settings: those that differ from the defaults, by name, as JSON values.

    Returns:
        An engine that waits for :meth:`~search.engines.base.Engine.setup`.

    Raises:
        UsageError: there is no such engine; a setting is unknown or no such value.

    Example:
        >>> import numpy as np
        >>> from search import Objective, Problem
        >>> from spaces import get_space
        >>> cells = get_space("nasbench201")
        >>> macs = Objective("macs", "M", lambda genes: cells.macs(genes) / 1e6)
        >>> problem = Problem(cells, (macs,))
        >>> engine = make_engine("nsga2", {"population": 20})
        >>> engine = engine.setup(problem, np.random.default_rng(0))
        >>> genes = engine.ask(20)
        >>> engine.tell(genes, problem.values(genes))
        >>> genes.shape
        (20, 6)
    """
    engine = engines.get(name)
    return engine(type(engine.settings).of(settings or {}))
