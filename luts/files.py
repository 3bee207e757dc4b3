"""Where cost models are kept, and reading and writing them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from luts.cost_model import CostModel, cost_models
from luts.errors import CostModelInvalid
from nasprof.errors import UsageError
from nasprof.files import write_atomic
from nasprof.json_text import parse_json
from nasprof.log import logger
from nasprof.named_files import NamedFiles
from nasprof.reader import Reader
from nasprof.reading import read_text

cost_model_files = NamedFiles(
    folder="luts",
    suffix=".json",
    shipped=("luts", "tables"),
    noun="a lookup table",
    origin="build one: nasprof build-lut",
)
"""Where tables and learned models are kept."""


def refuse_existing(path: Path, overwrite: bool) -> None:
    """What is there already stays unless ``overwrite``.

    Raises:
        UsageError: there is something.
    """
    if path.exists() and not overwrite:
        raise UsageError(f"{path} exists already", "Choose another place, or add --overwrite.")


def read_cost_model(name: str | Path) -> CostModel:
    """The cost model in a file, or the known one of that name.

    Raises:
        UsageError: there is none.
        CostModelInvalid: the file is truncated, changed by hand, or of something else.

    >>> read_cost_model("cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224").kind
    'lut'
    """
    path = cost_model_files.find(str(name))
    text = read_text(path, "a lookup table as JSON")
    try:
        data = parse_json(text, path)
        kind = Reader(data, str(path)).take("kind", "a string")
        return cost_models.get(kind).from_dict(data, path.stem).located(path)
    except CostModelInvalid:
        raise
    except UsageError as error:
        raise CostModelInvalid(error.message, error.remedy) from error


def open_cost_model(model: str | Path | CostModel, clock: str | None = None) -> CostModel:
    """A cost model to be relied on: warns of what is doubtful about it.

    Args:
        model: its name or file, or itself.
        clock: what its predictions should be of, "wall" or "cpu"; its own unless given.

    Raises:
        UsageError: there is none, it is damaged, or it knows nothing of that clock.

    >>> open_cost_model("cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224", "cpu").clock
    'cpu'
    """
    opened = model if isinstance(model, CostModel) else read_cost_model(model)
    if clock is not None:
        opened = opened.on_clock(clock)
    warn_of_doubts(opened)
    return opened


def warn_of_doubts(model: CostModel) -> None:
    """Say why predictions should be taken with care."""
    for doubt in model.doubts:
        logger.warning(f"Careful with {model.name!r}: {doubt}")


def write_cost_model(model: CostModel, path: Path) -> None:
    """Write a cost model as JSON, as a whole or not at all.

    Args:
        model: a lookup table or a learned model.
        path: the file; replaced.

    Raises:
        NasprofError: it cannot be written.

    >>> write_cost_model(read_cost_model("pixel.json"), Path("copy.json"))  # doctest: +SKIP
    """
    text = json.dumps(model.to_dict(), indent=1, allow_nan=False)
    write_atomic(path, _LISTS.sub(_on_one_line, text).encode() + b"\n")


# Within strings JSON has no line breaks, so this finds lists only.
_LISTS = re.compile(r"\[\n\s+[^][{}\"]*\]")


def _on_one_line(numbers: re.Match[str]) -> str:
    return " ".join(numbers.group().split()).replace("[ ", "[").replace(" ]", "]")
