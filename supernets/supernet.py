"""A supernet: all networks of a space in one module, sharing their weights."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from nasprof.errors import UsageError
from spaces import Genes, Space
from spaces.graph import Network, Program
from spaces.sharing import Share, Sharing, sharing_of, take
from supernets.initial import initial_arrays
from supernets.subnet import Subnet

MOMENTUM = 0.1
"""By how much the statistics of a training batch replace the running ones."""
_KNOWN_PLANS = 1024
_BUFFERS = ("running_mean", "running_var")


@dataclass(frozen=True)
class _Plan:
    """How one network is put together."""

    network: Network
    program: Program
    shares: Mapping[str, Share]


class Supernet(nn.Module):  # type: ignore[misc]
    """All networks of a space, sharing their weights.

    Its parameters are named as in the space's published checkpoints: a state dict of the ``ofa``
    package is one of an ``ofa-mbv3`` supernet, and the other way round. Images may be of any
    resolution; where that is a gene, training scales them to the network's.

    Args:
        space: whose networks.
        classes: outputs, if not the space's own number.
        rng: draws the weights; seeded with 0 unless given.

    Raises:
        UsageError: the space does not say how its networks share weights.
    """

    def __init__(
        self,
        space: Space,
        classes: int | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.space = space if classes is None else with_classes(space, classes)
        self.sharing: Sharing = sharing_of(self.space)
        self._plans: OrderedDict[bytes, _Plan] = OrderedDict()
        self._flat: dict[str, Tensor] | None = None
        arrays = initial_arrays(self.space, self.sharing, rng or np.random.default_rng(0))
        for name, array in arrays.items():
            self._place(name, torch.from_numpy(array))
        for name in arrays:
            if name.endswith(".running_var"):
                counter = name.removesuffix("running_var") + "num_batches_tracked"
                self._place(counter, torch.tensor(0))

    def _place(self, path: str, tensor: Tensor) -> None:
        *parents, name = path.split(".")
        module: nn.Module = self
        for parent in parents:
            if parent not in module._modules:
                module.add_module(parent, nn.Module())
            module = module.get_submodule(parent)
        if name in _BUFFERS or not tensor.is_floating_point():
            module.register_buffer(name, tensor)
        else:
            module.register_parameter(name, nn.Parameter(tensor))

    @property
    def smallest(self) -> Genes:
        """The network of the cheapest choices, ``(n_genes,)``."""
        return self._canonical(np.zeros(self.space.n_genes, np.int8))

    @property
    def largest(self) -> Genes:
        """The network of the costliest choices, ``(n_genes,)``."""
        return self._canonical((self.space.n_choices - 1).astype(np.int8))

    def _canonical(self, genes: Genes) -> Genes:
        row: Genes = self.space.canonical(np.asarray(genes)[None])[0]
        return row

    def subnet(self, genes: Genes) -> Subnet:
        """One network ``(n_genes,)``; its tensors are views of the supernet's where they can be.

        Raises:
            UsageError: a gene is outside its choices.
        """
        plan = self._plan(self._canonical(genes))
        tensors = self._tensors()
        return Subnet(
            plan.network,
            {name: take(tensors, share) for name, share in plan.shares.items()},
            plan.program,
        )

    def shares(self, genes: Genes) -> Mapping[str, Share]:
        """Where each array of a network ``(n_genes,)`` is in the supernet's."""
        return self._plan(self._canonical(genes)).shares

    def sources(self, genes: Genes) -> set[str]:
        """Names of the supernet's arrays that a network ``(n_genes,)`` uses a part of."""
        shares = self.shares(genes).values()
        return {name for share in shares for name in (share.source, *share.matrices)}

    def forward(self, images: Tensor, genes: Genes) -> Tensor:
        """Logits ``(n, classes)`` of images ``(n, c, h, w)`` by the network ``(n_genes,)``.

        In training mode by the batch's own statistics, which the running ones follow, of images
        :meth:`scaled` to the network's resolution. In evaluation mode of images as they are, by
        the running statistics, which are of no network in particular: :meth:`Subnet.recalibrated`
        gives a network its own.
        """
        subnet = self.subnet(genes)
        if not self.training:
            return subnet(images)
        return subnet.trained_on(self.scaled(images, genes), MOMENTUM)

    def scaled(self, images: Tensor, genes: Genes) -> Tensor:
        """Images ``(n, c, h, w)`` at the resolution of the network ``(n_genes,)``.

        As they are where the resolution is no gene. Else smaller ones are interpolated, so that
        one batch serves networks of every resolution.
        """
        if len(self.space.members) == 1:
            return images
        height, width, _ = self._plan(self._canonical(genes)).network.inputs[0]
        if images.shape[-2:] == (height, width):
            return images
        return functional.interpolate(images, (height, width), mode="bilinear", antialias=True)

    def in_space(self, space: Space) -> Supernet:
        """The same weights, not a copy, as those of a space that differs in resolution only.

        Raises:
            UsageError: it differs in more.
        """
        if space == self.space:
            return self
        if space.without_resolution != self.space.without_resolution:
            raise UsageError(f"the supernet is of {self.space.label}, not of {space.label}")
        other = copy(self)
        other.space, other.sharing = space, sharing_of(space)
        return other

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """A copy of every parameter and buffer, by its name in published checkpoints."""
        tensors = self._tensors()
        return {
            name: np.array(tensors[name].detach().cpu().numpy(), np.float32)
            for name in self.sharing.arrays
        }

    def load_arrays(self, arrays: Mapping[str, NDArray[np.float32]]) -> Self:
        """Take the weights of a checkpoint, under the names that it has or had when published.

        Raises:
            UsageError: one is missing or of another shape, as of another space, width or number
                of classes.
        """
        current = self.sharing.current_names(arrays)
        expected = self.sharing.arrays
        for name, shape in expected.items():
            if name not in current:
                raise UsageError(
                    f"the checkpoint has no array {name!r} of a supernet of {self.space.label}",
                    "Give a checkpoint of this space.",
                )
            if tuple(current[name].shape) != shape:
                raise UsageError(
                    f"the checkpoint's array {name} is {tuple(current[name].shape)}, "
                    f"expected {shape} in {self.space.label}",
                    "Give a checkpoint of this space, width and number of classes.",
                )
        tensors = self._tensors()
        with torch.no_grad():
            for name in expected:
                tensors[name].copy_(torch.from_numpy(np.array(current[name], np.float32)))
        return self

    def _tensors(self) -> dict[str, Tensor]:
        if self._flat is None:
            self._flat = {**dict(self.named_parameters()), **dict(self.named_buffers())}
        return self._flat

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        # Moving to a device makes new buffers.
        self._flat = None
        super()._apply(fn, recurse)
        return self

    def _plan(self, genes: Genes) -> _Plan:
        key = genes.tobytes()
        if key in self._plans:
            self._plans.move_to_end(key)
        else:
            network = self.space.network(genes)
            shares = self.sharing.shares(network, genes)
            self._plans[key] = _Plan(network, network.program(), shares)
            if len(self._plans) > _KNOWN_PLANS:
                self._plans.popitem(last=False)
        return self._plans[key]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_flat": None, "_plans": OrderedDict()}


def with_classes(space: Space, classes: int) -> Space:
    """The same space with another number of classes.

    Raises:
        UsageError: its networks classify nothing.
    """
    return space.with_settings(classes=classes)
