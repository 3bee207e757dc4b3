"""A journal of what was timed, so that long work can be killed at any moment and goes on later.

A text file of JSON lines: a header that says what is measured and how, a line for each visit of a
model as soon as it is over, with its own doubts, and a line at the end of each round with the
doubts that only the whole round shows. Visits of a round without such a line are not known to be
undisturbed: they come back as "incomplete". The file is an append-only log
(:mod:`nasprof.append_log`), which says what becomes of lines that a crash left incomplete.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from devices import Samples
from devices.conditions import differences_of
from devices.samples import take_in
from nasprof.append_log import AppendLog, LogKind
from nasprof.errors import NasprofError, UsageError
from nasprof.reader import Reader
from nasprof.typing import JsonObject
from profiler.measuring.records import Round
from profiler.measuring.schedule import INCOMPLETE

SCHEMA = 1


class JournalBusy(NasprofError):
    """Another process is at work on the same journal."""


class JournalMismatch(UsageError):
    """A journal was begun with other settings, on another device or of other models."""


class JournalInvalid(JournalMismatch):
    """A file is no journal, or was damaged otherwise than by a crash."""


class Journal(AbstractContextManager["Journal"]):
    """Rounds on disk, begun or continued.

    Args:
        path: the file; its folder is made.
        facts: what must be the same for what is there to be continued: device, runtime, ...

    Raises:
        JournalBusy: another process has it open.
        JournalMismatch: it was begun with other facts, naming them.
    """

    def __init__(self, path: Path, facts: Mapping[str, object]) -> None:
        self.path = path
        self.earlier: dict[str, list[Round]] = {}
        """Rounds found on disk, by model."""
        self.next_round = 0
        self._log = AppendLog(path, _JOURNAL, facts)
        try:
            self._replay(record for _, record in self._log.read())
        except BaseException:
            self._log.close()
            raise

    def _replay(self, lines: Iterable[JsonObject]) -> None:
        visits: dict[int, dict[str, Samples]] = {}
        ends: dict[int, dict[str, JsonObject]] = {}
        for line in lines:
            reader = Reader(line, f"{self.path}: a line")
            number = reader.take("round", "a whole number")
            if not 0 <= number < _MOST_ROUNDS:
                raise UsageError(f"{self.path}: a line: field 'round' is {number}, no such round")
            if "visit" in line:
                name = reader.take("visit", "a string")
                take_in(visits.setdefault(number, {}), name, _samples(reader, line))
            else:
                rounds = reader.take("rounds", "an object")
                ends[number] = {
                    name: _ending(end, f"{self.path}: rounds") for name, end in rounds.items()
                }
        for number, by_model in visits.items():
            for name, samples in by_model.items():
                unknown = {"flags": [*samples.flags, INCOMPLETE]}
                end = ends.get(number, {}).get(name, unknown)
                whole = Round(number, [], samples.wall_ms, samples.cpu_ms, **end)
                self.earlier.setdefault(name, []).append(whole)
        self.next_round = max(visits, default=-1) + 1

    def visit(self, number: int, name: str, samples: Samples) -> None:
        """Keep what a visit in round ``number`` gave."""
        record = {
            "round": number,
            "visit": name,
            "wall_ms": samples.wall_ms,
            "cpu_ms": samples.cpu_ms,
            "flags": samples.flags,
        }
        self._log.append([record], durable=False)

    def end_round(self, number: int, rounds: Mapping[str, Round]) -> None:
        """Keep what only the whole round showed, and force all to disk."""
        kept = ("sentinel_ms", "sentinel_cpu_ms", "sentinel_fastest_ms", "overhead_ms", "flags")
        ends = {
            name: {key: getattr(round_, key) for key in kept} for name, round_ in rounds.items()
        }
        self._log.append([{"round": number, "rounds": ends}])

    def close(self) -> None:
        """Let go of the file, which stays."""
        self._log.close()

    def __exit__(self, *error: object) -> None:
        self.close()


_MOST_ROUNDS = 1 << 31
_TIME = "a time in ms or null"


def _samples(reader: Reader, line: Mapping[str, object]) -> Samples:
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


def _ending(end: JsonObject, where: str) -> JsonObject:
    """What only the whole round showed, as arguments of a round."""
    reader = Reader(end, where)
    kinds = dict.fromkeys(("sentinel_ms", "sentinel_cpu_ms", "overhead_ms"), _TIME)
    kinds |= {"sentinel_fastest_ms": "an object", "flags": "a list of strings"}
    arguments = {name: reader.take(name, kind) for name, kind in kinds.items() if name in end}
    by_clock = arguments.get("sentinel_fastest_ms", {})
    fastest = Reader(by_clock, f"{where}: sentinel_fastest_ms")
    for clock in by_clock:
        fastest.latency_ms(clock)
    return arguments


def discard(path: Path) -> None:
    """Remove a journal that nobody works on.

    Raises:
        JournalBusy: somebody does.
    """
    if path.exists():
        with _JOURNAL.opened(path):
            path.unlink()


_JOURNAL = LogKind(
    "journal",
    SCHEMA,
    JournalBusy,
    JournalInvalid,
    JournalMismatch,
    differences_of,
    torn_anywhere=True,
)
