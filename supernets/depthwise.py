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
    correlated with its own, and the images are summed. Both gradients are computed with channels
    first, where they take half as long, and whole steps with channels last, where all else does.
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
        value, weight = ctx.saved_tensors
        stride, padding = ctx.stride, _padding(weight)
        value, gradient = value.contiguous(), gradient.contiguous()
        by_value = by_weight = None
        if ctx.needs_input_grad[0]:
            by_value = torch.nn.grad.conv2d_input(
                value.shape, weight, gradient, stride, padding, 1, len(weight)
            ).contiguous(memory_format=torch.channels_last)
        if ctx.needs_input_grad[1]:
            by_weight = _weight_gradient(value, gradient, weight.shape[-1], stride)
        return by_value, by_weight, None


def _padding(weight: Tensor) -> int:
    return int(weight.shape[-1]) // 2


def _weight_gradient(value: Tensor, gradient: Tensor, kernel: int, stride: int) -> Tensor:
    n, c = value.shape[:2]
    planes = value.reshape(1, n * c, *value.shape[2:])
    filters = gradient.reshape(n * c, 1, *gradient.shape[2:])
    product = functional.conv2d(planes, filters, None, 1, kernel // 2, stride, n * c)
    return product[..., :kernel, :kernel].reshape(n, c, kernel, kernel).sum(0)[:, None]
