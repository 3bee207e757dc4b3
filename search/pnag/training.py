"""Training generators."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nasprof.threads import one_torch_thread
from nasprof.typing import JsonObject, Progress
from search.generators.trained import training_facts
from search.generators.training import TrainingFile, train_to_the_end
from search.objectives.trade_off import TradeOff
from search.pnag.checkpoint import TRAINING
from search.pnag.generator import Generator
from search.pnag.settings import TrainingSettings

if TYPE_CHECKING:
    from search.pnag.trainer import Trainer

__all__ = ["TrainingSettings", "train"]


def train(
    trade_off: TradeOff,
    settings: TrainingSettings | None = None,
    seed: int = 0,
    *,
    progress: Progress | None = None,
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
    facts = training_facts(trade_off, settings.to_dict(), seed)
    file = None
    if checkpoint is not None:
        file = TrainingFile(checkpoint, TRAINING, trade_off.space, facts, Generator.command)
    with one_torch_thread():
        trainer = _trainer(trade_off, settings, seed)
        train_to_the_end(trainer, file, progress)
        learnt: JsonObject = {"evaluations": trainer.evaluations}
        if report := trainer.reward.report():
            learnt["evaluator"] = report
    elites = trainer.elites.genes
    return Generator(trainer.policy, trainer.scale, elites, {**facts, **learnt})


def _trainer(trade_off: TradeOff, settings: TrainingSettings, seed: int) -> Trainer:
    from search.pnag.trainer import Trainer

    return Trainer(trade_off, settings, seed)
