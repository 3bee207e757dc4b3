"""Letters by fonts that a network has never seen: a folder of images to try things on.

    python examples/letters.py letters --fonts /usr/share/fonts

draws every letter from A to Z in every font it finds, 28 x 28 grey pixels, and puts the images into
``letters/{train,validation,test}/{A..Z}/``. A font is in one split alone, so that the test is of
letters in fonts that nobody has learnt. Without ``--fonts`` they are those that matplotlib brings.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from string import ascii_uppercase

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 28
_BOX = 20
_SHARES = {"train": 0.64, "validation": 0.16, "test": 0.2}


def main() -> None:
    """Draw the letters."""
    parser = argparse.ArgumentParser(description="Draw letters in the fonts of this machine.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fonts", type=Path, action="append", help="Where to look for fonts.")
    parser.add_argument("--seed", type=int, default=0, help="Which font is in which split.")
    options = parser.parse_args()
    counts = draw(options.folder, options.fonts or [own_fonts()], options.seed)
    print(", ".join(f"{name}: {count:,} images" for name, count in counts.items()))


def own_fonts() -> Path:
    """The fonts that matplotlib brings."""
    import matplotlib

    return Path(matplotlib.get_data_path(), "fonts", "ttf")


def draw(folder: Path, places: list[Path], seed: int = 0) -> dict[str, int]:
    """Draw every letter in every font; the number of images in each split.

    Args:
        folder: to write to.
        places: folders with fonts, and folders in them.
        seed: of the division of the fonts.
    """
    fonts = list(_fonts(places))
    order = np.random.default_rng(seed).permutation(len(fonts))
    ends = np.cumsum([round(share * len(fonts)) for share in _SHARES.values()])
    counts = dict.fromkeys(_SHARES, 0)
    for rank, number in enumerate(order.tolist()):
        split = list(_SHARES)[min(int(np.searchsorted(ends, rank, "right")), 2)]
        name, images = fonts[number]
        for letter, image in zip(ascii_uppercase, images, strict=True):
            path = folder / split / letter / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            image.save(path)
        counts[split] += len(images)
    return counts


def _fonts(places: list[Path]) -> Iterator[tuple[str, list[Image.Image]]]:
    """Fonts that have all letters, each different, by name."""
    files = sorted({path for place in places for path in place.rglob("*.[to]tf")})
    seen: set[bytes] = set()
    for path in files:
        try:
            images = [_letter(str(path), letter) for letter in ascii_uppercase]
        except OSError:
            continue  # no font that can be read
        pixels = [image.tobytes() for image in images]
        if len(set(pixels)) < len(pixels) or b"".join(pixels) in seen:
            continue  # symbols, or the letters of another font again
        seen.add(b"".join(pixels))
        yield path.stem, images


def _letter(font: str, letter: str) -> Image.Image:
    """A letter in white on black, as large as the box allows, in the middle."""
    large = ImageFont.truetype(font, 4 * _BOX)
    left, top, right, bottom = large.getbbox(letter)
    size = max(right - left, bottom - top)
    if size < 1:
        raise OSError("an empty letter")
    scaled = ImageFont.truetype(font, max(int(4 * _BOX * _BOX / size), 4))
    image = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(image).text((SIDE // 2, SIDE // 2), letter, fill=255, font=scaled, anchor="mm")
    return image


if __name__ == "__main__":
    main()
