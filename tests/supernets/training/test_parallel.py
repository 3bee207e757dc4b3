"""Data-parallel training: real processes that find each other as ``torchrun`` starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small_trainings import SPACE

from nasprof.errors import UsageError
from supernets import read_supernet
from supernets.training.history import history_path, read_history
from supernets.training.parallel import workers
from supernets.training.states import state_path

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = {"steps": 3, "batch": 4, "scheme": "sandwich", "clip": 1.0, "ema": 0.5}

# Torch is imported once; each worker is a process of its own, with what torchrun tells it.
WORKERS = """
import json, os, socket, sys, traceback
from pathlib import Path
import torch
from small_trainings import OFTEN, StopAfter, digits, train_digits

folder, settings = Path(sys.argv[1]), json.loads(sys.argv[2])
digits()
torch.optim.AdamW([torch.zeros(1, requires_grad=True)])  # what is imported with the first one
torch.set_num_threads(1)


def free_port():
    with socket.socket() as unbound:
        unbound.bind(("127.0.0.1", 0))
        return unbound.getsockname()[1]


def start(rank, port, stop):
    child = os.fork()
    if child:
        return child
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2",
        MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port),
    )
    progress = StopAfter(stop) if stop else None
    try:
        path = folder / "s.safetensors"
        supernet, _ = train_digits(path, options=OFTEN, progress=progress, **settings)
        torch.save(supernet.state_dict(), folder / f"{rank}.pt")
    except KeyboardInterrupt:
        pass
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    sys.stderr.flush()
    os._exit(0)


for stop in json.loads(sys.argv[3]):
    port = free_port()
    children = [start(rank, port, stop) for rank in range(2)]
    if any([os.waitpid(child, 0)[1] for child in children]):
        sys.exit(1)
    (folder / f"state-after-{stop}").write_text(str(sorted(path.name for path in folder.iterdir())))
"""


def run_two(folder, *stops):
    """Two processes to their end, or until they are interrupted, as often as told."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    done = subprocess.run(
        [sys.executable, "-c", WORKERS, str(folder), json.dumps(SETTINGS), json.dumps(stops)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_two_processes_train_one_supernet_and_go_on_after_an_interruption(tmp_path):
    run_two(tmp_path, 1, 0)
    state = state_path(tmp_path / "s.safetensors")
    assert state.name in (tmp_path / "state-after-1").read_text()
    assert not state.exists()
    written, _ = read_supernet(tmp_path / "s.safetensors", SPACE)
    ranks = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    for name, value in written.named_parameters():
        assert torch.equal(ranks[0][name], ranks[1][name]), name
        assert torch.equal(ranks[0][name], value), name
    # One of them writes: every event is there once.
    history = read_history(history_path(tmp_path / "s.safetensors"))
    events = [record["event"] for record in history if "event" in record]
    assert events == ["begun", "resumed", "finished"]


def test_a_batch_that_the_processes_cannot_divide(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    with (
        pytest.raises(UsageError, match="'batch' is 64, expected a multiple of 3"),
        workers("cpu", 64),
    ):
        pass


def test_alone_there_is_nothing_to_agree_on():
    with workers("cpu", 8) as (alone, device):
        assert alone.size == 1 and alone.writes and device == torch.device("cpu")
        assert alone.agreed(7) == 7
