"""Objectives of a search by their names, in the only space that all of their models know."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Self

from nasprof.errors import UsageError
from search.objectives.base import NamedObjective, objectives
from search.objectives.callables import Own
from search.objectives.models import Models
from search.problem import Objective
from spaces import Space, spaces
from spaces.predictor import SpaceMismatch


def objectives_of(names: Sequence[str], models: Models) -> tuple[Space, tuple[Objective, ...]]:
    """The space of a search and its objectives, in the order of their names.

    Known are ``top1[@MODEL]``, ``top1@SUPERNET``, ``latency[@MODEL]``,
    ``latency[@DEVICE[/SERIAL]]``, ``latency_upper`` likewise,
    ``latency_measured[@DEVICE[/SERIAL]]``, ``macs``, ``params``, ``size_bytes[@fp32|int8]``,
    ``peak_memory``, and ``[max:]NAME=module:function``, where a bare ``module:function`` may also
    stand for the model of ``top1``.

    A table of this machine that is missing is built; the models' doubts are told on stderr.

    Raises:
        UsageError: a name is unknown or there twice, or nothing tells the space.
        SpaceMismatch: the models have no space in common, or several.
        NasprofError: there is no table of a device elsewhere.
    """
    if not names:
        raise UsageError("no objective is named", f"Known: {known_forms()}.")
    named = [_named(name, models) for name in names]
    _refuse_repeated(named)
    _refuse_unused_images(named, models)
    space = _common_space(named, models)
    return space, tuple(objective.in_space(space) for objective in named)


def known_forms() -> str:
    """Every objective as it is written."""
    return ", ".join([*(objectives.get(name).form for name in objectives), Own.form])


def _named(name: str, models: Models) -> NamedObjective:
    bare, at, detail = name.partition("@")
    if bare in objectives:
        return objectives.get(bare).of(name, detail if at else None, models)
    if "=" not in name:
        similar = difflib.get_close_matches(bare, objectives, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(similar)}? " if similar else ""
        raise UsageError(f"no objective is called {name!r}", f"{hint}Known: {known_forms()}.")
    return Own.of(name, None, models)


def _refuse_repeated(named: Sequence[NamedObjective]) -> None:
    names = [objective.name for objective in named]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"objective {name!r} is there twice", "Name each of them once.")


def _refuse_unused_images(named: Sequence[NamedObjective], models: Models) -> None:
    if models.images is not None and not any(objective.needs_images for objective in named):
        raise UsageError(
            f"the images of {models.images.source} are of no use: no objective looks at any",
            "Name one that does, such as top1@SUPERNET.safetensors, or leave them out.",
        )


def _common_space(named: Sequence[NamedObjective], models: Models) -> Space:
    """The only space that everything known of it allows.

    Raises:
        UsageError: nothing tells.
        SpaceMismatch: there is none, naming what does not fit, or there are several.
    """
    requested = [] if models.space is None else [_Known.of_space(models.space)]
    required = [_Known.of(objective) for objective in named if objective.spaces is not None]
    known = [one.at(models.resolution) for one in chain(requested, required)]
    if not known:
        raise UsageError(
            "no objective tells which space to search",
            f"Name it: --space ofa-mbv3. Known: {', '.join(spaces)}.",
        )
    common = [*known[0].spaces, *(space for one in known[1:] for space in one.elastic)]
    for number, one in enumerate(known):
        if not any(map(one.knows, common)):
            raise SpaceMismatch(
                f"{one.who} is of {_labels(one.spaces)}, "
                f"{', '.join(other.who for other in known[:number])} of {_labels(common)}: "
                "no space in common",
                "Take models of the same space, width and resolution"
                + (", or name one by --resolution." if any(o.elastic for o in known) else "."),
            )
        common = list(dict.fromkeys(filter(one.knows, common)))
    if len(common) > 1:
        raise SpaceMismatch(
            f"the objectives have several spaces in common: {_labels(common)}",
            "Say which one by --resolution.",
        )
    return common[0]


@dataclass(frozen=True)
class _Known:
    """Who knows which spaces.

    Args:
        who: for messages.
        spaces: those it names.
        knows: whether it is known in a space.
    """

    who: str
    spaces: tuple[Space, ...]
    knows: Callable[[Space], bool]

    @classmethod
    def of(cls, objective: NamedObjective) -> Self:
        """Of an objective that is known in some spaces."""
        return cls(f"objective {objective.name!r}", objective.spaces or (), objective.knows)

    @classmethod
    def of_space(cls, space: Space) -> Self:
        """Of the space that is asked for."""
        return cls("the space asked for", (space,), space.__eq__)

    @property
    def elastic(self) -> tuple[Space, ...]:
        """Its spaces whose resolution is a gene."""
        return tuple(space for space in self.spaces if len(space.members) > 1)

    def at(self, resolution: int | None) -> Self:
        """The same in spaces of that resolution, if one is asked for.

        Raises:
            SpaceMismatch: it names none.
        """
        if resolution is None:
            return self
        fitting = [one for one in self.spaces if one.settings.get("resolution") == resolution]
        if not fitting:
            raise SpaceMismatch(
                f"{self.who} is of {_labels(self.spaces)}, not of resolution {resolution}",
                "Take models of the same space, width and resolution.",
            )
        return replace(self, spaces=tuple(fitting), knows=fitting.__contains__)


def _labels(which: Sequence[Space]) -> str:
    return ", ".join(space.label for space in which)
