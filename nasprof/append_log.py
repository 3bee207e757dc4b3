"""Append-only logs: JSON lines behind a header, so that long work survives a crash at any moment.

A log is open for writing in one process at a time, and gone on with only with the facts that its
header says it was begun with. What becomes of a line that a crash left incomplete, and of a
damaged one, is the same as of every file of JSON lines: :mod:`nasprof.jsonl` has the rule.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from io import FileIO
from itertools import islice
from pathlib import Path

from nasprof.errors import NasprofError, UsageError
from nasprof.jsonl import (
    MAX_FILE_BYTES,
    MAX_LINES,
    ZEROS,
    append_whole,
    log_line,
    mended,
    records,
    whole_lines,
)
from nasprof.locking import open_alone
from nasprof.typing import JsonObject

_KEPT = "What it holds is kept. Free some space and run the same command again."
_FORBIDDEN = (
    errno.EACCES,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
)


@dataclass(frozen=True)
class LogKind:
    """What logs of a kind have in common.

    Args:
        noun: what messages call one.
        schema: the version in its header.
        busy: raised where another process has one open.
        invalid: raised of a file that is none of this version, or damaged.
        mismatch: raised of one that was begun with other facts.
        differences: facts that one was begun with and those of now, to what differs in words:
            nothing if it may be gone on with.
        mismatched: what is said of one with such differences.
        torn_anywhere: whether earlier versions gave torn lines a newline and went on behind them.
        remedies: what to do about errors of the system, by their numbers.
        max_bytes: size of a file that is read.
        max_lines: lines of a file that is read.
    """

    noun: str
    schema: int
    busy: type[NasprofError]
    invalid: type[UsageError]
    mismatch: type[UsageError]
    differences: Callable[[JsonObject, JsonObject], list[str]]
    mismatched: str = "was begun otherwise"
    torn_anywhere: bool = False
    remedies: Mapping[int, str] = field(default_factory=dict)
    max_bytes: int = MAX_FILE_BYTES
    max_lines: int = MAX_LINES

    def foreign(self, path: Path) -> UsageError:
        """A file is no log of this kind and version."""
        return self.invalid(
            f"{path} is no {self.noun} of this version of nasprof",
            "Choose another file, or remove it if nobody needs it.",
        )

    def changed(self, path: Path, differences: list[str]) -> UsageError:
        """A log was begun with other facts."""
        return self.mismatch(
            f"{path} {self.mismatched}: {'; '.join(differences)}",
            "Go on as it was begun, choose another output file, or begin anew with --fresh.",
        )

    def unwritable(self, path: Path, error: OSError) -> NasprofError:
        """The system refused to open or to write a log."""
        known = dict.fromkeys(_FORBIDDEN, "Choose another place.") | dict(self.remedies)
        remedy = _KEPT if error.errno is None else known.get(error.errno, _KEPT)
        return NasprofError(f"cannot write the {self.noun} {path}: {error.strerror}", remedy)

    def opened(self, path: Path) -> FileIO:
        """A log, open for reading and appending by this process alone; its folder is made.

        Raises:
            NasprofError: another process has it open, or it cannot be opened.
        """
        try:
            stream = open_alone(path)
        except OSError as error:
            raise self.unwritable(path, error) from error
        if stream is None:
            raise self.busy(
                f"another process is at work on {path}",
                "Wait for it to end, or choose another output file.",
            )
        return stream

    def read(self, path: Path) -> Iterator[tuple[str, JsonObject]]:
        """The records of a log, the header first, each with where it stands.

        Raises:
            UsageError: the log is damaged, naming the line, or too large.
        """
        try:
            lines = list(whole_lines(path, self.max_bytes, self.max_lines))
            parsed = records(lines, self.torn_anywhere)
            try:
                yield from islice(parsed, 1)
            except UsageError as error:
                raise self.foreign(path) from error
            yield from parsed
        except UsageError as error:
            raise self.invalid(error.message, error.remedy) from error

    def header(self, path: Path) -> JsonObject:
        """The first record of a log.

        Raises:
            UsageError: there is none.
        """
        for _, record in records(whole_lines(path, self.max_bytes), torn_anywhere=False):
            return record
        raise self.foreign(path)

    def facts_of(self, header: JsonObject, path: Path) -> JsonObject:
        """What a log's header says that it was begun with.

        Raises:
            UsageError: it is no header of this kind and version.
        """
        facts = header.get("facts")
        if not isinstance(facts, dict) or header.get("schema") != self.schema:
            raise self.foreign(path)
        return facts


class AppendLog(AbstractContextManager["AppendLog"]):
    """A log with a header, begun or gone on with by this process alone.

    Args:
        path: the file; its folder is made.
        facts: what must be the same for what is there to be gone on with, as JSON values.
        fresh: forget what the file holds.

    Attributes:
        facts: those that the log was begun with, once it was read.

    Raises:
        NasprofError: another process has it open, or it cannot be opened.
    """

    def __init__(
        self, path: Path, kind: LogKind, facts: Mapping[str, object], *, fresh: bool = False
    ) -> None:
        self.path = path
        self.kind = kind
        self.facts: JsonObject = json.loads(json.dumps(dict(facts)))
        self._whole = False
        """Whether the last line is known to end in a newline."""
        self._stream = kind.opened(path)
        if fresh:
            self._stream.truncate(0)

    def read(self) -> list[tuple[str, JsonObject]]:
        """Everything after the header, each record with where it stands; begins a new log.

        Raises:
            UsageError: it is no such log, is damaged, naming the line, or was begun with other
                facts, naming them; the file is as it was.
        """
        lines = list(self.kind.read(self.path))
        if lines:
            begun = self.kind.facts_of(lines[0][1], self.path)
            if changed := self.kind.differences(begun, self.facts):
                raise self.kind.changed(self.path, changed)
            self.facts = begun
        else:
            self._require_own_beginning()
            self.append([{"schema": self.kind.schema, "facts": self.facts}])
        return lines[1:]

    def _require_own_beginning(self) -> None:
        """Refuse a torn first line that is not of a header of this kind."""
        header = log_line({"schema": self.kind.schema, "facts": {}})[: -len("}}\n")]
        self._stream.seek(0)
        torn = self._stream.read(len(header)).strip(ZEROS)
        if not header.startswith(torn):
            raise self.kind.foreign(self.path)

    def append(self, lines: Iterable[Mapping[str, object]], *, durable: bool = True) -> None:
        """Write records, all or none of them.

        Args:
            durable: whether to force them to disk, with everything written before.

        Raises:
            NasprofError: they cannot be written; what the log holds stays as it was.
        """
        data = b"".join(map(log_line, lines))
        try:
            start = b"" if self._whole else mended(self._stream)
            append_whole(self._stream, start + data, durable=durable)
        except OSError as error:
            raise self.kind.unwritable(self.path, error) from error
        self._whole = True

    def close(self) -> None:
        """Let go of the file, which stays."""
        try:
            self._stream.close()
        except OSError as error:
            raise self.kind.unwritable(self.path, error) from error

    def __exit__(self, *error: object) -> None:
        self.close()
