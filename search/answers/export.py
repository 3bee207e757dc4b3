"""Answers as files: the architecture as JSON, and the model in the formats asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nasprof.files import write_atomic
from nasprof.log import logger
from profiler.lowering import find_format
from profiler.model_files.architectures import NamedArch
from profiler.model_files.lowered import LoweringOptions, lower_arch
from profiler.tables.plan import Plan
from search.answers.replies import Result
from spaces import Genes, Space

if TYPE_CHECKING:
    from supernets import SupernetWeights


@dataclass(frozen=True)
class Export:
    """What to write of each network, and where.

    Args:
        folder: made if there is none.
        formats: "onnx", "tflite", "torch"; one or several.
        weights: checkpoint to take the weights from (.npz, .pth): an OFA supernet's; random ones
            without.
        precision: of the models; that of the table unless given.
        batch: images a run; as many as the table was measured with unless given.
        seed: of random weights.
        supernet: takes the weights from a supernet instead; where it has images, the networks'
            batch norm is recalibrated, and their accuracy evaluated on the test images.

    Raises:
        UsageError: a format is unknown or cannot be written at this precision.

    >>> Export("out", ["onnx", "tflite"]).formats
    ('onnx', 'tflite')
    """

    folder: Path | str
    formats: Sequence[str] | str = ("onnx",)
    weights: Path | str | None = None
    precision: str | None = None
    batch: int | None = None
    seed: int = 0
    supernet: SupernetWeights | None = None

    def __post_init__(self) -> None:
        formats = (self.formats,) if isinstance(self.formats, str) else tuple(self.formats)
        object.__setattr__(self, "formats", formats)
        for name in formats:
            find_format(name, self.precision or "fp32")

    def as_measured(self, plan: Plan | None) -> Export:
        """The same at the precision and batch that latencies are of.

        Raises:
            UsageError: a format cannot be written at this precision.
        """
        if self.weights is None and self.supernet is None:
            logger.warning(
                "The exported models have random weights: give a supernet by --supernet, or a "
                "checkpoint by --weights."
            )
        if plan is None:
            return self
        precision, batch = self.precision or plan.precision, self.batch or plan.batch
        return replace(self, precision=precision, batch=batch)

    def check(self, space: Space) -> None:
        """Look whether the supernet has weights for networks of a space.

        Raises:
            UsageError: it has not, or its images do not fit it.
        """
        if self.supernet is not None:
            self.supernet.check(space)

    def write(self, name: str, space: Space, genes: Genes) -> list[str]:
        """Write one architecture ``(n_genes,)``; the files, ``name.json`` first.

        Raises:
            NasprofError: a file cannot be written.
        """
        arch, folder = space.decode(genes[None])[0], Path(self.folder)
        described = folder / f"{name}.json"
        write_atomic(described, json.dumps(arch, indent=1).encode() + b"\n")
        written = [str(described)]
        precision, batch = self.precision or "fp32", self.batch or 1
        options = LoweringOptions(
            precision, batch, self.weights, seed=self.seed, supernet=self.supernet
        )
        for form in self.formats:
            lowered = lower_arch(NamedArch(name, space, arch), form, options, folder)
            written.append(str(lowered.path))
        return written

    def write_results(self, results: Iterable[Result]) -> None:
        """Write the files of results, which then name them.

        Raises:
            NasprofError: a file cannot be written.
        """
        for result in results:
            space = result.context.trade_off.space
            result.files.extend(self.write(result.name, space, result.answer.genes))
            if self.supernet is not None:
                evaluation = self.supernet.evaluate(space, result.answer.genes)
                if evaluation is not None:
                    result.evaluated.update(evaluation.to_dict())
