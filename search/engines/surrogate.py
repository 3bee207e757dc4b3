"""What engines that search by predictions have in common: predictors, and searches on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from search.engine import engines
from search.engines.coroutine import CoroutineEngine
from search.predictors import GenePredictor, make_predictor, predictors
from search.problem import Objective, Problem
from search.runs.ranking import evaluated
from search.threads import one_numpy_thread
from spaces import Genes

Array: TypeAlias = NDArray[np.float64]
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


def inner_engine(name: str) -> type[CoroutineEngine]:
    """The engine that searches on predictions.

    Raises:
        UsageError: there is none of that name, or it cannot do that.
    """
    found = engines.get(name)
    barred = found.needs_limit or found.predicts
    if barred or not issubclass(found, CoroutineEngine):
        raise UsageError(
            f"engine {name!r} cannot search on predictions",
            "Take nsga2, nsga3, unsga3, agemoea, ctaea, moead, evo or local.",
        )
    return found


def search_on(engine: CoroutineEngine, predict: Surrogates, most: int) -> tuple[Genes, Array]:
    """Let an engine search on predictions.

    Args:
        most: architectures that it is told of, those that it proposes again counted again.

    Returns:
        Distinct architectures ``(n, n_genes)`` and their predictions ``(n, n_objectives)``.
    """
    genes: list[Genes] = []
    values: list[Array] = []
    search = engine.search()
    with one_numpy_thread():
        wanted = next(search, None)
        while wanted is not None and most > 0:
            worth = predict(wanted)
            genes.append(wanted)
            values.append(worth)
            most -= len(wanted)
            try:
                wanted = search.send(worth)
            except StopIteration:
                break
    if not genes:
        return np.empty((0, engine.space.n_genes), np.int8), np.empty((0, 0))
    distinct, places = np.unique(np.concatenate(genes), axis=0, return_index=True)
    return distinct, np.concatenate(values)[places]


def unknown(genes: Genes, known: Genes) -> NDArray[np.bool_]:
    """Which of ``genes`` are not among ``known``: ``(n,)``."""
    held = {row.tobytes() for row in known}
    return np.array([row.tobytes() not in held for row in genes], np.bool_)
