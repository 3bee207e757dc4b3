"""A round of ``benchmark_model``: the script that runs it, and what its output gives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median

from devices.adb.benchmark_check import check_result, exit_text
from devices.adb.benchmark_output import BenchmarkResult, parse_benchmark
from devices.adb.benchmark_tool import HOW_TO_GET
from devices.adb.connection import quote
from devices.errors import RunnerCrashed, RunnerRefused
from devices.foreign import clean
from devices.samples import Arrived, Samples
from nasprof.typing import JsonObject

_VISIT = """
visit() {{
  graph=$1
  shift
  i=0
  while [ $i -lt {runs} ]; do
    i=$((i+1))
    {command} --graph="$graph" "$@" 2>&1
    r=$?
    echo
    echo @@end $r
    [ $r = 0 ] || exit 0
  done
}}
"""


def round_script(command: str, models: Sequence[Sequence[str]], runs: int) -> str:
    """A shell script that visits models in order: each ``runs`` invocations of ``command``.

    Args:
        models: of each its path and flags of its own.
    """
    visits = [f"visit {quote(*model)}" for model in models]
    return "\n".join([_VISIT.format(runs=runs, command=command), *visits, ""])


class _Visit:
    """The invocations of one visit, each of which gives a sample."""

    def __init__(self) -> None:
        self.wall_ms: list[float] = []
        self._results: list[BenchmarkResult] = []

    def add(self, wall_ms: float, result: BenchmarkResult) -> None:
        self.wall_ms.append(wall_ms)
        self._results.append(result)

    def samples(self) -> Samples:
        """What was timed, and what the tool told besides."""
        inits = [result.init_ms for result in self._results if result.init_ms is not None]
        context: JsonObject = {
            "init_ms": median(inits) if inits else None,
            "memory_mb": self._results[-1].memory_mb,
            "delegates": dict(self._results[-1].delegates),
        }
        flags = sorted({flag for result in self._results for flag in result.flags})
        return Samples(list(self.wall_ms), flags=flags, context=context)


class Visits:
    """Cuts the output of a round into invocations, and tells of each visit when it is over.

    Args:
        order: models visited.
        runs: invocations a visit.
        delegate: delegate asked for.
        arrived: told of each visit.
    """

    def __init__(
        self, order: Sequence[str], runs: int, delegate: str | None, arrived: Arrived
    ) -> None:
        self._left = list(reversed(order))
        self._runs = runs
        self._delegate = delegate
        self._arrived = arrived
        self._failure: RunnerRefused | RunnerCrashed | None = None
        self._lines: list[str] = []
        self._visit = _Visit()

    def line(self, line: str) -> bool:
        """Take in a line; True if it ends an invocation."""
        end = re.fullmatch(r"@@end ([0-9]{1,3})", line)
        # Nothing is expected after a failure, or after the last visit.
        if not end or self._failure is not None or not self._left:
            self._lines.append(line)
            return False
        text, self._lines = "\n".join([*self._lines, ""]), []
        self._end(text, int(end[1]))
        return True

    def _end(self, text: str, exit_code: int) -> None:
        result = parse_benchmark(text)
        try:
            timing = check_result(result, exit_code, 1, self._delegate)
        except (RunnerRefused, RunnerCrashed) as error:
            self._failure = _with_words(error, text)
            self._failure.model = self._left[-1]
            return
        self._visit.add(timing.mean_ms, result)
        if len(self._visit.wall_ms) == self._runs:
            visit, self._visit = self._visit, _Visit()
            self._arrived(self._left.pop(), visit.samples())

    def check(self) -> None:
        """Look whether the round, which is over, is complete.

        Raises:
            RunnerRefused: an invocation did not give what was asked for.
            RunnerCrashed: one failed, or is missing.
        """
        if self._failure is not None:
            raise self._failure
        if self._left:
            raise RunnerCrashed(
                "benchmark_model was not started as often as asked: no samples of "
                + ", ".join(sorted(set(self._left))),
                _words(self._lines) or None,
            )

    def cut_short(self) -> dict[str, Samples]:
        """What was timed of the visit that did not come to its end."""
        if not self._visit.wall_ms:
            return {}
        return {self._left[-1]: self._visit.samples()}


def operator_times(
    output: str, exit_code: int, runs: int, delegate: str | None
) -> dict[str, float]:
    """Mean ms of each operator by its name as printed, in the order they ran.

    Args:
        output: what the tool printed.
        exit_code: how it ended.
        runs: that were asked for.
        delegate: that was asked for; None for any.

    Raises:
        RunnerRefused: the tool did not run as asked, or printed no profile.
        RunnerCrashed: it failed.
    """
    result = parse_benchmark(output)
    try:
        check_result(result, exit_code, runs, delegate)
    except (RunnerRefused, RunnerCrashed) as error:
        raise _with_words(error, output) from None
    times: dict[str, float] = {}
    for op in result.ops:
        if op.phase == "run":
            times[op.name] = times.get(op.name, 0.0) + op.avg_ms * max(1, op.times_called)
    if not times:
        raise RunnerRefused(
            "benchmark_model printed no operator profile", "Use a build that has one."
        )
    return times


def _with_words(error: RunnerRefused | RunnerCrashed, output: str) -> RunnerRefused | RunnerCrashed:
    """The error with what the tool said last, or with what its exit code means."""
    words = _words(output.split("\n"))
    if isinstance(error, RunnerCrashed):
        for code in (126, 127):
            if exit_text(code) in error.message:
                return RunnerRefused(f"benchmark_model cannot be started: {words}", HOW_TO_GET)
        error.remedy = f"Its last words: {words}" if words else error.remedy
    return error


def _words(lines: Sequence[str]) -> str:
    return " | ".join([clean(line) for line in lines[-50:] if line.strip()][-5:])
