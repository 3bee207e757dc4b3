"""Answers of the runner (``devices.runner``), which may be another program, or a broken one.

Each is one line of JSON. What is not as the protocol has it is an error that says so: a number
that is none, or of another model, must not be taken for a time.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, NoReturn

from devices.errors import RunnerCrashed, RunnerRefused
from devices.foreign import clean
from devices.reply_checks import (
    DESCRIBED,
    MAX_NAME,
    damaged,
    is_core,
    is_number,
    is_operator,
    is_tensor,
    is_time,
)
from devices.samples import Samples
from nasprof.typing import JsonObject

MAX_REPLY = 8 << 20
"""Characters of an answer: some 200,000 timed runs."""

MAX_DEPTH = 12
MAX_DIGITS = 30

_ECHOED = ("name", "message", "model")
"""Fields that may hold names of ours, of which some are those of files in no known encoding."""


def parse_reply(line: str) -> JsonObject | None:
    """The answer in a line; None if it is none, but something that a program printed.

    Raises:
        RunnerCrashed: it looks like an answer but is damaged, or too large.
    """
    line = line.strip()
    if not (line.startswith("{") and line.endswith("}")):
        return None
    if len(line) > MAX_REPLY:
        raise RunnerCrashed(f"the runner's answer is longer than {MAX_REPLY >> 20} MB")
    try:
        reply = json.loads(
            line,
            parse_int=_integer,
            parse_float=_real,
            parse_constant=_real,
            object_pairs_hook=_object,
        )
        if not ({"ok", "error"} & reply.keys()):
            return None
        for field, value in reply.items():
            if field not in _ECHOED:
                _check_value([field, value], MAX_DEPTH)
    except _Damaged as error:
        raise RunnerCrashed(f"the runner's answer is damaged: {error}", clean(line)) from error
    except (ValueError, RecursionError):
        return None
    return dict(reply)


class _Damaged(Exception):
    pass


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _Damaged(f"a number of {len(text)} digits")
    return int(text)


def _real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Damaged(f"the number {clean(text, 40)}")
    return value


def _object(pairs: list[tuple[str, Any]]) -> JsonObject:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Damaged("a field twice")
    return value


def _check_value(value: Any, depth: int) -> None:
    """Look that a value can be written, as it may well be."""
    if isinstance(value, str) and not _is_writable(value):
        raise _Damaged("half a character")
    if not isinstance(value, (dict, list)):
        return
    if depth == 0:
        raise _Damaged(f"more than {MAX_DEPTH} levels")
    for item in [*value, *value.values()] if isinstance(value, dict) else value:
        _check_value(item, depth - 1)


def _is_writable(text: str) -> bool:
    # JSON may hold halves of characters, which no file takes.
    return not any("\ud800" <= character <= "\udfff" for character in text)


def raise_error(reply: JsonObject, doing: str, words: str | None = None) -> NoReturn:
    """Raise what an answer of the kind ``error`` means.

    Args:
        reply: the answer.
        doing: what was asked for, as in "the runner cannot ...".
        words: what the program said besides.
    """
    message = clean(str(reply.get("message")), 2000)
    model = reply.get("model")
    if model is not None and not isinstance(model, str):
        damaged(doing, f"it is about {model!r}")
    inputs = _described(reply.get("inputs", []))
    if reply.get("kind") == "refused":
        raise RunnerRefused(message, model=model, inputs=inputs)
    if model is not None:
        raise RunnerCrashed(message, model=model, inputs=inputs)
    raise RunnerCrashed(f"the runner cannot {doing}: {message}", words)


def checked_hello(reply: JsonObject, request: JsonObject) -> JsonObject:
    """The answer to ``hello``: of runtime, threads and cores as asked for; its words printable."""
    for field in ("runtime", "threads"):
        value = reply.get(field)
        if type(value) is not type(request[field]) or value != request[field]:
            damaged("hello", f"{field} is {value!r} instead of {request[field]!r}")
    cores = reply.get("affinity")
    if cores is not None and not (isinstance(cores, list) and all(is_core(c) for c in cores)):
        damaged("hello", f"affinity is {cores!r}")
    cpus = request.get("affinity")
    if cpus is not None and cores != sorted(set(cpus)):
        damaged("hello", f"affinity is {cores} instead of {cpus}")
    return {clean(field): _printable(value) for field, value in reply.items()}


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value, MAX_NAME)
    if isinstance(value, dict):
        return {clean(key): _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list) else value


def checked_load(reply: JsonObject, name: str) -> JsonObject:
    """The answer to ``load``: its tensors, each with a name, and how long it took."""
    _check_name("load", reply, [name])
    if not is_time(reply.get("load_ms")):
        damaged("load", f"load_ms is {reply.get('load_ms')!r}")
    for field in ("inputs", "outputs"):
        tensors = reply.get(field)
        if not isinstance(tensors, list) or not all(is_tensor(tensor) for tensor in tensors):
            damaged("load", f"{field} is {tensors!r}")
    return {**reply, "inputs": _described(reply["inputs"]), **_said(reply)}


def _said(reply: JsonObject) -> JsonObject:
    """What else is told of a model's inputs: names that were said in vain, signatures."""
    words_by_field = {"unused": reply.get("unused", []), "signatures": reply.get("signatures", [])}
    for field, words in words_by_field.items():
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            damaged("load", f"{field} is {words!r}")
    if reply.get("signature") not in [*words_by_field["signatures"], None]:
        damaged("load", f"signature is {reply['signature']!r}")
    return {field: words for field, words in words_by_field.items() if words}


