"""What can be wrong with a cost model or with what is asked of it."""

from __future__ import annotations

from nasprof.errors import NasprofError, UsageError
from spaces.predictor import SpaceMismatch

__all__ = ["BudgetImpossible", "CostModelInvalid", "MissingEntries", "SpaceMismatch"]


class CostModelInvalid(UsageError):
    """A file does not hold a cost model, or holds a damaged one."""


class MissingEntries(UsageError):
    """A lookup table lacks blocks that its space needs."""


class BudgetImpossible(NasprofError):
    """No network of the space meets the budget."""
