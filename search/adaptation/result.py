"""What a transfer has come to, as it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nasprof.errors import UsageError
from nasprof.results import frame
from nasprof.typing import JsonObject
from search.runs.budgets import Budget, value_of

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class TransferResult:
    """A supernet that was adapted, and the best of its networks.

    Args:
        path: the adapted supernet; the first one of several data sets.
        supernets: the adapted supernet of each data set, by its name.
        sources: where the images of each data set are, likewise.
        record: what is known of iterations and networks, as JSON.
    """

    path: Path
    supernets: dict[str, Path]
    sources: dict[str, Path | str]
    record: JsonObject

    @property
    def front(self) -> Sequence[JsonObject]:
        """Networks that none dominates, in order of the last objective: ``arch``, ``values`` by
        objective in their own units, ``validation_top1`` and ``test_top1`` on all images.
        """
        front: list[JsonObject] = self.record["front"]
        return front

    @property
    def iterations(self) -> Sequence[JsonObject]:
        """What each iteration came to."""
        iterations: list[JsonObject] = self.record["history"]
        return iterations

    @property
    def trade_off(self) -> Sequence[JsonObject]:
        """Networks of the front whose trade-off is outstanding: Eq. 5, mean + 3 deviations."""
        return [self.front[index] for index in self.record["trade_off"]]

    def within(self, limits: dict[str, float]) -> JsonObject | None:
        """The most accurate network of the front within limits; None if there is none.

        Args:
            limits: the most that is allowed of an objective, by name, in its own unit.
        """
        allowed = [
            one
            for one in self.front
            if all(one["values"][name] <= limit for name, limit in limits.items())
        ]
        return max(allowed, key=lambda one: next(iter(one["values"].values())), default=None)

    def budget(self, budget: Budget) -> tuple[str, float]:
        """The objective that a budget is of, and the most that it allows.

        Raises:
            UsageError: there is no such objective, or it is no number.
        """
        units: dict[str, str] = self.record["objectives"]
        latencies = [name for name, unit in units.items() if unit == "ms"]
        name = budget.name or next(iter(latencies), "a latency")
        if name not in units:
            raise UsageError(
                f"{name} is no objective of this transfer", f"There are {', '.join(units)}."
            )
        return name, value_of(budget.text, name, units[name])

    def to_dict(self) -> JsonObject:
        """As JSON: what ``nassearch transfer --json`` prints."""
        supernets = {name: str(path) for name, path in self.supernets.items()}
        return {**self.record, "supernet": str(self.path), "supernets": supernets}

    def to_frame(self) -> pandas.DataFrame:
        """A row a network of the front.

        Raises:
            UsageError: pandas is not installed.
        """
        return frame(
            {
                "arch": one["arch"],
                **one["values"],
                "validation_top1": one["validation_top1"],
                "test_top1": one["test_top1"],
            }
            for one in self.front
        )