def _described(tensors: Any) -> list[JsonObject]:
    """Inputs as the runner tells them, see :class:`devices.runner.inputs.Inputs`.

    A runner that says less of them is as good.
    """
    if not isinstance(tensors, list) or not all(is_tensor(tensor) for tensor in tensors):
        damaged("load", f"inputs is {tensors!r}")
    for tensor in tensors:
        for field, valid in DESCRIBED.items():
            if field in tensor and not valid(tensor[field]):
                damaged("load", f"{field} of {tensor['name']} is {tensor[field]!r}")
    return [_printable(tensor) for tensor in tensors]


class RoundReplies:
    """The visits of a round, as they come.

    Args:
        order: names of the models visited.
        runs: timed runs of each visit.
    """

    def __init__(self, order: Sequence[str], runs: int) -> None:
        self._left = Counter(order)
        self._runs = runs

    def visit(self, reply: JsonObject) -> tuple[str, Samples]:
        """The model of a visit that is over, and its samples: one for each run."""
        name = _check_name("round", reply, +self._left)
        self._left[name] -= 1
        wall_ms, cpu_ms = reply.get("wall_ms"), reply.get("cpu_ms")
        self._check_times(name, wall_ms)
        if cpu_ms is not None:
            self._check_times(name, cpu_ms)
        return name, Samples(list(wall_ms or ()), cpu_ms, context=context_of(reply))

    def _check_times(self, name: str, values: Any) -> None:
        if not isinstance(values, list) or not all(is_time(value) for value in values):
            damaged("round", f"the times of {name} are none")
        if len(values) != self._runs:
            damaged("round", f"{len(values)} times of {name} instead of {self._runs}")

    def check(self) -> None:
        """Look whether every visit came."""
        if missing := sorted(self._left.elements()):
            raise RunnerCrashed(f"the runner gave no samples of {', '.join(missing)}")


def context_of(reply: JsonObject) -> JsonObject:
    """What else was observed: numbers, or None where the system does not tell."""
    context = reply.get("context") or {}
    if not isinstance(context, dict):
        damaged("round", f"context is {context!r}")
    for field, value in context.items():
        # Differences of counters: some systems let them run backwards.
        if not re.fullmatch(r"\w{1,60}", field, re.ASCII) or not (
            value is None or is_number(value)
        ):
            damaged("round", f"{field} is {value!r}")
    return dict(context)


def operators_of(reply: JsonObject, name: str) -> dict[str, float]:
    """Mean ms of each operator by its name, in the order they ran."""
    _check_name("profile", reply, [name])
    times = reply.get("times_ms")
    if not isinstance(times, list) or not all(is_operator(pair) for pair in times):
        damaged("profile", "times_ms is no list of names and times")
    return {operator: float(ms) for operator, ms in times or ()}


def _check_name(doing: str, reply: JsonObject, expected: Collection[str]) -> str:
    name = reply.get("name")
    # Not is_word: these names are ours, and may be those of files.
    if not isinstance(name, str) or name not in expected:
        damaged(doing, f"it is about {name!r}")
    return str(name)
