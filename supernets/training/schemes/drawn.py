"""One network a step, drawn from a distribution that may change in the course of a training.

Lu et al., "Neural Architecture Transfer", IEEE TPAMI 43(9), 2021, Algorithm 4: one network a batch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spaces import Genes, Space
from supernets.training.schemes.base import Lesson, Scheme, SchemeSettings


class Drawn(Scheme[SchemeSettings]):
    """A step trains the one network that ``draw`` gives.

    It is made for trainings that decide that on their way, and has no name: what it draws is no
    part of a recipe.

    Args:
        space: whose networks are trained.
        total: steps of the whole training.

    Attributes:
        draw: networks ``(n, n_genes)`` of a number and a generator.
    """

    draw: Callable[[int, np.random.Generator], Genes]

    def __init__(self, space: Space, total: int) -> None:
        super().__init__(space, SchemeSettings(), total)
        self.draw = space.sample

    def lesson(self, step: int, rng: np.random.Generator) -> Lesson:
        return Lesson(self.draw(1, rng))
