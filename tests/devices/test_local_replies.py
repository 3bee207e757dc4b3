"""What a runner on this machine answers is looked at as that of a device is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from devices import runner_process
from devices.errors import DeviceTimeout, RunnerCrashed, RunnerRefused
from devices.local import LocalSession
from devices.settings import RunSettings

HELLO = {"ok": "hello", "runtime": "onnxruntime", "threads": 1, "affinity": None, "facts": {}}
LOAD = {"ok": "load", "name": "m", "load_ms": 1.0, "inputs": [], "outputs": []}
SAMPLES = {"ok": "samples", "name": "m", "wall_ms": [1.5, 1.25], "cpu_ms": None, "context": {}}
ROUND = {"ok": "round", "context": {"elapsed_ms": 3.0}}

# Stays until it is ended, as a runner does.
SAYS = "import sys; print(open(sys.argv[1]).read(), end='', flush=True); sys.stdin.read()"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., object]]:
    """A session with a runner that says these lines, whatever it is asked."""
    opened = []

    def start(*answers):
        script = tmp_path / "answers"
        lines = [line if isinstance(line, str) else json.dumps(line) for line in answers]
        script.write_text("".join(line + "\n" for line in lines))

        def process(log, environment):
            log.touch()
            return subprocess.Popen(
                [sys.executable, "-c", SAYS, script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )

        monkeypatch.setattr("devices.runner_process._started", process)
        opened.append(LocalSession(RunSettings("onnxruntime"), timeout_s=2))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def test_a_round_that_is_whole(session):
    opened = session(HELLO, SAMPLES, SAMPLES, ROUND)
    assert opened.run_round(["m", "m"], 1, 2)["m"].wall_ms == [1.5, 1.25, 1.5, 1.25]


def test_outputs_that_are_promised_but_not_there(session):
    opened = session(HELLO, {"ok": "run", "name": "m"})
    with pytest.raises(RunnerCrashed, match="there are no outputs"):
        opened.outputs("m", {"x": np.zeros((1, 2))})


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (["noise"], "it answers 'noise'"),
        (["{" * 100_000], "it answers"),
        ([SAMPLES | {"wall_ms": [True, 1.0]}, ROUND], "the times of m are none"),
        ([SAMPLES | {"wall_ms": [-1.0, 1.0]}, ROUND], "the times of m are none"),
        ([SAMPLES | {"wall_ms": [float("nan"), 1.0]}, ROUND], "NaN"),
        ([SAMPLES | {"wall_ms": [10**40, 1.0]}, ROUND], "41 digits"),
        ([SAMPLES | {"wall_ms": [1.0]}, ROUND], "1 times of m instead of 2"),
        ([SAMPLES | {"cpu_ms": [1.0]}, ROUND], "1 times of m instead of 2"),
        ([SAMPLES | {"name": "other"}, ROUND], "about 'other'"),
        ([SAMPLES | {"context": {"own_cores": "many"}}, ROUND], "own_cores is 'many'"),
        ([SAMPLES, SAMPLES, ROUND], "about 'm'"),
        ([ROUND], "no samples of m"),
        ([HELLO], "it answers"),
        ([{"error": "round"}], "the runner cannot run a round: None"),
        ([{"error": 7, "kind": [], "message": "\x1b[31mbad"}], "cannot run a round: bad"),
    ],
)
def test_a_round_that_is_damaged_is_named(session, answers, said):
    opened = session(HELLO, *answers)
    with pytest.raises(RunnerCrashed) as caught:
        opened.run_round(["m"], 1, 2)
    assert said in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_what_came_before_the_damage_is_kept(session):
    opened = session(HELLO, SAMPLES, SAMPLES | {"wall_ms": [None, 1]})
    with pytest.raises(RunnerCrashed) as caught:
        opened.run_round(["m", "m"], 1, 2)
    assert caught.value.partial["m"].wall_ms == [1.5, 1.25]


@pytest.mark.parametrize(
    "answer",
    [HELLO | {"threads": 2}, HELLO | {"affinity": [10**10]}, {"ok": "hello"}, "noise", LOAD],
)
def test_a_runner_that_is_none_is_named(session, answer):
    with pytest.raises(RunnerCrashed):
        session(answer)


@pytest.mark.parametrize(
    "answer",
    [
        LOAD | {"name": "other"},
        LOAD | {"inputs": None},
        LOAD | {"outputs": [{"name": 1}]},
        LOAD | {"load_ms": -1},
        {"ok": "load"},
    ],
)
def test_a_model_that_is_loaded_wrongly_is_named(session, answer, tmp_path):
    with pytest.raises(RunnerCrashed, match="answer to load is damaged"):
        session(HELLO, answer).load({"m": tmp_path / "m.onnx"})


@pytest.mark.parametrize("times", [None, {}, [["conv"]], [["conv", -1]], [[1, 1]]])
def test_profiles_that_are_none_are_named(session, times):
    opened = session(HELLO, {"ok": "profile", "name": "m", "times_ms": times})
    with pytest.raises(RunnerCrashed, match="answer to profile is damaged"):
        opened.profile("m", 1, 1)


def test_a_refusal_stays_one(session):
    opened = session(HELLO, {"error": "round", "kind": "refused", "message": "no"})
    with pytest.raises(RunnerRefused, match=r"^no$"):
        opened.run_round(["m"], 1, 2)


def test_an_answer_without_an_end_is_stopped(session, monkeypatch):
    monkeypatch.setattr(runner_process, "MAX_REPLY", 1 << 20)
    opened = session(HELLO, "x" * (2 << 20))
    with pytest.raises(RunnerCrashed, match="longer than 1 MB"):
        opened.run_round(["m"], 1, 2)
    assert opened.ended is not None
    with pytest.raises(ProcessLookupError):
        os.kill(opened.pid, 0)


def test_an_answer_that_does_not_come_is_not_waited_for(session):
    opened = session(HELLO)
    opened.timeout_s = 0.3
    with pytest.raises(DeviceTimeout):
        opened.run_round(["m"], 1, 2)
