"""A depthwise convolution whose gradients are not the slow stock ones of CPUs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

SLOW_KERNEL = 5
"""From this size on the stock gradients cost more than those here."""


class DepthwiseConv(torch.autograd.Function):  # type: ignore[misc]
    """``conv2d(value, weight, groups=channels)``, padded by half the kernel.

    The gradient of the weights is a grouped convolution of the input by the gradient of the
    output, with the images of the batch as further channels: each of the ``n * c`` planes is
    correlated with its own, and the images are summed, with channels first, where that takes half
    as long. At stride 1 the gradient of the input is a convolution by the kernel turned over.
    """

    @staticmethod
    def forward(ctx: Any, value: Tensor, weight: Tensor, stride: int) -> Tensor:
        """The convolution of ``(n, c, h, w)`` by ``(c, 1, k, k)``."""
        ctx.save_for_backward(value, weight)
        ctx.stride = stride
        return functional.conv2d(value, weight, None, stride, _padding(weight), 1, len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        """The gradients of value and weight."""
        (gradient,) = gradients
        stride, types = ctx.stride, [saved.dtype for saved in ctx.saved_tensors]
        # Under autocast the output has another type than what it was computed from.
        value, weight = (saved.to(gradient.dtype) for saved in ctx.saved_tensors)
        by_value = by_weight = None
        if ctx.needs_input_grad[0]:
            by_value = _input_gradient(value, weight, gradient, stride).to(types[0])
        if ctx.needs_input_grad[1]:
            by_weight = _weight_gradient(
                value.contiguous(), gradient.contiguous(), weight.shape[-1], stride
            ).to(types[1])
        return by_value, by_weight, None


def _padding(weight: Tensor) -> int:
    return int(weight.shape[-1]) // 2


def _input_gradient(value: Tensor, weight: Tensor, gradient: Tensor, stride: int) -> Tensor:
    padding, channels = _padding(weight), len(weight)
    if stride == 1:  # the convolution by the kernel turned over, which is no transposed one
        return functional.conv2d(gradient, weight.flip(2, 3), None, 1, padding, 1, channels)
    result: Tensor = torch.nn.grad.conv2d_input(
        value.shape, weight, gradient.contiguous(), stride, padding, 1, channels
    ).contiguous(memory_format=torch.channels_last)
    return result


def _weight_gradient(value: Tensor, gradient: Tensor, kernel: int, stride: int) -> Tensor:
    n, c = value.shape[:2]
    planes = value.reshape(1, n * c, *value.shape[2:])
    filters = gradient.reshape(n * c, 1, *gradient.shape[2:])
    product = functional.conv2d(planes, filters, None, 1, kernel // 2, stride, n * c)
    return product[..., :kernel, :kernel].reshape(n, c, kernel, kernel).sum(0)[:, None]
