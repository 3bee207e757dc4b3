"""Letters by fonts that a network has never seen: a folder of images to try things on.

    python examples/letters.py letters --fonts /usr/share/fonts

draws every letter from A to Z in every font it finds, 28 x 28 grey pixels, and puts the images into
``letters/{train,validation,test}/{A..Z}/``. A font is in one split alone, so that the test is of
letters in fonts that nobody has learnt. Without ``--fonts`` they are those that matplotlib brings;
with ``--characters`` other characters are drawn, in folders named as ``U+0061``.
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
_PER_ALIKE = 30
"""Characters for each one that may look like another, in a font that is taken."""
_SHARES = {"train": 0.64, "validation": 0.16, "test": 0.2}


def main() -> None:
    """Draw the letters."""
    parser = argparse.ArgumentParser(description="Draw letters in the fonts of this machine.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fonts", type=Path, action="append", help="Where to look for fonts.")
    parser.add_argument("--seed", type=int, default=0, help="Which font is in which split.")
    parser.add_argument("--characters", default=ascii_uppercase, help="What is drawn.")
    options = parser.parse_args()
    fonts = options.fonts or [own_fonts()]
    counts = draw(options.folder, fonts, options.seed, options.characters)
    print(", ".join(f"{name}: {count:,} images" for name, count in counts.items()))


def own_fonts() -> Path:
    """The fonts that matplotlib brings."""
    import matplotlib

    return Path(matplotlib.get_data_path(), "fonts", "ttf")


def draw(
    folder: Path, places: list[Path], seed: int = 0, characters: str = ascii_uppercase
) -> dict[str, int]:
    """Draw every character in every font; the number of images in each split.

    Args:
        folder: to write to.
        places: folders with fonts, and folders in them.
        seed: of the division of the fonts.
        characters: what is drawn.
    """
    fonts = list(_fonts(places, characters))
    order = np.random.default_rng(seed).permutation(len(fonts))
    ends = np.cumsum([round(share * len(fonts)) for share in _SHARES.values()])
    counts = dict.fromkeys(_SHARES, 0)
    for rank, number in enumerate(order.tolist()):
        split = list(_SHARES)[min(int(np.searchsorted(ends, rank, "right")), 2)]
        name, images = fonts[number]
        for character, image in zip(characters, images, strict=True):
            own = character if character in ascii_uppercase else f"U+{ord(character):04X}"
            path = folder / split / own / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            image.save(path)
        counts[split] += len(images)
    return counts


def _fonts(places: list[Path], characters: str) -> Iterator[tuple[str, list[Image.Image]]]:
    """Fonts that have all characters, hardly any of which look alike, by name."""
    files = sorted({path for place in places for path in place.rglob("*.[to]tf")})
    seen: set[bytes] = set()
    for path in files:
        try:
            images = [_glyph(str(path), character) for character in characters]
        except OSError:
            continue  # no font that can be read
        pixels = [image.tobytes() for image in images]
        alike = len(pixels) - len(set(pixels))
        if alike > len(pixels) // _PER_ALIKE or b"".join(pixels) in seen:
            continue  # symbols, or the letters of another font again
        seen.add(b"".join(pixels))
        yield path.stem, images


def _glyph(font: str, character: str) -> Image.Image:
    """A character in white on black, as large as the box allows, in the middle."""
    large = ImageFont.truetype(font, 4 * _BOX)
    left, top, right, bottom = large.getbbox(character)
    size = max(right - left, bottom - top)
    if size < 1:
        raise OSError("an empty character")
    scaled = ImageFont.truetype(font, max(int(4 * _BOX * _BOX / size), 4))
    image = Image.new("L", (SIDE, SIDE))
    middle = (SIDE // 2, SIDE // 2)
    ImageDraw.Draw(image).text(middle, character, fill=255, font=scaled, anchor="mm")
    return image


if __name__ == "__main__":
    main()
