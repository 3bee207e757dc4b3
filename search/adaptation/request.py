"""What is to be transferred, to which images, for which objectives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from nasprof.errors import UsageError
from nasprof.progress import no_progress
from nasprof.typing import JsonObject, Progress
from search.adaptation.settings import EPOCHS, TransferSettings, recipe_of, settings_of
from search.executors import executors
from search.objectives.models import Models
from spaces import Space
from supernets.data import DataOptions
from supernets.training.options import TrainingOptions
from supernets.training.recipe import Recipe
from supernets.training.run import TrainingProgress

SECONDS = 180.0
"""CPU time of a transfer, unless something else says how long it is."""


@dataclass(frozen=True)
class TransferOptions:
    """How a transfer is carried out.

    Args:
        method: "nat", or what it is compared with: "uniform", "largest", "smallest",
            "classifier", "scratch".
        preset: of settings and training: "default", or "published" for those of the paper.
        settings: of adaptation and search, by name, where not as preset and method have them.
        recipe: of the training, likewise.
        seconds: CPU seconds that everything may take; how many steps these are is found out by
            taking some. Only where neither steps nor epochs are given.
        steps: of all adaptations of a data set together.
        epochs: of each iteration.
        seed: of everything random.
        executor: what evaluates: "serial", "processes" or "ray".
        workers: networks evaluated at a time; as many as suit the executor unless given.
        address: of the Ray cluster; one on this machine unless given.
        device: of training and of evaluation in this process: ``cpu``, ``cuda`` or ``cuda:N``.
        loaders: processes that load images ahead; 0 for none.
        save_every_s: wall-clock time between two states.
        data: how the images are read and split; a fifth of the training images validates.
        fresh: begin anew, whatever the folder holds.
        spent_s: CPU seconds that were spent before, of those that it may take.

    Raises:
        UsageError: one of them makes no sense, or two say how long.
    """

    method: str = "nat"
    preset: str = "default"
    settings: JsonObject = field(default_factory=dict)
    recipe: JsonObject = field(default_factory=dict)
    seconds: float | None = None
    steps: int | None = None
    epochs: float | None = None
    seed: int = 0
    executor: str = "serial"
    workers: int | None = None
    address: str | None = None
    device: str = "cpu"
    loaders: int = 0
    save_every_s: float = 60.0
    data: DataOptions = field(default_factory=lambda: DataOptions(validation=0.2))
    fresh: bool = False
    spent_s: float = 0.0

    def __post_init__(self) -> None:
        lengths = {name: getattr(self, name) for name in ("seconds", "steps", "epochs")}
        given = [name for name, value in lengths.items() if value is not None]
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} are ways to say the same", "Give one of them.")
        for name in given:
            if not 0 < lengths[name] < float("inf"):
                raise UsageError(f"{name} is {lengths[name]!r}, expected a number above 0")
        if "steps" in self.recipe:
            raise UsageError("steps of a transfer are no part of its recipe", "Give steps.")
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"workers is {self.workers!r}, expected at least 1")
        executors.get(self.executor)
        # Whatever is wrong with them is said before anything is read.
        _ = self.transfer_settings, self.training_recipe

    @property
    def transfer_settings(self) -> TransferSettings:
        """Those of method and preset, changed as said."""
        return settings_of(self.method, self.preset, self.settings)

    @property
    def training_recipe(self) -> Recipe:
        """Likewise, without a number of steps."""
        return recipe_of(self.method, self.preset, {"seed": self.seed, **self.recipe})

    @property
    def length(self) -> JsonObject:
        """What says how long it is, by name."""
        for name in ("seconds", "steps", "epochs"):
            if getattr(self, name) is not None:
                return {name: getattr(self, name)}
        return {"epochs": EPOCHS} if self.preset == "published" else {"seconds": SECONDS}

    def training(self) -> TrainingOptions:
        """How the trainings are carried out."""
        # Only said to be in its history: how many steps these are is known by then.
        return TrainingOptions(
            seconds=SECONDS,
            device=self.device,
            fresh=self.fresh,
            save_every_s=self.save_every_s,
            check_images=0,
            loaders=self.loaders,
        )


@dataclass(frozen=True)
class TransferStatus:
    """How far a transfer has come, after an iteration.

    Args:
        iteration: which, from 1.
        iterations: of how many.
        networks: in the archive.
        front: those that none dominates, each with its objectives by name in their own units.
        hypervolume: that the front dominates, as a share of the reference box.
        cpu_s: CPU seconds that were spent.
        remaining_s: CPU seconds that are left, as far as is known.
    """

    iteration: int
    iterations: int
    networks: int
    front: Sequence[JsonObject]
    hypervolume: float
    cpu_s: float
    remaining_s: float


@dataclass(frozen=True)
class TransferProgress:
    """Whom to tell how far the work has come.

    Args:
        reading: how many images have been looked at.
        training: after every step.
        evaluating: how many of how many networks have been evaluated.
        iteration: after every iteration.
    """

    reading: Progress = no_progress
    training: TrainingProgress = no_progress
    evaluating: Progress = no_progress
    iteration: Callable[[TransferStatus], None] = no_progress


@dataclass(frozen=True)
class TransferRequest:
    """What is to be transferred.

    Args:
        supernet: its file (``.safetensors``), or a checkpoint of Once-for-All.
        data: labelled images: a folder, a file or a name; several for one search on all of them,
            each with a supernet of its own.
        output: folder for the adapted supernet and everything evaluated; what it holds is gone on
            with.
        objectives: their names: ``top1`` first, for the accuracy on each data set, and any other
            that :func:`search.run` knows.
        models: where the other objectives take their models from; its ``space`` and ``resolution``
            are those that are searched, the supernet's own unless given.
        options: everything else.

    Raises:
        UsageError: there is no data set, or two have one name.
    """

    supernet: Path | str
    data: Path | str | Sequence[Path | str]
    output: Path | str
    objectives: str | Sequence[str] = ("top1", "macs")
    models: Models = field(default_factory=Models)
    options: TransferOptions = field(default_factory=TransferOptions)

    def __post_init__(self) -> None:
        names = self.data_names
        if not names:
            raise UsageError("there are no images to transfer to", "Name their folder or file.")
        if repeated := [name for name in names if names.count(name) > 1]:
            raise UsageError(
                f"two data sets are called {repeated[0]!r}", "Give their folders other names."
            )

    @property
    def sources(self) -> tuple[Path | str, ...]:
        """The data sets, also where there is one."""
        return (self.data,) if isinstance(self.data, Path | str) else tuple(self.data)

    @property
    def data_names(self) -> list[str]:
        """What the data sets are called."""
        return [Path(source).name.partition(".")[0] for source in self.sources]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the objectives."""
        given = self.objectives
        listed = given.split(",") if isinstance(given, str) else given
        return tuple(name.strip() for name in listed)

    def models_in(self, space: Space) -> Models:
        """Where objectives other than accuracy take their models from."""
        return replace(self.models, space=space, resolution=None, images=None)
