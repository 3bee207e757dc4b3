"""Strict reading and plain writing of YAML mappings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from nasprof.errors import UsageError

_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_SafeLoader):  # type: ignore[misc]  # its package has no annotations
    """Knows plain values only; refuses a key that stands twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key.value, str):
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                raise UsageError(
                    f"line {line}: {key.value!r} stands a second time, after line "
                    f"{lines[key.value]}"
                )
            lines[key.value] = line
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def parse_yaml(name: str, text: str) -> dict[str, Any]:
    """The mapping in the text of a file.

    Raises:
        UsageError: naming the file and, where the text is no YAML, the line.
    """
    try:
        value = yaml.load(text, _StrictLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f", line {mark.line + 1}"
        problem = getattr(error, "problem", None) or str(error)
        raise UsageError(
            f"{name}{line}: this is no plain YAML: {problem}",
            "The file may be truncated or of another kind.",
        ) from error
    except UsageError as error:
        raise UsageError(f"{name}, {error.message}") from error
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise UsageError(f"{name}: expected a mapping of keys to values")
    return value


def dump_yaml(value: Mapping[str, Any], comments: Sequence[str]) -> str:
    """A mapping as YAML, keys sorted, below comments of a line each."""
    head = "".join(f"# {comment}\n" for comment in comments)
    return head + str(yaml.safe_dump(dict(value), sort_keys=True, width=1000))
