"""Model files that their users bring: what they say of the inputs, and what the files tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from devices import DeviceError, ModelDetails
from devices.runner.inputs import shown
from devices.runner.tensors import TensorInfo
from devices.runner.values import FILE
from nasprof.errors import UsageError
from nasprof.reader import brief
from profiler.measuring.records import Item
from profiler.model_files.architectures import unique_names

MAX_SIZE = 1 << 31
"""Of one axis, and of a vocabulary."""

_FORMS = "zeros, range, ids:VOCABULARY, a number, or an .npy file"


def own_items(paths: Sequence[Path], said: ModelDetails) -> list[Item]:
    """Model files to be measured, named after themselves.

    Args:
        said: what their user says of the inputs of all.

    Raises:
        UsageError: a file is missing, or one that belongs to it, or no model has a name that was
            said.
    """
    names = unique_names(path.name for path in paths)
    read = [_read(path, replace(said, foreign=True)) for path in paths]
    _check_names({path: tensors for path, (_, tensors) in zip(paths, read, strict=True)}, said)
    return [
        Item(name, path, details=details)
        for name, path, (details, _) in zip(names, paths, read, strict=True)
    ]


def own_details(path: Path, said: ModelDetails) -> ModelDetails:
    """What is said of a model file, with what it tells itself.

    Raises:
        UsageError: it is missing, or a file that belongs to it.
    """
    return _read(path, said)[0]


def _read(path: Path, said: ModelDetails) -> tuple[ModelDetails, list[TensorInfo] | None]:
    """What is known of a model file, and its inputs; None where it does not tell these.

    A ``.tflite`` file is not opened unless names that were said are to be looked for in it.
    """
    if not path.is_file():
        raise UsageError(f"model file {path} does not exist")
    if path.suffix == ".onnx":
        return _read_onnx(path, said)
    if path.suffix == ".tflite" and (said.shapes or said.values or said.sizes):
        from devices.tflite_inputs import read_graph

        with suppress(DeviceError):
            graph = read_graph(path, said.signature)
            return said, None if graph is None else graph.tensors
    return said, None


def _read_onnx(path: Path, said: ModelDetails) -> tuple[ModelDetails, list[TensorInfo] | None]:
    from profiler.model_files.onnx_file import (
        external_files,
        inputs_of,
        rankless_inputs,
        read_onnx,
    )
    from profiler.model_files.onnx_values import known_values

    model = read_onnx(path)
    if model is None:
        return said, None
    details = replace(
        said,
        known=known_values(model),
        rankless=rankless_inputs(model),
        companions=external_files(model, path),
    )
    return details, inputs_of(model)


def _check_names(told: Mapping[Path, list[TensorInfo] | None], said: ModelDetails) -> None:
    """Look whether every name that was said is one of a model."""
    known = {name for tensors in told.values() for name in _names(tensors or ())}
    lacking = [name for name in (*said.shapes, *said.values, *said.sizes) if name not in known]
    # What a file does not tell here, the runtime says where it cannot be loaded.
    if lacking and None not in told.values():
        inputs = "; ".join(f"{path.name}: {_words(each or ())}" for path, each in told.items())
        raise UsageError(
            f"no model has an input or open size called {lacking[0]!r}", f"There are: {inputs}."
        )


def _words(tensors: Iterable[TensorInfo]) -> str:
    return ", ".join(f"{tensor.name} {shown(tensor)}" for tensor in tensors)


def _names(tensors: Iterable[TensorInfo]) -> Iterator[str]:
    for tensor in tensors:
        yield tensor.name
        yield from (size for size in tensor.sizes if isinstance(size, str))


def parse_details(
    shapes: Iterable[str] = (),
    sizes: Iterable[str] = (),
    values: Iterable[str] = (),
    batch: int | None = None,
    signature: str | None = None,
) -> ModelDetails:
    """What is said of models' inputs, from words.

    Args:
        shapes: ``NAME=1,3,640,640``.
        sizes: ``NAME=640``, of what the model leaves open.
        values: ``NAME=`` and ``zeros``, ``range``, ``ids:VOCABULARY``, a number or a file.

    Raises:
        UsageError: naming what cannot be read.
    """
    return ModelDetails(
        shapes={name: _shape(name, text) for name, text in _pairs("shape", shapes)},
        sizes={name: _size(name, text) for name, text in _pairs("size", sizes)},
        values={name: _value(name, text) for name, text in _pairs("input", values)},
        batch=batch,
        signature=signature,
    )


def _pairs(what: str, texts: Iterable[str]) -> list[tuple[str, str]]:
    """Names and what is said of them; a name may itself contain ``=``."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.rpartition("=")
        if not separator or not name or not value:
            raise UsageError(f"{what} {brief(text)}: expected NAME=VALUE")
        if pairs.setdefault(name, value) != value:
            raise UsageError(f"{what} {name}: both {pairs[name]} and {value} are asked for")
    return list(pairs.items())


def _shape(name: str, text: str) -> tuple[int, ...]:
    if text in ("scalar", "()"):
        return ()
    return tuple(_size(name, part, least=0) for part in re.split("[,x]", text))


def _size(name: str, text: str, least: int = 0) -> int:
    if re.fullmatch(r"\d{1,10}", text.strip(), re.ASCII) and least <= int(text) <= MAX_SIZE:
        return int(text)
    raise UsageError(f"{name}={brief(text)}: expected sizes from {least} to {MAX_SIZE}")


def _value(name: str, text: str) -> str:
    if text in ("zeros", "range"):
        return text
    if text.startswith("ids:"):
        if _size(name, text.removeprefix("ids:")) < 1:
            raise UsageError(f"{name}={text}: expected a vocabulary of at least 1")
        return text
    if re.fullmatch(r"[+-]?(\d{1,19}(\.\d{0,19})?|\.\d{1,19})(e[+-]?\d{1,3})?", text, re.ASCII):
        return text
    return FILE + str(_array_file(name, Path(text)))


def _array_file(name: str, path: Path) -> Path:
    """A file that holds one array.

    Raises:
        UsageError: it does not.
    """
    import numpy as np

    if not path.is_file():
        raise UsageError(f"input {name}: {path} does not exist", f"Expected {_FORMS}.")
    try:
        # Mapped, not read: a header may promise more than there is.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, OverflowError) as error:
        raise UsageError(f"input {name}: {path} is no .npy file: {error}") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiubU":
        raise UsageError(f"input {name}: {path} holds no array of numbers or text (.npy)")
    return path
