"""POMONAG's generators on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from nasprof.named_files import NamedFiles
from nasprof.threads import one_torch_thread
from nasprof.typing import Progress
from search.generators.shelf import Shelf
from search.objectives.trade_off import TradeOff
from search.pomonag.generator import KIND, PomonagGenerator
from search.pomonag.settings import PomonagSettings
from search.pomonag.training import train
from spaces import Space

generator_files = NamedFiles(
    folder="pomonag",
    suffix=".npz",
    shipped=("search", "pomonag", "generators"),
    noun="a generator",
    origin="train one: nassearch pomonag train",
)
"""Where generators are kept."""


class PomonagShelf(Shelf[PomonagGenerator, PomonagSettings]):
    """Where POMONAG's generators are kept; only what reads or trains one imports torch."""

    files: ClassVar[NamedFiles] = generator_files
    kind: ClassVar[str] = KIND
    sort = PomonagGenerator

    def read(self, path: Path, space: Space) -> PomonagGenerator:
        with one_torch_thread():
            from search.pomonag.checkpoint import read_generator

            return read_generator(path, space)

    def write(self, generator: PomonagGenerator, path: Path) -> PomonagGenerator:
        from search.pomonag.checkpoint import write_generator

        write_generator(generator, path)
        return replace(generator, path=path)

    def default_settings(self) -> PomonagSettings:
        return PomonagSettings()

    def train(
        self,
        trade_off: TradeOff,
        settings: PomonagSettings,
        seed: int,
        progress: Progress | None,
        checkpoint: Path,
    ) -> PomonagGenerator:
        return train(trade_off, settings, seed, progress=progress, checkpoint=checkpoint)


shelf = PomonagShelf()
"""The one that there is."""
