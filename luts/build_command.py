"""The command line that measures a table: what to run for entries that are missing."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from nasprof.typing import JsonObject
from spaces import Space

_ALWAYS = ("device", "runtime", "threads", "precision")
_UNLESS: dict[str, tuple[Any, ...]] = {"batch": (1,), "source": ("blocks", "imported")}


def build_command(provenance: JsonObject, space: Space) -> str:
    """The command that measures a table of ``space`` like one with this provenance."""
    facts = {name: provenance.get(name) for name in (*_ALWAYS, *_UNLESS)}
    own = {key: value for key, value in space.settings.items() if key != "space"}
    named = {key: own.pop(key) for key in ("width", "resolution") if key in own}
    words = ["nasprof", "build-lut", "--space", space.name]
    for name, value in [*named.items(), *facts.items()]:
        if value is not None and value not in _UNLESS.get(name, ()):
            words += [f"--{name}", str(value)]
    if provenance.get("affinity"):
        words += ["--affinity", ",".join(map(str, provenance["affinity"]))]
    options = dict(provenance.get("device_options") or {})
    if of_runtime := provenance.get("runtime_options"):
        options["runtime_options"] = of_runtime
    words += _settings("--device-set", options)
    return shlex.join(words + _settings("--set", own))


def _settings(flag: str, values: Mapping[str, object]) -> list[str]:
    """Words that set each value, as JSON."""
    texts = [f"{key}={json.dumps(value, separators=(',', ':'))}" for key, value in values.items()]
    return [word for text in texts for word in (flag, text)]
