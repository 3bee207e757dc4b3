"""Generators on disk: where they are kept, and their training with checkpoints beside the file."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from nasprof.errors import UsageError
from nasprof.locking import held_alone
from nasprof.log import logger
from nasprof.typing import Progress
from search.objectives.trade_off import TradeOff
from search.pnag.checkpoint import (
    CheckpointInvalid,
    generator_files,
    read_generator,
    write_generator,
)
from search.pnag.generator import Generator
from search.pnag.settings import TrainingSettings
from search.pnag.training import train


def generator_path(trade_off: TradeOff) -> Path:
    """Where the generator for these models is kept unless its user names a file."""
    names = (trade_off.cost.name, trade_off.accuracy.name, trade_off.space.label)
    words = [re.sub(r"[^\w.]+", "-", name).strip("-.") for name in names]
    return generator_files.path("--".join(words))


def checkpoint_of(path: Path) -> Path:
    """Where the training of the generator in ``path`` is kept until it is over."""
    return path.with_name(f"{path.name}.training")


def ready_generator(
    trade_off: TradeOff,
    named: Generator | Path | str | None = None,
    progress: Progress | None = None,
) -> Generator:
    """The generator that was named, else the one kept for these models, trained if need be.

    Where another process is training it, that is waited for.

    Args:
        named: a generator or its file; a doubt where it was trained for other models.

    Raises:
        UsageError: there is no such file.
        CheckpointInvalid: the file named is damaged, or of something else.
        SpaceMismatch: it is of another space.
        NasprofError: one must be trained, and torch is not installed.
    """
    if named is not None:
        return _named(named, trade_off)
    path = generator_path(trade_off)
    kept, _ = _usable(path, trade_off)
    if kept is not None:
        return kept
    with _alone(path):
        # Another process may have made it in the meantime.
        kept, doubt = _usable(path, trade_off)
        if doubt is not None:
            logger.info(f"{doubt}: training anew")
        return kept or _trained_by_default(path, trade_off, progress)


def _named(named: Generator | Path | str, trade_off: TradeOff) -> Generator:
    if isinstance(named, Generator):
        generator, name = named.of(trade_off.space), "the generator"
    else:
        generator, name = read_generator(Path(named), trade_off.space), str(named)
    if not generator.trained_for(trade_off):
        logger.warning(f"Careful with {name}: it was trained for other models than these")
    return generator


def train_and_store(
    trade_off: TradeOff,
    settings: TrainingSettings,
    path: Path,
    *,
    seed: int = 0,
    resume: bool = True,
    progress: Progress | None = None,
) -> Generator:
    """Train a generator and write it; after an interruption it goes on.

    Where another process is training it, that is waited for first.

    Args:
        path: of the generator (.npz).
        seed: of everything random.
        resume: whether to go on with what an interrupted training left next to ``path``.

    Raises:
        CheckpointInvalid: what was left is damaged.
        UsageError: it is of another training.
        NasprofError: torch is not installed, or ``path`` cannot be written.
    """
    with _alone(path):
        checkpoint = checkpoint_of(path)
        if not resume:
            checkpoint.unlink(missing_ok=True)
        return _train(trade_off, settings, path, seed, progress)


def _train(
    trade_off: TradeOff,
    settings: TrainingSettings,
    path: Path,
    seed: int,
    progress: Progress | None,
) -> Generator:
    """:func:`train_and_store` by a process that is alone with ``path``."""
    checkpoint = checkpoint_of(path)
    logger.info(f"Training a generator for {trade_off.cost.name} and {trade_off.accuracy.name}")
    if checkpoint.exists():
        logger.info(f"Going on with what {checkpoint} holds")
    try:
        generator = train(trade_off, settings, seed, progress=progress, checkpoint=checkpoint)
    except KeyboardInterrupt:
        if checkpoint.exists():
            logger.info(f"What was trained is kept in {checkpoint}; the same command goes on")
        raise
    write_generator(generator, path)
    checkpoint.unlink(missing_ok=True)
    logger.info(f"Generator written to {path}")
    return replace(generator, path=path)


def _alone(path: Path) -> AbstractContextManager[None]:
    """Lets one process at a time train the generator in ``path``; others say that they wait."""

    def waiting() -> None:
        logger.info(f"Another process is training {path}: waiting for it")

    return held_alone(path.with_name(f"{path.name}.lock"), waiting)


def _usable(path: Path, trade_off: TradeOff) -> tuple[Generator | None, str | None]:
    """The generator in that file if it can be used; why not if there is one that cannot."""
    if not path.exists():
        return None, None
    try:
        generator = read_generator(path, trade_off.space)
    except CheckpointInvalid as error:
        return None, error.message
    if generator.trained_for(trade_off):
        return generator, None
    return None, f"{path} was trained for models that have changed"


def _trained_by_default(path: Path, trade_off: TradeOff, progress: Progress | None) -> Generator:
    """A generator with the default settings; goes on with a training of the same, if any."""
    settings = TrainingSettings()
    try:
        return _train(trade_off, settings, path, 0, progress)
    except UsageError as error:
        if not checkpoint_of(path).exists():
            raise
        logger.info(f"{error.message}: beginning anew")
        checkpoint_of(path).unlink()
        return _train(trade_off, settings, path, 0, progress)
