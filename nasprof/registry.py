"""Names that stand for implementations, imported only when asked for."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, Generic, TypeVar

from nasprof.errors import UsageError
from nasprof.plugins import load_plugins, note_registration

T = TypeVar("T")


def import_from(reference: str) -> Any:
    """The object that ``"module:attribute"`` names."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


class Registry(Generic[T]):
    """A named collection of implementations of one interface.

    Installed plug-ins (:mod:`nasprof.plugins`) are loaded before the first name is looked up.

    Args:
        kind: what the entries are, for messages ("space", "device kind").
        builtin: those of this project by name; a string ``"module:attribute"`` is imported at first
            use. Others are added by :meth:`register`.

    Example:
        >>> shapes = Registry("shape", {"path": "pathlib:PurePath"})
        >>> @shapes.register("circle")
        ... class Circle: ...
        >>> list(shapes)
        ['circle', 'path']
        >>> shapes.get("path").__name__
        'PurePath'
    """

    def __init__(self, kind: str, builtin: Mapping[str, str | T] | None = None) -> None:
        self.kind = kind
        self._entries: dict[str, str | T] = dict(builtin or {})

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that adds an implementation under a name.

        Raises:
            UsageError: the name is taken, with who has it.
        """

        def add(entry: T) -> T:
            if name in self._entries:
                raise UsageError(
                    f"{self.kind} {name!r} is registered twice: by {_origin(self._entries[name])} "
                    f"and by {_origin(entry)}",
                    "Choose another name for one of them.",
                )
            self._entries[name] = entry
            note_registration(self.kind, name, lambda: self._entries.pop(name, None))
            return entry

        return add

    def get(self, name: str) -> T:
        """The implementation called ``name``.

        Raises:
            UsageError: there is none, with names near to it, or with all that there are.
        """
        load_plugins()
        if name not in self._entries:
            near = difflib.get_close_matches(name, self._entries, n=3, cutoff=0.5)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(self)}."
            raise UsageError(f"no {self.kind} is called {name!r}", hint)
        entry = self._entries[name]
        if isinstance(entry, str):
            entry = self._entries[name] = import_from(entry)
        return entry

    def __iter__(self) -> Iterator[str]:
        load_plugins()
        return iter(sorted(self._entries))

    def __contains__(self, name: object) -> bool:
        load_plugins()
        return name in self._entries


def near_names(name: str, known: Iterable[str]) -> str:
    """What may have been meant by ``name``, and all that is known, as a remedy.

    >>> near_names("mac", ["params", "macs"])
    'Did you mean macs? Known: macs, params.'
    """
    known = sorted(known)
    similar = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(similar)}? " if similar else ""
    return f"{hint}Known: {', '.join(known) or 'none'}."


def _origin(entry: object) -> str:
    return entry if isinstance(entry, str) else str(getattr(entry, "__module__", repr(entry)))
