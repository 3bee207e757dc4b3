"""Learned cost models: latency predicted from measured networks, where sums of blocks fail.

On a GPU at batch 1 time follows the number of operations, and no sum of block latencies ranks
networks well. An estimator of scikit-learn is chosen by cross-validation and fitted to whole
networks. The file holds these networks and the choice, never the fitted estimator: it is fitted
again, to the same result, at the first prediction after loading.

Upper bounds come from the ratios of measured to out-of-fold predicted latency: cross-conformal
prediction (Vovk 2015; Barber et al. 2021, Sec. 2.2). The same ratios chose the estimator, which
makes them slightly optimistic; an audit on networks never used for fitting has no such flaw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self, cast

import numpy as np

from luts.agreement import (
    Agreement,
    Bound,
    agreement,
    upper_bound,
    upper_bounds,
)
from luts.cost_model import CostModel, Extremes
from luts.digest import check_digest, digest
from luts.entry import CLOCKS
from luts.errors import CostModelInvalid, SpaceMismatch
from luts.estimators import Candidate, Choice, Fit, rank_candidates
from luts.extremes import search_extremes
from luts.features import feature_sets, features, signature
from luts.provenance import check_provenance
from luts.training import ENOUGH_NETWORKS, TrainingSet, family, resolution
from nasprof.errors import UsageError
from nasprof.reader import LONGEST_MS, SHORTEST_MS, Reader
from nasprof.typing import Array, JsonObject
from spaces import Genes, Space

SCHEMA = 1
_SEEDS = 2**32


@dataclass(frozen=True)
class LearnedCostModel(CostModel):
    """Predicts latency by an estimator fitted to measured networks.

    Args:
        name: what people call it.
        training: the networks.
        candidates: what was tried, the chosen one first.
        out_of_fold_ms: what the chosen one predicted for each network when fitted on others.
        provenance: what was measured and how.
        clock: what they were measured by, "wall" or "cpu".
        seed: of the folds and of the estimator.
    """

    kind: ClassVar[str] = "learned"

    name: str
    training: TrainingSet
    candidates: tuple[Candidate, ...]
    out_of_fold_ms: tuple[float, ...]
    provenance: JsonObject
    clock: str = "wall"
    seed: int = 0
    _kept: dict[object, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def fit(
        cls,
        name: str,
        training: TrainingSet,
        provenance: JsonObject,
        *,
        clock: str = "wall",
        seed: int = 0,
    ) -> Self:
        """The model of an estimator chosen by cross-validation."""
        usable = [feature_set for feature_set in feature_sets if training.describable(feature_set)]
        inputs = {feature_set: training.features(feature_set) for feature_set in usable}
        candidates, out_of_fold_ms = rank_candidates(inputs, training.measured_ms, seed)
        predicted_ms = tuple(out_of_fold_ms.tolist())
        return cls(name, training, candidates, predicted_ms, provenance, clock, seed)

    # --- predictions ------------------------------------------------------------------------

    @property
    def spaces(self) -> tuple[Space, ...]:  # type: ignore[override]  # those of the networks
        """The spaces of the networks learned from, lowest resolution first."""
        return self.training.spaces

    @property
    def choice(self) -> Choice:
        """How predictions are made."""
        return self.candidates[0].choice

    def latency_ms(self, genes: Genes, space: Space | None = None) -> Array:
        space = self.space_of(space)
        return self._fitted(features(self.choice.features, space, genes))

    @property
    def _fitted(self) -> Fit:
        if "fit" not in self._kept:
            inputs = self.training.features(self.choice.features)
            try:
                fit = Fit(self.choice, inputs, self.training.measured_ms, self.seed)
            except ValueError as error:  # of an estimator that found no fit at all
                raise CostModelInvalid(
                    f"{self.name!r} cannot be fitted to its networks: {error}",
                    "Are they latencies of one device? Fit it again: nasprof fit --help",
                ) from error
            self._kept["fit"] = fit
        return cast(Fit, self._kept["fit"])

    def space_of(self, space: Space | None = None) -> Space:
        """``space`` if the model is of it, up to a resolution within the range learned from.

        Raises:
            SpaceMismatch: it is not, or none is given and there are several.
        """
        if space is None or space in self.spaces:
            return super().space_of(space)
        first, last = self.spaces[0], self.spaces[-1]
        seen = f"{first.label} to {last.label}" if len(self.spaces) > 1 else first.label
        sides = [resolution(other) for other in (first, space, last)]
        fits = None not in sides and sides == sorted(sides, key=lambda side: side or 0)
        name = self.choice.features
        if (
            fits
            and family(space) == family(first)
            and signature(name, space) == signature(name, first)
        ):
            return space
        raise SpaceMismatch(
            f"{self.name!r} was learned from networks of {seen}, not of {space.label}",
            "Measure networks of that space and learn from them: nasprof fit --help",
        )

    def extremes(self, space: Space | None = None) -> Extremes:
        """The range that a search found; not exact."""
        space = self.space_of(space)
        key = ("extremes", space)
        if key not in self._kept:
            self._kept[key] = search_extremes(space, lambda genes: self.latency_ms(genes, space))
        return cast(Extremes, self._kept[key])

    # --- trust ------------------------------------------------------------------------------

    @property
    def agreement(self) -> Agreement:
        """Out-of-fold predictions against measured latencies."""
        return agreement(np.array(self.out_of_fold_ms), self.training.measured_ms)

    def bound(self, confidence: float) -> Bound:
        return upper_bound(self._ratios, confidence)

    @property
    def _ratios(self) -> Array:
        ratios: Array = self.training.measured_ms / np.array(self.out_of_fold_ms)
        return ratios

    @property
    def doubts(self) -> list[str]:
        doubts = []
        if len(self.training) < ENOUGH_NETWORKS:
            doubts.append(
                f"it was learned from {len(self.training)} networks only, "
                f"expected at least {ENOUGH_NETWORKS}"
            )
        if not (known := self.agreement).holds:
            doubts.append(known.shortfall("on networks it was not fitted on"))
        return doubts

    # --- files ------------------------------------------------------------------------------

    def to_dict(self) -> JsonObject:
        data = {
            "schema": SCHEMA,
            "kind": self.kind,
            "clock": self.clock,
            "seed": self.seed,
            "provenance": dict(self.provenance),
            "candidates": [candidate.to_dict() for candidate in self.candidates],
            "networks": self.training.as_list(),
            "out_of_fold_ms": list(self.out_of_fold_ms),
            "agreement": self.agreement.to_dict(),
            "upper": {
                str(confidence): bound.to_dict()
                for confidence, bound in upper_bounds(self._ratios).items()
            },
        }
        return {**data, "sha256": digest(data)}

    @classmethod
    def from_dict(cls, data: Mapping[str, object], name: str) -> Self:
        try:
            return cls._read(data, name)
        except UsageError as error:
            raise CostModelInvalid(
                f"learned cost model {name!r}: {error.message}", error.remedy
            ) from error

    @classmethod
    def _read(cls, data: Mapping[str, object], name: str) -> Self:
        reader = Reader(data, "model")
        if reader.take("schema", "a whole number") != SCHEMA:
            raise UsageError(
                f"field 'schema' is {data['schema']}, expected {SCHEMA}",
                "It was written by another version of nasprof; fit it again.",
            )
        clock, seed = reader.take("clock", "a string"), reader.take("seed", "a whole number")
        if clock not in CLOCKS:
            raise UsageError(f"field 'clock' is {clock!r}, expected one of {', '.join(CLOCKS)}")
        if not 0 <= seed < _SEEDS:
            raise UsageError(f"field 'seed' is {seed}, expected at least 0 and below 2**32")
        training = TrainingSet.from_list(reader.take("networks", "a list"), "networks")
        model = cls(
            name=name,
            training=training,
            candidates=_candidates(reader.take("candidates", "a list")),
            out_of_fold_ms=_predictions(
                reader.take("out_of_fold_ms", "a list of numbers"), training
            ),
            provenance=reader.take("provenance", "an object"),
            clock=clock,
            seed=seed,
        )
        check_provenance(model.provenance)
        check_digest(data, "Fit it again: nasprof fit --help")
        return model


def _candidates(data: Sequence[object]) -> tuple[Candidate, ...]:
    if not data:
        raise UsageError("field 'candidates' is [], expected at least the one that was chosen")
    return tuple(
        Candidate.from_dict(value, f"candidates[{number}]") for number, value in enumerate(data)
    )


def _predictions(values: Sequence[float], training: TrainingSet) -> tuple[float, ...]:
    within = all(SHORTEST_MS <= value <= LONGEST_MS for value in values)
    if len(values) != len(training) or not within:
        raise UsageError(
            f"field 'out_of_fold_ms' holds {len(values)} numbers, "
            f"expected one above 0 and within a day for each of the {len(training)} networks"
        )
    return tuple(float(value) for value in values)
