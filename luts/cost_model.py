"""What predicts the latency of architectures without running them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from luts.agreement import CONFIDENCES, Agreement, Bound
from luts.errors import BudgetImpossible
from nasprof.errors import UsageError
from nasprof.registry import Registry
from nasprof.typing import Array, JsonObject
from spaces import Genes, Space
from spaces.predictor import Predictor


@dataclass(frozen=True)
class Extremes:
    """The fastest and the slowest architecture a cost model knows of.

    Args:
        fastest: genes ``(n_genes,)``.
        slowest: genes ``(n_genes,)``.
        exact: whether no architecture of the space lies outside; else the best that were found.
    """

    fastest: Genes
    slowest: Genes
    min_ms: float
    max_ms: float
    exact: bool


class CostModel(Predictor):
    """Predicts latencies of architectures.

    Its provenance tells what was measured: device, runtime, threads, precision, clock, ...
    """

    alternative: ClassVar[str] = (
        "Take a table of that space, or build one: nasprof build-lut --help"
    )
    additive: ClassVar[bool] = False
    """Whether the groups of genes in ``Space.parts`` contribute independently of each other."""
    clock: str
    """The clock that predictions are of: "wall" or "cpu"."""

    @abstractmethod
    def latency_ms(self, genes: Genes, space: Space | None = None) -> Array:
        """Predicted latency of each architecture in ms: ``(n,)``."""

    @abstractmethod
    def bound(self, confidence: float) -> Bound | None:
        """Upper bound on measured over predicted latency of a random network, at least 1.

        None where nothing was audited.
        """

    def answer_bound(self, confidence: float) -> Bound | None:
        """The same of a network that a search has chosen; see ``luts.answers``."""
        return self.bound(confidence)

    @abstractmethod
    def extremes(self, space: Space | None = None) -> Extremes:
        """The range of latencies in the space."""

    def located(self, path: Path) -> Self:
        """The same model, which knows the file it was read from if it has use for that."""
        return self

    def on_clock(self, clock: str) -> Self:
        """The same model with predictions by another clock.

        Raises:
            UsageError: it knows nothing of that clock.
        """
        if clock != self.clock:
            raise UsageError(f"{self.name!r} is of the {self.clock} clock only, not of {clock!r}")
        return self

    @property
    def agreement(self) -> Agreement | None:
        """With whole networks that it was not made from; None if it was never compared."""
        return None

    @abstractmethod
    def to_dict(self) -> JsonObject:
        """As JSON, with ``kind`` and ``schema``."""

    @classmethod
    @abstractmethod
    def from_dict(cls, data: Mapping[str, object], name: str) -> Self:
        """From JSON.

        Raises:
            CostModelInvalid: naming the field that is missing or wrong.
        """

    def upper_bound_ms(
        self, genes: Genes, confidence: float = 0.95, space: Space | None = None
    ) -> Array:
        """What each architecture takes at most in ms, with the given confidence: ``(n,)``.

        Raises:
            UsageError: the model was never audited.
        """
        bound = self.bound(confidence)
        if bound is None:
            raise UsageError(
                f"{self.name!r} was never compared with whole networks: it has no upper bounds",
                f"Run: nasprof audit {self.name}",
            )
        return bound.upper(self.latency_ms(genes, space))

    def bounds(self, confidences: Sequence[float] = CONFIDENCES) -> dict[float, Bound]:
        """Upper bounds for several confidences; empty where nothing was audited."""
        return _known({confidence: self.bound(confidence) for confidence in confidences})

    def answer_bounds(self, confidences: Sequence[float] = CONFIDENCES) -> dict[float, Bound]:
        """The same of networks that a search has chosen."""
        return _known({confidence: self.answer_bound(confidence) for confidence in confidences})

    def require_budget(self, budget_ms: float, space: Space | None = None) -> None:
        """Refuse a budget that no architecture meets.

        Raises:
            BudgetImpossible: naming the least latency.
        """
        space = self.space_of(space)
        least = self.extremes(space)
        if budget_ms < least.min_ms:
            known = "" if least.exact else " that was found"
            raise BudgetImpossible(
                f"no {space.label} network{known} runs under {least.min_ms:.3g} ms on "
                f"{self.name!r}; the budget is {budget_ms:g} ms",
                "Raise the budget, or lower width or resolution.",
            )


def _known(bounds: Mapping[float, Bound | None]) -> dict[float, Bound]:
    return {confidence: bound for confidence, bound in bounds.items() if bound is not None}


cost_models: Registry[type[CostModel]] = Registry(
    "kind of cost model",
    {"lut": "luts.table:LookupTable", "learned": "luts.learned:LearnedCostModel"},
)
