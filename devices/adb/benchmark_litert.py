"""What LiteRT 2.x's ``benchmark_model`` prints apart from TensorFlow Lite's.

The ``count=...`` lines are there as ever; instead of "Inference timings in us" it ends with a block
"BENCHMARK RESULTS", whose numbers have two decimals and their unit. What executes the graph is told
by the runtime: how many nodes each delegate took over, and which accelerators were not to be had.
The wording is that of ``litert/tools/benchmark_litert_model.h`` and of TensorFlow Lite's
``subgraph.cc`` (LiteRT 2.0 to 2.2).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Share = Literal["completely", "partially", "not"]

DECIMAL_MS = 0.01
"""What the last printed digit of a time stands for."""

_TO_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
_VALUE = re.compile(
    r"^(Model initialization|Warmup \(first\)|(?:Warmup|Inference) \(avg\)"
    r"|Init footprint|Overall footprint|Peak memory):\s*"
    r"(\d{1,12}(?:\.\d{1,9})?) (us|ms|s|MB)(?: \((\d{1,9}) runs\))?$",
    re.ASCII,
)
_MEMORY = {"Init footprint": "init", "Overall footprint": "overall", "Peak memory": "peak"}

_REPLACING = re.compile(
    r"^Replacing (\d{1,9})(?: out of (\d{1,9}))? node\(s\) with delegate \(([^()]{1,80})\) node",
    re.ASCII,
)
_NOT_LOADED = re.compile(
    r"^(\w{1,20}) accelerator could not be (?:dynamically )?(?:loaded|registered)"
)
# Parts of the delegates' names, lower case, and what people call them.
_DELEGATES = (
    ("xnnpack", "xnnpack"),
    ("nnapi", "nnapi"),
    ("hexagon", "hexagon"),
    ("coreml", "coreml"),
    ("dispatch", "npu"),
    ("gpu", "gpu"),
    ("litert_cl", "gpu"),
    ("litert_gl", "gpu"),
    ("litert_metal", "gpu"),
)


@dataclass
class LiteRtSummary:
    """The block "BENCHMARK RESULTS"; None is what was not printed.

    Args:
        mean_ms: mean of the timed runs, to two decimals.
        count: number of timed runs.
        warmup_count: number of warm-up runs.
    """

    mean_ms: float | None = None
    count: int | None = None
    init_ms: float | None = None
    first_ms: float | None = None
    warmup_ms: float | None = None
    warmup_count: int | None = None
    memory_mb: dict[str, float] = field(default_factory=dict)


def read_summary(lines: Sequence[str]) -> LiteRtSummary | None:
    """The last such block in bare lines; None without one."""
    summary = None
    for line in lines:
        if line.strip("= ") == "BENCHMARK RESULTS":
            summary = LiteRtSummary()
        elif summary is not None and (value := _VALUE.match(line)):
            _take(summary, *value.groups())
    return summary


def _take(summary: LiteRtSummary, what: str, number: str, unit: str, runs: str | None) -> None:
    if (unit == "MB") != (what in _MEMORY) or what.endswith("(avg)") != (runs is not None):
        return
    if what in _MEMORY:
        summary.memory_mb[_MEMORY[what]] = float(number)
        return
    time_ms = float(number) * _TO_MS[unit]
    if what == "Model initialization":
        summary.init_ms = time_ms
    elif what == "Warmup (first)":
        summary.first_ms = time_ms
    elif what == "Warmup (avg)":
        summary.warmup_ms, summary.warmup_count = time_ms, int(runs or 0)
    else:
        summary.mean_ms, summary.count = time_ms, int(runs or 0)


def read_delegation(lines: Sequence[str]) -> tuple[dict[str, Share], list[str]]:
    """How much of the graph each delegate took over, and what could not be used, in its words.

    A delegate that took over a part of the nodes does not run the rest; where it comes after
    another one, what that one took is no longer counted.
    """
    shares: dict[str, Share] = {}
    problems: list[str] = []
    for line in lines:
        if replaced := _REPLACING.match(line):
            name = _delegate(replaced[3])
            share = _share(int(replaced[1]), replaced[2])
            # Of several subgraphs, one that is not taken over as a whole decides.
            shares[name] = share if shares.get(name, share) == share else "partially"
        elif absent := _NOT_LOADED.match(line):
            shares.setdefault(absent[1].lower(), "not")
            problems.append(line)
    return shares, problems


def _share(taken: int, nodes: str | None) -> Share:
    if taken == 0:
        return "not"
    return "completely" if nodes is not None and taken >= int(nodes) else "partially"


def _delegate(name: str) -> str:
    """What people call the delegate of that name in TensorFlow Lite."""
    lower = name.lower()
    return next((short for part, short in _DELEGATES if part in lower), lower)
