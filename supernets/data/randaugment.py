"""RandAugment: a few of fourteen operations on each picture, all of one strength.

E. Cubuk, B. Zoph, J. Shlens, Q. Le, RandAugment, arXiv:1909.13719, section 3; the strengths are
those of the reference implementation, at 30 levels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from supernets.data.augmentation import MAX_MAGNITUDE
from supernets.data.pictures import Pixels

if TYPE_CHECKING:
    from PIL import Image

    Operation: TypeAlias = Callable[[Image.Image, float, float], Image.Image]
    """Of a picture, a strength of 0 to 1 and a sign."""

_DEGREES = 30.0
_SHEAR = 0.3
_SHIFT = 0.45
"""Of a side."""
_ENHANCED = 0.9
_POSTERIZED = 4
"""Bits that the strongest posterizing takes from 8."""


def rand_augment(
    images: Pixels, operations: int, magnitude: int, rng: np.random.Generator
) -> Pixels:
    """Images ``(n, h, w, c)`` after that many operations each, chosen with replacement."""
    from PIL import Image

    chosen = rng.integers(0, len(OPERATIONS), (len(images), operations))
    signs = rng.choice([-1.0, 1.0], (len(images), operations))
    out = np.empty_like(images)
    for row, image in enumerate(images):
        picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
        for number, sign in zip(chosen[row], signs[row], strict=True):
            picture = OPERATIONS[number](picture, magnitude / MAX_MAGNITUDE, float(sign))
        out[row] = np.asarray(picture).reshape(image.shape)
    return out


def _identity(picture: Image.Image, strength: float, sign: float) -> Image.Image:
    return picture


def _autocontrast(picture: Image.Image, strength: float, sign: float) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.autocontrast(picture)


def _equalize(picture: Image.Image, strength: float, sign: float) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.equalize(picture)


def _solarize(picture: Image.Image, strength: float, sign: float) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.solarize(picture, round(255 * (1 - strength)))


def _posterize(picture: Image.Image, strength: float, sign: float) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.posterize(picture, 8 - round(_POSTERIZED * strength))


def _rotate(picture: Image.Image, strength: float, sign: float) -> Image.Image:
    from PIL import Image

    return picture.rotate(sign * _DEGREES * strength, Image.Resampling.BILINEAR)


def _enhanced(name: str) -> Operation:
    def enhance(picture: Image.Image, strength: float, sign: float) -> Image.Image:
        from PIL import ImageEnhance

        enhancer = getattr(ImageEnhance, name)(picture)
        result: Image.Image = enhancer.enhance(1 + sign * _ENHANCED * strength)
        return result

    return enhance


def _affine(across: tuple[float, float], down: tuple[float, float]) -> Operation:
    """Shear and shift along x and y: of full strength, in shares of a side for shifts."""

    def transform(picture: Image.Image, strength: float, sign: float) -> Image.Image:
        from PIL import Image

        width, height = picture.size
        shear_x, shear_y = (sign * strength * shear for shear in (across[0], down[0]))
        # The middle stays where it is.
        shift_x = sign * strength * across[1] * width - shear_x * height / 2
        shift_y = sign * strength * down[1] * height - shear_y * width / 2
        matrix = (1, shear_x, shift_x, shear_y, 1, shift_y)
        return picture.transform(
            picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
        )

    return transform


_STILL = (0.0, 0.0)
OPERATIONS: tuple[Operation, ...] = (
    _identity,
    _autocontrast,
    _equalize,
    _solarize,
    _posterize,
    _rotate,
    _enhanced("Color"),
    _enhanced("Contrast"),
    _enhanced("Brightness"),
    _enhanced("Sharpness"),
    _affine((_SHEAR, 0.0), _STILL),
    _affine(_STILL, (_SHEAR, 0.0)),
    _affine((0.0, _SHIFT), _STILL),
    _affine(_STILL, (0.0, _SHIFT)),
)
