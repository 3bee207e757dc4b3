"""Importing a user's module from a folder that is on no path, so that it shadows nothing.

Were the folder put on ``sys.path``, any file in it would take the place of the module of that name
that a library asks for, installed or optional. So only the module that is named comes from the
folder, and what its own files import that is to be had nowhere else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib import import_module, invalidate_caches
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, spec_from_file_location
from types import FrameType, ModuleType

_imported: dict[tuple[str, str], ModuleType] = {}
"""Modules of folders. A search asks for its functions again for each architecture, and looking
through all of Python's folders takes milliseconds."""
_MACHINERY = ("importlib", "_frozen_importlib", "_frozen_importlib_external")


def import_own(module: str, folder: str) -> ModuleType:
    """``module`` of the folder if it has one of that name, else as it is installed.

    Raises:
        ImportError: there is none; besides, whatever the module itself raises.
    """
    known = _imported.get((module, folder))
    if known is not None and sys.modules.get(known.__name__) is known:
        return known
    invalidate_caches()
    top, dot, rest = module.partition(".")
    own = PathFinder.find_spec(top, [folder])
    other = _elsewhere(top)
    # As everywhere in Python, a folder without __init__.py gives way to a module.
    if own is None or (own.origin is None and other is not None):
        return import_module(module)
    name = top if other in (None, own.origin) else _alias(top, folder)
    _own_files(folder).named[name] = top
    imported = _imported[module, folder] = import_module(name + dot + rest)
    return imported


def _elsewhere(name: str) -> str | None:
    """Where else there is a module of this name: its file, or in a word; None if nowhere."""
    if name in sys.modules:
        return getattr(sys.modules[name], "__file__", None) or "loaded"
    spec = find_spec(name)
    return None if spec is None else spec.origin or "namespace"


def _alias(name: str, folder: str) -> str:
    """What a module is called whose own name is taken by another one."""
    return f"_own_{sha256(folder.encode()).hexdigest()[:12]}_{name}"


@cache
def _own_files(folder: str) -> _OwnFiles:
    """The finder of a folder, asked after all others."""
    finder = _OwnFiles(folder)
    sys.meta_path.append(finder)
    return finder


class _OwnFiles(MetaPathFinder):
    """Finds top-level modules in a folder: those named, and those that modules found here import.

    Attributes:
        named: names under which modules may be imported by anybody, and their files' names.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.named: dict[str, str] = {}
        self._given: set[str] = set()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is not None or not (name in self.named or _importer() in self._given):
            return None
        spec = PathFinder.find_spec(self.named.get(name, name), [self.folder])
        if spec is None:
            return None
        self._given.add(name)
        if spec.name == name or spec.origin is None:
            return spec
        folders = spec.submodule_search_locations
        return spec_from_file_location(name, spec.origin, submodule_search_locations=folders)


def _importer() -> str:
    """The top-level name of the module whose code is importing something."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = str(frame.f_globals.get("__name__")).partition(".")[0]
        if name not in _MACHINERY:
            return name
        frame = frame.f_back
    return ""
