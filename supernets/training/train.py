"""Training a supernet on labelled images."""

from __future__ import annotations

from contextlib import ExitStack, closing
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
from supernets.training.schemes import make_scheme
from supernets.training.states import StateInvalid, TrainingState, read_state, state_path
from supernets.training.trained import TrainedSupernet, finish, finished
from supernets.training.trainer import Trainer


def train(
    supernet: Supernet,
    data: DataSet,
    recipe: Recipe | None = None,
    *,
    checkpoint: Path | str,
    options: TrainingOptions | None = None,
    progress: TrainingProgress | None = None,
) -> TrainedSupernet:
    """Train a supernet and write its checkpoint.

    An interrupted training goes on when it is called for again, to the same weights bit for bit
    (on a CPU, with the same versions). Started by ``torchrun``, its processes train together.

    Args:
        supernet: whose weights are trained, from what they are now on.
        data: labelled images of its space's resolution, channels and number of classes.
        recipe: how; the defaults are for minutes of one CPU core.
        checkpoint: file to write (``.safetensors``); ``NAME.history.jsonl`` beside it says how the
            training went, and until it is finished its state is in ``NAME.safetensors.training``.
        options: time, device, and what else the result does not depend on.
        progress: told after every step.

    Raises:
        UsageError: something does not fit, or another training was begun there, naming how.
        LossInvalid: the loss became no number, naming the step and the learning rate.
        OutOfMemory: a batch is too large for the device, naming one that is not.
        NasprofError: the training diverges, or a file cannot be written.
        KeyboardInterrupt: it was interrupted; its state is saved.

    >>> from tempfile import TemporaryDirectory
    >>> from spaces import get_space
    >>> from supernets import Recipe, Supernet, read_data, train
    >>> supernet = Supernet(get_space("nasbench201", classes=10, cells=1, resolution=8))
    >>> hardly = Recipe(steps=1, batch=2)
    >>> with TemporaryDirectory() as folder:
    ...     path = f"{folder}/digits.safetensors"
    ...     trained = train(supernet, read_data("digits", (8, 8, 3)), hardly, checkpoint=path)
    >>> trained.card.recipe["steps"]
    1
    """
    recipe, options, path = recipe or Recipe(), options or TrainingOptions(), Path(checkpoint)
    _check(supernet, data, recipe, options, path)
    facts = _facts(supernet, data, recipe, options)
    with ExitStack() as stack:
        stack.enter_context(torch_threads(recipe.threads))
        team, device = stack.enter_context(workers(options.device, recipe.batch))
        history = stack.enter_context(_history(path, facts, options.fresh, team))
        if team.agreed(int(history.finished is not None and path.exists())):
            return finished(path, supernet, history)
        state = _earlier(path, facts)
        supernet.to(device)
        loader = stack.enter_context(closing(_loader(data, recipe, options.loaders, team, device)))
        total = recipe.steps or history.steps or _known(state)
        if team.writes and not total:
            total = _found(supernet, data, recipe, options, device)
        total = team.agreed(total)
        trainer = Trainer(supernet, recipe.with_steps(total), loader.__next__, team)
        files = RunFiles(state_path(path), history, options.save_every_s)
        check = ValidationCheck(data, options.check_images)
        run = Run(trainer, loader, facts, files, check, progress)
        _begin(run, state)
        run.to_the_end()
        return finish(run, data, path)


# --- before it begins -----------------------------------------------------------------------------


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
