"""Generators on disk: where they are kept, and their training with checkpoints beside the file."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from nasprof.errors import UsageError
from nasprof.locking import held_alone
from nasprof.log import logger
from nasprof.named_files import NamedFiles
from nasprof.typing import Progress
from search.generators.checkpoint import CheckpointInvalid, kind_of
from search.generators.trained import TrainedGenerator
from search.objectives.trade_off import TradeOff
from spaces import Space

G = TypeVar("G", bound=TrainedGenerator)
S = TypeVar("S")


class Shelf(ABC, Generic[G, S]):
    """Where generators of one sort are kept, read, and trained where they are missing.

    ``G`` are the generators, ``S`` the settings of their training.

    Attributes:
        files: their folder and names.
        kind: of their files.
        sort: the class of the generators.
    """

    files: ClassVar[NamedFiles]
    kind: ClassVar[str]
    sort: type[G]

    @abstractmethod
    def read(self, path: Path, space: Space) -> G:
        """The generator in a file, with that path.

        Raises:
            UsageError: there is no such file.
            CheckpointInvalid: it is damaged, or of something else.
            SpaceMismatch: it is of another space.
        """

    @abstractmethod
    def write(self, generator: G, path: Path) -> G:
        """Write a generator as a whole or not at all; it comes back with that path."""

    @abstractmethod
    def default_settings(self) -> S:
        """How one is trained unless its user says otherwise."""

    @abstractmethod
    def train(
        self,
        trade_off: TradeOff,
        settings: S,
        seed: int,
        progress: Progress | None,
        checkpoint: Path,
    ) -> G:
        """A generator, trained from the beginning or from what the checkpoint holds.

        Raises:
            CheckpointInvalid: the checkpoint is damaged.
            UsageError: it is of another training.
            NasprofError: torch is not installed.
        """

    # --- where ------------------------------------------------------------------------------

    def path(self, trade_off: TradeOff) -> Path:
        """Where the generator for these models is kept unless its user names a file."""
        names = (trade_off.cost.name, trade_off.accuracy.name, trade_off.space.label)
        words = [re.sub(r"[^\w.]+", "-", name).strip("-.") for name in names]
        return self.files.path("--".join(words))

    def checkpoint_of(self, path: Path) -> Path:
        """Where the training of the generator in ``path`` is kept until it is over."""
        return path.with_name(f"{path.name}.training")

    # --- reading ----------------------------------------------------------------------------

    def ready(
        self,
        trade_off: TradeOff,
        named: TrainedGenerator | Path | str | None = None,
        progress: Progress | None = None,
    ) -> G:
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
            return self._named(named, trade_off)
        path = self.path(trade_off)
        kept, _ = self._usable(path, trade_off)
        if kept is not None:
            return kept
        with self._alone(path):
            # Another process may have made it in the meantime.
            kept, doubt = self._usable(path, trade_off)
            if doubt is not None:
                logger.info(f"{doubt}: training anew")
            return kept or self._trained_by_default(path, trade_off, progress)

    def kept(self, trade_off: TradeOff) -> G | None:
        """The one that is kept for these models; None if there is none that can be used."""
        generator, doubt = self._usable(self.path(trade_off), trade_off)
        if doubt is not None:
            logger.info(f"{doubt}: it does not answer")
        return generator

    def has_made(self, named: TrainedGenerator | Path | str) -> bool:
        """Whether a generator, or the file of one, is of this sort."""
        if isinstance(named, TrainedGenerator):
            return isinstance(named, self.sort)
        return kind_of(Path(named)) == self.kind

    def _named(self, named: TrainedGenerator | Path | str, trade_off: TradeOff) -> G:
        if isinstance(named, self.sort):
            generator, name = named.of(trade_off.space), "the generator"
        elif isinstance(named, TrainedGenerator):
            raise UsageError(
                f"the generator is a {type(named).__name__}, expected one of {self.sort.command}"
            )
        else:
            generator, name = self.read(Path(named), trade_off.space), str(named)
        if not generator.trained_for(trade_off):
            logger.warning(f"Careful with {name}: it was trained for other models than these")
        return generator

    def _usable(self, path: Path, trade_off: TradeOff) -> tuple[G | None, str | None]:
        """The generator in that file if it can be used; why not if there is one that cannot."""
        if not path.exists():
            return None, None
        try:
            generator = self.read(path, trade_off.space)
        except CheckpointInvalid as error:
            return None, error.message
        if generator.trained_for(trade_off):
            return generator, None
        return None, f"{path} was trained for models that have changed"

    # --- training ---------------------------------------------------------------------------

    def train_and_store(
        self,
        trade_off: TradeOff,
        settings: S,
        path: Path,
        *,
        seed: int = 0,
        resume: bool = True,
        progress: Progress | None = None,
    ) -> G:
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
        with self._alone(path):
            if not resume:
                self.checkpoint_of(path).unlink(missing_ok=True)
            return self._train(trade_off, settings, path, seed, progress)

    def _train(
        self, trade_off: TradeOff, settings: S, path: Path, seed: int, progress: Progress | None
    ) -> G:
        """:meth:`train_and_store` by a process that is alone with ``path``."""
        checkpoint = self.checkpoint_of(path)
        models = f"{trade_off.cost.name} and {trade_off.accuracy.name}"
        logger.info(f"Training a generator for {models}")
        if checkpoint.exists():
            logger.info(f"Going on with what {checkpoint} holds")
        try:
            generator = self.train(trade_off, settings, seed, progress, checkpoint)
        except KeyboardInterrupt:
            if checkpoint.exists():
                logger.info(f"What was trained is kept in {checkpoint}; the same command goes on")
            raise
        stored = self.write(generator, path)
        checkpoint.unlink(missing_ok=True)
        logger.info(f"Generator written to {path}")
        return stored

    def _trained_by_default(self, path: Path, trade_off: TradeOff, progress: Progress | None) -> G:
        """One with the default settings; goes on with a training of the same, if any."""
        settings = self.default_settings()
        try:
            return self._train(trade_off, settings, path, 0, progress)
        except UsageError as error:
            if not self.checkpoint_of(path).exists():
                raise
            logger.info(f"{error.message}: beginning anew")
            self.checkpoint_of(path).unlink()
            return self._train(trade_off, settings, path, 0, progress)

    def _alone(self, path: Path) -> AbstractContextManager[None]:
        """Lets one process at a time train the generator in ``path``; others say they wait."""

        def waiting() -> None:
            logger.info(f"Another process is training {path}: waiting for it")

        return held_alone(path.with_name(f"{path.name}.lock"), waiting)
