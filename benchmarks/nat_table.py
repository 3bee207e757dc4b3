"""What is read off transfers: accuracies within budgets, hypervolumes, rows of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from common import mean_and_error
from nat_common import SPACE

from search.quality.indicators import hypervolume
from spaces import get_space

BUDGETS = (0.22e6, 0.5e6, 1.5e6, 4e6)
"""MACs; under the first are networks that hardly differ from the smallest."""


def at_budgets(record: Mapping[str, Any], budgets: Sequence[float] = BUDGETS) -> list[float | None]:
    """Test top-1 of the network that validation prefers within each number of MACs."""
    chosen = [best_within(record["front"], budget) for budget in budgets]
    return [None if one is None else one["test_top1"] for one in chosen]


def best_within(front: Sequence[Mapping[str, Any]], budget: float) -> Mapping[str, Any] | None:
    """The network of a front that validation prefers within a number of MACs; None if none is."""
    within = [one for one in front if one["values"]["macs"] <= budget]
    return max(within, key=lambda one: float(one["validation_top1"]), default=None)


def test_volume(record: Mapping[str, Any]) -> float:
    """Share of the box from 100 % and the fewest MACs to 0 % and the most that the front of a
    transfer dominates on the test images.
    """
    low, high = (float(end) for end in macs_range())
    points = [
        [-one["test_top1"] / 100, (one["values"]["macs"] - low) / (high - low)]
        for one in record["front"]
    ]
    return hypervolume(np.array(points), np.array([0.0, 1.0]))


@cache
def macs_range() -> tuple[int, int]:
    """MACs of the smallest and the largest network."""
    settings = {**SPACE, "of": {**SPACE["of"], "classes": 10}}
    space = get_space(settings.pop("space"), **settings)
    ends = np.stack([np.zeros(space.n_genes, np.int8), space.n_choices - 1])
    low, high = space.macs(space.canonical(ends)).tolist()
    return low, high


def leads_of(nat: Sequence[Mapping[str, Any]], records: Sequence[Mapping[str, Any]]) -> list[str]:
    """What NAT is better by under the smallest budget, in points, and in hypervolume: differences
    seed by seed.
    """
    points = [
        None if None in (ours, its) else ours - its
        for ours, its in zip(_smallest(nat), _smallest(records), strict=True)
    ]
    volumes = [test_volume(ours) - test_volume(its) for ours, its in zip(nat, records, strict=True)]
    return [mean_and_error(points), mean_and_error(volumes, 4)]


def _smallest(records: Sequence[Mapping[str, Any]]) -> list[float | None]:
    return [at_budgets(record)[0] for record in records]


def row_of(
    name: str, records: Sequence[Mapping[str, Any]], nat: Sequence[Mapping[str, Any]]
) -> list[str]:
    """A row of a table: accuracies within budgets, hypervolume, what NAT is better by, span, steps,
    evaluations, CPU seconds.
    """
    columns = zip(*(at_budgets(record) for record in records), strict=True)
    return [
        name,
        *(mean_and_error(column) for column in columns),
        mean_and_error([test_volume(record) for record in records], 4),
        *leads_of(nat, records),
        mean_and_error([record["span"] for record in records], 2),
        mean_and_error([record["steps"] for record in records], 0),
        mean_and_error([record["evaluations"] for record in records], 0),
        mean_and_error([record["cpu_s"] for record in records], 0),
    ]


COLUMNS = (
    *("", *(f"test top-1 % ≤ {budget / 1e6:g} M" for budget in BUDGETS)),
    *("hypervolume", f"NAT's lead ≤ {BUDGETS[0] / 1e6:g} M", "in hypervolume"),
    *("span", "steps", "evaluations", "CPU s"),
)
