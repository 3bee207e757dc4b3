"""Progressive shrinking: the largest network first, then ever smaller ones beside it.

Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR
2020, Sec. 3.3: kernels become elastic first, then depths, then expansions, the latter two in two
phases each; all learn from the largest network as it was when it was alone, and channels are
sorted by importance before fewer of them are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.settings import setting
from spaces import Genes, Space
from supernets.training.schemes.base import Lesson, Phase, Scheme, SchemeSettings

_ORDER = ("kernel", "depth", "depth", "expand", "expand")
_NAMES = ("kernel", "depth 1", "depth 2", "expansion 1", "expansion 2")


@dataclass(frozen=True)
class ShrinkingSettings(SchemeSettings):
    """Settings of progressive shrinking; shares are relative to each other."""

    largest: float = setting(0.35, "share of steps that train the largest network alone", 1e-6, 1e6)
    kernel: float = setting(0.2, "share of steps in which kernels shrink", 1e-6, 1e6)
    first: float = setting(0.05, "share of each first phase of depth and of expansion", 1e-6, 1e6)
    second: float = setting(0.175, "share of each second phase of them", 1e-6, 1e6)
    rate: float = setting(0.4, "highest rate after the first phase, of the recipe's", 1e-6, 10)
    networks: int = setting(1, "random networks in a step after the first phase", 1, 64)


class Shrinking(Scheme[ShrinkingSettings]):
    """The largest network is trained first; kernels, depths and expansions then become elastic.

    Raises:
        UsageError: the space's genes choose neither kernels nor depths nor expansions.
    """

    settings_type = ShrinkingSettings
    distillation = 0.5

    def __init__(self, space: Space, settings: ShrinkingSettings, total: int) -> None:
        super().__init__(space, settings, total)
        self._roles = np.array(list(self.sharing.roles))
        if not set(self._roles.tolist()) & set(_ORDER):
            raise UsageError(
                f"scheme 'shrinking' shrinks kernels, depths and expansions, of which the genes of "
                f"{space.label} are none",
                "Train it by another scheme: uniform, sandwich.",
            )
        if total < len(self.phases):
            raise UsageError(
                f"{total} steps are too few for the {len(self._kinds) + 1} phases of 'shrinking'"
            )

    @cached_property
    def _kinds(self) -> tuple[int, ...]:
        """Which of :data:`_ORDER` the space has."""
        return tuple(n for n, role in enumerate(_ORDER) if role in self._roles.tolist())

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        settings = self.settings
        shares = (settings.kernel, settings.first, settings.second, settings.first, settings.second)
        names = ["largest", *(_NAMES[kind] for kind in self._kinds)]
        weights = np.array([settings.largest, *(shares[kind] for kind in self._kinds)])
        # Each has a step at least; rounding takes from none what another one needs.
        spare = max(self.total - len(names), 0)
        ends = np.floor(np.cumsum(weights) / weights.sum() * spare + 1e-9).astype(int)
        ends[-1] = spare
        steps = [1 + after - before for before, after in pairwise([0, *ends.tolist()])]
        return tuple(
            Phase(
                name,
                steps[number],
                rate=settings.rate if number else 1.0,
                freeze_teacher=number == 1,
                sort_within=self._trained_before(number),
            )
            for number, name in enumerate(names)
        )

    def _trained_before(self, number: int) -> Genes | None:
        """Networks of each number of channels so far, if a phase brings another one."""
        kinds = self._kinds[: number - 1] if number else ()
        if not number or _ORDER[self._kinds[number - 1]] != "expand":
            return None
        most = self.space.n_choices.astype(np.int64) - 1
        fewer = [kind for kind in kinds if _ORDER[kind] == "expand"]
        rows = [np.where(self._roles == "expand", most - n, most) for n in range(len(fewer) + 1)]
        return self.space.canonical(np.maximum(rows, 0).astype(np.int8))

    def lesson(self, step: int, rng: np.random.Generator) -> Lesson:
        number, _, _ = self.at(step)
        _, largest = self.extremes()
        if number == 0:
            return Lesson(largest)
        low = self._lowest(number)
        shape = (self.settings.networks, self.space.n_genes)
        genes = rng.integers(low, self.space.n_choices, shape, np.int8)
        return Lesson(self.space.canonical(genes), "frozen")

    def _lowest(self, number: int) -> NDArray[np.int64]:
        """The cheapest choice of each gene that is trained in a phase, ``(n_genes,)``."""
        most = self.space.n_choices.astype(np.int64) - 1
        low = most.copy()
        for kind in self._kinds[:number]:
            role = _ORDER[kind]
            is_first = role != "kernel" and kind == _ORDER.index(role)
            lowest = np.maximum(most - 1, 0) if is_first else np.zeros_like(most)
            low = np.where(self._roles == role, lowest, low)
        return low
