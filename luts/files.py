"""Where cost models are kept, and reading and writing them.

The shipped ones are in ``luts/tables``; the user's own are in the data folder (``$NASPROF_DATA``
or the platform's usual place, ``~/.local/share/nasprof/luts/*.json`` on Linux) and win over
shipped ones of the same name.
"""

from __future__ import annotations

import json
import os
import re
from importlib.resources import files
from pathlib import Path

from luts.cost_model import CostModel, cost_models
from luts.errors import CostModelInvalid
from nasprof.errors import UsageError
from nasprof.files import parse_json, read_text, write_atomic
from nasprof.reader import Reader


def own_folder() -> Path:
    """Where tables are kept unless another place is named."""
    from platformdirs import user_data_path

    data = os.environ.get("NASPROF_DATA")
    return (Path(data) if data else user_data_path("nasprof")) / "luts"


def list_cost_models() -> dict[str, Path]:
    """Known cost models by name; not read yet."""
    shipped = Path(str(files("luts"))) / "tables"
    return {
        path.stem: path
        for folder in (shipped, own_folder())
        if folder.is_dir()
        for path in sorted(folder.glob("*.json"))
    }


def find_cost_model(name: str) -> Path:
    """The file called ``name`` if that ends in ``.json``, else that of the known cost model.

    Raises:
        UsageError: there is none, with the known ones.
    """
    if name.endswith(".json"):
        return Path(name)
    known = list_cost_models()
    if name not in known:
        raise UsageError(
            f"no lookup table is called {name!r}",
            f"Known: {', '.join(sorted(known)) or 'none yet'}. "
            "Name a file (.json), or build one: nasprof build-lut",
        )
    return known[name]


def output_path(name: str) -> Path:
    """Where to write what is to be called ``name``: a file (.json), else among one's own tables.

    Raises:
        UsageError: it is neither a file name in .json nor a bare name.
    """
    if name.endswith(".json"):
        return Path(name)
    if not name or name != Path(name).name or name.startswith("."):
        raise UsageError(f"{name!r} is no name for a table", "Expected a file (.json) or a name.")
    return own_folder() / f"{name}.json"


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
    """
    path = find_cost_model(str(name))
    text = read_text(path, "a lookup table as JSON")
    try:
        data = parse_json(text, path)
        kind = Reader(data, str(path)).take("kind", "a string")
        return cost_models.get(kind).from_dict(data, path.stem).located(path)
    except CostModelInvalid:
        raise
    except UsageError as error:
        raise CostModelInvalid(error.message, error.remedy) from error


def write_cost_model(model: CostModel, path: Path) -> None:
    """Write a cost model as JSON, as a whole or not at all."""
    text = json.dumps(model.as_dict(), indent=1, allow_nan=False)
    write_atomic(path, _LISTS.sub(_on_one_line, text).encode() + b"\n")


# Within strings JSON has no line breaks, so this finds lists only.
_LISTS = re.compile(r"\[\n\s+[^][{}\"]*\]")


def _on_one_line(numbers: re.Match[str]) -> str:
    return " ".join(numbers.group().split()).replace("[ ", "[").replace(" ]", "]")
