"""What is done to good files: changes of values, of texts, of bytes, and of zip files."""

from __future__ import annotations

import io
import json
import re
import struct
import sys
import warnings
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

NASTY: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 127, 128, 255, 1e-320, 1e-30, 1e17, 1e30, 1e300, -1e300),
    *(float("nan"), float("inf"), float("-inf"), -0.0, 0.5, 86_400_000.0, 86_400_001.0, -1e-9),
    *(2**31, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**30, 10**99, 10**400, -(10**5000)),
    *("", "x", "a" * 2000, "\x00", "\ud800", "\x1b[31m", "NaN", "1e5", "../../x", "🙂", "é" * 70),
    *([], {}, [None], [[]], {"a": 1}, [1, 2, 3], {"": None}, [[1] * 20] * 20, ["x"]),
)
"""Values that are of another kind, size or sort than any field wants."""

TOKENS = (
    *("9" * 400, "9" * 5000, "-1", "1e999", "-1e308", "1e-320", "NaN", "Infinity", "nan", "inf"),
    *("0x10", "0b_", "1_0", "01", "+1", "1:30:00", "true", "null", "~", "yes", '"', "'", "\\"),
    *("[" * 60, "{" * 60, "[" * 2000, '{"a":' * 2000, "]", "}", ",", ":", "\n", "\t", "\r", "\0"),
    *("&a ", "*a", "!!int ''", "!!timestamp x", "!!map [1]", "! ", "<<: ", "? ", "- ", "%", "#"),
    *("2001-01-01", "1979-05-27T07:32:00Z", "\ufeff", "\u2028", "\x1b[2J", "é", '""', "[[a]]"),
)
"""Pieces that mean something in JSON, YAML, TOML or CSV, mostly something else than wanted."""

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def deep(rng: Random) -> Any:
    """A value nested more or less deeply."""
    value: Any = 1
    for _ in range(rng.choice((3, 20, 49, 60, 200, 900))):
        value = [value] if rng.random() < 0.7 else {"a": value}
    return value


def nasty(rng: Random, old: Any) -> Any:
    """Another value in the place of ``old``: anything, or the same, somewhat changed."""
    if type(old) in (int, float) and abs(old) < 1e200 and rng.random() < 0.5:
        scaled = old * 10.0 ** rng.randint(-40, 40)
        return rng.choice((-old, scaled, scaled, old + 1, str(old), [old], old / 3))
    if isinstance(old, list) and rng.random() < 0.5:
        return rng.choice(
            (old[:-1], old * 2, old[::-1], [old], [str(each) for each in old], [*old, old])
        )
    if isinstance(old, str) and rng.random() < 0.5:
        return rng.choice((old[:-1], old + "x", old.upper(), old * 40, f"{old}\n{old}"))
    return deep(rng) if rng.random() < 0.05 else rng.choice(NASTY)


def change(rng: Random, value: Any) -> Any:
    """A copy of a JSON value with something in it changed, added or taken away."""
    if not isinstance(value, dict | list) or not value or rng.random() < 0.04:
        return nasty(rng, value)
    if isinstance(value, dict):
        return _changed_object(rng, value)
    place = rng.randrange(len(value))
    told = rng.random()
    if told < 0.05:
        return value[:place] + value[place + 1 :]
    if told < 0.1:
        return [*value[:place], nasty(rng, None), *value[place:]]
    return [*value[:place], change(rng, value[place]), *value[place + 1 :]]


def _changed_object(rng: Random, value: dict[str, Any]) -> dict[str, Any]:
    name = rng.choice(list(value))
    told = rng.random()
    if told < 0.06:
        return {key: each for key, each in value.items() if key != name}
    if told < 0.1:
        return {**value, rng.choice(("", "x", "k" * 1500, name.upper(), "schema")): nasty(rng, 1)}
    if told < 0.14:
        return {**value, name: value[rng.choice(list(value))]}
    return {**value, name: change(rng, value[name])}


def written(value: Any) -> str:
    """As JSON, also where JSON has no such value."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        return json.dumps(value)
    finally:
        sys.set_int_max_str_digits(before)


def twice(rng: Random, text: str) -> str:
    """With one key of an object once more, if there is any."""
    found = list(re.finditer(r'"(\w+)"\s*:', text))
    if not found:
        return text
    each = rng.choice(found)
    return (
        f"{text[: each.start()]}{each[0]} {rng.choice(('1', 'null', '[]'))}, {text[each.start() :]}"
    )


def edit(rng: Random, text: str) -> str:
    """A text with one or a few pieces cut, put in, repeated or replaced."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        text = rng.choice(_EDITS)(rng, text)
    return text


def _cut(rng: Random, text: str) -> str:
    return text[: rng.randrange(len(text) + 1)]


def _drop(rng: Random, text: str) -> str:
    start = rng.randrange(len(text) + 1)
    return text[:start] + text[start + rng.choice((1, 1, 3, 20, 200)) :]


def _insert(rng: Random, text: str) -> str:
    start = rng.randrange(len(text) + 1)
    return text[:start] + rng.choice(TOKENS) + text[start:]


def _number(rng: Random, text: str) -> str:
    found = list(_NUMBER.finditer(text))
    if not found:
        return _insert(rng, text)
    each = rng.choice(found)
    return text[: each.start()] + rng.choice(TOKENS) + text[each.end() :]


