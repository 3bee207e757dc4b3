"""What happened in a training, line by line."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path

from nasprof.append_log import AppendLog, LogKind
from nasprof.differences import changed
from nasprof.errors import NasprofError, UsageError
from nasprof.log import logger
from nasprof.typing import JsonObject

SCHEMA = 1


class TrainingBusy(NasprofError):
    """Another process trains into the same file."""


class HistoryInvalid(UsageError):
    """A file is no history of a training, or damaged."""


class TrainingMismatch(UsageError):
    """A training was begun with another recipe, space or data."""


def _differences(begun: JsonObject, now: JsonObject) -> list[str]:
    """What two trainings differ in, in words."""
    known = {
        "data.fingerprint": "the images, their splits or how they are read have changed",
        "weights": "the weights that it begins with were others",
    }
    sides = changed(begun, now)
    words = [words for name, words in known.items() if name in sides]
    others = {name: pair for name, pair in sides.items() if name not in known}
    return words + [
        f"{name} was {json.dumps(was)}, now {json.dumps(is_now)}"
        for name, (was, is_now) in others.items()
    ]


HISTORIES = LogKind(
    "history",
    SCHEMA,
    TrainingBusy,
    HistoryInvalid,
    TrainingMismatch,
    _differences,
    mismatched="is of a training that was begun otherwise",
)


def history_path(checkpoint: Path) -> Path:
    """Where the history of a checkpoint is: ``S.history.jsonl`` beside ``S.safetensors``."""
    return checkpoint.with_name(f"{checkpoint.stem}.history.jsonl")


class History(AbstractContextManager["History"]):
    """A history that is written by this process alone.

    Args:
        path: the file; None in a process that does not write.
        facts: what the training is begun with.
        fresh: forget what the file holds.

    Raises:
        TrainingBusy: another process has it open.
        TrainingMismatch: it was begun with other facts, naming them.
        UsageError: it is no history.
        NasprofError: it cannot be written.
    """

    def __init__(self, path: Path | None, facts: JsonObject, *, fresh: bool = False) -> None:
        self._log = None if path is None else AppendLog(path, HISTORIES, facts, fresh=fresh)
        self._records: list[JsonObject] = []
        if self._log is not None:
            try:
                self._records = [record for _, record in self._log.read()]
            except BaseException:
                self._log.close()
                raise

    @property
    def writes(self) -> bool:
        """Whether this process writes files and speaks."""
        return self._log is not None

    @property
    def steps(self) -> int:
        """How many steps the training was begun with; 0 if that is not known."""
        begun = (record["total"] for record in self._records if record.get("event") == "begun")
        return int(next(begun, 0))

    @property
    def finished(self) -> JsonObject | None:
        """The record of its end, if it has one."""
        last = self._records[-1] if self._records else {}
        return last if last.get("event") == "finished" else None

    def note(self, record: JsonObject, *, durable: bool = False) -> None:
        """Write a line; that it cannot be written is said and stops no training."""
        if self._log is None:
            return
        try:
            self._log.append([record], durable=durable)
        except NasprofError as error:
            logger.warning(error.message)

    def __exit__(self, *error: object) -> None:
        if self._log is not None:
            self._log.close()


def read_history(path: Path) -> list[JsonObject]:
    """The records of a history in order of their steps, as the training went in the end.

    What was recorded of steps that were later taken again, since the training was killed or set
    back, is left out.

    Raises:
        UsageError: it is no history, or damaged.
    """
    kept: list[JsonObject] = []
    for _, record in list(HISTORIES.read(path))[1:]:
        step = record.get("step")
        if not isinstance(step, int):
            raise HISTORIES.foreign(path)
        if "event" not in record:
            kept = [other for other in kept if other["step"] < step or "event" in other]
        kept.append(record)
    return kept
