"""Pictures decoded by Pillow and brought to one shape: upright, 8 bits, grey or RGB."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.reader import brief, is_whole
from nasprof.typing import AnyArray, Array

if TYPE_CHECKING:
    from PIL import Image

Pixels: TypeAlias = NDArray[np.uint8]
Box: TypeAlias = tuple[float, float, float, float]

MAX_PIXELS = 1 << 26
"""Of one picture; 67 million, 201 MB in RGB."""
MAX_SIDE = 4096
FORMATS = ("JPEG", "PNG", "WEBP")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_TRANSPARENT = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_JPEG = frozenset({"JPEG", "MPO"})
_DRAFT = 2
"""JPEGs are decoded at a half, quarter or eighth as long as this many pixels are left for one."""
_GREY = np.array([19595, 38470, 7471], np.uint32)
"""ITU-R 601 luma in 16 bits, as Pillow reckons it."""


class ImageUnreadable(UsageError):
    """A picture cannot be decoded."""


@dataclass(frozen=True)
class Geometry:
    """The shape of images, and how pictures of other sizes are brought to it.

    A picture is scaled (bilinear, antialiased) until it covers the shape, and its middle is taken;
    one of the same proportions is scaled whole.

    Args:
        shape: ``(h, w, c)``; 1 channel is grey, 3 are RGB.
        crop: share of height and width of the covering middle that is taken: 1 all of it, 0.875 as
            usual in evaluations on ImageNet.
    """

    shape: tuple[int, int, int]
    crop: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))
        fine = len(self.shape) == 3 and all(map(is_whole, self.shape))
        if not (fine and all(0 < side <= MAX_SIDE for side in self.shape[:2])) or (
            self.shape[2] not in {1, 3}
        ):
            raise UsageError(
                f"images cannot have the shape {brief(self.shape)}, expected (height, width, "
                f"channels) with sides of 1 to {MAX_SIDE} and 1 or 3 channels"
            )
        if not 0 < self.crop <= 1:
            raise UsageError(f"crop is {self.crop}, expected above 0 and at most 1")

    def box(self, width: int, height: int) -> Box:
        """The part of a picture that is taken: left, upper, right, lower, in pixels."""
        scale = min(width / self.shape[1], height / self.shape[0]) * self.crop
        wide, high = self.shape[1] * scale, self.shape[0] * scale
        left, upper = (width - wide) / 2, (height - high) / 2
        return left, upper, left + wide, upper + high


def crop_box(width: int, height: int, crop: Array) -> Box:
    """A part of a picture of whatever size: left, upper, right, lower, in pixels.

    Args:
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        crop: ``(4,)``: the share of its area, the proportion of width to height, and where it lies
            between left and right and between top and bottom (0 to 1). A part that would stand out
            is cut to the picture.
    """
    area, proportion, across, down = (float(value) for value in crop)
    wide = min(width, (width * height * area * proportion) ** 0.5)
    high = min(height, (width * height * area / proportion) ** 0.5)
    left, upper = (width - wide) * across, (height - high) * down
    return left, upper, left + wide, upper + high


def decode(data: bytes, geometry: Geometry, max_pixels: int, crop: Array | None = None) -> Pixels:
    """A picture ``(h, w, c)`` from the contents of its file.

    Its EXIF orientation is applied; what is transparent becomes white; 16 bits become 8; of an
    animation the first picture is taken.

    Raises:
        ImageUnreadable: it is damaged, of another format, or has more than ``max_pixels``.
    """
    with _pillow_errors(max_pixels), _opened(data, max_pixels) as picture:
        _reduce(picture, geometry, crop)
        return fitted(_upright(picture), geometry, crop)


def decode_each(data: bytes, geometries: Sequence[Geometry], max_pixels: int) -> list[Pixels]:
    """A picture at several geometries, decoded once unless each asks for another scale of it.

    Raises:
        ImageUnreadable: as :func:`decode` does.
    """
    with _pillow_errors(max_pixels), _opened(data, max_pixels) as picture:
        if picture.format not in _JPEG:
            upright = _upright(picture)
            return [fitted(upright, geometry, None) for geometry in geometries]
    return [decode(data, geometry, max_pixels) for geometry in geometries]


def _opened(data: bytes, max_pixels: int) -> Image.Image:
    from PIL import Image

    picture = Image.open(io.BytesIO(data), formats=FORMATS)
    width, height = picture.size
    if width * height > max_pixels:
        raise ImageUnreadable(
            f"it has {width:,} x {height:,} pixels, expected at most {max_pixels:,} in all"
        )
    return picture


def _upright(picture: Image.Image) -> Image.Image:
    from PIL import ImageOps

    return eight_bits(ImageOps.exif_transpose(picture))


@contextmanager
def _pillow_errors(max_pixels: int) -> Iterator[None]:
    """Pillow's readers raise whatever they stumble over: struct.error, zlib.error, IndexError."""
    from PIL import Image

    try:
        yield
    except ImageUnreadable:
        raise
    except Image.DecompressionBombError as error:
        raise ImageUnreadable(f"it has more than {max_pixels:,} pixels") from error
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        if "cannot identify" in reason:
            reason = "it is no JPEG, PNG or WebP"
        raise ImageUnreadable(reason[:200]) from error


