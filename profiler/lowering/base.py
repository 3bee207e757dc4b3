"""What a file format offers, and the formats there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

from nasprof.errors import UsageError
from nasprof.registry import Registry
from profiler.lowering.fold import AnyInput, Array
from profiler.lowering.options import FileOptions
from spaces.fold import Weights
from spaces.graph import Network

Precision: TypeAlias = Literal["fp32", "fp16", "int8"]


class Format(ABC):
    """A kind of model file: how a network is written as one, and how it is run on this host.

    Arrays of inputs are ``(n, h, w, c)`` whatever layout the file itself uses. ``runtime`` names
    what executes these files on devices.
    """

    suffix: ClassVar[str]
    runtime: ClassVar[str]
    precisions: ClassVar[tuple[str, ...]] = ("fp32",)

    @abstractmethod
    def encode(self, network: Network, weights: Weights, options: FileOptions) -> bytes:
        """The file's content.

        Args:
            network: what to write.
            weights: every array that ``network.arrays()`` names.
            options: batch, ``fp32`` or ``fp16`` as precision, and how raw pixels are normalised.
        """

    def quantize(
        self, model: bytes, samples: Sequence[AnyInput], at_batch: Callable[[int], bytes]
    ) -> bytes:
        """An ``int8`` file made from an ``fp32`` one.

        Args:
            model: content of the ``fp32`` file.
            samples: what sets the ranges, each activation's least and greatest value over all of
                them: an array ``(n, h, w, c)`` an input.
            at_batch: the same ``fp32`` file for so many samples a run.
        """
        raise NotImplementedError

    @abstractmethod
    def run(self, path: Path, batches: Sequence[Sequence[AnyInput]]) -> list[Array]:
        """The file's outputs on this host, one array a batch.

        Image-like outputs are given as ``(batch, h, w, c)``.
        """


formats: Registry[type[Format]] = Registry(
    "model format",
    {
        "onnx": "profiler.lowering.onnx_format:OnnxFormat",
        "tflite": "profiler.lowering.tflite_format:TFLiteFormat",
        "torch": "profiler.lowering.torch_format:TorchFormat",
    },
)


def find_format(name: str, precision: str) -> Format:
    """The format called ``name``, if it can be written at ``precision``.

    Raises:
        UsageError: no such format, or not at this precision, naming what there is.
    """
    chosen = formats.get(name)()
    if precision not in chosen.precisions:
        able = [other for other in formats if precision in formats.get(other).precisions]
        hint = (
            f"Formats with {precision}: {', '.join(able)}."
            if able
            else f"Known precisions: {', '.join(chosen.precisions)}."
        )
        raise UsageError(
            f"format {name!r} cannot be written at precision {precision!r}: "
            f"expected {' or '.join(chosen.precisions)}",
            hint,
        )
    return chosen
