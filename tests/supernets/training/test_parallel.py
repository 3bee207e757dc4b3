"""Data-parallel training: real processes that find each other as ``torchrun`` starts them."""

from __future__ import annotations

import json
import os
import socket
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

PROCESS = """
import json, sys
from pathlib import Path
import torch
from small_trainings import OFTEN, StopAfter, train_digits

folder, stop, settings = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[4])
progress = StopAfter(stop) if stop else None
supernet = None
try:
    path = folder / "s.safetensors"
    supernet, _ = train_digits(path, options=OFTEN, progress=progress, **settings)
except KeyboardInterrupt:
    pass
if supernet is not None:
    torch.save(supernet.state_dict(), folder / f"{sys.argv[3]}.pt")
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def run_two(folder, stop=0):
    """Two processes to their end."""
    port = free_port()
    started = []
    for rank in range(2):
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")]),
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": "2",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
        }
        command = [sys.executable, "-c", PROCESS, str(folder), str(stop), str(rank)]
        command.append(json.dumps(SETTINGS))
        started.append(
            subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        )
    for process in started:
        _, said = process.communicate(timeout=200)
        assert process.returncode == 0, said


def test_two_processes_train_one_supernet_and_go_on_after_an_interruption(tmp_path):
    run_two(tmp_path, stop=1)
    assert state_path(tmp_path / "s.safetensors").exists()
    run_two(tmp_path)
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
