"""Ways of answering budgets: one file each, what they share in ``base``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasprof.registry import Registry

if TYPE_CHECKING:
    from search.answers.answerers.base import Answerer

__all__ = ["answerers"]

answerers: Registry[type[Answerer]] = Registry(
    "answerer",
    {
        "exact": "search.answers.answerers.exact:ExactAnswerer",
        "local": "search.answers.answerers.local:LocalAnswerer",
        "pnag": "search.answers.answerers.pnag:PnagAnswerer",
        "pomonag": "search.answers.answerers.pomonag:PomonagAnswerer",
    },
)
"""One file an answerer."""
