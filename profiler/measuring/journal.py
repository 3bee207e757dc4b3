"""A journal of what was timed, so that long work can be killed at any moment and goes on later.

A text file of JSON lines: a header that says what is measured and how, a line for each visit of a
model as soon as it is over, with its own doubts, and a line at the end of each round with the
doubts that only the whole round shows. Visits of a round without such a line are not known to be
undisturbed: they come back as "incomplete". A line that a crash left incomplete is ignored. The
file is locked as long as a process works on it; the lock ends with the process, however it ends.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from io import BufferedWriter, TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from devices import Samples
from devices.base import take_in
from nasprof.differences import differences
from nasprof.errors import NasprofError, UsageError
from nasprof.locking import open_alone
from nasprof.reader import Reader
from nasprof.reading import read_jsonl
from profiler.measuring.records import Round
from profiler.measuring.schedule import INCOMPLETE

SCHEMA = 1


class JournalBusy(NasprofError):
    """Another process is at work on the same journal."""


class JournalMismatch(UsageError):
    """A journal was begun with other settings, on another device or of other models."""


class Journal(AbstractContextManager["Journal"]):
    """Rounds on disk, begun or continued.

    Args:
        path: the file; its folder is made.
        facts: what must be the same for what is there to be continued: device, runtime, ...

    Raises:
        JournalBusy: another process has it open.
        JournalMismatch: it was begun with other facts, naming them.
    """

    def __init__(self, path: Path, facts: Mapping[str, Any]) -> None:
        self.path = path
        self.earlier: dict[str, list[Round]] = {}
        """Rounds found on disk, by model."""
        self.next_round = 0
        self._stream = _locked(path)
        try:
            self._continue(json.loads(json.dumps(dict(facts))))
        except BaseException:
            self._stream.close()
            raise

    def _continue(self, facts: dict[str, Any]) -> None:
        lines = list(read_jsonl(self.path))
        if not lines:
            self._stream.truncate(0)
            self._write({"schema": SCHEMA, "facts": facts})
            return
        header = lines[0]
        if header.get("schema") != SCHEMA or not isinstance(header.get("facts"), dict):
            raise JournalMismatch(
                f"{self.path} is no journal of this version of nasprof",
                "Remove it, or begin anew with --fresh.",
            )
        changed = differences(header["facts"], facts)
        if changed:
            raise JournalMismatch(
                f"{self.path} was begun otherwise: {'; '.join(changed)}",
                "Go on as it was begun, choose another output file, or begin anew with --fresh.",
            )
        self._replay(lines[1:])
        self._close_off()

    def _close_off(self) -> None:
        """End a line that a crash left incomplete, so that it spoils only itself."""
        with self.path.open("rb") as stream:
            stream.seek(-1, os.SEEK_END)
            if stream.read(1) != b"\n":
                self._stream.write("\n")

    def _replay(self, lines: list[dict[str, Any]]) -> None:
        visits: dict[int, dict[str, Samples]] = {}
        ends: dict[int, dict[str, Mapping[str, Any]]] = {}
        for line in lines:
            reader = Reader(line, f"{self.path}: a line")
            number = reader.take("round", "a whole number")
            if not 0 <= number < _MOST_ROUNDS:
                raise UsageError(f"{self.path}: a line: field 'round' is {number}, no such round")
            if "visit" in line:
                name = reader.take("visit", "a string")
                take_in(visits.setdefault(number, {}), name, _samples(reader, line))
            else:
                told = reader.take("rounds", "an object")
                ends[number] = {name: _ending(told[name], f"{self.path}: rounds") for name in told}
        for number, taken in visits.items():
            for name, samples in taken.items():
                unknown = {"flags": [*samples.flags, INCOMPLETE]}
                end = ends.get(number, {}).get(name, unknown)
                found = Round(number, [], samples.wall_ms, samples.cpu_ms, **end)
                self.earlier.setdefault(name, []).append(found)
        self.next_round = max(visits, default=-1) + 1

    def visit(self, number: int, name: str, samples: Samples) -> None:
        """Keep what a visit in round ``number`` gave."""
        self._write(
            {
                "round": number,
                "visit": name,
                "wall_ms": samples.wall_ms,
                "cpu_ms": samples.cpu_ms,
                "flags": samples.flags,
            }
        )

    def end_round(self, number: int, rounds: Mapping[str, Round]) -> None:
        """Keep what only the whole round showed, and force all to disk."""
        kept = ("sentinel_ms", "sentinel_cpu_ms", "sentinel_fastest_ms", "overhead_ms", "flags")
        told = {name: {key: asdict(taken)[key] for key in kept} for name, taken in rounds.items()}
        self._write({"round": number, "rounds": told})
        try:
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def _write(self, record: Mapping[str, Any]) -> None:
        try:
            self._stream.write(json.dumps(record, separators=(",", ":"), allow_nan=False) + "\n")
            self._stream.flush()
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def close(self) -> None:
        """Let go of the file, which stays."""
        try:
            self._stream.close()
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def __exit__(self, *error: object) -> None:
        self.close()


_MOST_ROUNDS = 1 << 31
_TIME = "a time in ms or null"


def _samples(reader: Reader, line: Mapping[str, Any]) -> Samples:
    """What a visit gave."""
    wall_ms = reader.take("wall_ms", "a list of times in ms")
    cpu_ms = reader.take("cpu_ms", "a list of times in ms or null")
    if not wall_ms or (cpu_ms is not None and len(cpu_ms) != len(wall_ms)):
        raise UsageError(
            f"{reader.where}: field 'cpu_ms' has {len(cpu_ms or [])} times, "
            f"field 'wall_ms' {len(wall_ms)}, expected as many, and at least one"
        )
    flags = reader.take("flags", "a list of strings") if "flags" in line else []
    return Samples(wall_ms, cpu_ms, flags)


def _ending(told: Any, where: str) -> dict[str, Any]:
    """What only the whole round showed, as arguments of a round."""
    reader = Reader(told, where)
    kinds = dict.fromkeys(("sentinel_ms", "sentinel_cpu_ms", "overhead_ms"), _TIME)
    kinds |= {"sentinel_fastest_ms": "an object", "flags": "a list of strings"}
    found = {name: reader.take(name, kind) for name, kind in kinds.items() if name in told}
    fastest = Reader(found.get("sentinel_fastest_ms", {}), f"{where}: sentinel_fastest_ms")
    for clock in found.get("sentinel_fastest_ms", {}):
        fastest.latency_ms(clock)
    return found


def discard(path: Path) -> None:
    """Remove a journal that nobody works on.

    Raises:
        JournalBusy: somebody does.
    """
    if path.exists():
        with _locked(path):
            path.unlink()


def _locked(path: Path) -> TextIO:
    """The file, open for appending by this process alone."""
    try:
        stream = open_alone(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    if stream is None:
        raise JournalBusy(
            f"another process is at work on {path}",
            "Wait for it to end, or choose another output file.",
        )
    return TextIOWrapper(BufferedWriter(stream), encoding="utf-8")


def _unwritable(path: Path, error: OSError) -> NasprofError:
    return NasprofError(
        f"cannot write the journal {path}: {error.strerror}",
        "What it holds is kept. Free some space and run the same command again.",
    )
