"""Model files that their users bring: what they say of the inputs, and what the files tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from devices import DeviceError, ModelDetails
from devices.runner.inputs import shown
from devices.runner.tensors import TensorInfo
from devices.runner.values import FILE
from nasprof.errors import UsageError
from nasprof.reader import brief
from profiler.models import unique_names
from profiler.records import Item

MAX_SIZE = 1 << 31
"""Of one axis, and of a vocabulary."""

_FORMS = "zeros, range, ids:VOCABULARY, a number, or an .npy file"


def own_items(paths: Sequence[Path], said: ModelDetails) -> list[Item]:
    """Model files to be measured, named after themselves.

    Args:
        said: what their user says of the inputs of all.

    Raises:
        UsageError: a file is missing, or one that belongs to it.
    """
    names = unique_names(path.name for path in paths)
    items = [
        Item(name, path, details=own_details(path, replace(said, foreign=True)))
        for name, path in zip(names, paths, strict=True)
    ]
    _check_names(paths, said)
    return items


def _check_names(paths: Sequence[Path], said: ModelDetails) -> None:
    """Look whether every name that was said is one of a model."""
    wanted = [*said.shapes, *said.values, *said.sizes]
    if not wanted:
        return
    told = {path: _inputs_of(path, said.signature) for path in paths}
    known = {name for tensors in told.values() for name in _names(tensors or ())}
    lacking = [name for name in wanted if name not in known]
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


def _inputs_of(path: Path, signature: str | None) -> list[TensorInfo] | None:
    """A model's inputs as its file tells them; None where it does not."""
    if path.suffix == ".tflite":
        from devices.tflite_inputs import read_graph

        with suppress(DeviceError):
            graph = read_graph(path, signature)
            return None if graph is None else graph.tensors
    if path.suffix == ".onnx":
        from profiler.onnx_inputs import inputs_of, read_onnx

        model = read_onnx(path)
        return None if model is None else inputs_of(model)
    return None


def own_details(path: Path, said: ModelDetails) -> ModelDetails:
    """What is said of a model file, with what it tells itself.

    Raises:
        UsageError: it is missing, or a file that belongs to it.
    """
    if not path.is_file():
        raise UsageError(f"model file {path} does not exist")
    if path.suffix != ".onnx":
        return said
    from profiler.onnx_inputs import external_files, known_values, rankless_inputs, read_onnx

    model = read_onnx(path)
    if model is None:
        return said
    return replace(
        said,
        known=known_values(model),
        rankless=rankless_inputs(model),
        companions=external_files(model, path),
    )


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
