"""Which device and runtime execute given model files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from devices import Backend, Conditions, Target
from nasprof.errors import UsageError
from profiler.model_files.formats import runtime_for


def backend_of(target: Target, files: Sequence[Path]) -> Backend:
    """The device; where nothing else is said, with the one runtime that executes all files.

    Raises:
        UsageError: no runtime executes all of them.
    """
    if target.runtime is not None or not files:
        return target.resolve()
    runtimes = {runtime_for(path) for path in files}
    if len(runtimes) > 1:
        raise UsageError(
            f"model files for {' and '.join(sorted(runtimes))} cannot be measured together",
            "Measure them one runtime at a time.",
        )
    return target.resolve(Conditions(runtime=runtimes.pop()))
