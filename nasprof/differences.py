"""Where two JSON objects differ, field by field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeAlias

from nasprof.typing import JsonObject

Sides: TypeAlias = dict[str, tuple[object, object]]
"""Two values of each field, by dotted name."""


def flatten(data: Mapping[str, object], prefix: str = "") -> JsonObject:
    """A nested object as one level of dotted names: ``device.cpu``, ``files.0.sha256``.

    >>> flatten({"a": {"b": 1}, "c": [2]})
    {'a.b': 1, 'c': [2]}
    """
    flat: JsonObject = {}
    for name, value in data.items():
        nested = value
        if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            nested = {str(index): item for index, item in enumerate(value)}
        if isinstance(nested, Mapping) and nested:
            flat |= flatten(nested, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def differing(old: Mapping[str, object], new: Mapping[str, object]) -> Sides:
    """Old and new values of the fields that differ, by dotted name.

    None stands for a field that one side lacks.

    >>> differing({"a": {"b": 1}}, {"a": {"b": 2}})
    {'a.b': (1, 2)}
    """
    first, second = flatten(old), flatten(new)
    return {
        name: (first.get(name), second.get(name))
        for name in {**first, **second}
        if first.get(name) != second.get(name)
    }


def changed(old: Mapping[str, object], new: Mapping[str, object]) -> Sides:
    """The same, where an empty object is as good as none.

    Files from before there were such fields have none.

    >>> changed({"threads": 1}, {"threads": 2, "options": {}})
    {'threads': (1, 2)}
    """
    return {
        name: sides
        for name, sides in differing(old, new).items()
        if not all(side in (None, {}) for side in sides)
    }


def differences(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """What has :func:`changed`, each as ``name was X, now Y``.

    >>> differences({"threads": 1}, {"threads": 2})
    ['threads was 1, now 2']
    """
    return [
        f"{name} was {json.dumps(before)}, now {json.dumps(now)}"
        for name, (before, now) in changed(old, new).items()
    ]
