"""An objective of one's own: how much of the image each value sees."""

from __future__ import annotations

from functools import partial
from typing import Self

import numpy as np

from nasprof.typing import Array
from nasprof_chain.space import IMAGE, ChainSpace
from search.objectives import NamedObjective, objectives
from search.objectives.base import refuse_detail
from search.objectives.ends import additive_extremes
from search.objectives.models import Models
from search.problem import Objective
from spaces import Genes, Space
from spaces.graph import Block
from spaces.ops import Conv


@objectives.register("receptive_field")
class ReceptiveField(NamedObjective):
    """Pixels, in one direction, that a value before the pooling depends on."""

    form = "receptive_field"

    @classmethod
    def of(cls, name: str, detail: str | None, models: Models) -> Self:
        refuse_detail(name, detail)
        return cls(name)

    @property
    def spaces(self) -> tuple[Space, ...]:
        return (ChainSpace(),)

    def objective(self, space: Space) -> Objective:
        gains = np.array([_gain(block) for block in space.vocabulary], float)
        function = partial(_field, space, gains)
        return Objective(
            self.name,
            "pixels",
            function,
            maximise=True,
            additive=True,
            kind="computed",
            free=True,
            extremes=partial(additive_extremes, space, function),
        )


def _field(space: Space, gains: Array, genes: Genes) -> Array:
    """One pixel, and what each block adds: ``(n,)``."""
    return 1 + space.additive(genes, gains, executed=True)


def _gain(block: Block) -> int:
    """What a block adds: a convolution reaches as many steps of its input as its kernel's arms."""
    return sum(
        (op.kernel - 1) * (IMAGE[0] // block.shapes[op.inputs[0]][0])
        for op in block.ops
        if isinstance(op, Conv)
    )
