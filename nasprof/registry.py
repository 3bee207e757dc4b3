"""Names that stand for implementations, imported only when asked for."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from nasprof.errors import UsageError

T = TypeVar("T")


def import_from(reference: str) -> Any:
    """The object that ``"module:attribute"`` names."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


class Registry(Generic[T]):
    """A named collection of implementations of one interface.

    Args:
        kind: what the entries are, for messages ("space", "device kind").
        builtin: name -> ``"module:attribute"``, imported at first use.
        group: of entry points by which installed packages add implementations.
    """

    def __init__(
        self, kind: str, builtin: dict[str, str] | None = None, group: str | None = None
    ) -> None:
        self.kind = kind
        self._entries: dict[str, str | T] = dict(builtin or {})
        if group is not None:
            self._entries |= {point.name: point.value for point in entry_points(group=group)}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that adds an implementation; a name already taken is an error."""

        def add(entry: T) -> T:
            if name in self._entries:
                raise UsageError(
                    f"{self.kind} {name!r} is registered twice: by {_origin(self._entries[name])} "
                    f"and by {_origin(entry)}",
                    "Choose another name for one of them.",
                )
            self._entries[name] = entry
            return entry

        return add

    def get(self, name: str) -> T:
        """The implementation called ``name``; a miss is a UsageError with near matches."""
        if name not in self._entries:
            near = difflib.get_close_matches(name, self._entries, n=3, cutoff=0.5)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(self)}."
            raise UsageError(f"no {self.kind} is called {name!r}", hint)
        entry = self._entries[name]
        if isinstance(entry, str):
            entry = self._entries[name] = import_from(entry)
        return entry

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __contains__(self, name: object) -> bool:
        return name in self._entries


def _origin(entry: object) -> str:
    return entry if isinstance(entry, str) else str(getattr(entry, "__module__", repr(entry)))
