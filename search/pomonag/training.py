"""Training POMONAG generators."""

from __future__ import annotations

from pathlib import Path

from nasprof.errors import UsageError
from nasprof.threads import one_torch_thread
from nasprof.typing import Progress
from search.generators.trained import training_facts
from search.generators.training import TrainingFile, train_to_the_end
from search.objectives.trade_off import TradeOff
from search.pomonag.generator import PomonagGenerator
from search.pomonag.settings import PomonagSettings

TRAINING = "pomonag-training"
SAVED_EVERY = 200
"""Steps between checkpoints, of some 16 MB."""
FEWEST = 20
"""Networks whose accuracy is asked for, at least."""


def train(
    trade_off: TradeOff,
    settings: PomonagSettings | None = None,
    seed: int = 0,
    *,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> PomonagGenerator:
    """A generator that samples architectures for many objectives.

    Lomurno et al. 2024, Sec. 3, and what is said to be different in :mod:`search.diffusion`.

    Args:
        trade_off: its accuracy and its latency.
        settings: how; the best known unless given.
        seed: of everything random; the same models, settings and seed give the same generator.
        progress: told how many of how many steps were taken.
        checkpoint: file that the training is saved to every now and then; a training with the
            same models, settings and seed goes on from there. To be removed when the result is
            safe.

    Raises:
        NasprofError: torch is not installed, or the training broke down.
        CheckpointInvalid: the checkpoint is damaged.
        UsageError: it is of another training, or objectives and settings do not fit.
    """
    settings = settings or PomonagSettings()
    if 0 < settings.measured < FEWEST:
        raise UsageError(
            f"setting 'measured' is {settings.measured}, expected 0 or at least {FEWEST}",
            "So few networks tell nothing of the others.",
        )
    facts = training_facts(trade_off, settings.to_dict(), seed)
    file = None
    if checkpoint is not None:
        command = PomonagGenerator.command
        file = TrainingFile(checkpoint, TRAINING, trade_off.space, facts, command, SAVED_EVERY)
    with one_torch_thread():
        from search.pomonag.trainer import Trainer

        trainer = Trainer(trade_off, settings, seed)
        train_to_the_end(trainer, file, progress)
        return trainer.generator(facts)
