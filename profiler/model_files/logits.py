"""What a model file says of images, by running it on a device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from devices import Backend, ModelDetails, RunnerRefused, Session
from nasprof.errors import NasprofError, UsageError
from nasprof.normalisation import Normalisation
from nasprof.typing import JsonObject, Progress
from profiler.lowering.fold import AnyInput, Array
from profiler.model_files.own import own_details

_MOST_CHANNELS = 4
_REQUEST_BYTES = 64 << 20
_REQUEST_IMAGES = 1000
"""Of one request to the device, in float32: what is in memory at once."""


class ImageSet(Protocol):
    """Images that are read when they are needed."""

    def __len__(self) -> int: ...

    def images(self, indices: NDArray[np.intp], /) -> NDArray[np.uint8]:
        """Pixels ``(n, h, w, c)`` of indices ``(n,)``."""
        ...


Images: TypeAlias = NDArray[np.float32] | NDArray[np.uint8] | ImageSet
"""Images ``(n, h, w, c)``: normalised float32, or pixels as uint8, or a set of the latter."""


def logits_of(
    path: str | Path,
    images: Images,
    session: Session,
    normalisation: Normalisation | None = None,
    progress: Progress | None = None,
) -> Array:
    """The logits of a classifier's file on images, as a device computes them.

    The file has one input of images, in either layout (n, h, w, c) or (n, c, h, w), and one output
    of logits; its batch may be any. Pixels go as they are into a file of uint8 inputs, and are
    normalised for one of float32.

    Args:
        path: the file.
        images: normalised float32 ``(n, h, w, c)``, or pixels as uint8.
        session: of a device with the file's runtime.
        normalisation: of pixels for a file that takes float32.
        progress: told how many images of all have been through.

    Returns:
        Logits ``(n, classes)``.

    Raises:
        UsageError: images that the file does not take.
        DeviceError: the device cannot run the file, or cannot return outputs.
        NasprofError: outputs that are no finite logits.
    """
    path, n = Path(path), len(images)
    if n == 0:
        raise UsageError("there are no images")
    tensor = _loaded_input(path, session)
    first = _pixels(images, np.arange(1))
    feed = _Feed.of(tensor, path, first.shape[1:])
    feed.check(first.dtype, normalisation)
    step = max(1, min(_REQUEST_IMAGES, _REQUEST_BYTES // (4 * prod(first.shape[1:]))))
    step = -(-step // feed.batch) * feed.batch
    parts = []
    for start in range(0, n, step):
        some = _pixels(images, np.arange(start, min(start + step, n)))
        outputs = session.sample_outputs(path.name, {feed.name: feed.made(some, normalisation)})
        parts.append(_logits(outputs, path))
        if progress is not None:
            progress(min(start + step, n), n)
    return np.concatenate(parts)


def image_shape(path: Path, backend: Backend) -> tuple[int, int, int]:
    """Shape ``(h, w, c)`` of the images that a classifier's file takes.

    Raises:
        UsageError: it does not take images.
        DeviceError: the device cannot run it.
    """
    with backend.open() as session:
        _, *shape = _loaded_input(path, session)["shape"] or [0]
    if len(shape) != 3:
        raise UsageError(f"{path} takes no images: expected an input (n, h, w, c) or (n, c, h, w)")
    few_first, few_last = shape[0] <= _MOST_CHANNELS, shape[2] <= _MOST_CHANNELS
    channels_first = few_first if few_first != few_last else path.suffix != ".tflite"
    first, second, third = shape
    return (second, third, first) if channels_first else (first, second, third)


def _loaded_input(path: Path, session: Session) -> JsonObject:
    """What the runner tells of the one input of a file, which it has then loaded."""
    session.load({path.name: path}, {path.name: own_details(path, ModelDetails(foreign=True))})
    known = session.tensors(path.name)
    if not known:
        raise RunnerRefused("the device does not return outputs")
    inputs = known.get("inputs", [])
    if len(inputs) != 1:
        names = ", ".join(tensor["name"] for tensor in inputs)
        raise UsageError(f"{path} has {len(inputs)} inputs, expected one of images", names)
    tensor: JsonObject = inputs[0]
    return tensor


def _pixels(images: Images, indices: NDArray[np.intp]) -> AnyInput:
    pixels: AnyInput = images[indices] if isinstance(images, np.ndarray) else images.images(indices)
    if pixels.ndim != 4 or not (pixels.dtype == np.uint8 or pixels.dtype.kind == "f"):
        raise UsageError(
            f"images are {pixels.dtype} of shape {pixels.shape}, expected float32 or uint8 of "
            "shape (n, height, width, channels)"
        )
    return pixels


@dataclass(frozen=True)
class _Feed:
    """How images go into a file."""

    path: Path
    name: str
    dtype: str
    batch: int
    channels_first: bool

    @classmethod
    def of(cls, tensor: JsonObject, path: Path, image: tuple[int, ...]) -> _Feed:
        """From what the runner tells of the file's input.

        Args:
            image: shape ``(h, w, c)``.
        """
        batch, *shape = tensor["shape"] or [0]
        height, width, channels = image
        layouts = {(height, width, channels): False}
        # Where both are the same, the file's kind decides.
        if path.suffix != ".tflite" or shape != [*image]:
            layouts[channels, height, width] = True
        if batch < 1 or tuple(shape) not in layouts:
            raise UsageError(
                f"{path} takes {tensor['shape']}, which is no batch of images of height {height}, "
                f"width {width} and {channels} channels"
            )
        return cls(path, tensor["name"], tensor["dtype"], batch, layouts[tuple(shape)])

    def check(self, dtype: np.dtype[Any], normalisation: Normalisation | None) -> None:
        """Look whether images of this type can be made into what the file takes."""
        if self.dtype not in ("float32", "uint8"):
            raise UsageError(f"{self.path} takes {self.dtype}, expected float32 or uint8")
        if self.dtype == "uint8" and dtype != np.uint8:
            raise UsageError(f"{self.path} takes pixels as uint8, and the images are {dtype}")
        if self.dtype == "float32" and dtype == np.uint8 and normalisation is None:
            raise UsageError(
                f"{self.path} takes normalised images, and these are pixels",
                "Say how: normalisation=Normalisation(mean, std), or --mean and --std.",
            )

    def made(self, images: AnyInput, normalisation: Normalisation | None) -> AnyInput:
        """Images ``(n, h, w, c)`` as the file takes them."""
        if self.dtype == "float32":
            if images.dtype == np.uint8 and normalisation is not None:
                images = normalisation.normalised(images.astype(np.uint8, copy=False))
            images = images.astype(np.float32, copy=False)
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2) if self.channels_first else images)


def _logits(outputs: Mapping[str, NDArray[Any]], path: Path) -> Array:
    """The one output, ``(n, classes)``."""
    shapes = {name: list(array.shape) for name, array in outputs.items()}
    (array,) = outputs.values() if len(outputs) == 1 else (np.zeros(()),)
    longest = max(array.shape[1:], default=0)
    if longest == 0 or prod(array.shape[1:]) != longest or array.dtype.kind not in "fiu":
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise NasprofError(f"{path} gives {listed}, expected one output of logits (n, classes)")
    logits = array.reshape(len(array), longest).astype(np.float32, copy=False)
    wrong = int((~np.isfinite(logits)).any(axis=1).sum())
    if wrong:
        raise NasprofError(
            f"{path} gives values that are not finite for {wrong} of {len(logits)} images",
            "Its weights are of a training that has diverged, or too large for its precision.",
        )
    return logits
