"""Training generators."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from nasprof.arrays import require_finite
from nasprof.errors import NasprofError, UsageError
from nasprof.reader import Reader
from nasprof.threads import one_thread
from nasprof.typing import JsonObject
from search.model_arrays import ModelArrays
from search.objectives.trade_off import TradeOff
from search.pnag.checkpoint import TRAINING, CheckpointInvalid, read_checkpoint
from search.pnag.generator import Generator, fingerprint
from search.pnag.settings import TrainingSettings

if TYPE_CHECKING:
    from search.pnag.trainer import Trainer

__all__ = ["TrainingSettings", "train"]

SAVED_EVERY = 50
"""Steps between checkpoints."""


def train(
    trade_off: TradeOff,
    settings: TrainingSettings | None = None,
    seed: int = 0,
    *,
    progress: Callable[[int, int], None] | None = None,
    checkpoint: Path | None = None,
) -> Generator:
    """A generator that has learnt the front of a trade-off.

    Args:
        seed: of everything random; the same models, settings and seed give the same generator.
        progress: told how many of how many steps were taken.
        checkpoint: file that the training is saved to every now and then; a training with the
            same models, settings and seed goes on from there. To be removed when the result is
            safe.

    Raises:
        NasprofError: torch is not installed.
        CheckpointInvalid: the checkpoint is damaged.
        UsageError: it is of another training.
    """
    settings = settings or TrainingSettings()
    facts = {
        "accuracy": trade_off.accuracy.name,
        "cost": trade_off.cost.name,
        "fingerprint": fingerprint(trade_off),
        "settings": settings.to_dict(),
        "seed": seed,
    }
    with _one_thread():
        trainer = _trainer(trade_off, settings, seed)
        if checkpoint is not None and checkpoint.exists():
            _go_on(trainer, checkpoint, facts)
        while not trainer.done:
            trainer.step()
            if progress is not None:
                progress(trainer.steps, settings.steps)
            if checkpoint is not None and trainer.steps % SAVED_EVERY == 0:
                _save(trainer, checkpoint, facts)
        learnt: JsonObject = {"evaluations": trainer.evaluations}
        if report := trainer.reward.report():
            learnt["evaluator"] = report
    elites = trainer.elites.genes
    return Generator(trainer.policy, trainer.scale, elites, {**facts, **learnt})


@contextmanager
def _one_thread() -> Iterator[None]:
    """Several threads are slower at these sizes, and may sum in another order."""
    torch = _torch()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with one_thread():
            yield
    finally:
        torch.set_num_threads(before)


def _torch() -> ModuleType:
    try:
        import torch
    except ModuleNotFoundError as error:
        raise NasprofError(
            "training a generator needs torch, which is not installed",
            "Run: pip install 'nasprof[torch]'",
        ) from error
    module: ModuleType = torch
    return module


def _trainer(trade_off: TradeOff, settings: TrainingSettings, seed: int) -> Trainer:
    from search.pnag.trainer import Trainer

    return Trainer(trade_off, settings, seed)


def _save(trainer: Trainer, path: Path, facts: JsonObject) -> None:
    state, arrays = trainer.state()
    space = trainer.trade_off.space.settings
    about = {"kind": TRAINING, "spaces": [space], "facts": dict(facts), "state": state}
    ModelArrays(about, arrays).write(path)


def _go_on(trainer: Trainer, path: Path, facts: JsonObject) -> None:
    """Take up a training where it was saved.

    Raises:
        CheckpointInvalid: the file is damaged.
        UsageError: it is of another training.
    """
    archive = read_checkpoint(path, TRAINING)
    begun, expected = archive.about.get("facts"), json.loads(json.dumps(facts))
    if begun != expected:
        known = begun if isinstance(begun, dict) else {}
        other = [name for name in expected if known.get(name) != expected[name]]
        raise UsageError(
            f"{path} holds a training that was begun with other {' and '.join(other)}",
            "Repeat the command it was begun with, or begin anew with nassearch train --fresh.",
        )
    try:
        require_finite(archive.arrays, path)
        trainer.load_state(
            Reader(archive.about, "training").take("state", "an object"), dict(archive.arrays)
        )
    except (UsageError, KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise CheckpointInvalid(
            f"{path} cannot be gone on with: {error}", "Begin anew: nassearch train --fresh"
        ) from error
