"""One network a step, drawn from a distribution that may change in the course of a training.

Lu et al., "Neural Architecture Transfer", IEEE TPAMI 43(9), 2021, Algorithm 4: one network a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from spaces import Genes, Space
from supernets.training.schemes.base import Lesson, Phase, Scheme, SchemeSettings

_SCHEDULE = 1_000_000
"""Into so many steps the schedule of the learning rate is divided."""


class Drawn(Scheme[SchemeSettings]):
    """A step trains the one network that ``draw`` gives.

    It is made for trainings that decide that on their way, and has no name: what it draws is no
    part of a recipe. The learning rate falls over all parts, each of which has an equal share of
    its schedule however many steps it has.

    Args:
        space: whose networks are trained.
        total: steps of the whole training, as far as is known.
        parts: how many parts it has.

    Attributes:
        draw: networks ``(n, n_genes)`` of a number and a generator.
        ends: steps at the end of each part that is known.
    """

    draw: Callable[[int, np.random.Generator], Genes]
    ends: Sequence[int]

    def __init__(self, space: Space, total: int, parts: int = 1) -> None:
        super().__init__(space, SchemeSettings(), total)
        self.draw, self.ends, self.parts = space.sample, [total], parts

    def at(self, step: int) -> tuple[int, Phase, int]:
        share = share_of(step, self.ends, self.parts)
        return 0, Phase("all", _SCHEDULE), int(share * _SCHEDULE)

    def lesson(self, step: int, rng: np.random.Generator) -> Lesson:
        return Lesson(self.draw(1, rng))


def share_of(step: int, ends: Sequence[int], parts: int) -> float:
    """How far a training in equally long parts has come before a step, from 0 to 1.

    Args:
        step: from 0.
        ends: steps at the end of each part that is known.
        parts: how many there are.

    >>> share_of(15, [10, 20], 4)
    0.375
    """
    part = next((n for n, end in enumerate(ends) if step < end), len(ends) - 1)
    start = ends[part - 1] if part else 0
    return (part + (step - start) / max(ends[part] - start, 1)) / parts
