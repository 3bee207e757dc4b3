"""INT8 ONNX files: QuantizeLinear/DequantizeLinear pairs around every operator that has integers.

Activations are unsigned, weights signed and per channel (U8S8): on x86 the default of signed
activations runs several times slower. Weights use 7 of their 8 bits, because x86 CPUs without
VNNI add pairs of products in 16 bits, which full-range weights overflow: the same file would be
accurate on one machine and wrong on another. Inputs and outputs stay float32.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from devices.runner.telemetry import silence
from nasprof.temporary import TemporaryFolder
from profiler.lowering.fold import AnyInput
from profiler.lowering.pixels import STAGES

Batches: TypeAlias = Iterable[Mapping[str, AnyInput]]


def quantize(model: bytes, batches_of: Callable[[int], Batches]) -> bytes:
    """The ``fp32`` file ``model`` at int8, its ranges the extremes seen on all samples.

    Args:
        batches_of: the samples by input in batches of this size, which is the file's.
    """
    import onnx

    message = onnx.load_from_string(model)
    batch = message.graph.input[0].type.tensor_type.shape.dim[0].dim_value
    quantization = _quantization()
    with TemporaryFolder() as folder, _quiet(), _scratch_in(folder):
        target = folder / "int8.onnx"
        quantization.quantize_static(
            message,
            target,
            _reader(batches_of(batch)),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            nodes_to_exclude=list(STAGES),
        )
        return target.read_bytes()


def _quantization() -> Any:
    """The module ``onnxruntime.quantization``.

    Its import adds a folder to the path of modules that has a ``profiler.py`` of its own, which a
    worker process would find in the place of ours; so the path is put back.
    """
    silence()
    path = list(sys.path)
    from onnxruntime import quantization

    sys.path[:] = path
    return quantization


def _reader(batches: Batches) -> Any:
    class Reader(_quantization().CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.remaining = iter(batches)

        def get_next(self) -> Mapping[str, AnyInput] | None:
            return next(self.remaining, None)

    return Reader()


@contextmanager
def _scratch_in(folder: Path) -> Iterator[None]:
    """Have the quantizer make its temporary folders, of names of its own, in this one."""
    previous = tempfile.tempdir
    tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = previous


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the quantizer's advice on pre-processing, which our files do not need, off stderr."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(previous)
