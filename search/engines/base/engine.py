"""What every search engine offers.

An engine proposes genes (:meth:`Engine.ask`) and is told what they are worth
(:meth:`Engine.tell`). It opens no files, devices or data, so that it can be stopped, saved and
resumed anywhere, and all engines can be compared on the same ground.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from nasprof.errors import UsageError
from nasprof.registry import Registry
from nasprof.typing import Array
from search.problem import Problem
from spaces import Genes, Space

MANY = 1000


class Engine(ABC):
    """Proposes architectures of one space; every value it is told is to be minimised.

    Args:
        space: where to search.
        rng: the only source of randomness; its state is part of the engine's.
        worst: largest allowed value of each objective, or inf: ``(n_objectives,)``.
        first: architectures to begin with ``(n, n_genes)``, most important first.
    """

    n_objectives: ClassVar[tuple[int, int]] = (1, MANY)
    """Least and largest number of objectives that it can search with."""
    needs_limit: ClassVar[bool] = False
    """Whether it can do nothing but look for one best architecture within limits."""
    seeks_best: ClassVar[bool] = False
    """Whether it looks for one best architecture where limits leave one objective to improve."""
    predicts: ClassVar[bool] = False
    """Whether it searches on predictions of its own."""
    evaluations: ClassVar[int] = 5000
    """How many it makes where nobody says how many."""

    def __init__(
        self,
        space: Space,
        rng: np.random.Generator,
        worst: Array | None = None,
        *,
        first: Genes | None = None,
    ) -> None:
        self.space = space
        self.rng = rng
        self.worst = np.full(1, np.inf) if worst is None else worst
        self.first = np.empty((0, space.n_genes), np.int8) if first is None else first

    @classmethod
    def create(
        cls,
        problem: Problem,
        rng: np.random.Generator,
        first: Genes | None = None,
        **settings: Any,
    ) -> Self:
        """The engine for a problem.

        Args:
            first: architectures to begin with ``(n, n_genes)``, most important first.
            settings: what its class offers beside them; defaults for the rest.

        Raises:
            UsageError: it is not made for such problems, and which are; a setting is unknown or
                no such value.
        """
        require_objectives(cls, problem)
        if cls.needs_limit:
            require_limit(problem)
        return cls._of(problem, rng, first, **checked_settings(cls, settings))

    @classmethod
    def _of(
        cls, problem: Problem, rng: np.random.Generator, first: Genes | None, **settings: Any
    ) -> Self:
        """The engine for a problem that it is made for, with settings that it knows."""
        make: Any = cls
        made: Self = make(problem.space, rng, problem.worst, first=first, **settings)
        return made

    @abstractmethod
    def ask(self, n: int) -> Genes:
        """Up to ``n`` new architectures ``(m, n_genes)``, canonical and never proposed before.

        Fewer than ``n`` when the engine has to be told of those first. None when it was told of
        all and is at its end.
        """

    @abstractmethod
    def tell(self, genes: Genes, values: Array) -> None:
        """Learn the objectives ``(n, n_objectives)`` of architectures ``(n, n_genes)``."""

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on exactly here, as JSON values."""
        return {"rng": self.rng.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was taken."""
        self.rng.bit_generator.state = state["rng"]


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
        "random": "search.engines.random_search:RandomEngine",
        "unsga3": "search.engines.unsga3:UNSGA3Engine",
    },
)
"""One file an engine."""


def require_objectives(engine: type[Engine], problem: Problem) -> None:
    """Refuse a number of objectives that an engine cannot search with.

    Raises:
        UsageError: naming the engines that can.
    """
    n = len(problem.objectives)
    least, most = engine.n_objectives
    if least <= n <= most:
        return
    free = not np.isfinite(problem.worst).any()
    able = [
        name
        for name in engines
        if _able(engines.get(name), n) and not (free and n > 1 and engines.get(name).needs_limit)
    ]
    wanted = str(least) if least == most else f"at least {least}" if n < least else f"up to {most}"
    names = ", ".join(each.name for each in problem.objectives)
    raise UsageError(
        f"this engine needs {wanted} objectives, there are {n}: {names}",
        f"Engines for {n}: {', '.join(able)}.",
    )


def _able(engine: type[Engine], n_objectives: int) -> bool:
    least, most = engine.n_objectives
    return least <= n_objectives <= most


def require_limit(problem: Problem) -> None:
    """Refuse a problem of several objectives where none but the first is limited.

    Raises:
        UsageError: naming the engines that search whole fronts.
    """
    if len(problem.objectives) > 1 and not np.isfinite(problem.worst[1:]).any():
        others = ", ".join(name for name in engines if not engines.get(name).needs_limit)
        limited = ", ".join(each.name for each in problem.objectives[1:])
        raise UsageError(
            f"this engine looks for the best within a limit; none is set on {limited}",
            f"Set a budget, or take an engine that searches the whole front: {others}.",
        )


def one_left(worst: Array) -> bool:
    """Whether limits leave only the first objective to improve.

    Args:
        worst: largest allowed value of each objective, or inf: ``(n_objectives,)``.
    """
    return bool(np.isfinite(worst[1:]).all())


def settings_of(engine: type[Engine]) -> dict[str, Any]:
    """Names and defaults of what can be set of an engine."""
    parameters = inspect.signature(engine.__init__).parameters.values()
    return {
        each.name: each.default
        for each in parameters
        if each.kind is each.KEYWORD_ONLY and each.name != "first"
    }


def checked_settings(engine: type[Engine], settings: Mapping[str, Any]) -> dict[str, Any]:
    """``settings`` if the engine has them all and they are of the right kind.

    Raises:
        UsageError: naming the one that is not.
    """
    known = settings_of(engine)
    for name, value in settings.items():
        if name not in known:
            offered = ", ".join(f"{key}={default}" for key, default in known.items())
            raise UsageError(
                f"this engine has no setting {name!r}", f"It has: {offered or 'none'}."
            )
        if not _fits(value, known[name]):
            raise UsageError(
                f"setting {name!r} is {value!r}, expected something like {known[name]!r}"
            )
    return dict(settings)


def _fits(value: object, default: object) -> bool:
    """Whether a setting may have this value; the engine itself judges where the default is None."""
    if type(default) is int:
        return type(value) is int and value >= 1
    if type(default) is float:
        return type(value) in (int, float) and 0 <= float(str(value)) < np.inf
    return default is None or type(value) is type(default)
