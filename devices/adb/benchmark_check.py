"""Whether a number that ``benchmark_model`` printed is one of what was asked for."""

from __future__ import annotations

from devices.adb.benchmark_output import BenchmarkResult, Timing
from devices.base import RunnerCrashed, RunnerRefused


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
            "Use a newer build, or remove the flag (benchmark_flags in the device profile).",
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
    if result.inference is None or not _agrees(result.inference.mean_ms, result.summary_ms):
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


def _agrees(mean_ms: float, summary_ms: float | None) -> bool:
    # With operator profiling the two are taken slightly differently.
    return summary_ms is not None and abs(mean_ms - summary_ms) <= 0.01 * summary_ms + 1e-6


def _check_delegate(result: BenchmarkResult, delegate: str, exit_code: int) -> None:
    how = result.delegates.get(delegate)
    if how in ("completely", "partially", "applied") or (how is None and exit_code):
        return
    reason = "; ".join(result.problems) or "its output does not say that the delegate was applied"
    raise RunnerRefused(
        f"the {delegate} delegate did not run the model: {reason}",
        "The numbers would be those of the CPU. Choose another delegate in the device profile.",
    )


def exit_text(exit_code: int) -> str:
    """An exit code for people: above 128 it is a signal."""
    names = {132: "SIGILL", 134: "SIGABRT", 135: "SIGBUS", 137: "SIGKILL", 139: "SIGSEGV"}
    return f"exit code {exit_code}" + (f" ({names[exit_code]})" if exit_code in names else "")
