"""Settings that engines which breed a population have in common."""

from __future__ import annotations

from dataclasses import dataclass

from nasprof.settings import Settings, setting


@dataclass(frozen=True)
class BreedingSettings(Settings):
    """Uniform crossover and polynomial mutation, rounded to whole genes.

    Choices of genes are in order of MACs, so that a small mutation is a small change. Deb and
    Agrawal, "A Niched-Penalty Approach for Constraint Handling in Genetic Algorithms", 1999.
    """

    population: int = setting(100, "survivors of a generation, and children in it", 1)
    crossover: float = setting(0.9, "share of the pairs that exchange genes", 0, 1)
    mutation: float = setting(
        0.0, "share of the genes that mutate; 0: one a child on average", 0, 1
    )
    eta: float = setting(3.0, "of the mutation: the larger, the smaller the change", 0)
