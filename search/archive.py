"""What a search has evaluated so far, in order; on disk, so that it can go on after a crash.

The file holds JSON lines: a header that says what is searched for and how, then a line an
evaluation, in the objectives' own units. It is locked as long as a process works on it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from io import FileIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.cli import say
from nasprof.errors import NasprofError, UsageError
from nasprof.reader import Reader, is_number
from profiler.journal import differences
from search.indicators import non_dominated
from search.problem import Problem
from search.ranking import best, violation
from spaces import Genes

Array: TypeAlias = NDArray[np.float64]

SCHEMA = 1


class ArchiveInvalid(UsageError):
    """A file is no archive, or was damaged otherwise than by a crash."""


class ArchiveMismatch(UsageError):
    """An archive is of another search."""


class ArchiveBusy(NasprofError):
    """Another process is at work on the same archive."""


class Archive(AbstractContextManager["Archive"]):
    """Architectures and their objectives in order of evaluation.

    Args:
        problem: what is searched for.
        facts: how: what has to be the same for a search to be gone on with, as JSON values.
        path: the file, begun or gone on with; kept in memory only if None.
        fresh: forget what the file holds.

    Raises:
        ArchiveBusy: another process has it open.
        ArchiveInvalid: naming the line that is damaged.
        ArchiveMismatch: it was begun with other facts, naming them.
    """

    def __init__(
        self,
        problem: Problem,
        facts: Mapping[str, Any] | None = None,
        path: Path | None = None,
        *,
        fresh: bool = False,
    ) -> None:
        self.problem = problem
        self._held: list[tuple[list[int], list[float]]] = []
        header = _header(problem, facts or {})
        self._file = None if path is None else _File(path, header, fresh)
        if self._file is not None:
            try:
                self._read(self._file.lines())
            except BaseException:
                self._file.close()
                raise

    def __len__(self) -> int:
        return len(self._held)

    @property
    def genes(self) -> Genes:
        """``(n, n_genes)``."""
        return np.array([row for row, _ in self._held], np.int8).reshape(
            -1, self.problem.space.n_genes
        )

    @property
    def values(self) -> Array:
        """Objectives to be minimised ``(n, n_objectives)``; nan where not evaluated."""
        values = np.array([numbers for _, numbers in self._held], np.float64)
        return values.reshape(-1, len(self.problem.objectives))

    def add(self, genes: Genes, values: Array) -> None:
        """Keep what architectures ``(n, n_genes)`` are worth, ``(n, n_objectives)``.

        Raises:
            NasprofError: they cannot be written; what is on disk stays as it is.
        """
        rows, own = genes.tolist(), (self.problem.signs * values).tolist()
        if self._file is not None:
            names = [each.name for each in self.problem.objectives]
            self._file.append(
                {"genes": row, "values": dict(zip(names, map(_finite, numbers), strict=True))}
                for row, numbers in zip(rows, own, strict=True)
            )
        # In one step, since an interrupt may come between any two.
        self._held += list(zip(rows, values.tolist(), strict=True))

    @property
    def front(self) -> tuple[Genes, Array]:
        """What is within the limits and not dominated, in order of the last objective.

        Returns:
            Genes ``(n, n_genes)`` and objectives to be minimised ``(n, n_objectives)``.
        """
        values = self.values
        within = np.flatnonzero(violation(values, self.problem.worst) == 0)
        chosen = within[non_dominated(values[within])]
        return self.genes[chosen], values[chosen]

    @property
    def best(self) -> tuple[Genes, Array] | None:
        """Genes ``(n_genes,)`` and objectives of the best within the limits; None if none is."""
        values = self.values
        place = best(values, self.problem.worst)
        return None if place is None else (self.genes[place], values[place])

    def close(self) -> None:
        """Let go of the file, which stays."""
        if self._file is not None:
            self._file.close()

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read(self, lines: list[tuple[str, Any]]) -> None:
        for where, line in lines:
            try:
                reader = Reader(line, "evaluation")
                row = reader.take("genes", "a list of whole numbers")
                told = reader.take("values", "an object")
                own = [_number(told, each.name) for each in self.problem.objectives]
                self._require(row)
            except UsageError as error:
                raise ArchiveInvalid(f"{where}: {error.message}", _DAMAGED) from error
            self._held.append((row, (self.problem.signs * np.array(own)).tolist()))

    def _require(self, row: list[int]) -> None:
        """Refuse genes that are not canonical in the space."""
        if (self.problem.space.canonical(np.array([row], np.int64)) != row).any():
            raise UsageError(f"genes {row} are not canonical")


_DAMAGED = "It was changed or damaged. Remove it, or begin anew with --fresh."


def _header(problem: Problem, facts: Mapping[str, Any]) -> dict[str, Any]:
    objectives = [
        {"name": each.name, "unit": each.unit, "maximise": each.maximise}
        for each in problem.objectives
    ]
    shared = {"space": problem.space.settings, "objectives": objectives}
    header = {"schema": SCHEMA, "facts": {**shared, "limits": dict(problem.limits), **facts}}
    read_again: dict[str, Any] = json.loads(json.dumps(header))
    return read_again


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _number(told: Mapping[str, Any], name: str) -> float:
    value = told.get(name, "missing")
    if not (value is None or is_number(value)):
        raise UsageError(f"value {name!r} is {value!r}, expected a number or null")
    return np.nan if value is None else float(value)


class _File:
    """Lines of JSON, locked; a last line that a crash left incomplete is cut off."""

    def __init__(self, path: Path, header: Mapping[str, Any], fresh: bool) -> None:
        self.path = path
        self._header = header
        self._stream = _locked(path)
        if fresh:
            self._stream.truncate(0)

    def lines(self) -> list[tuple[str, Any]]:
        """Everything after the header, each with where it stands."""
        self._stream.seek(0)
        data = self._stream.read()
        whole, ended, rest = data.rpartition(b"\n")
        if rest:
            self._cut(len(whole) + len(ended), rest)
        texts = whole.split(b"\n") if ended else []
        found = [(f"{self.path}, line {n}", text) for n, text in enumerate(texts, 1)]
        parsed = [(where, _parsed(where, text)) for where, text in found]
        if not parsed:
            self.append([self._header])
            return []
        self._check(parsed[0][1])
        return parsed[1:]

    def _cut(self, size: int, rest: bytes) -> None:
        """Remove an incomplete last line; of a header only if it is the beginning of ours."""
        if size == 0 and not _line(self._header).startswith(rest):
            raise ArchiveInvalid(f"{self.path} is no archive of a search", "Choose another place.")
        say(f"{self.path}: the last line is incomplete and is evaluated again")
        self._stream.truncate(size)

    def _check(self, header: Any) -> None:
        known = isinstance(header, dict) and isinstance(header.get("facts"), dict)
        if not known or header.get("schema") != SCHEMA:
            raise ArchiveInvalid(
                f"{self.path} is no archive of this version of nasprof", "Choose another place."
            )
        changed = differences(header["facts"], self._header["facts"])
        if changed:
            raise ArchiveMismatch(
                f"{self.path} is of another search: {'; '.join(changed)}",
                "Go on as it was begun, choose another place, or begin anew with --fresh.",
            )

    def append(self, records: Any) -> None:
        """Write whole lines and force them to disk."""
        data = b"".join(_line(record) for record in records)
        size = self._stream.seek(0, os.SEEK_END)
        try:
            while data:
                data = data[self._stream.write(data) :]
            os.fsync(self._stream.fileno())
        except OSError as error:
            self._stream.truncate(size)
            raise _unwritable(self.path, error) from error

    def close(self) -> None:
        self._stream.close()


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _parsed(where: str, text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ArchiveInvalid(f"{where} is no JSON", _DAMAGED) from error


def _locked(path: Path) -> FileIO:
    """The file, open for reading and appending by this process alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+b", buffering=0)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        stream.close()
        raise ArchiveBusy(
            f"another process is at work on {path}", "Wait for it to end, or choose another place."
        ) from error
    return stream


def _unwritable(path: Path, error: OSError) -> NasprofError:
    return NasprofError(
        f"cannot write the archive {path}: {error.strerror}",
        "What it holds is kept. Free some space and run the same command again.",
    )