def _reduce(picture: Image.Image, geometry: Geometry, crop: Array | None) -> None:
    """Have a JPEG decoded no larger than is of use."""
    box = geometry.box(*picture.size) if crop is None else crop_box(*picture.size, crop)
    part = min(box[2] - box[0], box[3] - box[1])
    scale = min(1.0, _DRAFT * max(geometry.shape[:2]) / part)
    width, height = picture.size
    picture.draft(None, (math.ceil(width * scale), math.ceil(height * scale)))


def eight_bits(picture: Image.Image) -> Image.Image:
    """A picture in mode L or RGB, on white where it is transparent."""
    from PIL import Image

    if picture.mode.startswith(("I", "F")):
        values = np.asarray(picture, np.float64)
        return Image.fromarray(np.clip(values / 257 + 0.5, 0, 255).astype(np.uint8))
    if picture.mode in {"L", "RGB"} and "transparency" not in picture.info:
        return picture
    if picture.mode in _TRANSPARENT or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return picture.convert("L" if picture.mode == "1" else "RGB")


def fitted(picture: Image.Image, geometry: Geometry, crop: Array | None) -> Pixels:
    """A picture of mode L or RGB as ``(h, w, c)``."""
    from PIL import Image

    height, width, channels = geometry.shape
    box = geometry.box(*picture.size) if crop is None else crop_box(*picture.size, crop)
    if picture.size != (width, height) or box != (0, 0, width, height):
        picture = picture.resize((width, height), Image.Resampling.BILINEAR, box)
    picture = picture.convert("L" if channels == 1 else "RGB")
    return np.asarray(picture).reshape(geometry.shape)


def convert_array(images: Pixels, geometry: Geometry, crops: Array | None) -> Pixels:
    """Images ``(n, h, w, c)`` as pictures of the geometry's shape: ``(n, h', w', c')``.

    Args:
        images: with 1, 3 or 4 channels.
        geometry: what is wanted.
        crops: ``(n, 4)`` of :func:`crop_box`; the middle unless given.
    """
    images = _channels(images, geometry.shape[2])
    if crops is None and images.shape[1:] == geometry.shape and geometry.crop == 1:
        return images
    from PIL import Image

    out = np.empty((len(images), *geometry.shape), np.uint8)
    for row, image in enumerate(images):
        picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
        out[row] = fitted(picture, geometry, None if crops is None else crops[row])
    return out


def _channels(images: AnyArray, channels: int) -> Pixels:
    if images.shape[3] == 4:
        alpha = images[..., 3:].astype(np.uint16)
        images = ((images[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    if images.shape[3] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=3)
    luma = (images.astype(np.uint32) @ _GREY + (1 << 15)) >> 16
    return luma[..., None].astype(np.uint8)
