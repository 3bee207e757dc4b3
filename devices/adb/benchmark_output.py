"""What TensorFlow Lite's and LiteRT's ``benchmark_model`` print, in every format they have had.

Their lines may come plain, after ``INFO: ``, or from Android's log; a merged stream can hold each
of them twice. The first ``count=...`` line is the warm-up, the second the measurement. The tools
end with exit code 0 although they ignored a flag or ran on the CPU instead of the delegate asked
for: :mod:`devices.adb.benchmark_check` refuses such numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from devices.adb.benchmark_litert import DECIMAL_MS, read_delegation, read_summary
from devices.adb.benchmark_ops import OpRecord, parse_ops
from devices.adb.logcat import without_log_prefix
from devices.foreign import MAX_LINE, MAX_TIME_MS, clean, number, printable, whole

Delegation = Literal["completely", "partially", "applied", "not"]

_SOURCE_PREFIX = re.compile(r"^\[[\w./-]{1,200}:\d{1,7}\] ?")
_LEVEL_PREFIX = re.compile(r"^(?:VERBOSE|INFO|WARN|WARNING|ERROR|FATAL): ")
_STATISTICS = re.compile(r"^count=\S+(?: \w+=\S+)*$")
_SUMMARY = re.compile(r"^(?:Average inference|Inference) timings in us: (.*)$")
_DELEGATED = re.compile(
    r"^Explicitly applied (\w{1,40}) delegate, and the model graph will be (completely|partially)"
)
_NOT_DELEGATED = re.compile(
    r"^Though (\w{1,40}) delegate is explicitly applied, the model graph will not be executed"
)
_APPLIED = re.compile(r"^Applied (\w{1,40}) delegate(?:, and the model graph will be (\w+))?")
_UNUSABLE = re.compile(
    r"^(\w{1,40}) (?:delegate|acceleration) is (?:unsupported|not supported)"
    r"|^Failed to apply (\w{1,40})"
)
_UNKNOWN_FLAGS = "Unconsumed cmdline flags:"
_NO_MODEL = re.compile(
    r"^(?:Failed to load model|The model is not a valid Flatbuffer|Could not open '"
    r"|The model allocation is null|Please specify the name of your TF Lite input file"
    r"|Mmap of '|Failed to construct interpreter|Failed to allocate tensors"
    r"|Failed to compile model|Failed to create (?:input|output) buffer)"
)


_FIELDS = {
    "avg": "mean_ms",
    "first": "first_ms",
    "curr": "last_ms",
    "min": "min_ms",
    "max": "max_ms",
    "p5": "p5_ms",
    "median": "median_ms",
    "p95": "p95_ms",
}
MAX_RUNS = 10**9
MAX_KEPT = 100
"""Words of a kind that are kept: a damaged output may repeat them without an end."""


@dataclass(frozen=True)
class Timing:
    """Statistics of a series of runs; None is what was not printed."""

    mean_ms: float
    count: int | None = None
    first_ms: float | None = None
    last_ms: float | None = None
    min_ms: float | None = None
    max_ms: float | None = None
    std_ms: float | None = None
    p5_ms: float | None = None
    median_ms: float | None = None
    p95_ms: float | None = None


@dataclass
class BenchmarkResult:
    """One invocation of ``benchmark_model``.

    Args:
        init_ms: time to make the interpreter ready.
        first_ms: first inference, which is a warm-up run.
        warmup: warm-up runs.
        inference: the measurement; None if there is none in the output.
        summary_ms: its mean as repeated at the end; without it the output is not whole.
        summary_step_ms: what the last printed digit of that stands for, if it is rounded much.
        summary_count: number of runs as repeated there.
        memory_mb: ``init`` and ``overall`` growth, and ``peak`` where it was monitored.
        ops: per-operator profile, if it was asked for.
        delegates: how far each explicitly applied delegate executes the graph.
        unknown_flags: flags the tool did not know and ignored.
        problems: lines that say that a model or delegate could not be used.
        flags: doubts that do not invalidate the numbers.
    """

    init_ms: float | None = None
    first_ms: float | None = None
    warmup: Timing | None = None
    inference: Timing | None = None
    summary_ms: float | None = None
    summary_step_ms: float = 0.0
    summary_count: int | None = None
    memory_mb: dict[str, float] = field(default_factory=dict)
    ops: list[OpRecord] = field(default_factory=list)
    delegates: dict[str, Delegation] = field(default_factory=dict)
    unknown_flags: list[str] = field(default_factory=list)
    model_errors: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)


def parse_benchmark(text: str) -> BenchmarkResult:
    """Everything found in the output (stdout, stderr, or both) of one invocation.

    Nothing is refused: whether it is a measurement of what was asked for is for the reader to say.

    Args:
        text: what was printed, whole lines.

    >>> line = "count=50 first=4103 curr=4052 min=4021 max=4398 avg=4075.5 std=52\\n"
    >>> parse_benchmark(line + line).inference.mean_ms
    4.0755
    """
    plain, logged = _channels(text)
    both = list(dict.fromkeys(plain + logged))
    flags = (line.partition(":")[2] for line in both if line.startswith(_UNKNOWN_FLAGS))
    result = BenchmarkResult(ops=parse_ops(plain))
    _read_timings(result, logged if _has_timings(logged) and not _has_timings(plain) else plain)
    _read_litert(result, plain if read_summary(plain) else logged)
    _read_memory(result, both)
    _read_delegates(result, both)
    result.unknown_flags = [clean(word) for text in flags for word in text.split()][:MAX_KEPT]
    result.model_errors = [clean(line, 500) for line in both if _NO_MODEL.match(line)][:MAX_KEPT]
    result.problems = [clean(line, 500) for line in result.problems[:MAX_KEPT]]
    result.flags = sorted(set(result.flags))
    return result


def _channels(text: str) -> tuple[list[str], list[str]]:
    plain: list[str] = []
    logged: list[str] = []
    # A last line without its end may be cut off within a number.
    for line in (printable(raw) for raw in text.split("\n")[:-1] if len(raw) <= MAX_LINE):
        bare, from_log = without_log_prefix(line)
        said = _SOURCE_PREFIX.sub("", _LEVEL_PREFIX.sub("", bare))
        (logged if from_log else plain).append(said)
    return plain, logged


def _has_timings(lines: list[str]) -> bool:
    return any(_STATISTICS.match(line) or _SUMMARY.match(line) for line in lines)


def _read_timings(result: BenchmarkResult, lines: list[str]) -> None:
    series = [_timing(line) for line in lines if _STATISTICS.match(line)]
    result.warmup = series[0] if series else None
    result.inference = series[1] if len(series) > 1 else None
    for line in lines:
        started = re.match(r"Initialized session in (\S+?) ?ms", line)
        if started:
            result.init_ms = number(started[1], 0, MAX_TIME_MS)
        profiled = re.match(r"Timings \(microseconds\): (count=.*)", line)
        if profiled and not series:
            result.inference = _timing(profiled[1])
        summary = _SUMMARY.match(line)
        if summary:
            _read_summary(result, summary[1])


def _timing(statistics: str) -> Timing | None:
    """The statistics of a line; None where one of them makes no sense."""
    texts = dict(re.findall(r"(\w+)=(\S+)", statistics))
    count = whole(texts.pop("count", ""), 1, MAX_RUNS)
    # Of runs that all took the same time, some builds print "std=-nan".
    std = {"std_ms": _ms(texts.pop("std", ""))}
    ms = {name: _ms(value) for name, value in texts.items() if name in _FIELDS}
    mean = ms.pop("avg", ms.get("curr"))
    if mean is None or count is None or None in ms.values():
        return None
    timing = Timing(mean, count, **std, **{_FIELDS[name]: value for name, value in ms.items()})
    return timing if _in_order(timing) else None


def _in_order(timing: Timing) -> bool:
    # They are printed with six digits.
    rounding = 1e-4 * timing.mean_ms + 1e-3
    low = timing.min_ms is None or timing.min_ms <= timing.mean_ms + rounding
    return low and (timing.max_ms is None or timing.max_ms >= timing.mean_ms - rounding)


def _ms(us: str) -> float | None:
    value = number(us, 0, 1e3 * MAX_TIME_MS)
    return None if value is None else value / 1e3


def _read_summary(result: BenchmarkResult, text: str) -> None:
    pairs = (part.partition(": ") for part in text.split(","))
    times_ms = {name.strip(): ms for name, _, us in pairs if (ms := _ms(us)) is not None}
    if "Init" in times_ms:
        result.init_ms = times_ms["Init"]
    if "First inference" in times_ms:
        result.first_ms = times_ms["First inference"]
    for name in ("Warmup (avg)", "Warmup"):
        if name in times_ms and result.warmup is None:
            result.warmup = Timing(times_ms[name])
    for name in ("Inference (avg)", "Inference", "no stats"):
        if name in times_ms:
            result.summary_ms = times_ms[name]
            result.inference = result.inference or Timing(result.summary_ms)


def _read_litert(result: BenchmarkResult, lines: list[str]) -> None:
    summary = read_summary(lines)
    if summary is None:
        return
    result.init_ms = summary.init_ms if result.init_ms is None else result.init_ms
    result.first_ms = summary.first_ms
    result.memory_mb |= summary.memory_mb
    result.summary_ms, result.summary_count = summary.mean_ms, summary.count
    result.summary_step_ms = DECIMAL_MS
    if result.warmup is None and summary.warmup_ms is not None:
        result.warmup = Timing(summary.warmup_ms, summary.warmup_count)
    # Two decimals are enough where they are within a percent.
    if result.inference is None and (summary.mean_ms or 0.0) >= 100 * DECIMAL_MS:
        result.inference = Timing(summary.mean_ms or 0.0, summary.count)


def _read_memory(result: BenchmarkResult, lines: list[str]) -> None:
    for line in lines:
        growth = re.match(r"(?:Peak m|M)emory footprint.*\(MB\): init=(\S+) overall=(\S+)", line)
        if growth:
            _note_memory(result, "init", growth[1])
            _note_memory(result, "overall", growth[2])
        peak = re.match(r"Overall peak memory footprint \(MB\).*: (\S+)$", line)
        if peak:
            _note_memory(result, "peak", peak[1])


def _note_memory(result: BenchmarkResult, what: str, text: str) -> None:
    # Growth may be negative.
    if (mb := number(text, -1e9, 1e9)) is not None:
        result.memory_mb[what] = mb


def _read_delegates(result: BenchmarkResult, lines: list[str]) -> None:
    for line in lines:
        if match := _DELEGATED.match(line):
            result.delegates[match[1].lower()] = match[2]  # type: ignore[assignment]
        elif match := _NOT_DELEGATED.match(line):
            result.delegates[match[1].lower()] = "not"
            result.problems.append(line)
        elif match := _APPLIED.match(line):
            how = match[2] if match[2] in ("completely", "partially") else "applied"
            result.delegates.setdefault(match[1].lower(), how)  # type: ignore[arg-type]
        elif match := _UNUSABLE.match(line):
            result.delegates[(match[1] or match[2]).lower()] = "not"
            result.problems.append(line)
        elif re.match(r"NNAPI accelerators available: \[nnapi-reference\]$", line):
            result.delegates["nnapi"] = "not"
            result.problems.append("NNAPI offers nothing but its reference on the CPU")
            return
        elif line.startswith(("Can not open OpenCL", "Falling back to")):
            result.problems.append(line)
            result.flags.append("delegate-fallback")
    if any(line.startswith("Creating LiteRT environment") for line in lines):
        _read_delegation(result, lines)
    if _partial(result):
        result.flags.append("partially-delegated")


def _read_delegation(result: BenchmarkResult, lines: list[str]) -> None:
    shares, absent = read_delegation(lines)
    result.delegates |= shares
    result.problems += absent


def _partial(result: BenchmarkResult) -> bool:
    """Whether a delegate left something to the CPU; what XNNPACK leaves runs where it runs."""
    return any(
        how == "partially" and (name != "xnnpack" or not result.summary_step_ms)
        for name, how in result.delegates.items()
    )
