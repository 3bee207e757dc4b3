"""Deliveries that go wrong leave nothing behind; devices that cannot do all of it."""

from __future__ import annotations

import os
import resource
from dataclasses import replace

import numpy as np
import pytest
from console import console
from scripted import ScriptedDevice, steady
from small_supernets import trained_supernet, write_trained_supernet

from devices import Target, device_kinds
from devices.cpu import CpuDevice
from nasprof.errors import NasprofError, UsageError
from search import DeliveryOptions, DeliveryProgress, DeliveryRequest, deliver
from search.cli import main
from search.delivery import files
from supernets import FineTuning

nassearch = console(main)
OPTIONS = DeliveryOptions("onnx", protocol="quick:rounds=2,runs=1,repeats=0,sentinel=off")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a supernet and an architecture of its space."""
    return write_trained_supernet(tmp_path_factory.mktemp("home"))


def few():
    """The images, but few to test and to train on."""
    data = trained_supernet()[2]
    train, test = (
        replace(split, labels=split.labels[:128], rows=split.rows[:128])
        for split in (data.train, data.test)
    )
    return replace(data, train=train, test=test)


def request(home, output, device=None, options=OPTIONS):
    return DeliveryRequest(
        home / "s.safetensors", few(), home / "small.json", output, device, options
    )


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", ["fine_tuning", "accuracy", "latency"])
def test_an_interruption_leaves_nothing(step, home, tmp_path):
    progress = DeliveryProgress(**{step: interrupt})
    options = replace(OPTIONS, fine_tuning=FineTuning()) if step == "fine_tuning" else OPTIONS
    # Measuring gives what it has to whoever interrupts it.
    with pytest.raises((KeyboardInterrupt, NasprofError), match=r"^$|interrupted"):
        deliver(request(home, tmp_path / "app", options=options), progress=progress)
    assert not list(tmp_path.iterdir())


def test_a_delivery_that_is_there_survives_an_interruption_of_its_successor(home, tmp_path):
    deliver(request(home, tmp_path))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(KeyboardInterrupt):
        deliver(request(home, tmp_path), progress=DeliveryProgress(accuracy=interrupt))
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


@pytest.fixture
def small_files():
    """No file may grow beyond 10 kB, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_is_told_and_leaves_nothing(home, tmp_path):
    with pytest.raises(NasprofError, match=r"cannot write .*small\.onnx"):
        deliver(request(home, tmp_path / "app"))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_told_first(home, tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "app"):
        with pytest.raises(NasprofError, match="cannot write to"):
            deliver(request(home, folder), progress=DeliveryProgress(accuracy=interrupt))
    if os.geteuid():  # whom nothing is forbidden
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(NasprofError, match="cannot write to"):
            deliver(request(home, tmp_path / "closed" / "app"))


@pytest.fixture
def scripted(monkeypatch, tmp_path):
    """A device elsewhere that times models and gives no outputs; its profile."""

    class Elsewhere(ScriptedDevice):
        def __init__(self, profile):
            super().__init__(steady)
            self.profile = profile

    monkeypatch.setitem(device_kinds._entries, "scripted", Elsewhere)
    path = tmp_path / "board.toml"
    path.write_text('kind = "scripted"\n')
    return str(path)


def test_a_device_that_gives_no_outputs_has_latencies_and_a_reason(home, tmp_path, scripted):
    (file,) = deliver(request(home, tmp_path / "app", scripted))
    told = file.to_dict()
    assert told["on_device"] is None
    assert told["on_device_error"] == "the device does not return outputs"
    assert told["top1"] > 60 and told["device"] == "cpu"
    assert told["latency"]["device"] == "board" and told["latency_ms"] > 1
    text = (tmp_path / "app" / "card.md").read_text()
    assert "on the device is not known: the device does not return outputs" in text


def test_a_device_that_gives_outputs_has_an_accuracy_of_its_own(home, tmp_path, monkeypatch):
    class Board(CpuDevice):
        """This machine, as if it were elsewhere."""

    monkeypatch.setitem(device_kinds._entries, "board", Board)
    monkeypatch.setattr(files, "_SENT_BYTES", 100 * 16 * 16 * 4)
    (tmp_path / "board.toml").write_text('kind = "board"\n')
    output = tmp_path / "app"
    (file,) = deliver(request(home, output, str(tmp_path / "board.toml")))
    assert (file.here.accuracy.n, file.there.accuracy.n) == (128, 100)
    assert file.there.device == "board" and file.there.agreement == 100
    assert file.to_dict()["on_device"]["top1"] == file.there.accuracy.top1
    told = f"on board: {file.there.accuracy.top1:.2f} %"
    assert told in (output / "card.md").read_text()


def test_what_a_device_s_runtime_does_not_run_has_no_latency(home, tmp_path):
    options = replace(OPTIONS, formats=("onnx", "tflite"))
    target = Target("cpu", runtime="litert")
    onnx, tflite = deliver(request(home, tmp_path / "app", target, options))
    assert (
        onnx.latency_ms is None and "litert runs no onnx files" in onnx.to_dict()["latency_error"]
    )
    assert tflite.latency.runtime == "litert" and tflite.latency_error is None
    assert onnx.here.agreement == tflite.here.agreement == 100


def test_images_of_another_shape_are_refused(home, tmp_path):
    data = replace(few(), image_shape=(8, 8, 1))
    given = (home / "s.safetensors", data, home / "small.json", tmp_path / "app")
    with pytest.raises(UsageError, match="read 16x16x1"):
        deliver(DeliveryRequest(*given))
    with pytest.raises(UsageError, match="2 architectures"):
        space, genes = trained_supernet()[0].space, np.zeros((2, 45), np.int8)
        deliver(replace(request(home, tmp_path / "app"), arch=(space, genes)))
