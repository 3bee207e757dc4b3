"""Training a supernet on labelled images."""

from __future__ import annotations

from pathlib import Path

from supernets.data import DataSet
from supernets.supernet import Supernet
from supernets.training.options import TrainingOptions
from supernets.training.recipe import Recipe
from supernets.training.run import TrainingProgress
from supernets.training.session import training_session
from supernets.training.trained import TrainedSupernet, finish, finished


def train(
    supernet: Supernet,
    data: DataSet,
    recipe: Recipe | None = None,
    *,
    checkpoint: Path | str,
    options: TrainingOptions | None = None,
    progress: TrainingProgress | None = None,
) -> TrainedSupernet:
    """Train a supernet and write its checkpoint.

    An interrupted training goes on when it is called for again, to the same weights bit for bit
    (on a CPU, with the same versions). Started by ``torchrun``, its processes train together.

    Args:
        supernet: whose weights are trained, from what they are now on.
        data: labelled images of its space's resolution, channels and number of classes.
        recipe: how; the defaults are for minutes of one CPU core.
        checkpoint: file to write (``.safetensors``); ``NAME.history.jsonl`` beside it says how the
            training went, and until it is finished its state is in ``NAME.safetensors.training``.
        options: time, device, and what else the result does not depend on.
        progress: told after every step.

    Raises:
        UsageError: something does not fit, or another training was begun there, naming how.
        LossInvalid: the loss became no number, naming the step and the learning rate.
        OutOfMemory: a batch is too large for the device, naming one that is not.
        NasprofError: the training diverges, or a file cannot be written.
        KeyboardInterrupt: it was interrupted; its state is saved.

    >>> from tempfile import TemporaryDirectory
    >>> from spaces import get_space
    >>> from supernets import Recipe, Supernet, read_data, train
    >>> supernet = Supernet(get_space("nasbench201", classes=10, cells=1, resolution=8))
    >>> hardly = Recipe(steps=1, batch=2)
    >>> with TemporaryDirectory() as folder:
    ...     path = f"{folder}/digits.safetensors"
    ...     trained = train(supernet, read_data("digits", (8, 8, 3)), hardly, checkpoint=path)
    >>> trained.card.recipe["steps"]
    1
    """
    recipe, options, path = recipe or Recipe(), options or TrainingOptions(), Path(checkpoint)
    with training_session(supernet, data, recipe, path, options) as session:
        if session.is_finished:
            return finished(path, supernet, session.history)
        run = session.begin(progress=progress)
        run.to_the_end()
        return finish(run, data, path)
