"""Accuracy models of supernets: learned from networks that were evaluated on images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from nasprof.errors import UsageError
from nasprof.log import logger
from search.accuracy.base import AccuracyModel
from search.accuracy.files import accuracy_files, read_accuracy_model
from search.accuracy.fitted import FittedAccuracy, fit_accuracy
from search.accuracy.measurements import MeasuredAccuracy
from search.executors.processes import usable_cores
from search.objectives.images import LabelledImages
from search.objectives.supernet_accuracy import SupernetEvaluator, SupernetFile
from search.runs.evaluate_supernet import (
    EvaluatedArchs,
    EvaluationOptions,
    EvaluationProgress,
    evaluate_networks,
)

NETWORKS = 150
"""Evaluated to learn from, unless told otherwise."""
_MOST_WORKERS = 4
"""Each has torch and the images in its memory."""


def learning_options(networks: int = NETWORKS, seed: int = 0) -> EvaluationOptions:
    """How networks are evaluated to learn from, unless told otherwise: on several cores.

    Args:
        networks: how many.
        seed: draws them.
    """
    workers = min(usable_cores(), _MOST_WORKERS)
    executor = "processes" if workers > 1 else "serial"
    return EvaluationOptions(networks, seed, executor=executor, workers=workers)


def fit_supernet(
    supernet: Path | str,
    images: LabelledImages | Path | str,
    output: str | Path | None = None,
    *,
    options: EvaluationOptions | None = None,
    overwrite: bool = False,
    progress: EvaluationProgress | None = None,
) -> FittedAccuracy:
    """Learn the accuracy of all networks of a supernet from some that are evaluated.

    Args:
        supernet: its file: ``.safetensors``, or a checkpoint of Once-for-All.
        images: which; of a name, folder or file the validation images, so that those of the test
            stay unseen.
        output: where model and model card are written, see :func:`search.fit_accuracy`.
        options: how many networks, at which resolution, and what evaluates them.
        overwrite: replace the output if it exists.
        progress: whom to tell how far the work has come.

    Returns:
        The model, with its cross-validated errors in its provenance.

    Raises:
        UsageError: supernet and images do not fit, or the output exists.
        CannotRank: the images do not allow to tell good networks from bad ones.

    >>> model = fit_supernet("S.safetensors", "images/", "mine.npz").model  # doctest: +SKIP
    >>> generate("0.2ms", accuracy=model)  # doctest: +SKIP
    """
    options, progress = options or learning_options(), progress or EvaluationProgress()
    images = images if isinstance(images, LabelledImages) else LabelledImages(images)
    file = SupernetFile.read(supernet)
    evaluator = file.evaluator(images, file.at(options.resolution), progress.images)
    name = file.path.stem if output is None else output
    return _fitted(file, evaluator, name, options, progress, overwrite)


def accuracy_of_supernet(
    supernet: Path | str,
    images: LabelledImages | Path | str,
    progress: EvaluationProgress | None,
    resolution: int | None = None,
) -> AccuracyModel:
    """The accuracy model of a supernet on images; learned the first time, then kept.

    It is kept among one's own accuracy models, under a name that tells weights and images.

    Args:
        resolution: of the networks, where it is a gene of the supernet.

    Raises:
        UsageError: supernet and images do not fit, or the resolution is a gene and not named.
        CannotRank: the images do not allow to tell good networks from bad ones.
    """
    options, progress = learning_options(NETWORKS), progress or EvaluationProgress()
    images = images if isinstance(images, LabelledImages) else LabelledImages(images)
    file = SupernetFile.read(supernet)
    space, suffix = file.card.space, ""
    if len(space.members) > 1:
        if resolution is None:
            raise UsageError(
                f"{file.path} is of {space.label}, and budgets are answered at one resolution",
                "Say which one by --resolution, or search them all at once: nassearch run.",
            )
        space, suffix = file.at(resolution), f"-r{resolution}"
        options = replace(options, resolution=resolution)
    evaluator = file.evaluator(images, space, progress.images)
    name = f"{file.path.stem}-{file.digest[:8]}-{evaluator.fingerprint[:8]}{suffix}"
    if name not in accuracy_files.known():
        logger.info(f"Evaluating {NETWORKS} networks of {file.path.name} to learn from ...")
        _fitted(file, evaluator, name, options, progress)
    return read_accuracy_model(name)


def _fitted(
    file: SupernetFile,
    evaluator: SupernetEvaluator,
    output: str | Path,
    options: EvaluationOptions,
    progress: EvaluationProgress,
    overwrite: bool = False,
) -> FittedAccuracy:
    """A model of networks that are drawn from the space of ``evaluator``, and evaluated by it."""
    evaluated = evaluate_networks(file, lambda space: evaluator, None, options, progress)
    images = evaluator.images
    source = (
        f"{len(evaluated)} networks of {file.path.name} on the {images.split} images of "
        f"{Path(images.source).name}"
    )
    measured = _measured(evaluated)
    return fit_accuracy(measured, output, source=source, seed=options.seed, overwrite=overwrite)


def _measured(evaluated: EvaluatedArchs) -> MeasuredAccuracy:
    space = evaluated[0].arch.space
    genes = np.stack([one.arch.genes for one in evaluated])
    return MeasuredAccuracy.of(
        space, genes, np.array([one.evaluation.accuracy.top1 for one in evaluated])
    )
