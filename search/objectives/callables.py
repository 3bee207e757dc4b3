"""Objectives that are the user's own Python functions, named ``module:function``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import ClassVar, Self

import numpy as np

from devices.runner.telemetry import silence
from nasprof.errors import UsageError
from nasprof.registry import near_names
from nasprof.typing import Array
from search.objectives.base import NamedObjective, objectives
from search.objectives.models import Models
from search.objectives.own_module import import_own
from search.problem import Objective
from spaces import Arch, Genes, Space

_REFERENCE = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):([^\W\d]\w*)")
_OWN = re.compile(r"(max:)?([^\W\d][\w.-]*)=(.*)")


@dataclass(frozen=True)
class UserFunction:
    """A function from an architecture's JSON object to a number, imported where it is called.

    Args:
        module: importable from ``folder`` or as installed.
        name: of the function in it.
        folder: where the search was begun; no other module is taken from it.
    """

    module: str
    name: str
    folder: str

    @classmethod
    def of(cls, reference: str) -> Self | None:
        """The function that ``module:function`` names; None if this is no such reference.

        Raises:
            UsageError: there is none.
        """
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            return None
        function = cls(match[1], match[2], _here(reference))
        function.load()
        return function

    @property
    def reference(self) -> str:
        """``module:function``."""
        return f"{self.module}:{self.name}"

    def load(self) -> Callable[[Arch], float]:
        """The function itself.

        Raises:
            UsageError: the module cannot be imported, or has no such function.
        """
        named = getattr(self._imported(), self.name, None)
        if callable(named):
            function: Callable[[Arch], float] = named
            return function
        what = "has none" if named is None else f"is {type(named).__name__}, no function"
        raise UsageError(
            f"{self.reference}: expected a function {self.name!r} in {self.module!r}; it {what}",
            near_names(self.name, _functions(self._imported())),
        )

    def values(self, genes: Genes, space: Space) -> Array:
        """What it says of each architecture ``(n, n_genes)``: ``(n,)``."""
        function = self.load()
        return np.array([float(function(arch)) for arch in space.decode(genes)], np.float64)

    def _imported(self) -> ModuleType:
        silence()
        try:
            return import_own(self.module, self.folder)
        except (Exception, SystemExit) as error:
            own = (path.stem for path in Path(self.folder).glob("*.py"))
            raise UsageError(
                f"{self.reference}: module {self.module!r} cannot be imported from {self.folder} "
                f"({type(error).__name__}: {error})",
                near_names(self.module, own),
            ) from error


def _here(reference: str) -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError as error:
        raise UsageError(
            f"{reference}: the current folder, where its module is looked for, was removed",
            "Change to a folder that exists.",
        ) from error


def _functions(module: ModuleType) -> list[str]:
    names = vars(module).items()
    return [name for name, value in names if callable(value) and not name.startswith("_")]


@dataclass(frozen=True)
class Own(NamedObjective):
    """An objective that only its user knows.

    Args:
        function: what evaluates it.
        maximise: whether more is better.
    """

    form: ClassVar[str] = "[max:]NAME=module:function"

    function: UserFunction
    maximise: bool = False

    @classmethod
    def of(cls, name: str, detail: str | None, models: Models) -> Self:
        match = _OWN.fullmatch(name)
        function = None if match is None else UserFunction.of(match[3])
        if match is None or function is None:
            raise UsageError(
                f"objective {name!r} is not understood",
                f"Expected {cls.form}, where NAME has letters, digits, '.', '-' and '_'.",
            )
        if match[2] in objectives:
            raise UsageError(
                f"objective {name!r}: {match[2]!r} is what another objective is called",
                "Choose another name for your own.",
            )
        return cls(match[2], function, match[1] is not None)

    def objective(self, space: Space) -> Objective:
        return evaluated(self.name, "", self.function, space, maximise=self.maximise)


def evaluated(
    name: str, unit: str, function: UserFunction, space: Space, *, maximise: bool
) -> Objective:
    """The objective that a user's function evaluates.

    Args:
        name: of the objective.
        unit: of its values.
        function: evaluates an architecture at a time.
        space: of the architectures.
        maximise: whether more is better.
    """
    return Objective(
        name,
        unit,
        partial(function.values, space=space),
        maximise=maximise,
        kind="evaluated",
        facts={"function": function.reference},
    )
