"""Files of JSON objects, one a line, to which lines are appended: one rule for what a crash leaves.

A line is written with the newline at its end as a whole, or not at all; what a crash leaves of it
is the last line, without a newline. A last line without a newline is therefore *torn*, unless it
is a whole JSON object, of which only the newline is lost:

- who reads leaves a torn line out, and says so;
- who writes cuts it off first, and gives a whole one its newline;
- every other line that is no JSON object is damage: it is named, and nothing is changed.

Measurements that are saved are such a file; journals and archives are, with a header
(:mod:`nasprof.append_log`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path

from nasprof.errors import NasprofError, UsageError
from nasprof.json_text import JsonInvalid, plain_json
from nasprof.locking import locked
from nasprof.log import logger
from nasprof.reader import brief
from nasprof.reading import MAX_BYTES, mebibytes, require_readable
from nasprof.typing import JsonObject

MAX_FILE_BYTES = 256 << 20
MAX_LINES = 1_000_000
_MAX_LINE_BYTES = MAX_BYTES
_BLOCK = 1 << 16
ZEROS = b"\0 \r\n"
"""What a file system leaves where it had no time to write, and what is no line either."""


def log_line(record: Mapping[str, object]) -> bytes:
    """A record as a line.

    Raises:
        ValueError: it holds a number that JSON has not.
    """
    return json.dumps(record, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def append_whole(stream: FileIO, data: bytes, *, durable: bool = True) -> None:
    """Write at the end of a file that is open for appending, or not at all.

    Args:
        durable: whether to force it to disk.

    Raises:
        OSError: it cannot be written; what the file held stays as it was.
    """
    size, written = stream.seek(0, os.SEEK_END), 0
    try:
        while written < len(data):
            written += stream.write(data[written:])
        if durable:
            os.fsync(stream.fileno())
    except OSError:
        with suppress(OSError):  # of a device
            # Not where another process has appended to it meanwhile.
            if stream.seek(0, os.SEEK_END) == size + written:
                stream.truncate(size)
        raise


def mended(stream: FileIO) -> bytes:
    """Cut a torn last line off.

    Returns:
        What has to be written before the next line: the newline that the last one lacks, if any.

    Raises:
        OSError: the file cannot be read or changed.
    """
    size = stream.seek(0, os.SEEK_END)
    line = _last_line(stream, size)
    if not line:
        return b""
    if len(line) <= _MAX_LINE_BYTES and is_torn(line):
        stream.truncate(size - len(line))
        return b""
    return b"\n"


def _last_line(stream: FileIO, size: int) -> bytes:
    """What stands behind the last newline; a part of it where that is longer than any line."""
    line = b""
    with os.fdopen(stream.fileno(), "rb", closefd=False) as buffered:
        while len(line) < size and len(line) <= _MAX_LINE_BYTES:
            length = min(_BLOCK, size - len(line))
            buffered.seek(size - len(line) - length)
            _, newline, after = buffered.read(length).rpartition(b"\n")
            line = after + line
            if newline:
                break
    return line


def is_torn(line: bytes) -> bool:
    """Whether this may be what a crash left of a record: its beginning, or zeros."""
    beginning = line.rstrip(ZEROS)
    if not beginning:
        return True
    try:
        plain_json(beginning)
    except JsonInvalid as error:
        return error.truncated and beginning.lstrip().startswith(b"{")
    return False


def whole_lines(
    path: Path, max_bytes: int = MAX_FILE_BYTES, max_lines: int = MAX_LINES
) -> Iterator[tuple[str, bytes]]:
    """The lines of a log without their newlines, each with where it stands.

    A torn one is left out, which is said.

    Raises:
        UsageError: the file cannot be read, or is too large.
    """
    require_readable(path, max_bytes)
    with path.open("rb") as stream:
        for number in range(1, max_lines + 2):
            line = stream.readline(_MAX_LINE_BYTES + 1)
            if not line:
                return
            where = f"{path}, line {number}"
            if len(line) > _MAX_LINE_BYTES:
                raise UsageError(
                    f"{where} has more than {mebibytes(_MAX_LINE_BYTES)}",
                    "Is it the file that was meant?",
                )
            if number > max_lines:
                raise UsageError(
                    f"{path} has more than {max_lines:,} lines", "Choose another file."
                )
            if not line.endswith(b"\n") and is_torn(line):
                logger.warning(f"{path}: the last line is incomplete and left out")
                return
            yield where, line.removesuffix(b"\n")


def records(
    lines: Iterable[tuple[str, bytes]], torn_anywhere: bool
) -> Iterator[tuple[str, JsonObject]]:
    """The records in lines, each with where it stands.

    Args:
        torn_anywhere: whether torn lines are left out wherever they are, as versions before this
            rule gave them a newline and went on behind them.

    Raises:
        UsageError: a line is damaged, naming it.
    """
    for where, line in lines:
        if torn_anywhere and not line.strip(ZEROS):
            continue
        try:
            yield where, _parsed(where, line)
        except UsageError:
            if not (torn_anywhere and is_torn(line)):
                raise


def _parsed(where: str, line: bytes) -> JsonObject:
    remedy = "It was changed or damaged. Remove that line if you can do without it."
    try:
        record = plain_json(line)
    except JsonInvalid as error:
        raise UsageError(f"{where} is not valid JSON: {error}", remedy) from error
    if not isinstance(record, dict):
        raise UsageError(f"{where} is {brief(record)}, expected an object", remedy)
    return record


def append_jsonl(path: Path, record: Mapping[str, object]) -> None:
    """Append one record to a file and force it to disk; its folder is made.

    Several processes may append to it; one waits for the other.

    Raises:
        NasprofError: it cannot be written; what the file held stays as it was.
    """
    line = log_line(record)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        with locked(path), path.open("ab+", buffering=0) as stream:
            append_whole(stream, mended(stream) + line)
    except OSError as error:
        raise NasprofError(
            f"cannot append to {path}: {error.strerror}", "Free some space or choose another place."
        ) from error


def read_jsonl(path: Path) -> Iterator[JsonObject]:
    """The records of a file.

    Raises:
        UsageError: naming the line that is damaged otherwise.
    """
    for _, record in records(whole_lines(path), torn_anywhere=True):
        yield record
