"""Executors: where the objectives of architectures are evaluated."""

from __future__ import annotations

from search.executors.base import Executor, executors, open_executor
from search.executors.evaluation import Evaluation, evaluate

__all__ = ["Evaluation", "Executor", "evaluate", "executors", "open_executor"]
