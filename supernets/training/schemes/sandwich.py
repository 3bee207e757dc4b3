"""The sandwich rule with in-place distillation.

Yu et al., "BigNAS: Scaling Up Neural Architecture Search with Big Single-Stage Models", ECCV 2020,
Sec. 3.1; the rule is from Yu and Huang, "Universally Slimmable Networks", ICCV 2019, Sec. 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nasprof.settings import setting
from supernets.training.schemes.base import Lesson, Scheme, SchemeSettings


@dataclass(frozen=True)
class SandwichSettings(SchemeSettings):
    """Settings of the sandwich rule."""

    random: int = setting(2, "random networks in a step, beside largest and smallest", 0, 64)


class Sandwich(Scheme[SandwichSettings]):
    """A step trains the largest network, and others that learn its labels: smallest and random."""

    settings_type = SandwichSettings
    distillation = 1.0

    def lesson(self, step: int, rng: np.random.Generator) -> Lesson:
        smallest, largest = self.extremes()
        others = self.space.sample(self.settings.random, rng)
        return Lesson(np.concatenate([largest, smallest, others]), "first")
