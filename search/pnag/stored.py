"""PNAG's generators on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from nasprof.named_files import NamedFiles
from nasprof.typing import Progress
from search.generators.shelf import Shelf
from search.objectives.trade_off import TradeOff
from search.pnag.checkpoint import GENERATOR, generator_files, read_generator, write_generator
from search.pnag.generator import Generator
from search.pnag.settings import TrainingSettings
from search.pnag.training import train
from spaces import Space


class PnagShelf(Shelf[Generator, TrainingSettings]):
    """Where PNAG's generators are kept."""

    files: ClassVar[NamedFiles] = generator_files
    kind: ClassVar[str] = GENERATOR
    sort = Generator

    def read(self, path: Path, space: Space) -> Generator:
        return read_generator(path, space)

    def write(self, generator: Generator, path: Path) -> Generator:
        write_generator(generator, path)
        return replace(generator, path=path)

    def default_settings(self) -> TrainingSettings:
        return TrainingSettings()

    def train(
        self,
        trade_off: TradeOff,
        settings: TrainingSettings,
        seed: int,
        progress: Progress | None,
        checkpoint: Path,
    ) -> Generator:
        return train(trade_off, settings, seed, progress=progress, checkpoint=checkpoint)


shelf = PnagShelf()
"""The one that there is."""
