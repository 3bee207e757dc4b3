"""What can be wrong with an accuracy model or with what it is made from."""

from __future__ import annotations

from nasprof.errors import NasprofError, UsageError


class AccuracyModelInvalid(UsageError):
    """A file does not hold an accuracy model, or holds a damaged one."""


class CannotRank(NasprofError):
    """Measured networks do not allow to tell good ones from bad ones."""
