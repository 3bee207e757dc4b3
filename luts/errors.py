"""What can be wrong with a cost model or with what is asked of it."""

from __future__ import annotations

from nasprof.errors import NasprofError, UsageError


class CostModelInvalid(UsageError):
    """A file does not hold a cost model, or holds a damaged one."""


class MissingEntries(UsageError):
    """A lookup table lacks blocks that its space needs."""


class SpaceMismatch(UsageError):
    """A cost model is of another space, width or resolution than the architectures."""


class BudgetImpossible(NasprofError):
    """No network of the space meets the budget."""
