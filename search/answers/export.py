"""Answers as files: the architecture as JSON, and the model in the formats asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nasprof.files import write_atomic
from profiler.lowering import find_format
from profiler.model_files.architectures import NamedArch
from profiler.model_files.lowered import LoweringOptions, lower_arch
from spaces import Genes, Space


@dataclass(frozen=True)
class Export:
    """What to write of each architecture, and where.

    Args:
        weights: checkpoint to take the weights from; random ones without.

    Raises:
        UsageError: a format is unknown or cannot be written at this precision.
    """

    folder: Path
    formats: Sequence[str]
    precision: str = "fp32"
    batch: int = 1
    weights: Path | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in self.formats:
            find_format(name, self.precision)

    def write(self, name: str, space: Space, genes: Genes) -> list[str]:
        """Write one architecture ``(n_genes,)``; the files, ``name.json`` first.

        Raises:
            NasprofError: a file cannot be written.
        """
        arch = space.decode(genes[None])[0]
        described = self.folder / f"{name}.json"
        write_atomic(described, json.dumps(arch, indent=1).encode() + b"\n")
        written = [str(described)]
        for form in self.formats:
            options = LoweringOptions(self.precision, self.batch, self.weights, seed=self.seed)
            lowered = lower_arch(NamedArch(name, space, arch), form, options, self.folder)
            written.append(str(lowered.path))
        return written
