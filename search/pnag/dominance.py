"""The Pareto dominance rule under a budget: Guo et al. 2022, Eq. 4."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import Array


def dominance(
    top1: Array, latency_ms: Array, budgets_ms: Array, *, accurate: bool = True
) -> NDArray[np.float32]:
    """Which of two architectures is the better answer to a budget: ``(K, M, M)``.

    1 where the first dominates, -1 where the second does, 0 for ties. Of two that meet the budget
    the more accurate wins, otherwise the faster one.

    Args:
        top1: ``(K, M)``, or ``(M,)`` for the same architectures under every budget.
        latency_ms: likewise.
        budgets_ms: ``(K,)``.
        accurate: False leaves accuracy out: of two that meet the budget neither wins.
    """
    top1, latency_ms = np.atleast_2d(top1), np.atleast_2d(latency_ms)
    feasible = latency_ms <= budgets_ms[:, None]
    both = feasible[:, :, None] & feasible[:, None, :]
    faster = np.sign(latency_ms[:, None, :] - latency_ms[:, :, None]).astype(np.float32)
    better = np.sign(top1[:, :, None] - top1[:, None, :]).astype(np.float32)
    return np.where(both, better if accurate else np.float32(0), faster)
