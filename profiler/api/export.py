"""Architectures as model files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from nasprof.errors import UsageError
from nasprof.normalisation import Normalisation
from nasprof.results import Records
from nasprof.typing import JsonObject
from profiler.lowering import Lowered, find_format
from profiler.model_files.lowered import LoweringOptions, lower_arch
from profiler.model_files.model_file import ModelFile
from profiler.model_files.models import ModelLike, NamedModel, named_models
from profiler.model_files.torch_models import TorchModel, write_module
from spaces import Arch


@dataclass(frozen=True)
class ExportedFile:
    """A model file that was written.

    Args:
        arch: the architecture; None for a module of one's own.
        path: the file.
        format: "onnx", "tflite", "torch", ...
        precision: "fp32", "fp16" or "int8".
        batch: images a run, fixed in the file.
        size_bytes: of the file.
        sha256: of the file's content, hexadecimal.
        macs: multiply-accumulates at batch 1; None where they were not counted.
        params: trainable parameters; likewise.
        drift: how far outputs are from those at fp32, see :class:`profiler.lowering.Lowered`.
        pixels: how the file normalises the raw pixels that it takes; None if it takes none.
    """

    arch: Arch | None
    path: Path
    format: str
    precision: str
    batch: int
    size_bytes: int
    sha256: str
    macs: int | None
    params: int | None
    drift: JsonObject | None
    pixels: Normalisation | None = None

    def to_dict(self) -> JsonObject:
        """As JSON."""
        pixels = None if self.pixels is None else self.pixels.to_dict()
        return {**asdict(self), "path": str(self.path), "pixels": pixels}


class Exports(Records[ExportedFile]):
    """The files that were written, model after model."""


def export(
    models: ModelLike | Iterable[ModelLike],
    formats: str | Iterable[str] = ("onnx",),
    *,
    output: str | Path = "out",
    lowering: LoweringOptions | None = None,
) -> Exports:
    """Write architectures, or torch modules of one's own, as model files.

    Args:
        models: files of architectures, architectures as dicts, spaces with genes ``(n_genes,)``
            or ``(n, n_genes)``, or :class:`TorchModel`; one or several.
        formats: names of formats: "onnx", "tflite", "torch".
        output: folder to write to; files are named after the architectures.
        lowering: precision, batch, weights, calibration, seed, and whether files take raw
            pixels. Modules of one's own bring weights and batch, and are written at fp32.

    Returns:
        One file a model and format, in this order.

    Raises:
        UsageError: an unknown format, one that cannot be written at that precision, or what is no
            architecture.
        NasprofError: a file cannot be written.

    >>> import tempfile
    >>> from spaces import get_space
    >>> space = get_space("nasbench201", cells=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = export((space, [3, 3, 3, 3, 3, 3]), ["onnx", "tflite"], output=folder)
    >>> [(file.path.name, file.params) for file in files]
    [('arch0.onnx', 106906), ('arch0.tflite', 106906)]
    """
    options = lowering or LoweringOptions()
    names = [formats] if isinstance(formats, str) else list(formats)
    for name in names:
        find_format(name, options.precision)
    folder = Path(output)
    return Exports(
        _write(model, name, options, folder) for model in named_models(models) for name in names
    )


def _write(model: NamedModel, format: str, options: LoweringOptions, folder: Path) -> ExportedFile:
    if isinstance(model, ModelFile):
        raise UsageError(f"{model.path} is a model file already: there is nothing to export")
    if isinstance(model, TorchModel):
        return _record(write_module(model, format, options.precision, folder), params=model.params)
    network = model.network
    lowered = lower_arch(model, format, options, folder)
    return _record(lowered, model.arch, network.macs, network.params)


def _record(
    lowered: Lowered, arch: Arch | None = None, macs: int | None = None, params: int | None = None
) -> ExportedFile:
    return ExportedFile(
        arch=arch,
        path=lowered.path,
        format=lowered.format,
        precision=lowered.precision,
        batch=lowered.batch,
        size_bytes=lowered.size_bytes,
        sha256=lowered.sha256,
        macs=macs,
        params=params,
        drift=lowered.drift,
        pixels=lowered.pixels,
    )
