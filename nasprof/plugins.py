"""Plug-ins: installed packages that add implementations to the registries.

A package names a module, or a function without parameters, in the entry-point group
``nasprof.plugins``. It is imported (the function called) once a process, before the first name is
looked up in any :class:`nasprof.registry.Registry`, and registers what it has there. One that
fails takes back what it registered; it is named with its error, and everything else works.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field
from threading import RLock
from typing import TYPE_CHECKING

from nasprof.log import logger
from nasprof.typing import JsonObject

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

GROUP = "nasprof.plugins"
"""The entry-point group."""

_MAX_WORDS = 500


@dataclass(frozen=True)
class Plugin:
    """One plug-in, loaded or left out.

    Args:
        name: of the entry point.
        reference: the ``"module"`` or ``"module:function"`` it names.
        distribution: the installed package it belongs to.
        version: of that package.
        registered: kind of registry and name of each thing it added, in order.
        error: why it was left out; None if it works.
    """

    name: str
    reference: str
    distribution: str
    version: str
    registered: tuple[tuple[str, str], ...] = ()
    error: str | None = None

    def to_dict(self) -> JsonObject:
        """All fields, ``registered`` as pairs of kind and name."""
        return asdict(self) | {"registered": [list(pair) for pair in self.registered]}

    def __str__(self) -> str:
        return f"{self.name} ({self.distribution} {self.version})"


@dataclass
class _Plugins:
    """The plug-ins of this process."""

    loaded: tuple[Plugin, ...] = ()
    begun: bool = False
    done: bool = False
    lock: RLock = field(default_factory=RLock)
    registered: list[tuple[str, str, Callable[[], object]]] = field(default_factory=list)

    def load(self, warn: bool) -> None:
        with self.lock:
            # A plug-in may itself look up names while it is loaded: those that are there by then.
            if self.begun:
                return
            self.begun = True
            for plugin, point in _entry_points():
                self.loaded += (self._loaded(plugin, point, warn),)
            self.done = True

    def _loaded(self, plugin: Plugin, point: EntryPoint | None, warn: bool) -> Plugin:
        """The plug-in with what it registered, or with why it is left out."""
        self.registered = []
        error = plugin.error if point is None else _error_of(point)
        if error is None:
            registered = tuple((kind, name) for kind, name, _ in self.registered)
            return Plugin(**vars(plugin) | {"registered": registered})
        for _, _, undo in self.registered:
            undo()
        if warn:
            logger.warning("The plug-in %s is left out: %s", plugin, error)
        return Plugin(**vars(plugin) | {"error": error})


_plugins = _Plugins()


def load_plugins(*, warn: bool = True) -> tuple[Plugin, ...]:
    """All plug-ins, loaded if they are not yet; a failing one is left out.

    Args:
        warn: whether failing ones are named in the log. Child processes leave it to their parent.
    """
    if not _plugins.done:
        _plugins.load(warn)
    return _plugins.loaded


def note_registration(kind: str, name: str, undo: Callable[[], object]) -> None:
    """Remember that something was registered, in case the plug-in that did it fails later."""
    _plugins.registered.append((kind, name, undo))


def _error_of(point: EntryPoint) -> str | None:
    """Load one plug-in; what went wrong, if anything did."""
    if point.pattern.match(point.value) is None:
        return f"{point.value!r} names no module"
    try:
        # The results of commands go to stdout: nothing else may.
        with redirect_stdout(sys.stderr):
            target = point.load()
            if callable(target):
                target()
            elif ":" in point.value:
                return f"{point.value} is {target!r}, expected a module or a function"
    # A module may end the process it is imported in: a script without a guard does.
    except (Exception, SystemExit) as error:
        return _words(error)
    return None


def _entry_points() -> Iterator[tuple[Plugin, EntryPoint | None]]:
    """Every plug-in there is, in the order of names; without its point if it cannot be read."""
    from importlib.metadata import distributions

    named: dict[str, Distribution] = {}
    for distribution in distributions():
        if GROUP in _declared(distribution):
            # The first on the path is the one that is imported.
            named.setdefault(_fact(distribution, "name"), distribution)
    for package, distribution in sorted(named.items()):
        version = _fact(distribution, "version")
        try:
            points = sorted(distribution.entry_points.select(group=GROUP))
        except Exception as error:
            reason = f"its entry points cannot be read: {_words(error)}"
            yield Plugin("?", "?", package, version, error=reason), None
            continue
        for point in points:
            yield Plugin(point.name, point.value, package, version), point


def _declared(distribution: Distribution) -> str:
    """The text of a package's entry points; nothing where it cannot be read."""
    try:
        return distribution.read_text("entry_points.txt") or ""
    except Exception:
        return ""


def _fact(distribution: Distribution, name: str) -> str:
    """Name or version of a package, which its metadata may lack."""
    try:
        return str(getattr(distribution, name) or "?")
    except Exception:
        return "?"


def _words(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:_MAX_WORDS]
