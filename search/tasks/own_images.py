"""An accuracy model for images of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nasprof.errors import UsageError
from nasprof.named_files import NamedFiles
from search.tasks.accuracy import TaskAccuracy, require_cells
from search.tasks.cell_features import known_cells
from search.tasks.class_features import ClassFeatures, looked_at
from search.tasks.encoders import DataSetEncoder, open_encoder
from search.tasks.predictor import TaskPredictor, read_predictor
from search.tasks.task import SIDE
from spaces import Space, get_space
from supernets.data import DataOptions, DataSet, read_data

PREDICTOR = "pixels"
"""The shipped predictor that is taken unless another one is named."""

predictor_files = NamedFiles(
    folder="predictors",
    suffix=".npz",
    shipped=("search", "tasks", "models"),
    noun="a predictor of data sets",
    origin="learn one: nassearch pomonag predictor",
)
"""Where predictors are kept."""


def accuracy_for_images(
    images: DataSet | Path | str,
    spaces: Sequence[Space] = (),
    predictor: TaskPredictor | Path | str = PREDICTOR,
    encoder: str | None = None,
) -> TaskAccuracy:
    """What cells are expected to reach on labelled images, relative to each other.

    Args:
        images: a folder with a folder for each class, or any data set that
            :func:`supernets.read_data` reads; all of its images count as training images unless
            it is split already.
        spaces: of cells, in the sizes that are asked about; the benchmark's unless given.
        predictor: itself, its name, or its file.
        encoder: as in :func:`search.tasks.encoders.open_encoder`; the predictor's unless given,
            which needs a file where the encoder does.

    Returns:
        A model of those spaces; what it is worth is in its ``doubts``.

    Raises:
        UsageError: the images cannot be read or are of one class, a space is another one, or
            predictor and encoder do not fit, named.

    >>> from search import accuracy_for_images
    >>> accuracy_for_images("digits").provenance["classes"]
    10
    """
    spaces = tuple(spaces) or (get_space("nasbench201"),)
    require_cells(spaces)
    known = _opened(predictor)
    opened = open_encoder(encoder or known.encoder.split(" ")[0])
    known.require_encoder(opened.identity)
    data = _read(images)
    features = _features(data, opened)
    table = known.top1(features, known_cells())
    judged = known.about["cross_validation"]
    provenance = {
        "images": data.name,
        "fingerprint": data.fingerprint,
        "classes": len(features.means),
        "encoder": opened.identity,
        "spearman": judged["spearman"],
        "tasks": known.about["tasks"],
        "triplets": known.about["triplets"],
    }
    # Generators are kept by the names of their models: other images are another name.
    name = f"{data.name}-{data.fingerprint[:8]}"
    return TaskAccuracy(name, spaces, table, float(judged["error"]), provenance)


def _features(data: DataSet, encoder: DataSetEncoder) -> ClassFeatures:
    train = data.train
    rows = looked_at(train.labels)
    shots = len(train) / max(1, len(np.unique(train.labels)))
    return ClassFeatures.of(encoder, train.images(rows), train.labels[rows], shots)


def _opened(predictor: TaskPredictor | Path | str) -> TaskPredictor:
    if isinstance(predictor, TaskPredictor):
        return predictor
    return read_predictor(predictor_files.find(str(predictor)))


def _read(images: DataSet | Path | str) -> DataSet:
    if isinstance(images, DataSet):
        return images.at((SIDE, SIDE, 3))
    options = DataOptions(validation=0.0, test=0.0)
    data = read_data(images, (SIDE, SIDE, 3), options=options)
    if not len(data.train):
        raise UsageError(f"{data.name} has no training images")
    return data
