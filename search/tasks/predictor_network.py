"""The networks of a predictor in torch, several of a sort at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from nasprof.typing import Array
from search.tasks.predictor import N_GLOBALS


@dataclass(frozen=True)
class TaskBatch:
    """Data sets as tensors.

    Args:
        classes: ``(n_tasks, most_classes, n_axes)``, zero where there is none.
        mask: ``(n_tasks, most_classes, 1)``, 1 where there is one.
        told: ``(n_tasks, N_GLOBALS)``.
    """

    classes: Tensor
    mask: Tensor
    told: Tensor


@dataclass(frozen=True)
class Sizes:
    """Of a sort of networks.

    Args:
        members: how many there are.
        n_axes: of a class.
        n_cell: numbers of a cell; 0 where none is looked at.
        n_ends: outputs.
        hidden: width of layers.
        embedding: numbers of a data set.
    """

    members: int
    n_axes: int
    n_cell: int
    n_ends: int
    hidden: int
    embedding: int


class SetNetworks(nn.Module):  # type: ignore[misc]
    """Several networks with weights of their own, which do not know of each other.

    Args:
        sizes: of each.
        dropout: share of what is known of a data set that is left out in a step of training.
        blind: whether nothing of a data set is looked at.
    """

    def __init__(self, sizes: Sizes, dropout: float, blind: bool) -> None:
        super().__init__()
        self.dropout, self.blind, self.members = dropout, blind, sizes.members
        layers = {
            "phi": (sizes.n_axes, sizes.hidden),
            "rho": (2 * sizes.hidden + N_GLOBALS, sizes.embedding),
            "out0": (sizes.embedding + sizes.n_cell, sizes.hidden),
            "out1": (sizes.hidden, sizes.n_ends),
        }
        self.weights = nn.ParameterDict()
        for name, (n_in, n_out) in layers.items():
            bound = n_in**-0.5
            for part, shape in (("weight", (n_in, n_out)), ("bias", (1, n_out))):
                drawn = torch.empty(sizes.members, *shape).uniform_(-bound, bound)
                self.weights[f"{name}_{part}"] = nn.Parameter(drawn)

    def embedded(self, batch: TaskBatch) -> Tensor:
        """Data sets as vectors ``(members, n_tasks, embedding)``."""
        n_tasks, most, n_axes = batch.classes.shape
        flat = batch.classes.reshape(1, n_tasks * most, n_axes)
        hidden = functional.relu(self._apply("phi", flat.expand(self.members, -1, -1)))
        hidden = hidden.view(self.members, n_tasks, most, -1) * batch.mask
        counts = batch.mask.sum(1)
        mean = hidden.sum(2) / counts
        squares = ((hidden - mean[:, :, None]) ** 2 * batch.mask).sum(2) / counts
        told = batch.told.expand(self.members, -1, -1)
        pooled = torch.cat([mean, (squares + 1e-8).sqrt(), told], 2)
        known = functional.dropout(pooled, self.dropout, self.training)
        own = torch.tanh(self._apply("rho", known))
        return own * 0 if self.blind else own

    def ends(self, values: Tensor) -> Tensor:
        """Outputs ``(members, n, n_ends)`` of ``(members, n, embedding + n_cell)``."""
        return self._apply("out1", functional.relu(self._apply("out0", values)))

    def _apply(self, name: str, values: Tensor) -> Tensor:
        bias = self.weights[f"{name}_bias"]
        result: Tensor = torch.baddbmm(bias, values, self.weights[f"{name}_weight"])
        return result

    def arrays(self) -> dict[str, Array]:
        """Weights and biases by name; of blind ones those that look at data sets are zero."""
        arrays = {
            name.replace("_", "."): tensor.detach().double().numpy()
            for name, tensor in self.weights.items()
        }
        if self.blind:
            for name in ("rho.weight", "rho.bias"):
                arrays[name] = arrays[name] * 0
        return arrays
