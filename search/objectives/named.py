"""Objectives of a search by their names, in the only space that all of their models know."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from itertools import chain

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
    return space, tuple(objective.objective(space) for objective in named)


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
    requested = [] if models.space is None else [("the space asked for", (models.space,))]
    required = [
        (f"objective {objective.name!r}", objective.spaces)
        for objective in named
        if objective.spaces is not None
    ]
    known = [(who, _at(who, which, models.resolution)) for who, which in chain(requested, required)]
    if not known:
        raise UsageError(
            "no objective tells which space to search",
            f"Name it: --space ofa-mbv3. Known: {', '.join(spaces)}.",
        )
    common = list(known[0][1])
    for number, (who, which) in enumerate(known):
        if not any(space in which for space in common):
            raise SpaceMismatch(
                f"{who} is of {_labels(which)}, "
                f"{', '.join(other for other, _ in known[:number])} of {_labels(common)}: "
                "no space in common",
                "Take models of the same space, width and resolution.",
            )
        common = [space for space in common if space in which]
    if len(common) > 1:
        raise SpaceMismatch(
            f"the objectives have several spaces in common: {_labels(common)}",
            "Say which one by --resolution.",
        )
    return common[0]


def _at(who: str, which: Sequence[Space], resolution: int | None) -> list[Space]:
    """Those of that resolution, if one is asked for."""
    if resolution is None:
        return list(which)
    fitting = [space for space in which if space.settings.get("resolution") == resolution]
    if not fitting:
        raise SpaceMismatch(
            f"{who} is of {_labels(which)}, not of resolution {resolution}",
            "Take models of the same space, width and resolution.",
        )
    return fitting


def _labels(which: Sequence[Space]) -> str:
    return ", ".join(space.label for space in which)
