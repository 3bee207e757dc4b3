"""``nassearch transfer`` as its users see it, and what can be done with what it leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from console import accepted, console, refused
from processes import until
from small_supernets import write_trained_supernet
from small_transfers import FEW

from search.cli import main

ROOT = Path(__file__).resolve().parents[3]
nassearch = console(main)
SETTINGS = [
    part
    for name, value in FEW.items()
    if name != "iterations"
    for part in ("--set", f"{name}={value}")
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a supernet that knows digits."""
    return write_trained_supernet(tmp_path_factory.mktemp("home"))


def arguments(home, output, *more):
    given = ("--supernet", home / "s.safetensors", "--data", "digits", "-o", output)
    shape = ("--iterations", 2, "--steps", 4, "--recipe", "batch=16", *SETTINGS)
    return ("transfer", *given, *shape, *more)


@pytest.fixture(scope="module")
def adapted(home):
    """Folder and JSON of a transfer, with networks that were delivered."""
    output, picture = home / "out", home / "fronts.png"
    options = ("--deliver", "trade-off", "--deliver", "macs=1G", "--format", "onnx")
    options = (*options, "--protocol", "quick:rounds=2,runs=1,repeats=0,sentinel=off")
    report = accepted(nassearch(*arguments(home, output, *options, "--plot", picture, "--json")))
    assert picture.read_bytes().startswith(b"\x89PNG")
    return output, report


def test_from_images_to_files_that_were_run(adapted):
    output, report = adapted
    assert set(report) >= {"iterations", "evaluations", "front", "supernet", "cpu_s"}
    assert report["iterations"] == 2 and report["supernet"] == str(output / "supernet.safetensors")
    for network in report["front"]:
        assert set(network) == {"arch", "values", "validation_top1", "test_top1"}
        assert set(network["values"]) == {"top1", "macs"}
    # With the same weights and recalibration, files are as accurate as the search has found.
    by_arch = {json.dumps(one["arch"]): one["test_top1"] for one in report["front"]}
    assert report["delivered"]
    for name, delivery in report["delivered"].items():
        (file,) = delivery["files"]
        assert file["top1"] == pytest.approx(by_arch[json.dumps(delivery["arch"])], abs=0.05)
        assert (output / "delivered" / name / "card.md").exists()


def test_the_same_again_is_at_hand_and_is_shown_as_a_table(home, adapted):
    output, _ = adapted
    shown = nassearch(*arguments(home, output))
    assert shown.exit_code == 0 and "finished already" in shown.stderr
    assert "test top-1 %" in shown.stdout and "architecture" in shown.stdout


def test_the_adapted_supernet_is_one_like_any_other(adapted, tmp_path):
    output, report = adapted
    (tmp_path / "arch.json").write_text(json.dumps(report["front"][0]["arch"]))
    given = (output / "supernet.safetensors", "--data", "digits")
    options = ("--arch", tmp_path / "arch.json", "--recalibrate", FEW["recalibration"], "--json")
    (told,) = accepted(nassearch("supernet", "evaluate", *given, *options))
    assert told["top1"] == report["front"][0]["test_top1"]


def test_a_line_an_iteration_says_how_far_it_has_come(home, tmp_path):
    said = nassearch(*arguments(home, tmp_path / "out")).stderr
    assert "Iteration 1 of 2: " in said and "Iteration 2 of 2: " in said
    assert "networks evaluated" in said and "left" in said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--objectives", "macs"), "without accuracy"),
        (("--method", "nut"), "Did you mean nat?"),
        (("--seconds", 5), "ways to say the same"),
        (("--set", "archives=3"), "a transfer has no setting 'archives'"),
        (("--deliver", "beauty=3"), "beauty is no objective"),
        (("--deliver", "macs=1"), "no network of the front is within macs=1"),
        (("--deliver", "soon"), "soon"),
        (("--train-on", "abacus"), "abacus"),
        (("--executor", "nobody"), "nobody"),
    ],
)
def test_bad_usage_is_named(home, tmp_path, more, said):
    output = home / "out" if "--deliver" in more else tmp_path / "out"
    assert said in refused(nassearch(*arguments(home, output, *more)))


def test_terminated_it_says_how_to_go_on_and_does(home, tmp_path):
    output = tmp_path / "out"
    words = [str(word) for word in arguments(home, output, "--json")]
    words[words.index("--steps") + 1] = "400"
    program = subprocess.Popen(
        [sys.executable, "-m", "search", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: (output / "supernet.history.jsonl").exists() or program.poll() is not None)
    until(lambda: "resumed" in history(output) or "begun" in history(output))
    program.send_signal(signal.SIGTERM)
    printed, said = program.communicate(timeout=100)
    assert program.returncode == 1 and not printed
    assert "the same command goes on" in said and "Traceback" not in said
    assert (output / "transfer.jsonl").exists()


def history(output):
    path = output / "supernet.history.jsonl"
    return path.read_text() if path.exists() else ""
