"""TensorFlow Lite's ``benchmark_model``: where it is, and how it is called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from devices.adb.options import AdbOptions
from nasprof.errors import UsageError
from nasprof.reader import brief

HOW_TO_GET = (
    "Get benchmark_model for the device's ABI (ai.google.dev/edge/litert, 'Performance "
    'measurement\') and write benchmark_model = "/path/to/it" into the device profile, or '
    '"device:/path" if it is on the device.'
)


OP_PROFILING = "--enable_op_profiling=true"


def tool_flags(
    threads: int,
    warmup: int,
    runs: int = 1,
    delegate: str | None = None,
    extra: Sequence[str] = (),
) -> list[str]:
    """Flags for timed runs after ``warmup`` others (at least one, or statistics break).

    Args:
        threads: that the tool may use.
        warmup: untimed runs.
        runs: timed runs.
        delegate: to be used; "none" for none, None for what the tool takes.
        extra: further flags, ``--name=value``.
    """
    flags = [
        f"--num_threads={threads}",
        f"--num_runs={runs}",
        "--min_secs=0",
        f"--warmup_runs={max(1, warmup)}",
        "--warmup_min_secs=0",
    ]
    if delegate == "none":
        flags.append("--use_xnnpack=false")
    elif delegate is not None:
        flags.append(f"--use_{delegate}=true")
    return flags + list(extra)


def find_tool(options: AdbOptions) -> Path | None:
    """The tool on this computer; None if it is on the device.

    Raises:
        UsageError: the profile names none, or one that does not exist.
    """
    if options.benchmark_model is None:
        raise UsageError("the device profile names no benchmark_model", HOW_TO_GET)
    if options.benchmark_model.startswith("device:"):
        return None
    path = Path(options.benchmark_model)
    try:
        path = path.expanduser()
        exists = path.is_file()
    except RuntimeError as error:
        raise UsageError(
            f"benchmark_model {path} is in nobody's home folder", HOW_TO_GET
        ) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"benchmark_model {brief(str(path))} cannot be read: {why}") from error
    if not exists:
        raise UsageError(f"benchmark_model {path} does not exist", HOW_TO_GET)
    return path
