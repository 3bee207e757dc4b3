"""Blocks and networks made into model files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from profiler.lowering import formats
from profiler.model_files.lowered import LoweringOptions, lower_random
from profiler.model_files.model_file import ModelFile
from profiler.tables.plan import Plan
from spaces import Arch
from spaces.graph import Network


@dataclass
class Workshop:
    """Lowers blocks and networks into model files in a folder."""

    plan: Plan
    format: str
    folder: Path
    lowered: Callable[[int, int], None] = lambda done, total: None
    _count: int = field(default=0, init=False)

    def files(self, named: Mapping[str, Network], archs: Mapping[str, Arch]) -> list[ModelFile]:
        """A model file of each network, with progress told."""
        files = []
        for number, (name, network) in enumerate(named.items()):
            files.append(self.file(name, network, archs.get(name)))
            self.lowered(number + 1, len(named))
        return files

    def file(self, name: str, network: Network, arch: Arch | None = None) -> ModelFile:
        """A model file with random weights."""
        self._count += 1
        path = self.folder / f"{self._count}{formats.get(self.format).suffix}"
        options = LoweringOptions(self.plan.precision, self.plan.batch, seed=self.plan.seed)
        lower_random(network, path, self.format, options)
        extra = {"precision": self.plan.precision, "batch": self.plan.batch, "weights": "random"}
        return ModelFile(name, path, arch, extra)
