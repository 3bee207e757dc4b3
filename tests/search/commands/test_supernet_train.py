"""``nassearch supernet train`` as its users see it."""

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
from small_supernets import TINY_MOBILENET

from search.cli import main
from supernets import read_supernet
from supernets.training.history import history_path
from supernets.training.states import state_path

ROOT = Path(__file__).resolve().parents[3]
train = console(main)


@pytest.fixture
def space(tmp_path):
    path = tmp_path / "space.json"
    settings = {name: value for name, value in TINY_MOBILENET.items() if name != "classes"}
    path.write_text(json.dumps({"space": "ofa-mbv3", **settings}))
    return path


def arguments(space, output, *more):
    data = ("--data", "digits", "--recipe", "batch=4", "-o", output)
    return ("supernet", "train", "--space", space, *data, *more)


def test_from_a_space_and_images_to_a_supernet_with_its_curves(space, tmp_path):
    output, picture = tmp_path / "s.safetensors", tmp_path / "s.png"
    options = ("--scheme", "sandwich", "--seed", 2, "--plot", picture, "--json")
    options = (*options, "--recipe", 'scheme_settings={"random": 1}')
    report = accepted(train(*arguments(space, output, "--steps", 3, *options)))
    assert report["path"] == str(output) and report["recipe"]["scheme"] == "sandwich"
    assert report["recipe"]["steps"] == 3 and report["recipe"]["seed"] == 2
    assert set(report["validation"]) == {"smallest", "largest", "n"}
    assert Path(report["history"]) == history_path(output)
    supernet, card = read_supernet(output)
    assert len(card.classes) == supernet.space.settings["classes"] == 10
    assert picture.read_bytes().startswith(b"\x89PNG")
    # Done is done: the same again is at hand, without a step.
    said = train(*arguments(space, output, "--steps", 3, *options[:4], *options[-2:]))
    assert said.exit_code == 0 and "trained already" in said.stderr and "top-1" in said.stdout


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--scheme", "sandwhich"), "no training scheme is called 'sandwhich'"),
        (("--recipe", "colour=1"), "a training has no setting 'colour'"),
        (("--steps", "3", "--seconds", "3"), "--seconds and --steps"),
        (("--set", "classes=7"), "10 classes"),
        (("--data", "no-such-images"), "no-such-images"),
        (("--space", "no-such-space"), "no space is called"),
        (("--device", "abacus"), "device is 'abacus'"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(space, tmp_path, more, said):
    output = tmp_path / "s.safetensors"
    assert said in refused(train(*arguments(space, output, *more)))
    assert not output.exists() and not history_path(output).exists()


def test_another_place_than_safetensors(space, tmp_path):
    assert ".safetensors" in refused(train(*arguments(space, tmp_path / "s.pth", "--steps", 3)))


def test_terminated_it_is_saved_and_says_how_to_go_on(space, tmp_path):
    output = tmp_path / "s.safetensors"
    command = [sys.executable, "-m", "search", *map(str, arguments(space, output))]
    process = subprocess.Popen(
        [*command, "--steps", "2000"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    log = history_path(output)
    until(lambda: log.exists() and b'"loss"' in log.read_bytes(), process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and not out
    assert b"the same command goes on" in err and b"interrupted by SIGTERM" in err
    assert state_path(output).exists() and not output.exists()
    changed = train(*arguments(space, output, "--steps", 2000, "--seed", 1))
    assert "recipe.seed was 0, now 1" in refused(changed)
