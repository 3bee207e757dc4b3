"""What a learned cost model sees of an architecture: numbers that latency may depend on.

All follow from the blocks that are executed, so they hold for any space. What is computed or
moved grows with the resolution, and how many operations there are does not: a model can tell
the devices that are busy from those that mostly start the next operation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TypeAlias

import numpy as np

from nasprof.registry import Registry
from nasprof.typing import Array
from spaces import Genes, Space
from spaces.ops import Op

_MEGA = 1e6
_ROWS = 65536


@dataclass(frozen=True)
class Tallies:
    """Sums over the operations of each block of a vocabulary, by kind of operation.

    Args:
        kinds: names of the kinds, sorted.
        operations: how many there are, ``(n_blocks, n_kinds)``.
        macs: multiply-accumulates in millions, ``(n_blocks, n_kinds)``.
        elements: values read and written in millions, ``(n_blocks, n_kinds)``.
        params: trainable parameters in millions, ``(n_blocks,)``.
    """

    kinds: tuple[str, ...]
    operations: Array
    macs: Array
    elements: Array
    params: Array


def kind_of(op: Op) -> str:
    """Operations of one kind differ in their shapes only."""
    shape = [getattr(op, name, 1) for name in ("kernel", "stride")]
    grouped = "grouped" if getattr(op, "groups", 1) > 1 else "dense"
    return f"{type(op).__name__}-k{shape[0]}-s{shape[1]}-{grouped}"


@lru_cache(maxsize=64)
def tallies(space: Space) -> Tallies:
    """Tallies of the space's vocabulary."""
    blocks = space.vocabulary
    kinds = sorted({kind_of(op) for block in blocks for op in block.ops})
    counted = np.zeros((3, len(blocks), len(kinds)))
    for row, block in enumerate(blocks):
        for op in block.ops:
            read = [block.shapes[name] for name in op.inputs]
            moved = sum(map(prod, read)) + prod(op.output_shape(*read))
            counted[:, row, kinds.index(kind_of(op))] += (
                1,
                op.macs(*read) / _MEGA,
                moved / _MEGA,
            )
    params = np.array([block.params for block in blocks]) / _MEGA
    return Tallies(tuple(kinds), counted[0], counted[1], counted[2], params)


def block_counts(space: Space, genes: Genes) -> Array:
    """How often each block of the vocabulary is executed: ``(n, n_blocks)``."""
    slots = space.executed_slots(genes)
    rows = np.arange(len(slots))
    # Slots without a block are -1 and fall into the last column.
    counts = np.zeros((len(slots), len(space.vocabulary) + 1))
    for column in slots.T:
        counts[rows, column] += 1
    return counts[:, :-1]


FeatureSet: TypeAlias = Callable[[Space, Genes, Array], Array]
"""Features ``(n, n_features)`` of a space, genes and block counts ``(n, n_blocks)``."""


def _sizes(space: Space, genes: Genes, counts: Array) -> Array:
    """Blocks, operations, MACs, elements and parameters in all."""
    tally = tallies(space)
    per_block = (tally.operations, tally.macs, tally.elements)
    totals = [counts @ part.sum(1) for part in per_block]
    return np.stack([counts.sum(1), *totals, counts @ tally.params], 1)


def _operators(space: Space, genes: Genes, counts: Array) -> Array:
    """Operations, MACs and elements by kind of operation."""
    tally = tallies(space)
    described: Array = counts @ np.concatenate([tally.operations, tally.macs, tally.elements], 1)
    return described


def _blocks(space: Space, genes: Genes, counts: Array) -> Array:
    """How often each block is executed, and the elements it moves in all."""
    return np.concatenate([counts, counts * tallies(space).elements.sum(1)], 1)


def _genes(space: Space, genes: Genes, counts: Array) -> Array:
    """The sizes and every gene, one-hot."""
    return np.concatenate([_sizes(space, genes, counts), space.onehot(genes)], 1)


feature_sets: Registry[FeatureSet] = Registry(
    "feature set",
    {"blocks": _blocks, "genes": _genes, "operators": _operators, "sizes": _sizes},
)


def features(name: str, space: Space, genes: Genes) -> Array:
    """The features ``(n, n_features)`` of the set called ``name``.

    Args:
        genes: ``(n, n_genes)``.

    Raises:
        UsageError: there is no such set.
    """
    function = feature_sets.get(name)
    genes = space.canonical(genes)
    parts = [genes[start : start + _ROWS] for start in range(0, max(len(genes), 1), _ROWS)]
    return np.concatenate([function(space, part, block_counts(space, part)) for part in parts])


def signature(name: str, space: Space) -> tuple[object, ...]:
    """Spaces of equal signature have features that mean the same, one by one."""
    none = np.zeros((0, space.n_genes), np.int8)
    width = feature_sets.get(name)(space, none, block_counts(space, none)).shape[1]
    return width, tallies(space).kinds
