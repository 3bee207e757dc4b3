"""Learning to predict accuracy from images and cells, on triplets of meta-train tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nasprof.errors import UsageError
from nasprof.settings import Settings, setting
from nasprof.typing import AnyArray, Array
from search.tasks.cell_features import N_CELL, cell_features
from search.tasks.class_features import ClassFeatures
from search.tasks.files import MetaData
from search.tasks.parts import META_TRAIN
from search.tasks.predictor import Inputs, TaskPredictor, told
from search.tasks.predictor_network import SetNetworks, Sizes, TaskBatch
from supernets.threads import torch_threads

_LEAST_TASKS = 4
_NOISE = 3.0
"""Points that chance moves accuracies by: tasks whose cells differ by less tell little of order."""
_LEAST_SPREAD = 0.3
_SHARES = (0.005, 0.995)
"""Mean accuracies beyond are taken for these: logits are finite."""


@dataclass(frozen=True)
class PredictorSettings(Settings):
    """How a predictor learns.

    Args:
        members: networks of each sort, whose mean counts.
        axes: principal components of features.
        hidden: width of layers.
        embedding: numbers that a data set becomes.
        steps: updates of the networks of order, each on all triplets; few, as many fit noise.
        level_steps: of those of level.
        learning_rate: of AdamW at its highest.
        weight_decay: of all weights.
        dropout: share of what is known of a data set that is left out in a step.
        blind: whether the order of cells does not depend on the task: what it is compared with.
    """

    owner: ClassVar[str] = "the predictor of tasks"

    members: int = setting(5, "networks of each sort", 1, 100)
    axes: int = setting(8, "principal components of features", 1, 1024)
    hidden: int = setting(64, "width of layers", 1, 4096)
    embedding: int = setting(4, "numbers that a data set becomes", 1, 256)
    steps: int = setting(60, "updates of the networks of order", 3, 100_000)
    level_steps: int = setting(200, "updates of the networks of level", 3, 100_000)
    learning_rate: float = setting(0.01, "at its highest", 1e-6, 1)
    weight_decay: float = setting(0.3, "of all weights", 0, 10)
    dropout: float = setting(0.2, "share of a data set left out in a step", 0, 0.9)
    blind: bool = setting(False, "whether the order of cells does not depend on the task")


def meta_train_names(data: MetaData) -> list[str]:
    """Tasks that are learned from."""
    return [name for name, task in data.tasks.items() if task.part == META_TRAIN]


def fit_predictor(
    data: MetaData,
    features: Mapping[str, ClassFeatures],
    settings: PredictorSettings | None = None,
    seed: int = 0,
    tasks: Sequence[str] | None = None,
) -> TaskPredictor:
    """A predictor learned from tasks; its errors are not known, see :func:`judged_predictor`.

    Args:
        data: tasks and triplets.
        features: of each task's training images, by the task's name.
        settings: how it learns.
        seed: of weights.
        tasks: that it learns from; all of the meta-train part unless given.

    Raises:
        UsageError: there are too few tasks.
    """
    settings = settings or PredictorSettings()
    names = list(meta_train_names(data) if tasks is None else tasks)
    if len(names) < _LEAST_TASKS:
        raise UsageError(f"{len(names)} tasks to learn from, expected at least {_LEAST_TASKS}")
    inputs = _inputs([features[name] for name in names], settings.axes)
    batch = _batch([features[name] for name in names], inputs)
    targets = [_targets(data, number, name) for number, name in enumerate(names)]
    n_axes = inputs.axes.shape[1]
    with torch_threads(1):
        torch.manual_seed(seed)
        order = _learned_order(batch, targets, settings, n_axes)
        level = _learned_level(batch, targets, settings, n_axes)
    about = {
        "encoder": features[names[0]].encoder,
        "tasks": len(names),
        "triplets": sum(len(target.order) for target in targets),
        "seed": seed,
    }
    return TaskPredictor(inputs, order, level, about)


@dataclass(frozen=True)
class _Targets:
    """What is to be predicted of a task.

    Args:
        task: its number.
        level: logit of the mean accuracy, logarithm of the spread in points.
        cells: ``(n, N_CELL)``.
        order: accuracies in standard deviations of the task, ``(n,)``.
        weight: of each of its cells.
    """

    task: int
    level: tuple[float, float]
    cells: Array
    order: Array
    weight: float


def _targets(data: MetaData, number: int, name: str) -> _Targets:
    triplets = data.of(name)
    top1 = np.array([triplet.top1 for triplet in triplets], np.float64)
    mean, spread = float(top1.mean()), max(float(top1.std()), _LEAST_SPREAD)
    share = float(np.clip(mean / 100, *_SHARES))
    return _Targets(
        number,
        (np.log(share / (1 - share)), np.log(spread)),
        cell_features(np.array([triplet.genes for triplet in triplets], np.int8)),
        (top1 - mean) / spread,
        spread**2 / (spread**2 + _NOISE**2),
    )


def _learned_order(
    batch: TaskBatch, targets: Sequence[_Targets], settings: PredictorSettings, n_axes: int
) -> dict[str, Array]:
    sizes = Sizes(settings.members, n_axes, N_CELL, 1, settings.hidden, settings.embedding)
    networks = SetNetworks(sizes, settings.dropout, settings.blind)
    task = torch.from_numpy(np.concatenate([np.full(len(t.order), t.task) for t in targets]))
    cells = _tensor(np.concatenate([t.cells for t in targets]))
    order = _tensor(np.concatenate([t.order for t in targets]))
    weight = _tensor(np.concatenate([np.full(len(t.order), t.weight) for t in targets]))
    every = cells.expand(settings.members, -1, -1)

    def loss() -> Tensor:
        values = torch.cat([networks.embedded(batch)[:, task], every], 2)
        errors = (networks.ends(values)[..., 0] - order) ** 2 * weight
        return errors.mean(1).sum()

    _learn(networks, loss, settings.steps, settings)
    return networks.arrays()


def _learned_level(
    batch: TaskBatch, targets: Sequence[_Targets], settings: PredictorSettings, n_axes: int
) -> dict[str, Array]:
    sizes = Sizes(settings.members, n_axes, 0, 2, settings.hidden, settings.embedding)
    networks = SetNetworks(sizes, settings.dropout, False)
    levels = _tensor(np.array([target.level for target in targets]))

    def loss() -> Tensor:
        ends = networks.ends(networks.embedded(batch))
        return functional.mse_loss(ends, levels.expand_as(ends)) * settings.members

    _learn(networks, loss, settings.level_steps, settings)
    return networks.arrays()


def _learn(
    networks: SetNetworks, loss: Callable[[], Tensor], steps: int, settings: PredictorSettings
) -> None:
    optimiser = torch.optim.AdamW(
        networks.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=steps
    )
    for _ in range(steps):
        value = loss()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        schedule.step()


def _inputs(features: Sequence[ClassFeatures], axes: int) -> Inputs:
    both = np.concatenate([np.concatenate([one.means, one.spreads], 1) for one in features])
    mean, scale = both.mean(0), np.maximum(both.std(0), 1e-6)
    standard = np.clip((both - mean) / scale, -5, 5)
    _, sizes, directions = np.linalg.svd(standard, full_matrices=False)
    kept = min(axes, len(directions))
    deviations = np.maximum(sizes[:kept] / np.sqrt(len(both)), 1e-6)
    whole = np.stack([told(one) for one in features])
    scaled = np.ascontiguousarray(directions[:kept].T / deviations)
    return Inputs(mean, scale, scaled, whole.mean(0), np.maximum(whole.std(0), 1e-6))


def _batch(features: Sequence[ClassFeatures], inputs: Inputs) -> TaskBatch:
    classes = [inputs.classes(one) for one in features]
    padded = np.zeros((len(classes), max(map(len, classes)), inputs.axes.shape[1]))
    mask = np.zeros((*padded.shape[:2], 1))
    for number, rows in enumerate(classes):
        padded[number, : len(rows)], mask[number, : len(rows)] = rows, 1
    whole = np.stack([inputs.told(one) for one in features])
    return TaskBatch(_tensor(padded), _tensor(mask), _tensor(whole))


def _tensor(array: AnyArray) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))
