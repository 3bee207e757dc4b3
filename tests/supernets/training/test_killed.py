"""A training that is killed at any moment ends with the same weights: processes, real kills."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from small_trainings import OFTEN, SPACE, same_weights, train_digits

from supernets import read_supernet
from supernets.training.states import read_state, state_path

ROOT = Path(__file__).resolve().parents[3]
KILLS = 20
SETTINGS = {"steps": 22, "batch": 2, "scheme": "uniform", "ema": 0.9, "seed": 5}

# Torch is imported once; every attempt is a process of its own, which is killed.
KILLER = """
import json, os, random, signal, sys, time
from pathlib import Path
import torch
from small_trainings import OFTEN, digits, train_digits
from supernets.training.states import state_path

path, settings, kills = Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
digits()
torch.optim.AdamW([torch.zeros(1, requires_grad=True)])  # what is imported with the first one
torch.set_num_threads(1)
chance = random.Random(0)


def attempt(limit_s):
    child = os.fork()
    if child == 0:
        train_digits(path, options=OFTEN, **settings)
        os._exit(0)
    if limit_s is None:
        return os.waitpid(child, 0)[1]
    before = saved()
    end = time.monotonic() + 60
    while saved() == before and not path.exists() and time.monotonic() < end:
        time.sleep(0.001)  # every attempt gets a step further
    time.sleep(limit_s)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def saved():
    state = state_path(path)
    return state.stat().st_mtime_ns if state.exists() else 0


ends = [attempt(chance.uniform(0, 0.06)) for _ in range(kills)]
ends.append(attempt(None))
print(json.dumps(ends))
"""


def test_killed_at_any_of_twenty_moments_it_ends_with_the_same_weights(tmp_path):
    whole, _ = train_digits(tmp_path / "whole.safetensors", **SETTINGS)
    path = tmp_path / "killed.safetensors"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")]),
    }
    arguments = [str(path), json.dumps(SETTINGS), str(KILLS)]
    done = subprocess.run(
        [sys.executable, "-c", KILLER, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ends = json.loads(done.stdout)
    assert ends[-1] == 0
    assert sum(end != 0 for end in ends) >= KILLS // 2, "hardly one of them was killed"
    killed, _ = read_supernet(path, SPACE)
    stored, _ = read_supernet(tmp_path / "whole.safetensors", SPACE)
    assert same_weights(killed, stored) and same_weights(whole, stored)
    assert not state_path(path).exists()


def test_every_state_that_lies_there_is_whole(tmp_path):
    """What a kill leaves in the middle of writing is beside the state, never in its place."""
    path = tmp_path / "s.safetensors"
    seen = []

    def look(status):
        state = state_path(path)
        if state.exists():
            seen.append(read_state(state).about["trainer"]["done"])

    train_digits(path, options=OFTEN, progress=look, steps=5, batch=4)
    assert seen == list(np.arange(1, 6))
