"""What a transfer has done so far, line by line, so that it goes on after a crash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeGuard

import numpy as np

from nasprof.append_log import AppendLog, LogKind
from nasprof.differences import changed
from nasprof.errors import NasprofError, UsageError
from nasprof.reader import Reader, is_number
from nasprof.typing import Array, JsonObject
from search.archives.lines import finite
from spaces import Genes


class TransferBusy(NasprofError):
    """Another process is at work in the same folder."""


class TransferInvalid(UsageError):
    """A file is no log of a transfer, or damaged."""


class TransferMismatch(UsageError):
    """A transfer was begun otherwise, or its log and its weights do not belong together."""


def _differences(begun: JsonObject, now: JsonObject) -> list[str]:
    """What two transfers differ in, in words."""
    sides = changed(begun, now)
    words = []
    for name, (was, is_now) in sides.items():
        if name.endswith(".classes"):
            words.append(f"{name} were {was}, now there are {is_now}")
        elif name.endswith(".fingerprint"):
            data = name.split(".")[-2]
            words.append(f"the images of {data}, their splits or how they are read have changed")
        elif name == "weights":
            words.append("the supernet that it begins with has other weights")
        else:
            words.append(f"{name} was {was!r}, now {is_now!r}")
    return words


TRANSFERS = LogKind(
    "transfer",
    1,
    TransferBusy,
    TransferInvalid,
    TransferMismatch,
    _differences,
)

PLANNED, BEGUN, EVALUATED, FIXED, ITERATION, FINISHED = (
    "planned",
    "begun",
    "evaluated",
    "fixed",
    "iteration",
    "finished",
)
"""Events: how long it is; how many steps an adaptation has; the accuracies of a network with the
weights of an iteration; objectives that no weights change; an iteration that has ended; everything
that has."""


class TransferLog(AbstractContextManager["TransferLog"]):
    """The log of a transfer, read, and written by this process alone.

    Args:
        path: the file; None in a process that does not write.
        facts: what the transfer is begun with.
        fresh: forget what the file holds.

    Attributes:
        plan: how long the transfer is, once that is known.
        finished: what it has come to, if it has.
        begun: how many steps each adaptation has that has begun.
        iterations: a record of each iteration that has ended.
        fixed: objectives that no weights change, by genes as bytes, with the names of those that
            are predictions.

    Raises:
        TransferBusy: another process has it open.
        TransferMismatch: it was begun with other facts, naming them.
        TransferInvalid: it is damaged, naming the line.
    """

    def __init__(
        self, path: Path | None, facts: Mapping[str, object], *, fresh: bool = False
    ) -> None:
        self.plan: JsonObject | None = None
        self.finished: JsonObject | None = None
        self.begun: list[int] = []
        self.iterations: list[JsonObject] = []
        self.fixed: dict[bytes, tuple[list[float], list[str]]] = {}
        self._accuracies: dict[int, dict[bytes, list[float]]] = {}
        self._weights: dict[int, list[str]] = {}
        self._log: AppendLog | None = None
        if path is not None:
            self._log = AppendLog(path, TRANSFERS, facts, fresh=fresh)
            try:
                for where, record in self._log.read():
                    self._take(where, record)
            except BaseException:
                self._log.close()
                raise

    def _take(self, where: str, record: JsonObject) -> None:
        """Take in a line.

        Raises:
            TransferInvalid: it is none of a transfer.
        """
        event = record.get("event")
        if event == PLANNED:
            self.plan = record
        elif event == BEGUN:
            self.begun.append(Reader(record, where).take("steps", "a whole number"))
        elif event == ITERATION:
            self.iterations.append(record)
        elif event == FINISHED:
            self.finished = record
        elif event in (EVALUATED, FIXED):
            key, numbers = _key_of(record), record.get("values")
            if key is None or not _are_numbers(numbers):
                raise _invalid(where)
            numbers = [np.nan if number is None else float(number) for number in numbers]
            if event == FIXED:
                self.fixed[key] = numbers, list(record.get("predicted", ()))
                return
            iteration, weights = record.get("iteration"), record.get("weights")
            if type(iteration) is not int or not isinstance(weights, list):
                raise _invalid(where)
            self._accuracies.setdefault(iteration, {})[key] = numbers
            self._weights.setdefault(iteration, weights)
        else:
            raise _invalid(where)

    def accuracies(self, iteration: int, weights: Sequence[str] | None) -> dict[bytes, list[float]]:
        """What is known of networks with the weights of an iteration, by genes as bytes.

        Args:
            iteration: from 0.
            weights: digests of the weights of now; None where training has gone on from them, so
                that they are no more.

        Raises:
            TransferMismatch: what is known is of other weights.
        """
        known = self._accuracies.setdefault(iteration, {})
        own = self._weights.get(iteration)
        if own is not None and weights is not None and own != list(weights):
            raise self.out_of_step(iteration, own[0][:12], next(iter(weights))[:12])
        return known

    def out_of_step(self, iteration: int, known: str, now: str) -> TransferMismatch:
        """Log and weights do not belong together."""
        assert self._log is not None
        return TransferMismatch(
            f"{self._log.path} and the weights beside it are out of step: the networks of "
            f"iteration {iteration + 1} were evaluated with weights {known}, which are now {now}",
            "Put back the files that belong together, or begin anew with --fresh.",
        )

    def evaluated(
        self, iteration: int, weights: Sequence[str], genes: Genes, values: Sequence[float]
    ) -> None:
        """Keep the accuracies of a network ``(n_genes,)``, one a data set."""
        numbers = [finite(value) for value in values]
        self._accuracies.setdefault(iteration, {})[_key(genes)] = [float(v) for v in values]
        self._weights.setdefault(iteration, list(weights))
        line = {
            "event": EVALUATED,
            "iteration": iteration,
            "weights": list(weights),
            "genes": genes.tolist(),
            "values": numbers,
        }
        self._append([line], durable=False)

    def keep_fixed(self, genes: Genes, values: Array, predicted: Sequence[str] = ()) -> None:
        """Keep objectives of networks ``(n, n_genes)`` that no weights change, ``(n, k)``.

        Args:
            predicted: names of those that are predictions, since a device was lost.
        """
        lines = []
        for row, numbers in zip(genes, values.tolist(), strict=True):
            self.fixed[_key(row)] = numbers, list(predicted)
            about = {"predicted": list(predicted)} if predicted else {}
            written = [finite(number) for number in numbers]
            lines.append({"event": FIXED, "genes": row.tolist(), "values": written, **about})
        self._append(lines, durable=False)

    def note(self, event: str, record: Mapping[str, object]) -> JsonObject:
        """Keep what happened, and force it to disk with everything before."""
        line = {"event": event, **record}
        self._take("the new line", line)
        self._append([line], durable=True)
        return line

    def _append(self, lines: Iterable[JsonObject], *, durable: bool) -> None:
        if self._log is not None:
            self._log.append(lines, durable=durable)

    def __exit__(self, *error: object) -> None:
        if self._log is not None:
            self._log.close()


def _key(genes: Genes) -> bytes:
    return np.ascontiguousarray(genes, np.int8).tobytes()


def _key_of(record: JsonObject) -> bytes | None:
    genes = record.get("genes")
    if not isinstance(genes, list) or not all(type(n) is int and 0 <= n < 128 for n in genes):
        return None
    return _key(np.array(genes, np.int8))


def _are_numbers(values: object) -> TypeGuard[list[float | None]]:
    return isinstance(values, list) and all(value is None or is_number(value) for value in values)


def _invalid(where: str) -> TransferInvalid:
    return TransferInvalid(
        f"{where} is no line of a transfer", "It was changed or damaged. Begin anew with --fresh."
    )


def finished_record(path: Path) -> JsonObject | None:
    """What a transfer has come to, if its log says so; for processes that do not write it."""
    if not path.exists():
        return None
    last = [record for _, record in TRANSFERS.read(path)][-1:]
    return next((record for record in last if record.get("event") == FINISHED), None)
