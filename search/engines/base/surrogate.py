"""What engines that search by predictions have in common: predictors, and searches on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

import numpy as np

from nasprof.errors import UsageError
from nasprof.settings import Settings, setting
from nasprof.threads import one_thread
from nasprof.typing import Array, Flags
from search.engines import engines
from search.engines.base.coroutine import CoroutineEngine
from search.predictors import GenePredictor, make_predictor, predictors
from search.problem import Objective, Problem
from search.quality.ranking import evaluated
from spaces import Genes

Choice: TypeAlias = str | Mapping[str, str] | None

KNOWN = "known"
"""Instead of a predictor: the objective itself, whose values cost nothing."""


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
            None if name == KNOWN else make_predictor(name, self.problem.space, self.seed + index)
            for index, name in enumerate(names)
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
    names = [objective.name for objective in problem.objectives]
    predictors = dict.fromkeys(names, choice) if isinstance(choice, str) else dict(choice or {})
    for name, predictor in predictors.items():
        if name not in names:
            raise UsageError(
                f"setting 'predictor' names {name!r}, which is no objective",
                f"Objectives: {', '.join(names)}.",
            )
        if not isinstance(predictor, str):
            raise UsageError(f"setting 'predictor' of {name!r} is {predictor!r}, expected a name")
    return [
        _checked(objective, predictors.get(objective.name), default)
        for objective in problem.objectives
    ]


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


@dataclass(frozen=True)
class PredictingSettings(Settings):
    """Of the predictors; see :class:`Surrogates`."""

    predictor: Choice = setting(None, "of all objectives that are not free, or of each by its name")


class PredictingEngine(CoroutineEngine):
    """Predicts the objectives of its problem."""

    settings: PredictingSettings = PredictingSettings()
    predicts: ClassVar[bool] = True
    evaluations: ClassVar[int] = 250
    default_predictor: ClassVar[str] = "gp"
    """Of objectives that no setting names a predictor of."""

    def check(self, problem: Problem) -> None:
        super().check(problem)
        self._surrogates(problem)

    def _surrogates(self, problem: Problem, seed: int = 0) -> Surrogates:
        return Surrogates(problem, self.settings.predictor, self.default_predictor, seed)


@dataclass(frozen=True)
class InnerSearchSettings(PredictingSettings):
    """Of predictors, and of the engine that searches on what they predict."""

    inner: str = setting("nsga2", "the engine that searches on predictions")
    inner_evaluations: int = setting(20_000, "predictions it may ask for in each search", 1)


class InnerSearchEngine(PredictingEngine):
    """Has another engine search on predictions."""

    settings: InnerSearchSettings = InnerSearchSettings()

    def check(self, problem: Problem) -> None:
        super().check(problem)
        self._inner(problem)

    def _inner(self, problem: Problem) -> CoroutineEngine:
        """The inner engine, not set up.

        Raises:
            UsageError: it cannot search on predictions, or not for such problems.
        """
        name = self.settings.inner
        engine = inner_engine(name)()
        try:
            engine.check(problem)
        except UsageError as error:
            message = f"setting 'inner' is {name!r}: {error.message}"
            raise UsageError(message, error.remedy) from error
        return engine

    def _search_predictions(
        self, predict: Surrogates, evaluated_before: Genes, first: Genes | None = None
    ) -> tuple[Genes, Array]:
        """What the inner engine proposes ``(n, n_genes)``, and its predictions."""
        engine = self._inner(self.problem).setup(self.problem, self.rng, first)
        return search_on(engine, predict, self.settings.inner_evaluations, evaluated_before)


def inner_engine(name: str) -> type[CoroutineEngine]:
    """An engine that can search on predictions.

    Raises:
        UsageError: there is none of that name, or it cannot do that.
    """
    engine = engines.get(name)
    barred = engine.needs_limit or engine.predicts
    if barred or not issubclass(engine, CoroutineEngine):
        raise UsageError(
            f"engine {name!r} cannot search on predictions",
            "Take nsga2, nsga3, unsga3, agemoea, ctaea, moead, evo or local.",
        )
    return engine


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
        genes = next(search, None)
        while genes is not None and most > 0:
            most -= len(genes)
            try:
                genes = search.send(known(genes))
            except StopIteration:
                break
    predicted = known.genes(engine.space.n_genes)
    new = unknown(predicted, evaluated_before)
    return predicted[new], known.values[new]


class _Predictions:
    """Remembers what was predicted: a search asks again and again for what it is near."""

    def __init__(self, predict: Surrogates) -> None:
        self._predict = predict
        self._rows: dict[bytes, int] = {}
        self._values = np.empty((0, len(predict.problem.objectives)))

    def __call__(self, genes: Genes) -> Array:
        """Predictions of architectures ``(n, n_genes)``: ``(n, n_objectives)``."""
        keys = [row.tobytes() for row in genes]
        new = {key: index for index, key in enumerate(keys) if key not in self._rows}
        if new:
            self._values = np.concatenate([self._values, self._predict(genes[list(new.values())])])
            self._rows |= {key: len(self._rows) + number for number, key in enumerate(new)}
        return self._values[[self._rows[key] for key in keys]]

    def genes(self, n_genes: int) -> Genes:
        """Everything predicted, each once: ``(n, n_genes)``."""
        return np.frombuffer(b"".join(self._rows), np.int8).reshape(-1, n_genes)

    @property
    def values(self) -> Array:
        """Its predictions, ``(n, n_objectives)``."""
        return self._values


def unknown(genes: Genes, known: Genes) -> Flags:
    """Which of ``genes`` are not among ``known``: ``(n,)``."""
    known_keys = {row.tobytes() for row in known}
    return np.array([row.tobytes() not in known_keys for row in genes], np.bool_)
