"""How the blocks of a space are laid out for people, in tables and heat maps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.typing import AnyArray


@dataclass(frozen=True, eq=False)
class Panel:
    """Blocks that differ in two properties.

    Args:
        title: which blocks they are.
        row_name: what differs from row to row ("kernel").
        column_name: what differs from column to column ("expansion").
        rows: label of each row.
        columns: label of each column.
        blocks: indices into the vocabulary ``(n_rows, n_columns)``; -1 stands for no block.
    """

    title: str
    row_name: str
    column_name: str
    rows: Sequence[str]
    columns: Sequence[str]
    blocks: NDArray[np.int16]


Layout: TypeAlias = tuple[tuple[Panel, ...], ...]
"""Panels as they are arranged on a page: rows of panels."""


def outside(layout: Layout, n_blocks: int) -> list[int]:
    """Numbers of the blocks that no panel shows, in order."""
    panels: Iterable[AnyArray] = (panel.blocks for row in layout for panel in row)
    shown = {int(number) for blocks in panels for number in blocks.flat}
    return [number for number in range(n_blocks) if number not in shown]
