"""How large sets were divided, kept so that not every picture is looked at each time.

A file belongs to one folder of pictures as it is: their paths, sizes and times of change.
"""

from __future__ import annotations

import hashlib
import io
import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from nasprof.arrays import read_npz
from nasprof.errors import NasprofError
from nasprof.files import write_atomic
from nasprof.json_text import parse_json
from nasprof.log import logger
from nasprof.normalisation import Normalisation
from nasprof.reader import Reader
from nasprof.user_folders import data_folder
from supernets.data.division import Division
from supernets.data.options import DataOptions
from supernets.data.pictures import Geometry
from supernets.data.samples import SPLITS, Samples

_VERSION = 1
_UNIMPORTANT = ("memory_bytes", "threads", "format")


def division_key(samples: Samples, geometry: Geometry, options: DataOptions, seed: int) -> str:
    """What is another one when images would be divided otherwise."""
    import PIL

    chosen = {name: value for name, value in asdict(options).items() if name not in _UNIMPORTANT}
    about = [_VERSION, PIL.__version__, asdict(geometry), chosen, seed, samples.classes]
    digest = hashlib.sha256(json.dumps(about).encode())
    digest.update(samples.labels.astype("<i8").tobytes() + samples.splits.astype("<i8").tobytes())
    for row in range(len(samples.images)):
        digest.update(samples.images.stamp(row).encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()


def _path(key: str) -> Path:
    return data_folder() / "datasets" / "divisions" / f"{key}.npz"


def remember(key: str, division: Division) -> None:
    """Keep a division, if there is a place for it."""
    about = {
        "normalisation": division.normalisation.to_dict(),
        "fingerprint": division.fingerprint,
        "notes": division.notes,
        "duplicates": division.duplicates,
        "unreadable": division.unreadable,
    }
    stream = io.BytesIO()
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    arrays: dict[str, Any] = dict(zip(SPLITS, division.rows, strict=True))
    np.savez(stream, about=text, **arrays)
    try:
        write_atomic(_path(key), stream.getvalue())
    except NasprofError as error:
        logger.info("how the images were divided is not kept: %s", error.message)


def recalled(key: str) -> Division | None:
    """The division of this key; None if none was kept, or what was kept is damaged."""
    with suppress(NasprofError, KeyError):
        arrays = read_npz(_path(key))
        about = Reader(parse_json(arrays["about"].tobytes().decode(), key), key)
        train, validation, test = (arrays[name].astype(np.intp) for name in SPLITS)
        return Division(
            rows=(train, validation, test),
            normalisation=Normalisation.from_dict(about.take("normalisation", "an object")),
            fingerprint=about.take("fingerprint", "a string"),
            notes=tuple(about.take("notes", "a list of strings")),
            duplicates=about.take("duplicates", "a whole number"),
            unreadable=tuple(about.take("unreadable", "a list of strings")),
        )
    return None
