"""Training one network further, alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from math import isfinite
from typing import TypeAlias

import torch
from torch import Tensor, nn

from nasprof.typing import Progress
from supernets.data import Augmentation, DataSet, Loader
from supernets.subnet import Subnet
from supernets.supernet import MOMENTUM
from supernets.threads import torch_threads
from supernets.training.fine_tuning import FineTuning
from supernets.training.losses import loss
from supernets.training.optimisers import learning_rate, make_optimiser, set_rate
from supernets.training.schemes import Phase
from supernets.training.trainer import LossInvalid

Teacher: TypeAlias = Callable[[Tensor], Tensor]
"""Gives logits ``(n, classes)`` of images ``(n, c, h, w)``."""

_STATISTICS = ("running_mean", "running_var")


def fine_tune(
    subnet: Subnet,
    data: DataSet,
    settings: FineTuning,
    *,
    teacher: Teacher | None = None,
    progress: Progress | None = None,
) -> Subnet:
    """A network that has been trained further; ``subnet`` stays as it is.

    Its batch norm follows the training's batches: recalibrate it afterwards.

    Args:
        subnet: what is begun with.
        data: labels are numbers of the network's outputs, images normalised as it expects.
        settings: how.
        teacher: whose labels are learnt beside the true ones; nobody's unless given.
        progress: told how many of how many steps are done.

    Raises:
        LossInvalid: the loss of a step is no finite number, naming the step and the learning rate.
        UsageError: there are no training images.

    >>> from spaces import get_space
    >>> from supernets import FineTuning, Supernet, fine_tune, read_data
    >>> supernet = Supernet(get_space("nasbench201", classes=10, cells=1, resolution=8))
    >>> subnet, hardly = supernet.subnet(supernet.smallest), FineTuning(batch=1000)
    >>> fine_tune(subnet, read_data("digits", (8, 8, 3)), hardly).network == subnet.network
    True
    """
    copies = {name: tensor.detach().clone() for name, tensor in subnet.tensors.items()}
    parameters = {
        name: nn.Parameter(tensor)
        for name, tensor in copies.items()
        if not name.endswith(_STATISTICS)
    }
    learner = replace(subnet, tensors={**copies, **parameters})
    changes = Augmentation.only(settings.augmentation)
    loader = Loader(data, settings.batch, seed=settings.seed, augmentation=changes)
    with closing(loader), torch_threads(1):
        _train(learner, parameters, loader, settings, teacher, progress)
    tensors = {name: tensor.detach() for name, tensor in learner.tensors.items()}
    return replace(subnet, tensors=tensors)


def _train(
    learner: Subnet,
    parameters: dict[str, nn.Parameter],
    loader: Loader,
    settings: FineTuning,
    teacher: Teacher | None,
    progress: Progress | None,
) -> None:
    recipe = settings.recipe(settings.epochs * loader.steps_per_epoch)
    optimiser, phase = make_optimiser(parameters, recipe), Phase("fine-tuning", recipe.total)
    for step in range(recipe.total):
        rate = learning_rate(recipe, phase, step)
        set_rate(optimiser, rate)
        images, labels = next(loader)
        with torch.no_grad():
            taught = None if teacher is None else teacher(images)
        optimiser.zero_grad(set_to_none=True)
        logits = learner.trained_on(images, MOMENTUM)
        value = loss(logits, labels, taught, settings.distillation, recipe)
        reached = float(value.detach())
        if not isfinite(reached):
            raise LossInvalid(
                f"the loss is {reached} at step {step + 1} of {recipe.total} of the "
                f"fine-tuning, where the learning rate is {rate:.3g}",
                "Lower the learning rate.",
            )
        value.backward()
        optimiser.step()
        if progress is not None:
            progress(step + 1, recipe.total)
