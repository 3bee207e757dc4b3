"""Training generators from commands, and where they are kept."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nasprof.cli import say
from nasprof.errors import UsageError
from nasprof.locking import held_alone

if TYPE_CHECKING:
    from search.answers.site import Site
    from search.objectives.trade_off import TradeOff
    from search.pnag.generator import Generator
    from search.pnag.settings import TrainingSettings

_TOLD_AFTER_S = 2.0


def generator_path(trade_off: TradeOff) -> Path:
    """Where the generator for these models is kept unless its user names a place."""
    from search.pnag.checkpoint import generator_files

    names = (trade_off.cost.name, trade_off.accuracy.name, trade_off.space.label)
    words = [re.sub(r"[^\w.]+", "-", name).strip("-.") for name in names]
    return generator_files.path("--".join(words))


def ready_generator(site: Site, named: Path | None) -> Generator:
    """The generator in the file named, else the one kept for these models, trained if need be.

    Raises:
        CheckpointInvalid: the file named is damaged, or of something else.
        SpaceMismatch: it is of another space.
        NasprofError: one must be trained, and torch is not installed.
    """
    from search.pnag.checkpoint import read_generator

    trade_off = site.trade_off
    if named is not None:
        generator = read_generator(named, trade_off.space)
        if not generator.trained_for(trade_off):
            say(f"Careful with {named}: it was trained for other models than these")
        return generator
    path = generator_path(trade_off)
    kept, _ = _kept(path, trade_off)
    if kept is not None:
        return kept
    with _alone(path):
        # Another process may have made it in the meantime.
        kept, doubt = _kept(path, trade_off)
        if doubt is not None:
            say(f"{doubt}: training anew")
        return kept or _trained(path, trade_off)


def _alone(path: Path) -> AbstractContextManager[None]:
    """Lets one process at a time train the generator in ``path``; others say that they wait."""

    def waiting() -> None:
        say(f"Another process is training {path}: waiting for it")

    return held_alone(path.with_name(f"{path.name}.lock"), waiting)


def _kept(path: Path, trade_off: TradeOff) -> tuple[Generator | None, str | None]:
    """The generator in that file if it can be used; why not if there is one that cannot."""
    from search.pnag.checkpoint import CheckpointInvalid, read_generator

    if not path.exists():
        return None, None
    try:
        generator = read_generator(path, trade_off.space)
    except CheckpointInvalid as error:
        return None, error.message
    if generator.trained_for(trade_off):
        return generator, None
    return None, f"{path} was trained for models that have changed"


def _trained(path: Path, trade_off: TradeOff) -> Generator:
    """A generator with the default settings; goes on with a training of the same, if any."""
    from search.pnag.settings import TrainingSettings

    try:
        return _train(trade_off, TrainingSettings(), path)
    except UsageError as error:
        if not checkpoint_of(path).exists():
            raise
        say(f"{error.message}: beginning anew")
        return _train(trade_off, TrainingSettings(), path, resume=False)


def checkpoint_of(path: Path) -> Path:
    """Where the training of the generator in ``path`` is kept until it is over."""
    return path.with_name(f"{path.name}.training")


def train_and_keep(
    trade_off: TradeOff,
    settings: TrainingSettings,
    path: Path,
    *,
    seed: int = 0,
    resume: bool = True,
) -> Generator:
    """Train a generator, with progress, and write it; after an interruption it goes on.

    Where another process is training it, that is waited for first.

    Args:
        resume: whether to go on with what an interrupted training left next to ``path``.

    Raises:
        CheckpointInvalid: what was left is damaged.
        UsageError: it is of another training.
        NasprofError: torch is not installed, or ``path`` cannot be written.
    """
    with _alone(path):
        return _train(trade_off, settings, path, seed=seed, resume=resume)


def _train(
    trade_off: TradeOff,
    settings: TrainingSettings,
    path: Path,
    *,
    seed: int = 0,
    resume: bool = True,
) -> Generator:
    """:func:`train_and_keep` by a process that is alone with ``path``."""
    from search.pnag.checkpoint import write_generator
    from search.pnag.training import train

    checkpoint = checkpoint_of(path)
    if not resume:
        checkpoint.unlink(missing_ok=True)
    say(f"Training a generator for {trade_off.cost.name} and {trade_off.accuracy.name}")
    if checkpoint.exists():
        say(f"Going on with what {checkpoint} holds")
    try:
        with training_progress() as progress:
            generator = train(trade_off, settings, seed, progress=progress, checkpoint=checkpoint)
    except KeyboardInterrupt:
        if checkpoint.exists():
            say(f"What was trained is kept in {checkpoint}; the same command goes on")
        raise
    write_generator(generator, path)
    checkpoint.unlink(missing_ok=True)
    say(f"Generator written to {path}")
    return generator


@contextmanager
def training_progress() -> Iterator[Callable[[int, int], None]]:
    """A function to be told how many of how many steps are done; says how long it will take."""
    from profiler.commands.progress import step_bar

    first: tuple[int, float] | None = None
    told = False
    with step_bar("training") as bar:

        def update(done: int, total: int) -> None:
            nonlocal first, told
            now = time.monotonic()
            # What comes before the first step is no measure of the others.
            first = first or (done, now)
            steps, elapsed_s = done - first[0], now - first[1]
            if not told and steps and elapsed_s > _TOLD_AFTER_S:
                told = True
                say(f"This will take about {elapsed_s * (total - done) / steps:.0f} s")
            bar(done, total)

        yield update
