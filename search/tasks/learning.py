"""A predictor learned from a meta-data set: its tasks are drawn again, and encoded."""

from __future__ import annotations

from pathlib import Path

from nasprof.errors import UsageError
from nasprof.progress import no_progress
from nasprof.typing import Progress
from search.tasks.class_features import ClassFeatures, looked_at
from search.tasks.encoders import DataSetEncoder, open_encoder
from search.tasks.files import MetaData, read_meta_data
from search.tasks.judging import judged_predictor
from search.tasks.predictor import TaskPredictor
from search.tasks.predictor_training import PredictorSettings, meta_train_names
from search.tasks.sources.base import task_images
from search.tasks.task import Task


def learn_predictor(
    folder: Path,
    encoder: str,
    settings: PredictorSettings | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> TaskPredictor:
    """A predictor of the meta-data set in a folder, judged on tasks that it was not fitted to.

    Args:
        folder: as ``nassearch pomonag tasks`` writes it.
        encoder: as in :func:`search.tasks.encoders.open_encoder`.
        settings: how it learns.
        seed: of everything random.
        progress: told how many tasks are encoded.

    Raises:
        UsageError: the folder holds none, encoder or images are missing, or images have changed.
    """
    data, opened = read_meta_data(folder), open_encoder(encoder)
    names = meta_train_names(data)
    features = {}
    for number, name in enumerate(names):
        features[name] = task_features(data.tasks[name], opened, data)
        progress(number + 1, len(names))
    return judged_predictor(data, features, settings, seed)


def task_features(
    task: Task, encoder: DataSetEncoder, data: MetaData | None = None
) -> ClassFeatures:
    """The features of a task's training images.

    Args:
        task: drawn anew.
        encoder: of its images.
        data: that knows the digest of the images that networks were trained on, if any does.

    Raises:
        UsageError: the images cannot be drawn, or are others than those.
    """
    images = task_images(task)
    known = {} if data is None else data.about.get("images", {})
    if known.get(task.name, images.digest()) != images.digest():
        raise UsageError(
            f"the images of {task.name} are others than those that its networks were trained on",
            "Install the same fonts, or collect triplets anew: nassearch pomonag tasks",
        )
    rows = looked_at(images.train_labels)
    chosen = images.train[rows], images.train_labels[rows]
    return ClassFeatures.of(encoder, *chosen, len(images.train) / len(task.classes))
