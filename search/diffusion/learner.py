"""Training of one network: AdamW along one cycle, and a moving average of its weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from math import cos, pi

import torch
from torch import Tensor, nn

from nasprof.compiler_cache import no_compiler_cache
from nasprof.errors import NasprofError
from search.model_arrays import StateArrays
from search.model_tensors import load_module, load_optimizer, module_arrays, optimizer_arrays

WARMING = 0.1
"""Share of the steps in which the rate rises."""
LOWEST = 0.005
"""Share of the rate that is left at the end."""
CLIPPED = 1.0
"""Largest norm of a gradient."""
AVERAGE = 0.995
WEIGHT_DECAY = 1e-2


class Learner:
    """A network in training, and the average of its weights, which is used.

    Args:
        build: makes the network.
        seed: of its first weights.
        rate: the highest learning rate.
    """

    def __init__(self, build: Callable[[], nn.Module], seed: int, rate: float) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = build()
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.rate = rate
        self.steps = 0
        with no_compiler_cache():
            self.optimizer = torch.optim.AdamW(
                self.network.parameters(), rate, weight_decay=WEIGHT_DECAY, foreach=True
            )

    def step(self, loss: Tensor, share: float) -> None:
        """One step down ``loss``.

        Args:
            share: of the cycle that is over after it, above 0 and at most 1.

        Raises:
            NasprofError: the loss is no number.
        """
        if not bool(torch.isfinite(loss)):
            raise NasprofError(
                f"the training broke down after {self.steps} steps: the loss was {loss.item()}",
                "Take a lower learning rate: --set learning_rate=0.0005.",
            )
        falling = (1 + cos(pi * max(0.0, share - WARMING) / (1 - WARMING))) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * min(share / WARMING, LOWEST + (1 - LOWEST) * falling)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), CLIPPED, foreach=True)
        self.optimizer.step()
        self.steps += 1
        self._move_average(min(AVERAGE, (1 + self.steps) / (10 + self.steps)))

    def _move_average(self, kept: float) -> None:
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.average.parameters()),
                [weight.detach() for weight in self.network.parameters()],
                1 - kept,
            )

    def arrays(self, name: str) -> StateArrays:
        """Everything needed to go on, each ``NAME...``; :attr:`steps` is told elsewhere."""
        return {
            **module_arrays(f"{name}", self.network),
            **module_arrays(f"{name}-average", self.average),
            **optimizer_arrays(f"{name}-optimizer", self.optimizer),
        }

    def load(self, name: str, arrays: StateArrays, steps: int) -> None:
        """Go on where :meth:`arrays` was taken.

        Raises:
            KeyError, ValueError, RuntimeError: they are of another network.
        """
        load_module(name, self.network, arrays)
        load_module(f"{name}-average", self.average, arrays)
        load_optimizer(f"{name}-optimizer", self.optimizer, arrays)
        self.steps = steps
