"""A data set by a TOML file that names its source and how that is read and split.

So every command reads the same splits, whatever its own options are.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

from nasprof.errors import UsageError
from nasprof.reader import Reader
from nasprof.reading import read_text
from nasprof.toml_text import parse_toml
from supernets.data.options import DataOptions

SUFFIX = ".toml"
_SOURCE, _SEED = "source", "seed"


def described(path: Path, options: DataOptions, seed: int) -> tuple[str | Path, DataOptions, int]:
    """Source, options and seed that a file states.

    Args:
        path: of a TOML file with ``source``, a name or a path relative to the file, and perhaps
            ``seed`` and fields of :class:`DataOptions`.
        options: what is not stated.
        seed: unless stated.

    Raises:
        UsageError: it cannot be read, or a field is unknown or wrong, naming it.
    """
    fields = parse_toml(read_text(path, "TOML with a source"), path)
    source = Reader(fields, str(path)).take(_SOURCE, "a string")
    if source.endswith(SUFFIX):
        raise UsageError(f"{path}: the source is {source!r}, expected a data set")
    seed = fields.pop(_SEED, seed)
    del fields[_SOURCE]
    try:
        chosen = DataOptions.of({**asdict(options), **fields})
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", error.remedy) from error
    beside = path.parent / source
    known = os.path.exists(beside)  # noqa: PTH110  # pathlib raises where a name is too long
    return (beside if known else source), chosen, seed
