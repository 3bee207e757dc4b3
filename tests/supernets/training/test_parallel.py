"""Data-parallel training: real processes that find each other as ``torchrun`` starts them."""

from __future__ import annotations

import json

import pytest
import torch
from small_trainings import SPACE
from two_workers import run_script

from nasprof.errors import UsageError
from supernets import read_supernet
from supernets.training.history import history_path, read_history
from supernets.training.parallel import workers
from supernets.training.states import state_path

SETTINGS = {"steps": 3, "batch": 4, "scheme": "sandwich", "clip": 1.0, "ema": 0.5}

WORKERS = """
import json, sys
from pathlib import Path
import torch
from small_trainings import OFTEN, StopAfter, digits, train_digits
from two_workers import work_together

folder, settings = Path(sys.argv[1]), json.loads(sys.argv[2])
digits()
for stop in json.loads(sys.argv[3]):
    def work(rank):
        progress = StopAfter(stop) if stop else None
        path = folder / "s.safetensors"
        supernet, _ = train_digits(path, options=OFTEN, progress=progress, **settings)
        torch.save(supernet.state_dict(), folder / f"{rank}.pt")

    work_together(work)
    (folder / f"state-after-{stop}").write_text(str(sorted(path.name for path in folder.iterdir())))
"""


def run_two(folder, *stops):
    """Two processes to their end, or until they are interrupted, as often as told."""
    run_script(WORKERS, str(folder), json.dumps(SETTINGS), json.dumps(stops))


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
