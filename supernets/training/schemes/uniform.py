"""One random network a step: single-path one-shot training.

Guo et al., "Single Path One-Shot Neural Architecture Search with Uniform Sampling", ECCV 2020,
Sec. 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nasprof.settings import setting
from spaces.base import Sampling
from supernets.training.schemes.base import Lesson, Scheme, SchemeSettings


@dataclass(frozen=True)
class UniformSettings(SchemeSettings):
    """Settings of plain sampling."""

    sampling: Sampling = setting("uniform", "how networks are drawn")
    extremes: float = setting(
        0.0, "share of steps that train the smallest or the largest network instead", 0, 1
    )


class Uniform(Scheme[UniformSettings]):
    """A step trains one network, drawn at random."""

    settings_type = UniformSettings

    def lesson(self, step: int, rng: np.random.Generator) -> Lesson:
        genes = self.space.sample(1, rng, self.settings.sampling)
        chance = rng.random()
        if chance < self.settings.extremes:
            smallest, largest = self.extremes()
            genes = smallest if 2 * chance < self.settings.extremes else largest
        return Lesson(genes)
