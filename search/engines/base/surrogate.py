"""What engines that search by predictions have in common: predictors, and searches on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.threads import one_thread
from nasprof.typing import Array
from search.engines.base.coroutine import CoroutineEngine
from search.engines.base.engine import engines
from search.predictors import GenePredictor, make_predictor, predictors
from search.problem import Objective, Problem
from search.quality.ranking import evaluated
from spaces import Genes

Choice: TypeAlias = str | Mapping[str, str] | None

KNOWN = "known"
"""Instead of a predictor: the objective itself, whose values cost nothing."""
_ROWS = 5000


@dataclass
class Surrogates:
    """Predicts every objective of a problem from what was evaluated.

    Args:
        choice: the predictor of all objectives, or of each by its name. ``known`` asks the
            objective itself; that is the default of those whose values cost nothing.
        default: the predictor of objectives without a choice.
    """

    problem: Problem
    choice: Choice = None
    default: str = "gp"
    seed: int = 0
    predictors: list[GenePredictor | None] = field(init=False)

    def __post_init__(self) -> None:
        names = chosen_predictors(self.problem, self.choice, self.default)
        self.predictors = [
            None if name == KNOWN else make_predictor(name, self.problem.space, self.seed + place)
            for place, name in enumerate(names)
        ]

    def fit(self, genes: Genes, values: Array) -> bool:
        """Learn from architectures ``(n, n_genes)`` and their objectives ``(n, n_objectives)``.

        Returns:
            Whether there was enough to learn from: two that were evaluated.
        """
        known = evaluated(values)
        if known.sum() < 2:
            return False
        for predictor, column in zip(self.predictors, values[known].T, strict=True):
            if predictor is not None:
                predictor.fit(genes[known], column)
        return True

    def __call__(self, genes: Genes) -> Array:
        """Objectives to be minimised, as far as predicted: ``(n, n_objectives)``."""
        columns = [
            sign * objective.function(genes) if predictor is None else predictor.predict(genes)
            for sign, objective, predictor in zip(
                self.problem.signs, self.problem.objectives, self.predictors, strict=True
            )
        ]
        return np.stack(columns, 1)


def chosen_predictors(problem: Problem, choice: Choice, default: str) -> list[str]:
    """The name of each objective's predictor.

    Raises:
        UsageError: there is no such predictor or objective, or one is not free to be asked.
    """
    names = [each.name for each in problem.objectives]
    given = dict.fromkeys(names, choice) if isinstance(choice, str) else dict(choice or {})
    for name, predictor in given.items():
        if name not in names:
            raise UsageError(
                f"setting 'predictor' names {name!r}, which is no objective",
                f"Objectives: {', '.join(names)}.",
            )
        if not isinstance(predictor, str):
            raise UsageError(f"setting 'predictor' of {name!r} is {predictor!r}, expected a name")
    return [_checked(each, given.get(each.name), default) for each in problem.objectives]


def _checked(objective: Objective, name: str | None, default: str) -> str:
    if name is None:
        return KNOWN if objective.free else default
    if name != KNOWN:
        predictors.get(name)
    elif not objective.free:
        raise UsageError(
            f"the values of objective {objective.name!r} cost something: they cannot be 'known'",
            f"Take a predictor: {', '.join(predictors)}.",
        )
    return name


class PredictingEngine(CoroutineEngine):
    """Knows its problem, whose objectives it predicts.

    A subclass that has a predictor to choose makes :class:`Surrogates` when it is made, so that a
    wrong choice is refused before anything is evaluated.
    """

    predicts: ClassVar[bool] = True
    evaluations: ClassVar[int] = 250

    def __init__(
        self, problem: Problem, rng: np.random.Generator, *, first: Genes | None = None
    ) -> None:
        self.problem = problem
        super().__init__(problem.space, rng, problem.worst, first=first)

    @classmethod
    def _of(
        cls, problem: Problem, rng: np.random.Generator, first: Genes | None, **settings: Any
    ) -> Self:
        return cls(problem, rng, first=first, **settings)


def inner_engine(name: str, problem: Problem) -> type[CoroutineEngine]:
    """The engine that searches on predictions of a problem.

    Raises:
        UsageError: there is none of that name, or it cannot do that, or not for such problems.
    """
    found = engines.get(name)
    barred = found.needs_limit or found.predicts
    if barred or not issubclass(found, CoroutineEngine):
        raise UsageError(
            f"engine {name!r} cannot search on predictions",
            "Take nsga2, nsga3, unsga3, agemoea, ctaea, moead, evo or local.",
        )
    try:
        # Made for nothing but to hear now what it would say when there is something to predict.
        found.create(problem, np.random.default_rng(0))
    except UsageError as error:
        raise UsageError(f"setting 'inner' is {name!r}: {error.message}", error.remedy) from error
    return found


def search_on(
    engine: CoroutineEngine, predict: Surrogates, most: int, evaluated_before: Genes
) -> tuple[Genes, Array]:
    """Let an engine search on predictions.

    Args:
        most: architectures that it is told of, those that it proposes again counted again.
        evaluated_before: of which nothing is given back, ``(m, n_genes)``.

    Returns:
        Distinct architectures ``(n, n_genes)`` and their predictions ``(n, n_objectives)``.
    """
    known = _Predictions(predict)
    search = engine.search()
    with one_thread():
        wanted = next(search, None)
        while wanted is not None and most > 0:
            most -= len(wanted)
            try:
                wanted = search.send(known(wanted))
            except StopIteration:
                break
    found = known.genes(engine.space.n_genes)
    new = unknown(found, evaluated_before)
    return found[new], known.values[new]


class _Predictions:
    """Remembers what was predicted: a search asks again and again for what it is near."""

    def __init__(self, predict: Surrogates) -> None:
        self._predict = predict
        self._places: dict[bytes, int] = {}
        self._values = np.empty((0, len(predict.problem.objectives)))

    def __call__(self, genes: Genes) -> Array:
        """Predictions of architectures ``(n, n_genes)``: ``(n, n_objectives)``."""
        keys = [row.tobytes() for row in genes]
        new = {key: place for place, key in enumerate(keys) if key not in self._places}
        if new:
            self._values = np.concatenate([self._values, self._predict(genes[list(new.values())])])
            self._places |= {key: len(self._places) + number for number, key in enumerate(new)}
        return self._values[[self._places[key] for key in keys]]

    def genes(self, n_genes: int) -> Genes:
        """Everything predicted, each once: ``(n, n_genes)``."""
        return np.frombuffer(b"".join(self._places), np.int8).reshape(-1, n_genes)

    @property
    def values(self) -> Array:
        """Its predictions, ``(n, n_objectives)``."""
        return self._values


def unknown(genes: Genes, known: Genes) -> NDArray[np.bool_]:
    """Which of ``genes`` are not among ``known``: ``(n,)``."""
    held = {row.tobytes() for row in known}
    return np.array([row.tobytes() not in held for row in genes], np.bool_)
