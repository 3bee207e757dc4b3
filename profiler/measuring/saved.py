"""Measurements in files of JSON lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from nasprof.errors import NasprofError, UsageError
from nasprof.jsonl import append_jsonl, read_jsonl
from profiler.measuring.records import Measurement


class Saver:
    """Appends results to a file; one that cannot be written does not end the measurement.

    Args:
        path: the file (``.jsonl``); None saves nothing.

    Attributes:
        error: why the last result that was not saved was not.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.error: NasprofError | None = None

    def __call__(self, result: Measurement) -> None:
        """Append a result."""
        try:
            if self.path is not None:
                append_jsonl(self.path, result.to_dict())
        except NasprofError as error:
            self.error = error


def read_measurements(paths: Iterable[Path]) -> Iterator[Measurement]:
    """The measurements in files, in their order.

    Raises:
        UsageError: naming the file and record that is no measurement.

    >>> [measurement.name for measurement in read_measurements([])]
    []
    """
    for path in paths:
        for number, record in enumerate(read_jsonl(path), 1):
            try:
                yield Measurement.from_dict(record)
            except UsageError as error:
                message = f"{path}, record {number}: {error.message}"
                raise UsageError(message, error.remedy) from error
