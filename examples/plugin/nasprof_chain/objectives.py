"""A function as an objective: ``max:field=nasprof_chain.objectives:receptive_field``."""

from __future__ import annotations

from typing import Any

from nasprof_chain.space import CHOICES, STAGES

_KERNELS = dict(zip(CHOICES, (1, 3, 5), strict=True))


def receptive_field(arch: dict[str, Any]) -> float:
    """Pixels of the image that a value before the pooling sees, in one direction."""
    field, step = 3, 1  # the stem's kernel
    strides = [stride for _, positions in STAGES for stride in (2, *[1] * (positions - 1))]
    for block, stride in zip(arch["blocks"], strides, strict=True):
        field += (_KERNELS[block] - 1) * step
        step *= stride
    return float(field)