def _line(rng: Random, text: str) -> str:
    lines = text.split("\n")
    place = rng.randrange(len(lines))
    repeated = [lines[place]] * rng.choice((0, 2, 2, 50))
    return "\n".join([*lines[:place], *repeated, *lines[place + 1 :]])


_EDITS: tuple[Callable[[Random, str], str], ...] = (_cut, _drop, _insert, _number, _number, _line)


def spoil(rng: Random, data: bytes) -> bytes:
    """Bytes with one or a few of them flipped, cut, put in or repeated."""
    for _ in range(rng.choice((1, 1, 2, 5))):
        start = rng.randrange(len(data) + 1)
        data = rng.choice(
            (
                data[:start],
                data[:start] + bytes([rng.randrange(256)]) + data[start + 1 :],
                data[:start] + rng.randbytes(rng.choice((1, 4, 30))) + data[start:],
                data[:start] + data[start + rng.choice((1, 10, 300)) :],
                data[:start] + b"\xff\xff\xff\xff" + data[start + 4 :],
                data + data[start:],
            )
        )
    return data


# --- arrays ---------------------------------------------------------------------------------------

Arrays = dict[str, np.ndarray[Any, Any]]


def change_arrays(rng: Random, arrays: Arrays) -> Arrays:
    """Arrays with one of them missing, of another type or shape, or with other values."""
    name = rng.choice(list(arrays))
    found = dict(arrays)
    if rng.random() < 0.06:
        del found[name]
        return found
    if rng.random() < 0.06:
        found[rng.choice(("x", "k" * 1200, "../x", ""))] = np.zeros(3)
        return found
    found[name] = rng.choice(_ARRAY_CHANGES)(rng, np.array(arrays[name]))
    return found


def _other_type(rng: Random, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    kinds = ("f2", "f4", "f8", "i1", "i8", "u8", "c8", "?", "U3", "S2", ">f4", ">i8", "M8[s]")
    with np.errstate(all="ignore"):
        try:
            return array.astype(rng.choice(kinds))
        except (ValueError, TypeError):
            return np.zeros(2, "c8")


def _other_shape(rng: Random, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return rng.choice(
        (
            array[None],
            array.ravel(),
            array.ravel()[:-1],
            array.T,
            array[:0] if array.ndim else array,
        )
    )


def _other_values(rng: Random, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if array.dtype.kind not in "fiu" or not array.size:
        return array[None]
    values = (np.nan, np.inf, -np.inf, 1e38, -1e38, 1e300, -1.0, 0.0, 1e-300, 127.0, -128.0, 3.0)
    value = rng.choice(values)
    with np.errstate(all="ignore"):
        if rng.random() < 0.3:
            return np.full(array.shape, value).astype(array.dtype)
        if rng.random() < 0.3:
            return (array * value).astype(array.dtype)
        changed = array.copy()
        changed.flat[rng.randrange(array.size)] = np.array(value).astype(array.dtype)
        return changed


_ARRAY_CHANGES = (_other_type, _other_shape, _other_values, _other_values, _other_values)


def npy(array: np.ndarray[Any, Any]) -> bytes:
    """An array as ``.npy``."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def forged(rng: Random, data: bytes) -> bytes:
    """A ``.npy`` whose header says something else than is there."""
    shape = rng.choice(
        ("(1000000, 1000000)", "(1099511627776,)", "(-1,)", "(2, 0)", "(True,)", "()", "(10**9,)",
         "((((1,),),),)", "(" * 300 + ")" * 300, "(1,)" * 2000, "(0, 99999999999999999999999)")
    )  # fmt: skip
    descr = rng.choice(("'<f4'", "'<f8'", "'|O'", "'<U0'", "'|V0'", "[('a','<f4')]", "'<c8'", "1"))
    header = (
        f"{{'descr': {descr}, 'fortran_order': {rng.choice((True, False, 3))}, 'shape': {shape}, }}"
    )
    version = rng.choice((b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x00"))
    stated = (len(header) + rng.choice((0, 0, 1, 60000))) % 65536
    length = struct.pack("<H" if version[0] == 1 else "<I", stated)
    return b"\x93NUMPY" + version + length + header.encode() + data[-64:]


def npz(arrays: Arrays, compressed: bool = False) -> bytes:
    """Arrays as ``.npz``."""
    stream = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(stream, "w", kind) as archive:
        for name, array in arrays.items():
            archive.writestr(f"{name}.npy", npy(array))
    return stream.getvalue()


def operate(rng: Random, data: bytes) -> bytes:
    """A zip file with a member renamed, forged, encrypted, swollen or repeated."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    place = rng.randrange(len(members))
    name, content = members[place]
    told = rng.random()
    if told < 0.25:
        members[place] = (name, forged(rng, content))
    elif told < 0.4:
        members[place] = (rng.choice((name[:-4], "x", "", "a" * 3000, "../" + name)), content)
    elif told < 0.5:
        members[place] = (name, bytes(rng.choice((0, 100, 20_000_000))))
    elif told < 0.6:
        members.append((name, content))
    elif told < 0.8:
        members[place] = (name, spoil(rng, content))
    return _zipped(rng, members, flags=told >= 0.8)


def _zipped(rng: Random, members: list[tuple[str, bytes]], flags: bool) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(name or "_", content)
    found = bytearray(stream.getvalue())
    if flags:  # of the central directory: encrypted, of another method, of another size
        at = found.find(b"PK\x01\x02")
        offset, value = rng.choice(((8, 1), (10, 99), (10, 14), (24, 255), (20, 255), (42, 7)))
        found[at + offset] = value
    return bytes(found)
