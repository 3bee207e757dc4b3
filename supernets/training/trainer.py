"""One training of a supernet: a step at a time, and all that it depends on as a state.

Everything random comes from generators seeded by the recipe, and everything a training depends on
can be saved, so that it goes on exactly where it was left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from math import isfinite
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from nasprof.errors import NasprofError
from supernets.supernet import Supernet
from supernets.training.averages import WeightAverage
from supernets.training.losses import loss
from supernets.training.memory_limits import fitting_batch, out_of_memory
from supernets.training.optimisers import (
    learning_rate,
    make_optimiser,
    memory,
    set_rate,
)
from supernets.training.parallel import Workers
from supernets.training.recipe import Recipe
from supernets.training.schemes import AnyScheme, Lesson, Phase, make_scheme
from supernets.training.sorting import channel_orders, reorder
from supernets.training.trained_parts import trained_parameters

Batch: TypeAlias = tuple[Tensor, Tensor]
"""Images float32 ``(n, c, h, w)``, and labels: int64 ``(n,)`` or shares ``(n, classes)``."""

_HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}


class LossInvalid(NasprofError):
    """The loss of a step is no finite number."""


@dataclass(frozen=True)
class Step:
    """What a step did.

    Args:
        number: of the step, from 1.
        loss: mean over its networks.
        rate: the learning rate.
        phase: what was trained.
        begins: whether it was the first one of its phase.
    """

    number: int
    loss: float
    rate: float
    phase: Phase
    begins: bool


class Trainer:
    """A supernet in training.

    Args:
        supernet: whose weights are trained; on the device where that happens.
        recipe: how; its number of steps is known.
        batches: gives the next batch of this process whenever it is asked.
        workers: the processes that train together.
        scheme: which networks learn; the recipe's unless given.

    Raises:
        UsageError: the recipe does not fit the supernet's space.
    """

    def __init__(
        self,
        supernet: Supernet,
        recipe: Recipe,
        batches: Callable[[], Batch],
        workers: Workers | None = None,
        scheme: AnyScheme | None = None,
    ) -> None:
        self.supernet = supernet.train()
        self.recipe = recipe
        self.batches = batches
        self.workers = workers or Workers()
        settings = recipe.scheme_settings
        self.scheme: AnyScheme = scheme or make_scheme(
            recipe.scheme, supernet.space, recipe.total, settings
        )
        self.rng = np.random.default_rng([recipe.seed, 1])
        self.parameters = trained_parameters(supernet, recipe.trained)
        self.optimiser = make_optimiser(self.parameters, recipe)
        self.average = None if recipe.ema is None else WeightAverage(self.parameters, recipe.ema)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=recipe.precision == "fp16")
        self.teacher: dict[str, Tensor] | None = None
        self.done = 0
        self.slowed = 1.0
        """What the learning rate is multiplied by since the training was set back."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = next(iter(self.parameters.values())).device
        return device

    @property
    def weight(self) -> float:
        """How much a teacher's labels count, beside the true ones."""
        chosen = self.recipe.distillation
        return self.scheme.distillation if chosen is None else chosen

    def step(self) -> Step:
        """Train the networks that the scheme says.

        Raises:
            LossInvalid: the loss is no finite number; the weights are as before the step.
        """
        _, phase, within = self.scheme.at(self.done)
        if within == 0:
            self._begin(phase)
        rate = self.slowed * learning_rate(self.recipe, phase, within)
        set_rate(self.optimiser, rate)
        lesson = self.scheme.lesson(self.done, self.rng)
        value = self._learn_if_possible(lesson, self.batches())
        if not isfinite(value):
            raise LossInvalid(
                f"the loss is {value} at step {self.done + 1} of {self.recipe.total}, "
                f"where the learning rate is {rate:.3g}",
                "Lower learning_rate, or set clip=1; what was saved before is kept.",
            )
        self._move()
        self.done += 1
        return Step(self.done, value, rate, phase, within == 0)

    def _begin(self, phase: Phase) -> None:
        """What a phase begins with."""
        if phase.freeze_teacher:
            self.freeze_teacher()
        if phase.sort_within is not None:
            self._sort(phase)

    def freeze_teacher(self) -> None:
        """From now on, who learns from frozen weights learns from those of now."""
        self.teacher = {name: value.detach().clone() for name, value in self.tensors.items()}

    def _sort(self, phase: Phase) -> None:
        """Sort channels, with all that is remembered of them."""
        assert phase.sort_within is not None
        sharing = self.supernet.sharing
        orders = channel_orders(sharing, self.tensors, phase.sort_within)
        alike: dict[str, dict[str, Tensor]] = {"weights": self.tensors}
        for name, quantity, value in memory(self.optimiser, self.parameters):
            if value.dim():
                alike.setdefault(quantity, {})[name] = value
        if self.average is not None:
            alike["average"] = self.average.averages
        for tensors in alike.values():
            reorder(orders, tensors)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Every parameter and buffer, by name."""
        return {**dict(self.supernet.named_parameters()), **dict(self.supernet.named_buffers())}

    def _learn(self, lesson: Lesson, batch: Batch) -> float:
        """Gradients of a batch, averaged over the networks of a lesson; the mean loss."""
        images, labels = (tensor.to(self.device, non_blocking=True) for tensor in batch)
        self.optimiser.zero_grad(set_to_none=True)
        frozen = self._frozen_logits(images) if lesson.teacher == "frozen" else None
        total: Tensor | None = None
        first: Tensor | None = None
        for genes in lesson.genes:
            with self._autocast():
                logits = self.supernet(images, genes)
                teacher = first if lesson.teacher == "first" else frozen
                value = loss(logits, labels, teacher, self.weight, self.recipe)
            self.scaler.scale(value / len(lesson.genes)).backward()
            total = value.detach() if total is None else total + value.detach()
            first = logits.detach() if first is None else first
        assert total is not None
        return float(self.workers.mean(total / len(lesson.genes)))

    def _learn_if_possible(self, lesson: Lesson, batch: Batch) -> float:
        """The same.

        Raises:
            OutOfMemory: the device has too little memory, naming a batch for which it is enough.
        """
        try:
            return self._learn(lesson, batch)
        except torch.cuda.OutOfMemoryError:
            pass  # what the error refers to is let go of before less is tried
        images, labels = batch
        fits = 0
        if self.workers.size == 1:
            fits = fitting_batch(
                len(images), lambda n: self._learn(lesson, (images[:n], labels[:n]))
            )
        raise out_of_memory(len(images), fits, str(self.device))

    def _frozen_logits(self, images: Tensor) -> Tensor:
        """What the largest network says with the frozen weights, by this batch's statistics."""
        assert self.teacher is not None
        with torch.no_grad(), self._autocast(), self._weights(self.teacher):
            logits: Tensor = self.supernet(images, self.supernet.largest)
        return logits

    @contextmanager
    def _weights(self, other: Mapping[str, Tensor]) -> Iterator[None]:
        """Within, the supernet has other weights."""
        own = {name: value.data for name, value in self.tensors.items()}
        try:
            for name, value in self.tensors.items():
                value.data = other[name]
            yield
        finally:
            for name, value in self.tensors.items():
                value.data = own[name]

    def _autocast(self) -> AbstractContextManager[None]:
        half = _HALF.get(self.recipe.precision)
        if half is None:
            return nullcontext()
        context: AbstractContextManager[None] = torch.autocast(self.device.type, half)
        return context

    def _move(self) -> None:
        """Let the weights follow the gradients."""
        self.workers.average_gradients(self.parameters.values())
        if self.recipe.clip is not None:
            self.scaler.unscale_(self.optimiser)
            nn.utils.clip_grad_norm_(self.parameters.values(), self.recipe.clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        if self.average is not None:
            self.average.update()

    def final_weights(self) -> AbstractContextManager[None]:
        """Within, the supernet has the weights that the training is for: the averages, if any."""
        return nullcontext() if self.average is None else self.average.in_place()

    def settle(self) -> None:
        """Leave the supernet with those weights, ready for use."""
        if self.average is not None:
            copy_tensors(self.parameters, self.average.averages)
        self.supernet.eval()


def copy_tensors(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    """Give tensors the values of others.

    Raises:
        ValueError: one is missing, or of another shape.
    """
    for name, tensor in own.items():
        if name not in given or given[name].shape != tensor.shape:
            raise ValueError(f"{name} is missing or has another shape")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(given[name])
