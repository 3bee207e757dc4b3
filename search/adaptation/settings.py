"""How a supernet is adapted and searched: the settings of a transfer, its presets and baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar, Literal

from nasprof.errors import UsageError
from nasprof.registry import near_names
from nasprof.settings import setting
from nasprof.typing import JsonObject
from search.engines.nat import NatSettings
from supernets.training.recipe import Recipe


@dataclass(frozen=True)
class TransferSettings(NatSettings):
    """Of the adaptation, of the archive, and of the search in each iteration."""

    owner: ClassVar[str] = "a transfer"

    iterations: int = setting(5, "adaptations, each followed by a search", 1, 10_000)
    initial: int = setting(8, "random networks that the archive begins with", 2)
    archive: int = setting(12, "networks that are kept from one iteration to the next", 2)
    population: int = setting(60, "survivors of a generation of NSGA-III, and its children", 1)
    generations: int = setting(50, "of NSGA-III in each search", 1)
    batch: int = setting(4, "networks that join the archive in an iteration", 1)
    final: int = setting(2, "searches after the last adaptation, each of a batch", 0)
    ranges: int = setting(4, "of the second objective, with equal shares of archive; 1: none", 1)
    focus: float = setting(
        0.5, "share of the training that follows the archive's front, not all of it", 0, 1
    )
    economy: float = setting(
        1.0, "power of the second objective that shares of ranges fall with, at first", 0, 2
    )
    sampling: Literal["archive", "uniform", "largest", "smallest"] = setting(
        "archive", "what is trained: as in the archive, any network, or one alone"
    )
    start: Literal["supernet", "scratch"] = setting("supernet", "weights that are begun with")
    candidates: Literal["predicted", "bred", "random"] = setting(
        "predicted", "new networks: by predictors, by crossover and mutation alone, or at random"
    )
    validation: int | None = setting(
        None, "validation images an evaluation in the search looks at; null: by the time", 10
    )
    recalibration: int = setting(200, "training images that batch norm is recalibrated on", 2)

    @property
    def evaluates_between(self) -> bool:
        """Whether the archive is evaluated between adaptations, since these follow it."""
        return self.sampling == "archive"

    @property
    def evaluations(self) -> int:
        """How many evaluations of accuracy there are at most."""
        searched = self.archive + self.final * self.batch
        if not self.evaluates_between:
            return searched
        sizes = [self.initial]
        for _ in range(self.iterations - 1):
            sizes.append(min(sizes[-1], self.archive) + self.batch)
        return sum(sizes) + self.final * self.batch

    def economy_in(self, iteration: int) -> float:
        """The power in an adaptation, from 0: it falls to 0 in the last one.

        Steps of small networks are cheap, and train what the others share with them; the others
        have the steps in which the learning rate is low.

        >>> [TransferSettings(iterations=3).economy_in(iteration) for iteration in range(3)]
        [1.0, 0.5, 0.0]
        """
        return self.economy * (1 - iteration / max(self.iterations - 1, 1))

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return asdict(self)


PRESETS: Mapping[str, JsonObject] = {
    "default": {},
    "published": {
        "iterations": 30,
        "initial": 100,
        "archive": 300,
        "batch": 25,
        "population": 100,
        "generations": 100,
        "final": 0,
        "ranges": 1,
        "focus": 0.0,
        "economy": 0.0,
    },
}
"""Settings by the name of a preset; ``published`` has those of the paper's Table 2."""

EPOCHS = 5
"""Of an iteration, in the paper's Table 2."""

PUBLISHED_RECIPE: JsonObject = {
    "optimiser": "sgd",
    "learning_rate": 0.01,
    "momentum": 0.9,
    "warmup": 0.0,
}

METHODS: Mapping[str, JsonObject] = {
    "nat": {},
    "uniform": {"sampling": "uniform"},
    "largest": {"sampling": "largest"},
    "smallest": {"sampling": "smallest"},
    "classifier": {"sampling": "uniform"},
    "scratch": {"start": "scratch", "sampling": "uniform"},
}
"""NAT and what it is compared with, as settings: ``uniform`` trains any network of the supernet,
``largest`` and ``smallest`` that one network alone, ``classifier`` any network but only the last
layer and batch norm, ``scratch`` any network from random weights."""


def settings_of(
    method: str, preset: str = "default", changes: Mapping[str, object] | None = None
) -> TransferSettings:
    """The settings of a method, changed as said.

    Raises:
        UsageError: there is no such method, preset or setting.

    >>> settings_of("uniform", changes={"iterations": 2}).sampling
    'uniform'
    """
    own = {**_named(preset, PRESETS, "preset"), **_named(method, METHODS, "method")}
    return TransferSettings.of({**own, **(changes or {})})


def recipe_of(
    method: str, preset: str = "default", changes: Mapping[str, object] | None = None
) -> Recipe:
    """How a method trains, changed as said.

    Raises:
        UsageError: there is no such setting of a training.
    """
    own = PUBLISHED_RECIPE if preset == "published" else {}
    part = {"trained": "classifier"} if method == "classifier" else {}
    return Recipe.of({**own, **part, **(changes or {})})


def _named(name: str, known: Mapping[str, JsonObject], noun: str) -> JsonObject:
    if name not in known:
        raise UsageError(f"no {noun} of a transfer is called {name!r}", near_names(name, known))
    return known[name]
