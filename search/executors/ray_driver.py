"""What runs in the process that talks to Ray: starts actors and passes on what they say."""

from __future__ import annotations

import logging
import os
import shutil
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

from search.executors.worker import Sign, Worker
from spaces import Genes

_STORE_BYTES = 100 << 20
_LONGEST_REASON = 300


@dataclass(frozen=True)
class ConnectionSettings:
    """What the driver has to know.

    Args:
        address: of the cluster; None starts a Ray on this machine.
        folder: of this user alone, removed at the end; holds what that Ray writes.
        payload: the pickled problem.
        paths: where the workers look for modules besides their own paths.
        begin_in: the current folder of that Ray's workers.
    """

    address: str | None
    workers: int
    folder: str
    payload: bytes
    paths: tuple[str, ...]
    begin_in: str


@dataclass(frozen=True)
class Connected:
    """A cluster that takes us: address of its head, and how many CPUs it has."""

    head: str
    cpus: int


def main(descriptor: int) -> None:
    """Serve the process at the other end of a connection until it closes it."""
    connection = Connection(descriptor)
    settings: ConnectionSettings = connection.recv()
    # Ray has its workers look here first for any module at all.
    os.chdir("/")
    try:
        connected = _connect(settings)
    except Exception as error:
        connection.send(_reason(error))
        return
    actors = _Actors(connection, settings)
    with suppress(EOFError, OSError):
        connection.send(connected)
        while True:
            command, *arguments = connection.recv()
            getattr(actors, command)(*arguments)
    actors.shutdown()
    shutil.rmtree(settings.folder, ignore_errors=True)
    # No thread may ask anything of Ray any more.
    os._exit(0)


def _connect(settings: ConnectionSettings) -> Connected:
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if settings.address is None:
        _without_dashboard()
        ray.init(
            "local",
            num_cpus=settings.workers,
            include_dashboard=False,
            object_store_memory=_STORE_BYTES + 2 * len(settings.payload),
            # Ray opens this one to everybody, who cannot reach it in a folder that is not open.
            _temp_dir=str(Path(settings.folder, "ray")),
            **quiet,
        )
    else:
        ray.init(settings.address, **quiet)
    head = settings.address
    if head is None or head == "auto":
        head = ray.get_runtime_context().gcs_address
    return Connected(head, int(ray.cluster_resources().get("CPU", 1)))


def _without_dashboard() -> None:
    """Keep Ray from starting what is left of its dashboard when it is not included.

    That asks three clouds' metadata services, one by a name that is looked up, where it runs, to
    report it; also if nothing shall be reported.
    """
    with suppress(ImportError):
        from ray._private.node import Node

        Node.start_api_server = lambda *_, **__: None


def _reason(error: BaseException) -> str:
    """Why there is no connection, and why that is, in one line."""
    lines = [" ".join(str(error).split())]
    if error.__cause__ is not None and str(error.__cause__).strip():
        lines.append(str(error.__cause__).strip().splitlines()[-1])
    return "; ".join(line[:_LONGEST_REASON] for line in lines) or type(error).__name__


class _Actors:
    """A Ray actor for each number of a worker; what it says is sent in a thread."""

    def __init__(self, connection: Connection[Any, Any], settings: ConnectionSettings) -> None:
        import ray

        self._ray = ray
        self._connection = connection
        self._class = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(Worker)
        self.take(settings.payload)
        self._arguments = settings.paths, settings.begin_in if settings.address is None else None
        self._actors: dict[int, Any] = {}
        self._answers: SimpleQueue[tuple[int, Future[Any]]] = SimpleQueue()
        Thread(target=self._pass_on, daemon=True).start()

    def take(self, payload: bytes) -> None:
        self._payload = self._ray.put(payload)

    def start(self, number: int) -> None:
        self._actors[number] = self._class.remote(*self._arguments)
        self.load(number)

    def load(self, number: int) -> None:
        self._await(number, self._actors[number].load.remote(self._payload))

    def give(self, number: int, genes: Genes) -> None:
        self._await(number, self._actors[number].evaluate.remote(genes))

    def end(self, number: int) -> None:
        self._ray.kill(self._actors[number])

    def shutdown(self) -> None:
        self._ray.shutdown()

    def _await(self, number: int, answer: Any) -> None:
        answer.future().add_done_callback(lambda done: self._answers.put((number, done)))

    def _pass_on(self) -> None:
        while True:
            number, answer = self._answers.get()
            if answer.exception() is None:
                self._connection.send((number, answer.result()))
            else:
                # It may be out of reach only, and would come back.
                self._ray.kill(self._actors[number])
                self._connection.send((number, Sign.DIED))
