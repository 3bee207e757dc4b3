"""Tournaments of two whose ties are drawn from the engine's own randomness.

Those that NSGA-III and U-NSGA-III of pymoo 0.6.2 come with draw ties between architectures beyond
the limits from a generator without a seed, so that neither a seed nor a replay repeats them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from nasprof.typing import Indices

if TYPE_CHECKING:
    from pymoo.core.population import Population
    from pymoo.core.selection import Selection

Preference: TypeAlias = Callable[["Population", int, int], int]
"""A population and two of its members, both within the limits; the better one, or -1 for none."""


def tournament(seed: int, preference: Preference | None = None) -> Selection:
    """pymoo's selection by tournaments: the lesser violation, else whom is preferred, else any.

    Args:
        seed: of draws between equal violations, which have a generator of their own: searches
            without such draws are those that pymoo's tournaments give.
    """
    from pymoo.operators.selection.tournament import TournamentSelection

    beyond = np.random.default_rng([seed, 1])

    def winner(population: Population, pair: tuple[int, int], rng: np.random.Generator) -> int:
        one, other = pair
        first, second = population[one].CV[0], population[other].CV[0]
        if first != second:
            return one if first < second else other
        if first > 0:
            return int(beyond.choice([one, other]))
        better = -1 if preference is None else preference(population, one, other)
        return int(rng.choice([one, other])) if better < 0 else better

    def winners(
        population: Population, pairs: Indices, random_state: np.random.Generator, **_: object
    ) -> Indices:
        won = [winner(population, pair, random_state) for pair in pairs.tolist()]
        return np.array(won, np.intp)[:, None]

    return TournamentSelection(func_comp=winners)


def nearer_in_niche(population: Population, one: int, other: int) -> int:
    """Of two in the same niche, who is of a better front, or else nearer to its direction.

    Seada and Deb 2016, Algorithm 2.
    """
    if population[one].get("niche") != population[other].get("niche"):
        return -1
    for name in ("rank", "dist_to_niche"):
        first, second = population[one].get(name), population[other].get(name)
        if first != second:
            return one if first < second else other
    return -1
