"""Accuracies of a supernet's networks that are kept, so that interrupted work goes on.

An evaluation follows from weights, images, their split and the recalibration: a log of each such
combination is among one's own data (``evaluations/``), and nothing in it is evaluated twice.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path

import numpy as np

from nasprof.append_log import AppendLog, LogKind
from nasprof.differences import differences
from nasprof.errors import NasprofError, UsageError
from nasprof.log import logger
from nasprof.reader import is_number
from nasprof.typing import Array, JsonObject
from nasprof.user_folders import data_folder
from spaces import Genes


class EvaluationsBusy(NasprofError):
    """Another process evaluates the same."""


class EvaluationsInvalid(UsageError):
    """A file holds no evaluations of this version, or is damaged."""


EVALUATIONS = LogKind(
    "evaluations", 1, EvaluationsBusy, EvaluationsInvalid, EvaluationsInvalid, differences
)


def evaluations_file(facts: JsonObject) -> Path:
    """Where evaluations with these facts are kept.

    Raises:
        UsageError: this user has no folder for data.
    """
    digest = sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return data_folder() / "evaluations" / f"{digest[:16]}.jsonl"


class KeptEvaluations(AbstractContextManager["KeptEvaluations"]):
    """Rows of numbers by network, of one combination of weights, images and recalibration.

    Where they cannot be kept (no home, a full disk, another process at the same, a damaged file)
    that is said once, and nothing is known and nothing kept.

    Args:
        facts: what evaluations depend on, as JSON values.
        numbers: of a row.
        fresh: forget what is known.
    """

    def __init__(self, facts: JsonObject, numbers: int, *, fresh: bool = False) -> None:
        self._numbers = numbers
        self._rows: dict[bytes, Array] = {}
        self._log: AppendLog | None = None
        try:
            self._log = AppendLog(evaluations_file(facts), EVALUATIONS, facts, fresh=fresh)
            for where, record in self._log.read():
                self._take(where, record)
        except NasprofError as error:
            self._give_up(error)

    def _take(self, where: str, record: JsonObject) -> None:
        genes, row = record.get("genes"), record.get("row")
        if (
            not isinstance(genes, list)
            or not isinstance(row, list)
            or len(row) != self._numbers
            or not all(map(is_number, [*genes, *row]))
        ):
            raise EvaluationsInvalid(
                f"{where} is no evaluation", "It was changed or damaged. Remove the file."
            )
        self._rows[_key(np.array(genes))] = np.array(row, np.float64)

    def _give_up(self, error: NasprofError) -> None:
        self._rows.clear()
        self.close()
        remedy = f" {error.remedy}" if error.remedy else ""
        logger.warning(f"Evaluations are not kept: {error.message}.{remedy}")

    def get(self, genes: Genes) -> Array | None:
        """The row of a network ``(n_genes,)``, if it is known."""
        return self._rows.get(_key(genes))

    def add(self, genes: Genes, row: Array) -> None:
        """Keep the row of a network."""
        if self._log is None:
            return
        try:
            # What a power cut takes is evaluated again: forcing each to disk is not worth its time.
            self._log.append([{"genes": genes.tolist(), "row": row.tolist()}], durable=False)
        except NasprofError as error:
            self._give_up(error)

    def close(self) -> None:
        """Let go of the file, which stays."""
        log, self._log = self._log, None
        if log is not None:
            log.close()

    def __exit__(self, *error: object) -> None:
        self.close()


def _key(genes: Genes) -> bytes:
    return genes.astype(np.int64).tobytes()
