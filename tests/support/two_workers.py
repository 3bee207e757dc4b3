"""Two processes that find each other as ``torchrun`` starts them, each told what to do.

Torch is imported once; each worker is forked from a process that has it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_script(script: str, *arguments: str) -> None:
    """Run a script that knows this project and its tests' support, in a process of its own."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def work_together(work: Callable[[int], None]) -> None:
    """Have two forked processes do it, told which they are; an interruption is no error.

    Raises:
        SystemExit: one of them failed.
    """
    import torch

    torch.optim.AdamW([torch.zeros(1, requires_grad=True)])  # what is imported with the first one
    torch.set_num_threads(1)
    port = _free_port()
    children = [_forked(rank, port, work) for rank in range(2)]
    if any([os.waitpid(child, 0)[1] for child in children]):
        sys.exit(1)


def _free_port() -> int:
    with socket.socket() as unbound:
        unbound.bind(("127.0.0.1", 0))
        port: int = unbound.getsockname()[1]
        return port


def _forked(rank: int, port: int, work: Callable[[int], None]) -> int:
    child = os.fork()
    if child:
        return child
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE="2",
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
    )
    try:
        work(rank)
    except KeyboardInterrupt:
        pass
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    sys.stderr.flush()
    os._exit(0)
