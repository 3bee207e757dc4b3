"""A child process with a connection to it, in a session of its own: Ctrl-C does not reach it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, Self

from nasprof.errors import UsageError

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from nasprof.registry import import_from; import_from(sys.argv[2])(int(sys.argv[3]))"
)
_STDERR = 2
ONE_THREAD = dict.fromkeys(
    ("MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"
)
"""Environment of children that compute on one thread."""


@dataclass(eq=False)
class Child:
    """A running child, whose stdout is this process's stderr."""

    process: subprocess.Popen[bytes]
    connection: Connection[Any, Any]

    @classmethod
    def start(cls, main: str, environment: Mapping[str, str], *, quiet: bool = False) -> Self:
        """Run ``"module:function"`` on the descriptor of the other end of the connection.

        Args:
            environment: added to this process's.
            quiet: whether what it prints is dropped.

        Raises:
            UsageError: this system cannot hand a connection to a child.
        """
        if os.name != "posix":
            raise UsageError(
                "worker processes need Linux or macOS, and this is another system",
                "Use --executor serial.",
            )
        ours, theirs = Pipe()
        descriptor = theirs.fileno()
        with theirs:
            process = subprocess.Popen(
                # Unbuffered, so that nothing it printed is lost when it is killed; and no file of
                # the current folder in the place of a module that is installed.
                [sys.executable, "-uPc", _START, json.dumps(sys.path), main, str(descriptor)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if quiet else _STDERR,
                stderr=subprocess.DEVNULL if quiet else None,
                env={**os.environ, **environment},
                pass_fds=[descriptor],
                start_new_session=True,
            )
        return cls(process, ours)

    @property
    def ended(self) -> bool:
        """Whether it ended, by itself or not."""
        return self.process.poll() is not None

    def kill(self) -> None:
        """End it and every process of its session, at once."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.connection.close()
