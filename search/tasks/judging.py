"""How well a predictor does on tasks that it has not learned from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from nasprof.typing import Array
from search.tasks.class_features import ClassFeatures
from search.tasks.files import MetaData
from search.tasks.predictor import TaskPredictor
from search.tasks.predictor_training import PredictorSettings, fit_predictor, meta_train_names
from spaces import Genes

FOLDS = 5


def measured(data: MetaData, task: str, repeat: int = 0) -> tuple[Genes, Array]:
    """Cells of a task ``(n, 6)`` and their accuracies ``(n,)``, of one seed.

    Args:
        repeat: which seed, in the order of the triplets.
    """
    triplets = data.of(task)
    seeds = list(dict.fromkeys(triplet.seed for triplet in triplets))
    chosen = [triplet for triplet in triplets if triplet.seed == seeds[repeat]]
    genes = np.array([triplet.genes for triplet in chosen], np.int8)
    return genes, np.array([triplet.top1 for triplet in chosen], np.float64)


def spearman(one: Array, other: Array) -> float:
    """Spearman's correlation; 0 where one of them does not vary."""
    from scipy.stats import spearmanr

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one, other).statistic)


def within_task(
    data: MetaData, tasks: Sequence[str], predict: Callable[[str, Genes], Array]
) -> Array:
    """Spearman's correlation of predictions with accuracies within each task, ``(n_tasks,)``.

    Args:
        predict: from a task's name and cells ``(n, 6)`` to numbers ``(n,)``.
    """
    values = []
    for task in tasks:
        genes, top1 = measured(data, task)
        values.append(spearman(predict(task, genes), top1))
    return np.array(values)


def judged_predictor(
    data: MetaData,
    features: Mapping[str, ClassFeatures],
    settings: PredictorSettings | None = None,
    seed: int = 0,
) -> TaskPredictor:
    """A predictor learned from all meta-train tasks, cross-validated on them.

    ``cross_validation`` in its ``about`` has the mean Spearman within tasks and the root mean
    square of errors in points, of tasks that were left out in five folds.

    Args:
        data: tasks and triplets.
        features: of each task's training images, by the task's name.
        settings: how it learns.
        seed: of weights and folds.

    Raises:
        UsageError: there are too few tasks.
    """
    names = np.array(meta_train_names(data))
    order = np.random.default_rng(seed).permutation(len(names))
    correlations, errors = [], []
    for fold in range(min(FOLDS, len(names))):
        left_out = names[order[fold::FOLDS]]
        rest = [name for name in names.tolist() if name not in left_out]
        predictor = fit_predictor(data, features, settings, seed, rest)
        for name in left_out.tolist():
            genes, top1 = measured(data, name)
            predicted = predictor.top1(features[name], genes)
            correlations.append(spearman(predicted, top1))
            errors.append(predicted - top1)
    predictor = fit_predictor(data, features, settings, seed)
    judged = {
        "folds": FOLDS,
        "spearman": round(float(np.mean(correlations)), 4),
        "error": round(float(np.sqrt((np.concatenate(errors) ** 2).mean())), 3),
    }
    return replace(predictor, about={**predictor.about, "cross_validation": judged})
