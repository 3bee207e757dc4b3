"""One network trained on a task for a short time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nasprof.normalisation import Normalisation
from nasprof.typing import Indices
from search.tasks.networks import task_network
from search.tasks.recipe import TaskRecipe
from search.tasks.task import TaskImages
from spaces import Genes
from spaces.graph import Network
from spaces.weights import random_weights
from supernets.data import to_tensor
from supernets.data.pictures import Pixels
from supernets.subnet import Subnet

_MOMENTUM = 0.1
_RECALIBRATED_ON = 256
_BATCH = 256


@dataclass(frozen=True)
class TaskTensors:
    """A task's images as networks take them: normalised, ``(n, 3, SIDE, SIDE)``, and labels."""

    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor
    n_classes: int

    @classmethod
    def of(cls, images: TaskImages) -> TaskTensors:
        """Those of a task, normalised by its training images."""
        normalisation = _normalisation(images.train)

        def tensor(pixels: Pixels) -> Tensor:
            laid_out: Tensor = to_tensor(pixels, normalisation)
            return laid_out.contiguous(memory_format=torch.channels_last)

        return cls(
            tensor(images.train),
            torch.from_numpy(images.train_labels),
            tensor(images.test),
            torch.from_numpy(images.test_labels),
            int(images.train_labels.max()) + 1,
        )


def _normalisation(pixels: Pixels) -> Normalisation:
    values = pixels.reshape(-1, pixels.shape[3]).astype(np.float64)
    return Normalisation.of_sums(values.sum(0), (values**2).sum(0), len(values))


def trained_top1(genes: Genes, task: TaskTensors, recipe: TaskRecipe, seed: int) -> float:
    """Test accuracy in percent of a cell trained on a task.

    With the same seed every cell of a task sees the same batches: what batches do to accuracy is
    then the same for all.

    Args:
        genes: ``(6,)``.
        task: its images.
        recipe: how it is trained.
        seed: of weights and batches.
    """
    subnet = _initial(task_network(genes, task.n_classes), np.random.default_rng([seed, 0]))
    _train(subnet, task, recipe, np.random.default_rng([seed, 1]))
    return top1(subnet, task)


def _initial(network: Network, rng: np.random.Generator) -> Subnet:
    """Convolutions by He, batch norms that change nothing."""
    arrays = random_weights(network, rng)
    for name, array in arrays.items():
        if array.ndim == 1:
            array[:] = 1 if name.endswith((".running_var", ".weight")) else 0
    tensors = {name: torch.from_numpy(array).clone() for name, array in arrays.items()}
    return Subnet(network, tensors)


def _train(subnet: Subnet, task: TaskTensors, recipe: TaskRecipe, rng: np.random.Generator) -> None:
    optimiser = _optimiser(subnet, recipe)
    for step, rows in enumerate(_batches(len(task.train), recipe, rng)):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate(step)
        chosen = torch.from_numpy(rows)
        logits = subnet.trained_on(task.train[chosen], _MOMENTUM)
        loss = functional.cross_entropy(
            logits, task.train_labels[chosen], label_smoothing=recipe.smoothing
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def _optimiser(subnet: Subnet, recipe: TaskRecipe) -> torch.optim.Optimizer:
    learned = [
        tensor.requires_grad_()
        for name, tensor in subnet.tensors.items()
        if not name.endswith((".running_mean", ".running_var"))
    ]
    groups = [
        {"params": [t for t in learned if t.dim() > 1], "weight_decay": recipe.weight_decay},
        {"params": [t for t in learned if t.dim() == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, recipe.learning_rate, fused=True)


def _batches(n: int, recipe: TaskRecipe, rng: np.random.Generator) -> list[Indices]:
    """Rows of each step's images: every image once before any comes again."""
    wanted = recipe.steps * min(recipe.batch, n)
    order = np.concatenate([rng.permutation(n) for _ in range(-(-wanted // n))])[:wanted]
    return np.split(order, recipe.steps)


def top1(subnet: Subnet, task: TaskTensors) -> float:
    """Test accuracy in percent, with batch norm recalibrated on training images."""
    order = torch.randperm(len(task.train), generator=torch.Generator().manual_seed(0))
    some = task.train[order[:_RECALIBRATED_ON]]
    with torch.no_grad():
        classify = subnet.recalibrated([some]).folded()
        logits = torch.cat([classify(images) for images in task.test.split(_BATCH)])
    right = (logits.argmax(1) == task.test_labels).double().mean()
    return float(right) * 100
