"""Two processes that ``torchrun`` has started adapt one supernet together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_transfers import write_source

from search.adaptation.transfer import LOG

ROOT = Path(__file__).resolve().parents[3]

# Torch is imported once; each worker is a process of its own, with what torchrun tells it.
WORKERS = """
import json, os, socket, sys, traceback
from pathlib import Path
import torch
from small_transfers import digits, small_transfer, told
from search import TransferProgress

folder = Path(sys.argv[1])
digits()
torch.optim.AdamW([torch.zeros(1, requires_grad=True)])  # what is imported with the first one
torch.set_num_threads(1)


def free_port():
    with socket.socket() as unbound:
        unbound.bind(("127.0.0.1", 0))
        return unbound.getsockname()[1]


def stop(status):
    if status.step == 5:
        raise KeyboardInterrupt


def start(rank, port, progress):
    child = os.fork()
    if child:
        return child
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2",
        MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port),
    )
    try:
        result = small_transfer(folder / "out", progress=progress)
        record = {name: value for name, value in told(result).items() if name == "front"}
        (folder / f"{rank}.json").write_text(json.dumps(record))
    except KeyboardInterrupt:
        pass
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    sys.stderr.flush()
    os._exit(0)


for progress in (TransferProgress(training=stop), None, None):
    port = free_port()
    children = [start(rank, port, progress) for rank in range(2)]
    if any([os.waitpid(child, 0)[1] for child in children]):
        sys.exit(1)
"""


@pytest.mark.no_cover
def test_two_processes_find_one_front_and_go_on_after_an_interruption(tmp_path):
    write_source(tmp_path / "S.safetensors")
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    done = subprocess.run(
        [sys.executable, "-c", WORKERS, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert first == second and first["front"]
    # One of them writes: what happened is there once.
    log = [json.loads(line) for line in (tmp_path / "out" / LOG).read_text().splitlines()]
    events = [line.get("event") for line in log]
    assert [events.count(event) for event in ("planned", "iteration", "finished")] == [1, 2, 1]
    evaluated = [
        (line["iteration"], *line["genes"]) for line in log if line.get("event") == "evaluated"
    ]
    assert len(set(evaluated)) == len(evaluated) == 6 + 9 + 3
