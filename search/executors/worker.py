"""What runs in a process that is given a problem and evaluates it."""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from enum import Enum, auto
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, TypeAlias

from nasprof.errors import NasprofError
from nasprof.plugins import load_plugins
from search.executors.evaluation import ENDING, Evaluation, evaluate
from search.problem import Problem
from spaces import Genes


class Sign(Enum):
    """What is heard of a worker besides evaluations and errors."""

    HELLO = auto()
    """It runs, and asks for the problem."""
    READY = auto()
    """It has the problem, and takes architectures."""
    DIED = auto()


Answer: TypeAlias = Evaluation | NasprofError | Sign


class Worker:
    """Holds a problem and evaluates architectures.

    Args:
        paths: where else modules are looked for, for machines that share a file system.
        begin_in: the current folder, if it is not to stay as it is.
    """

    def __init__(self, paths: Sequence[str] = (), begin_in: str | None = None) -> None:
        self._told_s = 0.0
        if begin_in is not None:
            os.chdir(begin_in)
        sys.path.extend(path for path in paths if path not in sys.path)
        # Whoever started this process has been warned of those that fail.
        load_plugins(warn=False)

    def load(self, payload: bytes) -> Answer:
        """Take the problem, which comes from the process that started this one."""
        try:
            self.problem: Problem = pickle.loads(payload)
        except Exception as error:
            return NasprofError(
                f"a worker cannot load the problem: {type(error).__name__}: {error}",
                "It must find the same modules, in the same versions, as the process that "
                "started it: install them there as well.",
            )
        return Sign.READY

    def evaluate(self, genes: Genes) -> Answer:
        """Evaluate architectures ``(n, n_genes)``; an error is one that stops the search."""
        try:
            evaluation = evaluate(self.problem, genes)
        except ENDING as error:
            return error
        before, self._told_s = self._told_s, time.process_time()
        return replace(evaluation, cpu_s=self._told_s - before)

    def answer(self, message: bytes | Genes) -> Answer:
        """Load a problem, or evaluate architectures of the one that was loaded last."""
        return self.load(message) if isinstance(message, bytes) else self.evaluate(message)


def main(descriptor: int) -> None:
    """Serve the process at the other end of a connection for as long as it lives."""
    connection, worker = connected_to_parent(descriptor), Worker()
    with suppress(EOFError, OSError):
        connection.send(Sign.HELLO)
        while True:
            connection.send(worker.answer(connection.recv()))


def connected_to_parent(descriptor: int) -> Connection[Any, Any]:
    """The connection to the process that started this one, which is to end when that one does."""
    Thread(target=_end_with_parent, args=(descriptor,), daemon=True).start()
    # Where all processes are told to end together, it is the other one that ends this one.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    return Connection(descriptor)


def _end_with_parent(descriptor: int) -> None:
    """End this process and those it started when the other end of the connection is closed."""
    other_end = select.poll()
    other_end.register(descriptor, 0)
    other_end.poll()
    os.killpg(0, signal.SIGKILL)
