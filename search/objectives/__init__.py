"""Objectives by name: what a search may want much or little of."""

from __future__ import annotations

from search.objectives.base import NamedObjective, objectives
from search.objectives.callables import UserFunction
from search.objectives.ends import additive_extremes
from search.objectives.models import Models
from search.objectives.named import objectives_of
from spaces.additive import additive_ends

__all__ = [
    "Models",
    "NamedObjective",
    "UserFunction",
    "additive_ends",
    "additive_extremes",
    "objectives",
    "objectives_of",
]
