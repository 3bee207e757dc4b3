"""Damaging text as devices, cables and enemies do: seeded, with an eye to what it is made of."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

NUMBERS = (
    "--",
    "-",
    "",
    ".",
    "1.2.3",
    "e",
    "1e",
    "1e999",
    "-1e999",
    "1e-999",
    "nan",
    "-nan",
    "inf",
    "-inf",
    "NaN",
    "Infinity",
    "-1",
    "-0",
    "+5",
    "0",
    "0x10",
    "1_000",
    "1,000",
    "10000000000",
    "99999999999999999999",
    4992 * "9",
    "0." + 5000 * "3",
    "1" + 400 * "0",
    "٣",
    "١٢",
    "²",
    "true",
    "null",
    '"7"',
    "0-99999999999",
    "[]",
    "{}",
)
WORDS = (
    "\x1b[31m",
    "\x1b]0;title\x07",
    "\x9b2J",
    "\0",
    "\r",
    "\x08",
    "\u202e",
    "\u2028",
    "\x85",
    "\ud800",
    "�",
    " ",
    "\t",
    "'",
    '"',
    "\\",
    "\\ud800",
    "{",
    "}",
    "[",
    "=",
    ":",
    ",",
    "@@",
    "%s",
    "{0}",
    "/",
    "x" * 5000,
    "(" * 3000,
    "[" * 3000,
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def _number(text: str, rng: random.Random) -> str:
    found = list(_NUMBER.finditer(text))
    if not found:
        return text
    spot = rng.choice(found)
    return text[: spot.start()] + rng.choice(NUMBERS) + text[spot.end() :]


def _insert(text: str, rng: random.Random) -> str:
    spot = rng.randint(0, len(text))
    return text[:spot] + rng.choice(WORDS) + text[spot:]


def _cut(text: str, rng: random.Random) -> str:
    start = rng.randint(0, len(text))
    return text[:start] + text[start + rng.choice((1, 1, 3, 20, len(text))) :]


def _character(text: str, rng: random.Random) -> str:
    if not text:
        return text
    spot = rng.randrange(len(text))
    return (
        text[:spot]
        + chr(rng.choice((rng.randrange(128), rng.randrange(0x3000))))
        + text[spot + 1 :]
    )


def _lines(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    spot = rng.randrange(len(lines))
    match rng.randrange(4):
        case 0:
            del lines[spot]
        case 1:
            lines.insert(spot, rng.choice(lines))
        case 2:
            lines[spot] = 30 * (lines[spot] + " ")
        case _:
            rng.shuffle(lines)
    return "\n".join(lines)


_DAMAGES: tuple[Callable[[str, random.Random], str], ...] = (
    _number,
    _number,
    _number,
    _insert,
    _cut,
    _character,
    _lines,
)


def damaged(texts: tuple[str, ...], count: int, seed: int = 1) -> Iterator[str]:
    """``count`` texts, each of them one of ``texts`` damaged in one to three places."""
    rng = random.Random(seed)
    for _ in range(count):
        text = rng.choice(texts)
        for _ in range(rng.choice((1, 1, 2, 3))):
            text = rng.choice(_DAMAGES)(text, rng)
        yield text
