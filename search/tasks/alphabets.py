"""Characters that classes are made of, and which of them look alike."""

# ruff: noqa: RUF001, RUF002  # letters that look alike are what this is about

from __future__ import annotations

from functools import cache

from search.tasks.parts import part_of


def _span(first: str, last: str) -> str:
    return "".join(map(chr, range(ord(first), ord(last) + 1)))


ALPHABETS = {
    "digits": "0123456789",
    "latin-upper": _span("A", "Z"),
    "latin-lower": _span("a", "z"),
    "greek-upper": "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ",
    "greek-lower": "αβγδεζηθικλμνξοπρστυφχψω",
    "cyrillic-upper": _span("А", "Я"),
    "cyrillic-lower": _span("а", "я"),
    "georgian": _span("ა", "ჰ"),
    "hebrew": _span("א", "ת"),
    "armenian": _span("Ա", "Ֆ"),
    "ethiopic": "ሀለሐመሠረሰቀበተኀነአከወዐዘየደገጠጰጸፀፈፐ",
}
"""By name; of letters of one name none stands for another's capital."""

_ALIKE = dict(
    zip(
        "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧАВЕКМНОРСТУХГПФЛЯЙЁ0",
        "ABEZHIKMNOPTYXABEKMHOPCTYXΓΠΦΛRИEO",
        strict=True,
    )
)
"""Characters that look as another one does, of those that are their own capitals."""


def shape_of(character: str) -> str:
    """What stands for all characters that look alike: of all cases and scripts.

    Many fonts draw capitals in the place of small letters.

    >>> shape_of("а"), shape_of("Α"), shape_of("a")  # Cyrillic, Greek, Latin
    ('A', 'A', 'A')
    """
    upper = character.upper()
    return _ALIKE.get(upper, upper)


def character_part(character: str) -> str:
    """The part that a character's shape is in."""
    return part_of(f"shape {shape_of(character)}")


@cache
def every_character() -> frozenset[str]:
    """Those of all alphabets."""
    return frozenset("".join(ALPHABETS.values()))
