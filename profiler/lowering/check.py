"""Whether weights are the arrays that a network needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nasprof.errors import UsageError

_SHOWN = 3


def check_weights(
    weights: Mapping[str, Any], expected: Mapping[str, tuple[int, ...]], source: str = "weights"
) -> None:
    """Raise a UsageError unless ``weights`` has every array of ``expected`` in its shape.

    Superfluous arrays are an error too: they mean weights of another architecture.
    """
    missing = [name for name in expected if name not in weights]
    extra = [name for name in weights if name not in expected]
    wrong = [
        f"{name} is {tuple(weights[name].shape)}, expected {shape}"
        for name, shape in expected.items()
        if name in weights and tuple(weights[name].shape) != shape
    ]
    problems = [
        f"{len(names)} of {total} arrays {words}: {_first(names)}"
        for names, total, words in (
            (missing, len(expected), "are missing"),
            (wrong, len(expected), "have the wrong shape"),
            (extra, len(weights), "do not belong to this network"),
        )
        if names
    ]
    if problems:
        raise UsageError(
            f"{source} do not fit the network: " + "; ".join(problems),
            "Give the weights of this very architecture, or of the supernet it belongs to.",
        )


def _first(items: Iterable[str]) -> str:
    listed = list(items)
    more = f", and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
