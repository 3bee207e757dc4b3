"""Public names of a package, imported when they are first asked for (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module


def lazily(package: str, origins: Mapping[str, str]) -> Callable[[str], object]:
    """A package's ``__getattr__``: its public names come from the modules that define them.

    Args:
        package: its ``__name__``.
        origins: module of each public name.
    """

    def __getattr__(name: str) -> object:
        origin = origins.get(name)
        if origin is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(origin), name)

    return __getattr__
