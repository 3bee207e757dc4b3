"""``nassearch deliver`` for a device behind a real debug daemon: accuracy and latency there."""

from __future__ import annotations

import json

import peers
import pytest
from console import accepted, console
from small_supernets import write_trained_supernet

from devices.local import LocalSession
from search.cli import main
from search.delivery import files

pytestmark = [pytest.mark.adbd, pytest.mark.no_cover]

nassearch = console(main)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return write_trained_supernet(tmp_path_factory.mktemp("home"))


@pytest.fixture
def phone(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with peers.running_phone() as phone:
        yield phone
        phone.wait_until_clean()


def delivered(home, output, serial, *settings):
    return nassearch(
        *("deliver", "--supernet", home / "s.safetensors", "--data", "digits"),
        *("--arch", home / "small.json"),
        *("--device", "android", "--serial", serial, "--device-set", "runner=json", *settings),
        *("--protocol", "quick:rounds=2,runs=1,repeats=0,sentinel=off", "-o", output, "--json"),
    )


def test_files_are_run_and_timed_where_they_will_be(phone, home, tmp_path):
    result = delivered(home, tmp_path / "app", phone.serial, "--precision", "fp32,int8")
    told = accepted(result)
    assert len(told["files"]) == 4
    for file in told["files"]:
        there = file["on_device"]
        assert there["device"] == f"android/{phone.serial}" and file["on_device_error"] is None
        assert there["top1"] == file["top1"] > 60
        assert there["n"] == 359
        assert file["latency_ms"] > 0 and file["latency"]["device"] == "android"
    card = (tmp_path / "app" / "card.md").read_text()
    assert f"android/{phone.serial}" in card
    assert json.loads((tmp_path / "app" / "card.json").read_text()) == told


def test_a_device_that_vanishes_leaves_what_is_known_here(phone, home, tmp_path, monkeypatch):
    run_files = files.logits_of

    def unplugged(path, images, session, *others):
        if not isinstance(session, LocalSession):
            phone.stop()
        return run_files(path, images, session, *others)

    monkeypatch.setattr(files, "logits_of", unplugged)
    result = delivered(home, tmp_path / "app", phone.serial, "--format", "tflite")
    (file,) = accepted(result)["files"]
    assert file["top1"] > 60 and file["on_device"] is None and file["latency_ms"] is None
    assert "no answer" in file["on_device_error"] and "no answer" in file["latency_error"]
    assert "The accuracy of small.tflite on the device is not known" in result.stderr
    phone.start()
