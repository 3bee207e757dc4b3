"""Values as Python prints them: dicts, lists, tuples, strings, numbers, None, True and False.

Also what numpy and ``collections`` put around them: ``np.int64(3)``, ``array([3, 5])``,
``OrderedDict([('ks', [3])])``. Nothing is executed, and no name of a file is looked up.
"""

from __future__ import annotations

import ast
import re
import warnings
from pathlib import Path

from nasprof.errors import UsageError

_LONGEST = 250_000
_DEEPEST = 50
_WRAPPERS = re.compile(r"(?:u?int|float)\d{1,3}|array|OrderedDict")
_PYTHON = re.compile(r"^\(|'|\b(?:None|True|False)\b|\b(?:array|OrderedDict)\(|\bnp\.")


def looks_like_python(text: str) -> bool:
    """Whether a text is rather Python than JSON: a tuple, single quotes, None, True or False."""
    return _PYTHON.search(_without_strings(text[:_LONGEST])) is not None


def _without_strings(text: str) -> str:
    """The text without what stands in double quotes."""
    return re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text)


def parse_literal(text: str, source: Path | str) -> object:
    """The value of a Python literal.

    Raises:
        UsageError: it is none, or too long or deep, naming the source and place.
    """
    if len(text) > _LONGEST:
        raise UsageError(
            f"{source} is a Python literal of {len(text)} characters, expected at most {_LONGEST}",
            "Write it with json.dump.",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in strings
            tree = ast.parse(text, mode="eval")
        return _value(tree.body, 0)
    except SyntaxError as error:
        raise UsageError(
            f"{source} is no Python literal: line {error.lineno}, column {error.offset}: "
            f"{error.msg[:200]}",
            "Write it with json.dump.",
        ) from error
    except (ValueError, MemoryError, RecursionError) as error:
        why = str(error)[:200] or "it is nested too deeply"
        raise UsageError(
            f"{source} is no Python literal: {why}", "Write it with json.dump."
        ) from error


def _value(node: ast.expr, depth: int) -> object:
    if depth > _DEEPEST:
        raise ValueError(f"it is nested more than {_DEEPEST} deep")
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | None):
        return node.value
    if isinstance(node, ast.List):
        return [_value(item, depth + 1) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(item, depth + 1) for item in node.elts)
    if isinstance(node, ast.Dict):
        return _dict(node, depth)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _value(node.operand, depth + 1)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return -value
    if isinstance(node, ast.Call) and len(node.args) == 1:
        return _wrapped(node, depth)
    raise ValueError(f"line {node.lineno}, column {node.col_offset + 1}: no value")


def _dict(node: ast.Dict, depth: int) -> dict[object, object]:
    pairs = [
        (None if key is None else _value(key, depth + 1), _value(value, depth + 1))
        for key, value in zip(node.keys, node.values, strict=True)
    ]
    return _unique(pairs, node)


def _unique(pairs: list[tuple[object, object]], node: ast.expr) -> dict[object, object]:
    made: dict[object, object] = {}
    for key, value in pairs:
        if not isinstance(key, str | int | float) or key in made:
            raise ValueError(
                f"line {node.lineno}: the key {key!r:.80} is there twice or is no name"
            )
        made[key] = value
    return made


def _wrapped(node: ast.Call, depth: int) -> object:
    """What numpy or an ordered dict holds."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else None
    name = node.func.id if isinstance(node.func, ast.Name) else name
    if name is None or not _WRAPPERS.fullmatch(name):
        raise ValueError(f"line {node.lineno}, column {node.col_offset + 1}: no value")
    value = _value(node.args[0], depth + 1)
    if name == "OrderedDict" and isinstance(value, list):
        if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
            raise ValueError(f"line {node.lineno}: OrderedDict of no pairs")
        return _unique(value, node)
    return value
