"""One network of a supernet, with its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from nasprof.errors import UsageError
from spaces.fold import fold, folded_program
from spaces.graph import Network, Program
from spaces.ops import BATCH_NORM_EPS, Conv, Linear
from supernets.depthwise import SLOW_KERNEL, DepthwiseConv
from supernets.program import Layers, execute

Tensors: TypeAlias = Mapping[str, Tensor]


class TensorLayers(Layers):
    """Layers whose parameters are tensors by name.

    Args:
        tensors: by the network's state-dict names.
        momentum: in training, by how much the batch's statistics replace the running ones; None
            to normalise by the running ones.
    """

    def __init__(self, tensors: Tensors, momentum: float | None = None) -> None:
        self.tensors = tensors
        self.momentum = momentum

    def convolve(self, op: Conv, value: Tensor) -> Tensor:
        weight = self.tensors[f"{op.param}.weight"]
        if op.in_channels == 1:
            # One channel is both layouts at once, and what follows would take the slow one.
            value = functional.conv2d(value, weight, *self._rest(op))
            return value.contiguous(memory_format=torch.channels_last)
        depthwise = op.groups == op.in_channels and op.kernel >= SLOW_KERNEL
        trained = weight.requires_grad and torch.is_grad_enabled()
        if depthwise and not op.bias and trained and value.device.type == "cpu":
            result: Tensor = DepthwiseConv.apply(value, weight, op.stride)
            return result
        return functional.conv2d(value, weight, *self._rest(op))

    def _rest(self, op: Conv) -> tuple[Tensor | None, int, int, int, int]:
        bias = self.tensors[f"{op.param}.bias"] if op.bias else None
        return bias, op.stride, op.kernel // 2, 1, op.groups

    def linear(self, op: Linear, value: Tensor) -> Tensor:
        weight, bias = (self.tensors[f"{op.param}.{name}"] for name in ("weight", "bias"))
        return functional.linear(value, weight, bias)

    def normalise(self, norm: str, value: Tensor) -> Tensor:
        mean, variance, weight, bias = (
            self.tensors[f"{norm}.{name}"]
            for name in ("running_mean", "running_var", "weight", "bias")
        )
        training = self.momentum is not None
        return functional.batch_norm(
            value, mean, variance, weight, bias, training, self.momentum or 0.0, BATCH_NORM_EPS
        )


@dataclass(frozen=True)
class Subnet:
    """One network with its weights.

    Args:
        network: what it is.
        tensors: its parameters and buffers, by the names of ``network.arrays()``.
        program: its operations, where they are known already.
    """

    network: Network
    tensors: Tensors
    program: Program = field(default=None, repr=False)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.program is None:
            object.__setattr__(self, "program", self.network.program())

    def __call__(self, images: Tensor) -> Tensor:
        """Logits ``(n, classes)`` of images ``(n, c, h, w)``, by the running statistics."""
        return execute(self.program, TensorLayers(self.tensors), [_laid_out(images)])

    def folded(self) -> Callable[[Tensor], Tensor]:
        """The same function with batch norm folded into its convolutions: a sixth faster.

        It is of the tensors as they are now, and carries no gradients.
        """
        weights = {name: _as_array(tensor) for name, tensor in self.tensors.items()}
        program, arrays = folded_program(self.program, weights, fold(self.program, weights))
        like = next(iter(self.tensors.values()))
        layers = TensorLayers({name: torch.from_numpy(a).to(like) for name, a in arrays.items()})
        return lambda images: execute(program, layers, [_laid_out(images)])

    def trained_on(self, images: Tensor, momentum: float) -> Tensor:
        """Logits ``(n, classes)`` by the batch's own statistics, which the running ones follow."""
        return execute(self.program, TensorLayers(self.tensors, momentum), [_laid_out(images)])

    def recalibrated(self, batches: Iterable[Tensor]) -> Subnet:
        """The same network with the batch-norm statistics of these images.

        In every batch each norm takes the batch's own mean and (biased) variance; what is kept is
        their mean over batches, weighted by images: ``set_running_statistics`` of OFA (Cai et al.,
        ICLR 2020) in one pass.

        Args:
            batches: images ``(n, c, h, w)``.

        Raises:
            UsageError: there is no image.
        """
        layers = _StatisticsLayers(self.tensors)
        with torch.no_grad():
            for images in batches:
                execute(self.program, layers, [_laid_out(images)])
        if not layers.images:
            raise UsageError("batch norm cannot be recalibrated on no images")
        return replace(self, tensors={**self.tensors, **layers.statistics()})

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Every parameter and buffer as float32, by name: what model files are written from."""
        return {
            name: np.array(_as_array(tensor), order="C") for name, tensor in self.tensors.items()
        }


class _StatisticsLayers(TensorLayers):
    """Normalises each batch by its own statistics and adds them up."""

    def __init__(self, tensors: Tensors) -> None:
        super().__init__(tensors)
        self.images = 0
        self._sums: dict[str, Tensor] = {}
        self._counted: dict[str, int] = {}

    def normalise(self, norm: str, value: Tensor) -> Tensor:
        weight, bias = (self.tensors[f"{norm}.{name}"] for name in ("weight", "bias"))
        # Tells the statistics it has computed anyway, at a third of the cost of var_mean.
        result, mean, inverse = torch.native_batch_norm(
            value, weight, bias, None, None, True, 0.0, BATCH_NORM_EPS
        )
        self.images = max(self.images, len(value))
        variance = (inverse.double() ** -2 - BATCH_NORM_EPS).clamp_min(0)
        for name, statistic in (("running_mean", mean.double()), ("running_var", variance)):
            key = f"{norm}.{name}"
            self._sums[key] = self._sums.get(key, 0) + len(value) * statistic
            self._counted[key] = self._counted.get(key, 0) + len(value)
        return result

    def statistics(self) -> dict[str, Tensor]:
        """Their means, by name."""
        return {
            name: (total / self._counted[name]).to(self.tensors[name].dtype)
            for name, total in self._sums.items()
        }


def _as_array(tensor: Tensor) -> NDArray[np.float32]:
    """A tensor's values as float32, which may share its memory."""
    array: NDArray[np.float32] = tensor.detach().float().cpu().numpy()
    return array


def _laid_out(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)
