"""From a space and images to a supernet that is trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nasprof.reader import Reader
from nasprof.typing import JsonObject
from spaces import Space, get_space
from spaces.named import space_settings
from supernets.data import DataSet, read_data
from supernets.supernet import Supernet, with_classes
from supernets.training.options import TrainingOptions
from supernets.training.recipe import Recipe
from supernets.training.run import TrainingProgress
from supernets.training.start import take_weights
from supernets.training.train import train
from supernets.training.trained import TrainedSupernet


def train_supernet(
    space: Space | JsonObject | Path | str,
    data: DataSet | Path | str,
    recipe: Recipe | None = None,
    *,
    output: Path | str,
    start: Path | str | None = None,
    options: TrainingOptions | None = None,
    progress: TrainingProgress | None = None,
) -> TrainedSupernet:
    """Train a supernet of a space on labelled images, and write its checkpoint.

    An interrupted training goes on when it is called for again, to the same weights bit for bit
    (on a CPU, with the same versions).

    Args:
        space: whose networks; its name, its JSON object, or a file with that. Unless it says how
            many classes there are, these are the data's.
        data: labelled images, or their folder, file or name.
        recipe: how; the defaults are for minutes of one CPU core.
        output: file to write (``.safetensors``).
        start: another supernet of the space, whose weights it begins with: a checkpoint of this
            project or of Once-for-All; classes and resolution may be others.
        options: time, device, and what else the result does not depend on.
        progress: told after every step.

    Raises:
        UsageError: something cannot be read or does not fit, or another training was begun there.
        NasprofError: the training diverges, or a file cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> from supernets import Recipe, train_supernet
    >>> space = {"space": "nasbench201", "cells": 1, "resolution": 8}
    >>> hardly = Recipe(steps=1, batch=2)
    >>> with TemporaryDirectory() as folder:
    ...     path = f"{folder}/digits.safetensors"
    ...     trained = train_supernet(space, "digits", hardly, output=path)
    >>> len(trained.card.classes)
    10
    """
    recipe, options = recipe or Recipe(), options or TrainingOptions()
    settings = {} if isinstance(space, Space) else space_settings(space)
    chosen = space if isinstance(space, Space) else _made(settings)
    images = data if isinstance(data, DataSet) else _read(data, chosen)
    if not isinstance(space, Space) and "classes" not in {**settings, **settings.get("of", {})}:
        chosen = with_classes(chosen, len(images.classes))
    supernet = Supernet(chosen, rng=np.random.default_rng([recipe.seed, 0]))
    if start is not None:
        take_weights(supernet, start)
    return train(supernet, images, recipe, checkpoint=output, options=options, progress=progress)


def _made(settings: JsonObject) -> Space:
    arguments = dict(settings)
    name = Reader(arguments, "the space").take("space", "a string")
    del arguments["space"]
    return get_space(name, **arguments)


def _read(source: Path | str, space: Space) -> DataSet:
    """The images of a source, of the shape that the space's networks read."""
    return read_data(source, space.input_shape)
