"""What iterations and whole transfers come to, as JSON."""

from __future__ import annotations

import numpy as np

from nasprof.log import logger
from nasprof.typing import Array, JsonObject
from search.adaptation.values import Objectives
from search.archives.lines import finite
from search.problem import Problem
from search.quality.indicators import hypervolume
from spaces import Genes

_THIRD = 1 / 3


def records(problem: Problem, genes: Genes, values: Array) -> list[JsonObject]:
    """Networks with their objectives by name, in their own units.

    Args:
        genes: ``(n, n_genes)``.
        values: objectives to be minimised, ``(n, n_objectives)``.
    """
    names = [objective.name for objective in problem.objectives]
    own = (problem.signs * values).tolist()
    return [
        {"arch": arch, "values": dict(zip(names, row, strict=True))}
        for arch, row in zip(problem.space.decode(genes), own, strict=True)
    ]


def reported(objectives: Objectives, genes: Genes, values: Array) -> list[JsonObject]:
    """A front with its accuracies on all validation images and on the test images.

    Only here are the test images looked at. Where there are several data sets the accuracies are
    lists, one a data set; one that there is not is None.

    Args:
        genes: ``(n, n_genes)``.
        values: objectives to be minimised, ``(n, n_objectives)``.
    """
    front = records(objectives.problem, genes, values)
    for split in ("validation", "test"):
        rows = objectives.on_all(genes, split).tolist()
        for one, numbers in zip(front, rows, strict=True):
            row = [finite(number) for number in numbers]
            one[f"{split}_top1"] = row[0] if len(row) == 1 else row
    return front


def on_all_images(front: list[JsonObject], values: Array, split: str) -> Array:
    """Objectives of a front with the accuracies on all images of a split, to be minimised.

    Args:
        front: as :func:`reported` gives it.
        values: with those that the search has seen, ``(n, n_objectives)``.
        split: "validation" or "test".
    """
    own = values.copy()
    for row, one in zip(own, front, strict=True):
        top1 = one[f"{split}_top1"]
        accuracies = top1 if isinstance(top1, list) else [top1]
        row[: len(accuracies)] = [np.nan if number is None else -number for number in accuracies]
    return own


def dominated_share(values: Array, box: tuple[Array, Array]) -> float:
    """Share of a box that networks dominate, its ends being the best and the worst corner.

    Args:
        values: objectives to be minimised, ``(n, n_objectives)``.
    """
    ideal, reference = box
    known = values[np.isfinite(values).all(1)]
    if not len(known):
        return 0.0
    scaled = (known - ideal) / np.where(reference > ideal, reference - ideal, 1.0)
    return hypervolume(scaled, np.ones(len(ideal)), np.zeros(len(ideal)))


def span(sizes: Array, ends: tuple[float, float]) -> float:
    """Share of the logarithmic range between two ends that sizes ``(n,)`` span."""
    low, high = ends
    sizes = sizes[np.isfinite(sizes)]
    if not (len(sizes) and 0 < low < high):
        return 0.0
    return float(np.log(sizes.max() / sizes.min()) / np.log(high / low))


def warn_where_capacity_does_not_pay(
    accuracies: Array, sizes: Array, ends: tuple[float, float], images: int
) -> bool:
    """Say so where the largest networks are no more accurate than the smallest.

    Args:
        accuracies: top-1 in percent, ``(n,)``.
        sizes: likewise.
        ends: the least and the largest size there are.
        images: that the accuracies are of.

    Returns:
        Whether they are not.
    """
    low, high = ends
    if not 0 < low < high or not images:
        return False
    known = np.isfinite(accuracies) & np.isfinite(sizes)
    accuracies, sizes = accuracies[known], sizes[known]
    share = np.log(np.maximum(sizes, low) / low) / np.log(high / low)
    small, large = accuracies[share <= _THIRD], accuracies[share >= 1 - _THIRD]
    if not (len(small) and len(large)):
        return False
    best, most = float(small.max()), float(large.max())
    # Two proportions on the same images; twice the standard error of their difference.
    rate = np.clip((best + most) / 200, 0.01, 0.99)
    margin = 200 * np.sqrt(2 * rate * (1 - rate) / images) / 2
    if most - best > margin:
        return False
    logger.warning(
        f"Capacity does not pay on these images: the largest networks reach {most:.1f} %, the "
        f"smallest {best:.1f} %. A longer adaptation may change that; if not, take a small one."
    )
    return True
