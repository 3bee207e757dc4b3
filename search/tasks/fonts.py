"""The fonts of this machine, and which characters each of them has."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path

from nasprof.errors import UsageError
from search.tasks.alphabets import every_character
from search.tasks.parts import part_of

FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
"""Where fontconfig finds them on Linux."""
SUFFIXES = frozenset({".ttf", ".otf"})
PACKAGES = (
    "fonts-aenigma fonts-averia-sans-gwf fonts-averia-serif-gwf fonts-bpg-georgian fonts-cmu "
    "fonts-comfortaa fonts-croscore fonts-dejavu-extra fonts-ebgaramond fonts-freefont-ttf "
    "fonts-georgewilliams fonts-gfs-didot fonts-gfs-neohellenic fonts-inter fonts-junicode "
    "fonts-jura fonts-lato fonts-liberation fonts-linuxlibertine fonts-mplus fonts-noto-core "
    "fonts-oldstandard fonts-open-sans fonts-paratype fonts-roboto-unhinted "
    "fonts-senamirmir-washra fonts-sil-gentiumplus fonts-texgyre fonts-urw-base35 fonts-vollkorn"
)
"""Of Debian, with the fonts that the shipped triplets were made with."""
ENOUGH_FAMILIES = 60
FACES = 2
"""Of a family that are used: the first by name; bold and italic ones are nearly the same shapes."""


@dataclass(frozen=True)
class Font:
    """A font file.

    Args:
        path: of the file.
        source: its family's first two words, in lower case: fonts of one source are alike, so that
            all of them are in one part.
        characters: those of our alphabets that it has.
        part: ``meta-train`` or ``unseen``.
    """

    path: Path
    source: str
    characters: frozenset[str] = field(repr=False)
    part: str


@cache
def installed_fonts() -> tuple[Font, ...]:
    """All fonts of the system's folders, in order of source and name."""
    return read_fonts(FOLDERS)


def read_fonts(folders: Iterable[Path]) -> tuple[Font, ...]:
    """All fonts in folders, in order of source and name of the file.

    Those that cannot be read are left out, and those of a source beyond the first two.
    """
    paths = [
        path
        for folder in folders
        if folder.is_dir()
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
    ]
    sources: dict[str, list[Font]] = {}
    for path in sorted(paths, key=lambda path: (path.name, str(path))):
        font = _read(path)
        if font is not None and font.characters:
            sources.setdefault(font.source, []).append(font)
    return tuple(font for name in sorted(sources) for font in islice(sources[name], FACES))


def _read(path: Path) -> Font | None:
    from matplotlib.ft2font import FT2Font

    try:
        face = FT2Font(str(path))
        known = {chr(code) for code in face.get_charmap()}
        source = " ".join(face.family_name.split()[:2]).lower()
    except Exception:  # whatever FreeType stumbles over in damaged fonts
        return None
    return Font(path, source, every_character() & known, part_of(f"font {source}"))


def require_enough(fonts: Iterable[Font]) -> None:
    """Refuse to draw glyphs with a handful of fonts.

    Raises:
        UsageError: there are too few sources of fonts, with what to install.
    """
    count = len({font.source for font in fonts})
    if count < ENOUGH_FAMILIES:
        raise UsageError(
            f"tasks of glyphs need at least {ENOUGH_FAMILIES} font families, {count} are in "
            f"{' and '.join(map(str, FOLDERS))}",
            f"On Debian and Ubuntu: apt install {PACKAGES}",
        )


def fonts_digest(fonts: Iterable[Font]) -> str:
    """SHA-256 of which fonts there are, by name and size: tasks are drawn from these."""
    sha = hashlib.sha256()
    for font in fonts:
        sha.update(f"{font.source} {font.path.name} {font.path.stat().st_size}\n".encode())
    return sha.hexdigest()
