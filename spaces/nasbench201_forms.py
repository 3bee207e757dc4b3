"""Forms in which the field writes architectures of NAS-Bench-201.

The benchmark's string ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``; six names of operations in its
order; the nodes of NATS-Bench's ``Structure``, ``(((op, 0),), ((op, 0), (op, 1)), ...)``; the
configuration of a network with an ``arch_str`` (also HW-NAS-Bench's); ``{"index": 0..15624}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from nasprof.errors import UsageError
from nasprof.typing import JsonObject
from spaces.fields import reject_unknown

OPERATIONS = ("none", "skip_connect", "avg_pool_3x3", "nor_conv_1x1", "nor_conv_3x3")
"""Choices of every gene, cheapest first."""

EDGES = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))
"""(to node, from node) of each gene, in the order of the arch string."""

_SETTINGS = {"C": "channels", "N": "cells", "num_classes": "classes"}


def recognise(value: object) -> JsonObject | None:
    """Fields of an arch besides ``space``, or an ``index``; None for what has none of the forms.

    Raises:
        UsageError: it has such a form, and something in it is wrong, named.
    """
    if isinstance(value, str):
        value = value.strip()
        return {"cell": value} if value.startswith("|") else None
    if isinstance(value, Mapping):
        return _described(value)
    if not isinstance(value, list | tuple):
        return None
    names = _of_nodes(value) if value and all(_is_list(node) for node in value) else value
    if not names or not any(name in OPERATIONS for name in names if isinstance(name, str)):
        return None
    return {"cell": cell(_checked(names))}


def _described(value: Mapping[Any, Any]) -> JsonObject | None:
    if set(value) == {"index"}:
        return {"index": value["index"]}
    if "arch_str" not in value:
        return None
    reject_unknown(value, ("name", "arch_str", *_SETTINGS))
    own = {ours: value[theirs] for theirs, ours in _SETTINGS.items() if theirs in value}
    return {"cell": value["arch_str"], **own}


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _of_nodes(nodes: Sequence[Any]) -> list[Any] | None:
    """Operations of a structure's nodes, each a list of (operation, from node)."""
    pairs = [pair for node in nodes for pair in node]
    if [len(node) for node in nodes] != [1, 2, 3]:
        return None
    if not all(_is_list(pair) and len(pair) == 2 for pair in pairs):
        return None
    sources = [source for _, source in EDGES]
    if [pair[1] for pair in pairs] != sources:
        raise UsageError(f"the nodes' inputs are {[p[1] for p in pairs]!r:.80}, expected {sources}")
    return [pair[0] for pair in pairs]


def _checked(names: Sequence[Any]) -> list[str]:
    if len(names) != len(EDGES):
        raise UsageError(f"{len(names)} operations, expected {len(EDGES)}, one an edge")
    for name in names:
        if name not in OPERATIONS:
            raise UsageError(f"operation {name!r:.80}, expected one of {', '.join(OPERATIONS)}")
    return list(names)


def cell(operations: Sequence[str]) -> str:
    """The arch string of six operations in the order of :data:`EDGES`."""
    edges = [f"{name}~{source}" for name, (_, source) in zip(operations, EDGES, strict=True)]
    return f"|{edges[0]}|+|{'|'.join(edges[1:3])}|+|{'|'.join(edges[3:])}|"


def parse_cell(text: str) -> list[int]:
    """Genes of an arch string.

    Raises:
        UsageError: it is none, or has an operation that is not one.
    """
    pattern = r"\|([^|~]+)~0\|\+\|([^|~]+)~0\|([^|~]+)~1\|\+\|([^|~]+)~0\|([^|~]+)~1\|([^|~]+)~2\|"
    match = re.fullmatch(pattern, text.strip())
    if match is None:
        raise UsageError(
            f"cell is {text!r:.200}, expected the form |op~0|+|op~0|op~1|+|op~0|op~1|op~2|"
        )
    for operation in match.groups():
        if operation not in OPERATIONS:
            raise UsageError(
                f"cell has the operation {operation!r}, expected one of {', '.join(OPERATIONS)}"
            )
    return [OPERATIONS.index(operation) for operation in match.groups()]
