"""Training schemes by name: one file each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from nasprof.registry import Registry
from spaces import Space
from supernets.training.schemes.base import Lesson, Phase, Scheme, SchemeSettings

__all__ = ["AnyScheme", "Lesson", "Phase", "Scheme", "SchemeSettings", "make_scheme", "schemes"]

AnyScheme: TypeAlias = Scheme[Any]
"""A scheme, whatever its settings."""

schemes: Registry[type[AnyScheme]] = Registry(
    "training scheme",
    {
        "sandwich": "supernets.training.schemes.sandwich:Sandwich",
        "shrinking": "supernets.training.schemes.shrinking:Shrinking",
        "uniform": "supernets.training.schemes.uniform:Uniform",
    },
)


def make_scheme(
    name: str, space: Space, total: int, settings: Mapping[str, object] | None = None
) -> AnyScheme:
    """The scheme called ``name``.

    Args:
        space: whose networks are to be trained.
        total: steps of the training.
        settings: those of the scheme that are not as by default.

    Raises:
        UsageError: there is no such scheme or setting, or it does not fit the space.
    """
    kind = schemes.get(name)
    return kind(space, kind.settings_type.of(settings or {}), total)
