"""The state of torch's modules and optimisers as arrays, which load without pickle."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.optim import Optimizer

from search.model_arrays import StateArrays as Arrays


def module_arrays(name: str, module: nn.Module) -> Arrays:
    """A module's parameters, as ``name/parameter``."""
    return {f"{name}/{key}": value.numpy().copy() for key, value in module.state_dict().items()}


def load_module(name: str, module: nn.Module, arrays: Arrays) -> None:
    """Set a module's parameters.

    Raises:
        KeyError: one is missing.
        RuntimeError: one has another shape.
    """
    keys = module.state_dict()
    module.load_state_dict({key: torch.from_numpy(arrays[f"{name}/{key}"]) for key in keys})


def optimizer_arrays(name: str, optimizer: Optimizer) -> Arrays:
    """What an optimiser remembers of each parameter, as ``name/parameter/quantity``."""
    return {
        f"{name}/{parameter}/{quantity}": torch.as_tensor(value).numpy().copy()
        for parameter, known in optimizer.state_dict()["state"].items()
        for quantity, value in known.items()
    }


def load_optimizer(name: str, optimizer: Optimizer, arrays: Arrays) -> None:
    """Set what an optimiser remembers; its rates are left as they are.

    Raises:
        ValueError: it is not of the optimiser's parameters.
    """
    remembered: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in arrays.items():
        if key.startswith(f"{name}/"):
            _, parameter, quantity = key.split("/")
            remembered.setdefault(int(parameter), {})[quantity] = torch.from_numpy(value.copy())
    groups = optimizer.state_dict()["param_groups"]
    _require_shapes(name, optimizer, remembered)
    optimizer.load_state_dict({"state": remembered, "param_groups": groups})


def _require_shapes(
    name: str, optimizer: Optimizer, remembered: Mapping[int, Mapping[str, torch.Tensor]]
) -> None:
    """What is remembered of a parameter has its shape, or is one number."""
    parameters = [value for group in optimizer.param_groups for value in group["params"]]
    if remembered and sorted(remembered) != list(range(len(parameters))):
        raise ValueError(f"{name} is not of {len(parameters)} parameters")
    for number, known in remembered.items():
        for quantity, value in known.items():
            if value.ndim and value.shape != parameters[number].shape:
                raise ValueError(f"{name}/{number}/{quantity} has another shape than its parameter")
