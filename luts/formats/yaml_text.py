"""Strict reading and plain writing of YAML mappings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import yaml

from nasprof.errors import UsageError
from nasprof.reader import brief
from nasprof.reading import MAX_NAME
from nasprof.toml_text import require_plain
from nasprof.typing import JsonObject

MAX_CHARACTERS = 1 << 18
"""A table of OFA has 25,000."""

_MOST_NODES = 10_000
_MAX_DEPTH = 10
_NOT_PLAIN = "this is no plain YAML"
_KNOWN = (":bool", ":null")
# As in YAML 1.2: 1:30 is no number of base 60, 0x17 and 1_000 are texts.
_NUMBERS = {
    "int": re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z"),
    "float": re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z"),
}


# libyaml's loader is not used: a text of nothing but brackets ends it, and this process with it.
class _StrictLoader(yaml.SafeLoader):  # type: ignore[misc]  # its package has no annotations
    """Knows plain values only: no aliases, tags or merged keys, and no key that stands twice."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._nodes = 0

    def compose_node(self, parent: object, index: object) -> object:
        event = self.peek_event()
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise UsageError(f"line {line}: {_NOT_PLAIN}: it has an anchor or an alias (& or *)")
        if event.tag is not None:
            raise UsageError(f"line {line}: {_NOT_PLAIN}: it has the tag {brief(event.tag)}")
        self._nodes += 1
        if self._depth >= _MAX_DEPTH or self._nodes > _MOST_NODES:
            raise UsageError(
                f"line {line}: {_NOT_PLAIN}: it is nested more than {_MAX_DEPTH} levels deep, "
                f"or has more than {_MOST_NODES:,} values"
            )
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> JsonObject:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or len(key.value) > MAX_NAME:
                raise UsageError(f"line {line}: {_NOT_PLAIN}: a key is no name")
            if key.value == "<<":
                raise UsageError(f"line {line}: {_NOT_PLAIN}: it merges keys (<<)")
            if key.value in lines:
                raise UsageError(
                    f"line {line}: {brief(key.value)} stands a second time, after line "
                    f"{lines[key.value]}"
                )
            lines[key.value] = line
        mapping: JsonObject = super().construct_mapping(node, deep)
        return mapping


def _plain_scalar(loader: _StrictLoader, node: yaml.ScalarNode) -> int | float:
    """A number as YAML 1.2 has it."""
    text: str = node.value
    if _NUMBERS["int"].fullmatch(text) and len(text) < MAX_NAME:
        return int(text)
    return float(text)


_NUMBER_TAG = "tag:yaml.org,2002:float"
_StrictLoader.yaml_implicit_resolvers = {
    first: [resolver for resolver in resolvers if resolver[0].endswith(_KNOWN)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
} | {first: [(_NUMBER_TAG, _NUMBERS["float"])] for first in "-+.0123456789"}
_StrictLoader.add_constructor(_NUMBER_TAG, _plain_scalar)


def parse_yaml(name: str, text: str) -> JsonObject:
    """The mapping in the text of a file.

    Raises:
        UsageError: naming the file and, where the text is no YAML, the line.
    """
    if len(text) > MAX_CHARACTERS:
        raise UsageError(
            f"{name} has {len(text):,} characters, expected at most {MAX_CHARACTERS:,}",
            "Is it the file that was meant? A table has a line a block.",
        )
    try:
        value = yaml.load(text, _StrictLoader)  # it is a safe one
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            require_plain(value)
            return value
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f", line {mark.line + 1}"
        problem = getattr(error, "problem", None) or str(error)
        raise UsageError(
            f"{name}{line}: {_NOT_PLAIN}: {problem}",
            "The file may be truncated or of another kind.",
        ) from error
    except UsageError as error:
        raise UsageError(f"{name}, {error.message}") from error
    raise UsageError(f"{name}: expected a mapping of keys to values")


def dump_yaml(value: Mapping[str, object], comments: Sequence[str]) -> str:
    """A mapping as YAML, keys sorted, below comments of a line each."""
    head = "".join(f"# {comment}\n" for comment in comments)
    return head + str(yaml.safe_dump(dict(value), sort_keys=True, width=1000))
