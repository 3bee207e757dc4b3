"""A training's files, processes and first state: what there is before its first step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from nasprof.errors import UsageError
from nasprof.log import logger
from nasprof.reader import Reader
from nasprof.typing import JsonObject
from spaces.ops import shape_key
from supernets.checkpoint import weights_digest
from supernets.data import DataSet
from supernets.data.augmentation import Augmentation
from supernets.data.loader import Loader
from supernets.supernet import Supernet
from supernets.threads import torch_threads
from supernets.training.budget import steps_within
from supernets.training.checks import ValidationCheck
from supernets.training.history import HISTORIES, History, history_path
from supernets.training.options import TrainingOptions
from supernets.training.parallel import Workers, workers
from supernets.training.recipe import Recipe
from supernets.training.run import Run, RunFiles, TrainingProgress
from supernets.training.schemes import AnyScheme, make_scheme
from supernets.training.states import StateInvalid, TrainingState, read_state, state_path
from supernets.training.trainer import Trainer


@dataclass(frozen=True)
class Session:
    """A training that can begin, or go on, in this process.

    Args:
        supernet: whose weights are trained.
        data: labelled images.
        recipe: how.
        path: of the checkpoint.
        options: time, device, and what else the result does not depend on.
        facts: what a training that goes on must have in common with how it was begun.
        history: of the training.
        team: the processes that train together.
        device: of this one.
        stack: closes what is opened for the training.
    """

    supernet: Supernet
    data: DataSet
    recipe: Recipe
    path: Path
    options: TrainingOptions
    facts: JsonObject
    history: History
    team: Workers
    device: torch.device
    stack: ExitStack

    @property
    def is_finished(self) -> bool:
        """Whether an earlier call has come to the end."""
        return bool(self.team.agreed(int(self.history.finished is not None and self.path.exists())))

    def begin(
        self,
        progress: TrainingProgress | None = None,
        *,
        steps: int = 0,
        scheme: Callable[[int], AnyScheme] | None = None,
    ) -> Run:
        """The training, where it was left if it was begun before.

        Args:
            progress: told after every step.
            steps: how many it has, as far as is known; as recipe and time say unless given.
            scheme: of so many steps, which networks learn; the recipe's unless given.

        Raises:
            TrainingMismatch: it was begun otherwise.
            StateInvalid: what was left is damaged.
        """
        recipe, data = self.recipe, self.data
        state = _earlier(self.path, self.facts)
        self.supernet.to(self.device)
        loader = self.stack.enter_context(
            closing(_loader(data, recipe, self.options.loaders, self.team, self.device))
        )
        total = steps or recipe.steps or self.history.steps or _known(state)
        if self.team.writes and not total:
            total = _found(self.supernet, data, recipe, self.options, self.device)
        total = self.team.agreed(total)
        trainer = Trainer(
            self.supernet,
            recipe.with_steps(total),
            loader.__next__,
            self.team,
            None if scheme is None else scheme(total),
        )
        files = RunFiles(state_path(self.path), self.history, self.options.save_every_s)
        check = ValidationCheck(data, self.options.check_images)
        run = Run(trainer, loader, self.facts, files, check, progress)
        _begin(run, state)
        return run


@contextmanager
def training_session(
    supernet: Supernet, data: DataSet, recipe: Recipe, path: Path, options: TrainingOptions
) -> Iterator[Session]:
    """What a training needs, for as long as it takes.

    Raises:
        UsageError: something does not fit, or another training was begun there, naming how.
        TrainingBusy: another process trains into the same file.
    """
    _check(supernet, data, recipe, options, path)
    facts = _facts(supernet, data, recipe, options)
    with ExitStack() as stack:
        stack.enter_context(torch_threads(recipe.threads))
        team, device = stack.enter_context(workers(options.device, recipe.batch))
        history = stack.enter_context(_history(path, facts, options.fresh, team))
        yield Session(supernet, data, recipe, path, options, facts, history, team, device, stack)


def _check(
    supernet: Supernet, data: DataSet, recipe: Recipe, options: TrainingOptions, path: Path
) -> None:
    """Refuse what cannot be trained, before anything is begun."""
    if path.suffix != ".safetensors":
        raise UsageError(f"{path} is no place for a supernet", "Expected a file in .safetensors.")
    if recipe.steps is None and options.seconds is None:
        raise UsageError("it is not said how long to train", "Give steps, or seconds.")
    if recipe.precision == "fp16" and not options.device.startswith("cuda"):
        raise UsageError("precision fp16 is for CUDA devices", "Train in fp32 or bf16 here.")
    network = supernet.space.network(supernet.largest)
    if network.inputs[0] != data.image_shape:
        raise UsageError(
            f"the images of {data.name} are {shape_key(data.image_shape)}, but the networks of "
            f"{supernet.space.label} read {shape_key(network.inputs[0])}"
        )
    if network.output[-1] != len(data.classes):
        raise UsageError(
            f"{data.name} has {len(data.classes)} classes, but the networks of "
            f"{supernet.space.label} tell {network.output[-1]} apart"
        )
    data.split("train")
    make_scheme(recipe.scheme, supernet.space, recipe.steps or 1000, recipe.scheme_settings)


def _facts(
    supernet: Supernet, data: DataSet, recipe: Recipe, options: TrainingOptions
) -> JsonObject:
    """What a training that goes on must have in common with how it was begun."""
    return {
        "space": supernet.space.settings,
        "data": {"fingerprint": data.fingerprint},
        "recipe": recipe.to_dict(),
        "seconds": options.seconds if recipe.steps is None else None,
        "weights": weights_digest(supernet.arrays()),
    }


def _history(path: Path, facts: JsonObject, fresh: bool, team: Workers) -> History:
    """The history, in the process that writes; what is not gone on with is removed.

    Raises:
        UsageError: another file is in the way.
    """
    log, state = history_path(path), state_path(path)
    history = History(None, facts)
    if team.writes:
        if path.exists() and not (fresh or log.exists() or state.exists()):
            raise UsageError(
                f"{path} exists, and nothing beside it says how it was trained",
                "Choose another output file, or begin anew with --fresh.",
            )
        history = History(log, facts, fresh=fresh)
        if fresh:
            state.unlink(missing_ok=True)
    team.agreed(0)  # nobody reads the state before
    return history


def _earlier(path: Path, facts: JsonObject) -> TrainingState | None:
    """What an interrupted training has left.

    Raises:
        TrainingMismatch: it was begun otherwise.
        StateInvalid: it is damaged.
    """
    saved = state_path(path)
    if not saved.exists():
        return None
    state = read_state(saved)
    if differing := HISTORIES.differences(state.facts, facts):
        raise HISTORIES.changed(saved, differing)
    return state


def _loader(
    data: DataSet,
    recipe: Recipe,
    processes: int,
    team: Workers,
    device: torch.device | str = "cpu",
) -> Loader:
    """Where batches come from, always the same ones."""
    return Loader(
        data,
        recipe.batch // team.size,
        seed=recipe.seed,
        augmentation=Augmentation.only(recipe.augmentation),
        workers=processes,
        share=(team.rank, team.size),
        device=device,
    )


def _known(state: TrainingState | None) -> int:
    """The number of steps that a state says; 0 without one."""
    if state is None:
        return 0
    return int(Reader(state.about, "training").take("steps", "a whole number"))


def _found(
    supernet: Supernet,
    data: DataSet,
    recipe: Recipe,
    options: TrainingOptions,
    device: torch.device,
) -> int:
    """How many steps fit into the time."""
    assert options.seconds is not None
    left = options.seconds - options.spent_s
    steps = steps_within(
        left, supernet, recipe, _loader(data, recipe, 0, Workers(), device).__next__
    )
    logger.info(f"{options.seconds:g} CPU seconds are {steps:,} steps")
    return steps


def _begin(run: Run, state: TrainingState | None) -> None:
    """Take up a training where it was saved, if it was, and say so in its history.

    Raises:
        StateInvalid: the state is damaged.
    """
    if state is not None:
        _go_on(run, state)
    event = "resumed" if state else "begun"
    run.files.history.note(
        {"step": run.trainer.done, "event": event, "total": run.trainer.recipe.total}
    )


def _go_on(run: Run, state: TrainingState) -> None:
    """Take up a training where it was saved.

    Raises:
        StateInvalid: the state is damaged.
    """
    try:
        run.go_on(state)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise StateInvalid(
            f"{run.files.state} cannot be gone on with: {error}", "Begin anew with --fresh."
        ) from error
    if run.files.history.writes:
        logger.info(f"going on after step {run.trainer.done:,} of {run.trainer.recipe.total:,}")
