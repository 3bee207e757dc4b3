"""Whether a number that ``benchmark_model`` printed is one of what was asked for."""

from __future__ import annotations

from devices.adb.benchmark_output import BenchmarkResult, Timing
from devices.adb.benchmark_tool import OP_PROFILING
from devices.errors import RunnerCrashed, RunnerRefused


def check_result(
    result: BenchmarkResult, exit_code: int, runs: int | None = None, delegate: str | None = None
) -> Timing:
    """The measurement, if it is one of what was asked for.

    Args:
        result: what was printed.
        exit_code: how the tool ended.
        runs: number of runs asked for.
        delegate: delegate asked for ("gpu", "nnapi", "xnnpack", ...).

    Raises:
        RunnerRefused: the model, a flag or the delegate was not used as asked, or there is no
            measurement, or of another number of runs.
        RunnerCrashed: the tool ended with a failure.
    """
    if result.unknown_flags:
        raise RunnerRefused(
            f"this benchmark_model does not know {' '.join(result.unknown_flags)}",
            _without(result.unknown_flags, litert=result.summary_step_ms > 0),
        )
    if result.model_errors:
        raise RunnerRefused(f"benchmark_model cannot use the model: {result.model_errors[0]}")
    if delegate is not None:
        _check_delegate(result, delegate.lower(), exit_code)
    if exit_code:
        raise RunnerCrashed(
            f"benchmark_model ended with {exit_text(exit_code)}",
            "; ".join(result.problems) or "Run it by hand on the device to see more.",
        )
    if result.inference is None or not _agrees(result.inference, result):
        raise RunnerRefused(
            "benchmark_model printed no measurement that is whole",
            "Its output is cut off, or the program is another one.",
        )
    if runs is not None and result.inference.count != runs:
        raise RunnerRefused(
            f"benchmark_model ran the model {result.inference.count} times instead of {runs}",
            "A limit on time (--max_secs) was reached: ask for fewer runs.",
        )
    return result.inference


def _without(flags: list[str], litert: bool) -> str:
    """What to do about flags that the tool does not know."""
    if litert and any(flag.startswith("--use_xnnpack") for flag in flags):
        return (
            "LiteRT 2.x's benchmark_model always runs the CPU by XNNPACK: remove delegate from the "
            "device profile."
        )
    if litert and OP_PROFILING in flags:
        return "LiteRT 2.x's benchmark_model prints no operator profile: use TensorFlow Lite's."
    return "Use a newer build, or remove the flag (benchmark_flags in the device profile)."


def _agrees(timing: Timing, result: BenchmarkResult) -> bool:
    """Whether a measurement is what is repeated at the end of the output."""
    mean_ms, count = result.summary_ms, result.summary_count
    if mean_ms is None or (count is not None and count != timing.count):
        return False
    # With operator profiling the two are taken slightly differently.
    limit = 0.01 * mean_ms + 0.51 * result.summary_step_ms + 1e-6
    return abs(timing.mean_ms - mean_ms) <= limit


def _check_delegate(result: BenchmarkResult, delegate: str, exit_code: int) -> None:
    how = result.delegates.get(delegate)
    if how in ("completely", "partially", "applied") or (how is None and exit_code):
        return
    reason = _why_not(result, delegate)
    raise RunnerRefused(
        f"the {delegate} delegate did not run the model: {reason}",
        "The numbers would be those of the CPU. Choose another delegate in the device profile.",
    )


def _why_not(result: BenchmarkResult, delegate: str) -> str:
    """What the output says of a delegate that did not run the model, and of what did."""
    said = [line for line in result.problems if delegate in line.lower()] or result.problems
    others = [name for name, how in result.delegates.items() if how != "not" and name != delegate]
    if not said and not others:
        return "its output does not say that the delegate was applied"
    return "; ".join([*said, *(f"{name} ran it" for name in others)])


def exit_text(exit_code: int) -> str:
    """An exit code for people: above 128 it is a signal."""
    names = {132: "SIGILL", 134: "SIGABRT", 135: "SIGBUS", 137: "SIGKILL", 139: "SIGSEGV"}
    return f"exit code {exit_code}" + (f" ({names[exit_code]})" if exit_code in names else "")
