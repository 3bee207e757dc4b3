"""Objectives for tests of executors: functions that other processes can import, and misbehave."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from devices.errors import DeviceLost
from search.problem import Objective, Problem


def total(genes):
    return genes.sum(1).astype(float)


def root(genes):
    """Digits to the last place."""
    return np.sqrt(1 + genes @ np.arange(1.0, genes.shape[1] + 1))


def problem_of(space, *functions, **settings):
    """A problem of functions, every other one of which is to be maximised."""
    objectives = [
        Objective(f"made-up-{number}", "", function, maximise=number % 2 == 1, **settings)
        for number, function in enumerate(functions)
    ]
    return Problem(space, tuple(objectives))


def spoilt(genes, how):
    if how == "raises":
        raise ValueError("no such\n  operation")
    if how == "exits":
        sys.exit("no licence")
    if how == "flat":
        return np.zeros(())
    if how == "text":
        return np.array(["fast"] * len(genes))
    return np.full(len(genes), float(how))


@dataclass(frozen=True)
class Picky:
    """Fails as soon as there is one of some architectures, in a way of each one's."""

    ways: dict[bytes, str]

    def __call__(self, genes):
        for row in genes:
            if row.tobytes() in self.ways:
                return spoilt(genes, self.ways[row.tobytes()])
        return root(genes)


@dataclass(frozen=True)
class Deadly:
    """Kills its process when it meets an architecture, so many times at most."""

    folder: Path
    victim: bytes
    times: int

    def __call__(self, genes):
        deaths = len(list(self.folder.iterdir()))
        if deaths < self.times and any(row.tobytes() == self.victim for row in genes):
            (self.folder / str(deaths)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return total(genes)


@dataclass(frozen=True)
class Survived:
    """Dies the first time, survived by a process which holds open what its own had."""

    folder: Path

    def __call__(self, genes):
        if pids(self.folder):
            return total(genes)
        survivor = os.fork()
        if not survivor:
            time.sleep(3600)
        (self.folder / str(survivor)).touch()
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("killed")


@dataclass(frozen=True)
class Slow:
    """Says in which process it is, and takes its time the first time there."""

    folder: Path
    seconds: float

    def __call__(self, genes):
        said = self.folder / str(os.getpid())
        if not said.exists():
            said.touch()
            time.sleep(self.seconds)
        return total(genes)


@dataclass(frozen=True)
class Together:
    """Is done when so many processes are at it."""

    folder: Path
    number: int

    def __call__(self, genes):
        (self.folder / str(os.getpid())).touch()
        while len(pids(self.folder)) < self.number:
            time.sleep(0.02)
        return total(genes)


def pids(folder):
    return [int(path.name) for path in folder.iterdir()]


def loud(genes):
    print("a result, or so it seems")
    os.write(1, b"another one\n")
    return total(genes)


def greedy(genes):
    """Writes into what it was given."""
    genes[:] = 0
    return total(genes)


def lost(genes):
    raise DeviceLost("the phone is gone", "Plug it in.")


class Unloadable:
    """Can be pickled, and not be loaded again."""

    def __init__(self, how):
        self.how = how

    def __call__(self, genes):
        return total(genes)

    def __reduce__(self):
        return self.how, (3,)


def refuse(_):
    raise ImportError("no module named elsewhere")


class Meeting:
    """A measurement during which all others of the meeting are under way, and none at its place."""

    def __init__(self, number):
        self.barrier = threading.Barrier(number, timeout=60)
        self.taken = {}
        self.order = []

    def at(self, place):
        lock = self.taken.setdefault(place, threading.Lock())

        def measure(genes):
            if not lock.acquire(blocking=False):
                raise RuntimeError(f"two measurements at {place}")
            self.barrier.wait()
            self.order.append(place)
            lock.release()
            return total(genes)

        return measure
