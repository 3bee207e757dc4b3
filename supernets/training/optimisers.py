"""How weights follow their gradients, and at which rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import cos, pi

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from nasprof.compiler_cache import no_compiler_cache
from supernets.training.recipe import Recipe
from supernets.training.schemes.base import Phase

_NOT_DECAYED = ("_matrix",)
"""Ends of names of what begins as the identity, beside all that has one axis."""


def make_optimiser(parameters: Mapping[str, nn.Parameter], recipe: Recipe) -> Optimizer:
    """The optimiser of a recipe, with a group for what decays and one for the rest.

    Norms, biases and kernel matrices do not decay. An array that no network of a step uses has no
    gradient there and is left as it is; of one that is used in part, the rest has a gradient of 0
    and follows its momentum to the end, as in the published trainings.
    """
    decayed = [value for name, value in parameters.items() if _decays(name, value)]
    others = [value for name, value in parameters.items() if not _decays(name, value)]
    groups = [
        {"params": values, "weight_decay": decay}
        for values, decay in ((decayed, recipe.weight_decay), (others, 0.0))
        if values
    ]
    with no_compiler_cache():
        if recipe.optimiser == "sgd":
            return SGD(groups, recipe.learning_rate, recipe.momentum, nesterov=recipe.momentum > 0)
        betas = (recipe.momentum, recipe.beta2)
        return AdamW(groups, recipe.learning_rate, betas, fused=True)


def _decays(name: str, value: Tensor) -> bool:
    return value.dim() > 1 and not name.endswith(_NOT_DECAYED)


def learning_rate(recipe: Recipe, phase: Phase, step: int) -> float:
    """The rate at a step of a phase: a linear rise, then half a cosine (Loshchilov and Hutter,
    "SGDR", ICLR 2017, Eq. 5).

    Args:
        step: 0 to ``phase.steps - 1``.
    """
    rise = min(1.0, (step + 1) / max(recipe.warmup * phase.steps, 1.0))
    fall = (1 + cos(pi * step / phase.steps)) / 2
    share = recipe.final_rate + (1 - recipe.final_rate) * fall
    return recipe.learning_rate * phase.rate * rise * share


def set_rate(optimiser: Optimizer, rate: float) -> None:
    """Use a rate from now on."""
    for group in optimiser.param_groups:
        group["lr"] = rate


def memory(
    optimiser: Optimizer, parameters: Mapping[str, nn.Parameter]
) -> Iterator[tuple[str, str, Tensor]]:
    """What an optimiser remembers: parameter's name, quantity, tensor.

    Those of an array's own shape are of its entries; others are numbers.
    """
    for name, parameter in parameters.items():
        for quantity, value in optimiser.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                yield name, quantity, value


def remember(
    optimiser: Optimizer, parameters: Mapping[str, nn.Parameter], known: Mapping[str, Tensor]
) -> None:
    """Set what an optimiser remembers.

    Args:
        known: by ``name/quantity``; parameters that are not in it are as never seen.

    Raises:
        ValueError: an array is of no parameter, or of another shape.
    """
    optimiser.state.clear()
    for key, value in known.items():
        name, _, quantity = key.rpartition("/")
        parameter = parameters.get(name)
        if parameter is None or (value.dim() and value.shape != parameter.shape):
            raise ValueError(f"{key} is of no parameter of that shape")
        # The step counter of fused AdamW is where the parameters are, too.
        own = torch.zeros_like(parameter) if value.dim() else torch.zeros_like(value)
        own = own.to(parameter.device)
        optimiser.state[parameter][quantity] = own.detach().copy_(value)
