"""Workers on the machines of a Ray cluster, or of a local Ray that lives as long as the search.

Ray itself runs in a child process (:mod:`search.executors.ray_driver`): it prints to stdout, takes
over signals, and ends its process when the head of the cluster is gone for a minute.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from secrets import token_hex
from subprocess import TimeoutExpired
from time import monotonic, sleep
from typing import Self
from urllib.parse import urlsplit

from nasprof.errors import NasprofError, UsageError
from nasprof.temporary import PREFIX, TemporaryFolder
from search.executors.base import RemoteExecutor
from search.executors.child import Child
from search.executors.pool import Pool
from search.executors.processes import usable_cores
from search.executors.ray_driver import Connected, ConnectionSettings
from search.executors.worker import Answer, Sign
from search.problem import Problem
from spaces import Genes

CONNECT_S = 30.0
START_S = 120.0
_CLOSE_S = 10.0
_PROBE_S = 3.0
_PROBES = 3
_PATIENCE_S = 1.0

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_AUTO_CONNECT": "0"}
"""Nothing is reported to anybody, and no other Ray started where this one is gone."""
_LOOPBACK = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Nothing but loopback, under any system; nobody else is let in; workers see the GPU."""


class RayExecutor(Pool[int], RemoteExecutor):
    """One actor a worker.

    Args:
        workers: how many; None takes a CPU of the cluster each.
        address: of the cluster; None starts a Ray on this machine.

    Raises:
        NasprofError: there is no such cluster, or it does not take us.
    """

    def __init__(self, problem: Problem, workers: int | None, address: str | None) -> None:
        super().__init__(problem, workers or usable_cores())
        self._address = address
        self._numbers = count()
        self._heard_at = monotonic()
        # A Ray of our own that is ended while it starts would leave processes behind.
        self._polite = address is None
        if address not in {None, "auto"} and not reached(host_and_port(address)):
            raise self._unreachable("nobody answers there")
        # Not where TMPDIR says: paths of sockets must be short.
        self._scratch = TemporaryFolder(f"{PREFIX}ray-", Path("/tmp"))
        self._folder = self._scratch.path
        alone = address is None
        environment = _QUIET | (_LOOPBACK | {"RAY_AUTH_TOKEN": token_hex(32)} if alone else {})
        self._driver = Child.start("search.executors.ray_driver:main", environment, quiet=True)
        try:
            connected = self._connect()
        except BaseException:
            self.close()
            raise
        self._polite = True
        self._head = host_and_port(connected.head)
        self.workers = workers or connected.cpus

    @classmethod
    def open_at(cls, problem: Problem, workers: int | None, address: str | None) -> Self:
        if find_spec("ray") is None:
            raise UsageError("Ray is not installed", "pip install 'nasprof[ray]'")
        return cls(problem, workers, address)

    def _connect(self) -> Connected:
        folder, paths = str(self._folder), tuple(sys.path)
        settings = ConnectionSettings(
            self._address, self.workers, folder, self._payload, paths, _here()
        )
        with suppress(EOFError, OSError):
            self._driver.connection.send(settings)
            if not self._driver.connection.poll(CONNECT_S):
                raise self._unreachable(f"no answer within {CONNECT_S:g} s")
            answer: Connected | str = self._driver.connection.recv()
            if isinstance(answer, Connected):
                return answer
            raise self._unreachable(answer)
        raise self._unreachable("Ray ended without a word")

    def _unreachable(self, why: str) -> NasprofError:
        if self._address is None:
            return NasprofError(f"Ray cannot be started on this machine: {why}")
        return NasprofError(
            f"the Ray cluster at {self._address} cannot be used: {why}",
            "Start it with `ray start --head`, and give the address that this prints; its Ray and "
            "Python must be of this one's versions. If it wants a token, set RAY_AUTH_MODE=token.",
        )

    def _lost(self) -> NasprofError:
        self._polite = False
        where = "on this machine" if self._address is None else f"at {self._address}"
        return NasprofError(
            f"the Ray cluster {where} is gone",
            "What was evaluated is kept: start the cluster and run the same command again.",
        )

    def _start(self) -> int:
        number = next(self._numbers)
        self._tell("start", number)
        return number

    def change_problem(self, problem: Problem) -> None:
        super().change_problem(problem)
        self._tell("take", self._payload)

    def _load(self, worker: int) -> None:
        self._tell("load", worker)

    def _give(self, worker: int, genes: Genes) -> None:
        self._tell("give", worker, genes)

    def _tell(self, *message: object) -> None:
        self._heard_at = monotonic()
        # That the driver ended is noticed where it is listened to.
        with suppress(OSError):
            self._driver.connection.send(message)

    def _arrivals(self) -> list[tuple[int, Answer]]:
        answers = self._answers()
        died = any(answer is Sign.DIED for _, answer in answers)
        if (died or not answers) and not reached(self._head, _PROBES):
            answers = [(worker, answer) for worker, answer in answers if answer is not Sign.DIED]
            if not answers:
                raise self._lost()
        elif died:
            answers += self._dismissed()
        self._check_patience(answers)
        return answers

    def _answers(self) -> list[tuple[int, Answer]]:
        """What the driver passes on within a second."""
        answers: list[tuple[int, Answer]] = []
        try:
            while self._driver.connection.poll(0 if answers else _PATIENCE_S):
                answers.append(self._driver.connection.recv())
        except (EOFError, OSError):
            if not answers:
                raise self._lost() from None
        return answers

    def _dismissed(self) -> list[tuple[int, Answer]]:
        """Idle workers, sent away: their machine may be the one that just died.

        What a worker died of is then done by a new one, which shows that there is a machine.
        """
        for worker in self._idle:
            self._tell("end", worker)
        return [(worker, Sign.DIED) for worker in self._idle]

    def _check_patience(self, answers: Sequence[object]) -> None:
        if answers or self._busy or not self._starting:
            self._heard_at = monotonic()
        elif monotonic() - self._heard_at > START_S:
            raise NasprofError(
                f"no worker could be started within {START_S:g} s: the cluster has no free CPU",
                "What was evaluated is kept: run the same command again when it has.",
            )

    def close(self) -> None:
        self._driver.connection.close()
        try:
            with suppress(TimeoutExpired):
                self._driver.process.wait(_CLOSE_S if self._polite else 0)
        finally:
            self._driver.kill()
            self._scratch.cleanup()


def _here() -> str:
    """The current folder; the root where that was removed."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return "/"


def host_and_port(address: str) -> tuple[str, int]:
    """Where an address of the form ``host:port`` leads.

    Raises:
        UsageError: it is no such address.
    """
    with suppress(ValueError):
        parts = urlsplit(f"//{address}")
        if parts.hostname and parts.port:
            return parts.hostname, parts.port
    raise UsageError(
        f"{address!r} is no address of a Ray cluster",
        "Expected host:port, as printed by `ray start --head`.",
    )


def reached(host_port: tuple[str, int], attempts: int = 1) -> bool:
    """Whether somebody takes connections there, tried a second apart."""
    for attempt in range(attempts):
        if attempt:
            sleep(1)
        with suppress(OSError), socket.create_connection(host_port, _PROBE_S):
            return True
    return False
