"""From a supernet to files for an app, as users of ``nassearch deliver`` see it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from console import accepted, console, refused
from PIL import Image
from small_supernets import trained_supernet, write_trained_supernet

from nasprof.errors import UsageError
from search import DeliveryOptions, DeliveryRequest, deliver
from search.cli import main
from search.delivery.network import aligned
from spaces import get_space
from supernets import Evaluator, FineTuning

nassearch = console(main)
QUICK = ("--protocol", "quick:rounds=2,runs=1,repeats=0,sentinel=off")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a supernet and two architectures of its space."""
    return write_trained_supernet(tmp_path_factory.mktemp("home"))


def command(home, output, *others, data="digits", arch="small.json"):
    given = ("--supernet", home / "s.safetensors", "--data", data, "--arch", home / arch)
    return nassearch("deliver", *given, "-o", output, *QUICK, "--json", *others)


@pytest.fixture(scope="module")
def app(home):
    """Folder and JSON of a delivery in both formats at two precisions."""
    result = command(home, home / "app", "--precision", "fp32,int8", "--format", "onnx,tflite")
    return home / "app", accepted(result)


def test_every_file_is_as_accurate_as_it_is_when_it_runs(app):
    folder, told = app
    assert {(file["format"], file["precision"]) for file in told["files"]} == {
        (format, precision) for format in ("onnx", "tflite") for precision in ("fp32", "int8")
    }
    assert told["torch"]["top1"] > 60 and told["torch"]["recalibrated_on"] == 500
    for file in told["files"]:
        assert (folder / file["name"]).stat().st_size == file["size_bytes"]
        assert str(folder / file["name"]) == file["path"]
        assert file["n"] == 359 and file["low"] < file["top1"] < file["high"]
        assert file["latency_ms"] > 0 and file["latency"]["device"] == "cpu"
        if file["precision"] == "fp32":
            assert file["top1"] == told["torch"]["top1"] and file["agreement"] == 100
            assert file["max_difference"] < 1e-4
        else:
            assert abs(file["top1"] - told["torch"]["top1"]) < 4


def test_the_folder_has_labels_and_both_cards(app):
    folder, told = app
    assert json.loads((folder / "card.json").read_text()) == told
    assert (folder / "labels.txt").read_text().split() == told["labels"] == list("0123456789")
    assert {path.name for path in folder.iterdir()} == {
        *("labels.txt", "card.json", "card.md"),
        *("small.onnx", "small-int8.onnx", "small.tflite", "small-int8.tflite"),
    }
    text = (folder / "card.md").read_text()
    for file in told["files"]:
        row = next(line for line in text.splitlines() if line.startswith(f"| `{file['name']}`"))
        assert f"{file['top1']:.2f}" in row and f"{file['low']:.2f} to" in row
    assert told["data"]["fingerprint"] in text and "1,259 for train" in text
    assert f"{told['params'] / 1e3:,.0f} k parameters" in text
    assert "mean 0.305131, std 0.318961" in text


def program(folder, language="python"):
    text = (folder / "card.md").read_text()
    return re.search(rf"```{language}\n(.*?)```", text, re.S).group(1)


def classified(folder, picture):
    script = folder / "classify.py"
    script.write_text(program(folder))
    done = subprocess.run(
        [sys.executable, script, picture], check=False, capture_output=True, text=True
    )
    script.unlink()
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("format", ["onnx", "tflite"])
def test_the_card_s_program_prints_the_class_of_a_picture(format, home, tmp_path):
    data = trained_supernet()[2]
    options = DeliveryOptions(format, uint8_input=format == "tflite", protocol=QUICK[1])
    supernet, arch = home / "s.safetensors", home / "small.json"
    delivery = deliver(DeliveryRequest(supernet, data, arch, tmp_path, options=options))
    network = delivery.network
    image = data.test.images(np.arange(1))[0, :, :, 0]
    Image.fromarray(image).save(tmp_path / "picture.png")
    expected = delivery.labels[int(network.logits[0].argmax())]
    assert classified(tmp_path, tmp_path / "picture.png") == expected
    wide = np.pad(image, ((0, 0), (7, 7)), constant_values=255)  # its middle is the image
    Image.fromarray(np.stack([wide] * 3, -1)).save(tmp_path / "wide.png")
    assert classified(tmp_path, tmp_path / "wide.png") == expected
    seen = np.stack([np.zeros_like(image)] * 3 + [255 - image], -1)  # as dark as it is opaque
    Image.fromarray(seen).save(tmp_path / "see-through.png")
    assert classified(tmp_path, tmp_path / "see-through.png") == expected


def test_files_that_take_pixels_are_as_accurate(home, tmp_path):
    told = accepted(command(home, tmp_path / "app", "--uint8-input", "--precision", "fp32,int8"))
    assert {file["input"]["dtype"] for file in told["files"]} == {"uint8"}
    for file in told["files"]:
        assert file["agreement"] == 100 or file["precision"] == "int8"
        assert abs(file["top1"] - told["torch"]["top1"]) < 4
    kotlin = program(tmp_path / "app", "kotlin")
    assert "small-pixels.tflite" in kotlin and ".toByte()" in kotlin and "putFloat" not in kotlin


def test_android_gets_normalised_floats(app):
    kotlin = program(app[0], "kotlin")
    assert "small.tflite" in kotlin and "ByteArray(4 * 16 * 16 * 1)" in kotlin
    assert "/ 255f - 0.305131f) / 0.318961f" in kotlin


def test_the_same_delivery_is_made_anew_and_another_takes_no_place(app, home, tmp_path):
    folder, _ = app
    asked = ("--precision", "fp32,int8")
    again = accepted(command(home, folder, *asked))
    assert [file["sha256"] for file in again["files"]] == [
        file["sha256"] for file in app[1]["files"]
    ]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    message = refused(command(home, folder, *asked, arch="large.json"))
    assert "holds another delivery: its arch" in message and "Choose another folder" in message
    assert "its options" in refused(command(home, folder, "--precision", "fp16"))
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}
    (tmp_path / "labels.txt").write_text("mine")
    assert "has a labels.txt that is of no delivery" in refused(command(home, tmp_path))
    assert (tmp_path / "labels.txt").read_text() == "mine"


def test_what_does_not_fit_is_refused_before_anything_is_written(home, tmp_path):
    output = tmp_path / "app"
    arch = get_space("ofa-mbv3").decode(np.zeros((1, 45), np.int8))[0]
    (tmp_path / "other.json").write_text(json.dumps(arch))
    message = refused(command(home, output, arch=tmp_path / "other.json"))
    assert "the supernet is of ofa-mbv3" in message
    images = np.zeros((40, 8, 8), np.uint8)
    images[np.arange(40), np.arange(40) % 8, np.arange(40) // 8] = 255
    np.savez(tmp_path / "pairs.npz", images=images, labels=np.arange(40) % 2)
    assert "2 classes, the supernet 10" in refused(
        command(home, output, data=tmp_path / "pairs.npz")
    )
    assert "Give either --arch or --budget" in refused(command(home, output, "--budget", "12ms"))
    assert "expected onnx or tflite" in refused(command(home, output, "--format", "torch"))
    assert "'fp8'" in refused(command(home, output, "--precision", "fp8"))
    assert not output.exists()


def test_no_test_images_no_accuracy(home, tmp_path):
    data = trained_supernet()[2]
    empty = replace(data.test, labels=data.test.labels[:0], rows=data.test.rows[:0])
    without = replace(data, test=empty)
    with pytest.raises(UsageError, match="has no test images"):
        deliver(DeliveryRequest(home / "s.safetensors", without, home / "small.json", tmp_path))


def test_outputs_follow_the_supernet_s_classes():
    supernet, card, data = trained_supernet()
    turned = replace(card, classes=card.classes[::-1])
    own, images = aligned(turned, data)
    assert own.classes == images.classes == card.classes[::-1]
    assert np.array_equal(images.test.labels, 9 - data.test.labels)
    assert np.array_equal(Evaluator(supernet, own, images).labels, images.test.labels)


def test_nobody_is_taught_by_a_network_that_knows_no_more(home, tmp_path):
    supernet, _, data = trained_supernet()
    options = DeliveryOptions(formats="onnx", fine_tuning=FineTuning(batch=500), protocol=QUICK[1])
    for name, genes in {"own": supernet.largest, "other": supernet.smallest}.items():
        arch, folder = (supernet.space, genes), tmp_path / name
        made = deliver(DeliveryRequest(home / "s.safetensors", data, arch, folder, options=options))
        validation = Evaluator(*trained_supernet(), split="validation")
        largest, own = (validation.evaluate(one).accuracy.top1 for one in (supernet.largest, genes))
        assert (made.network.tuned["teacher"] == "largest") == (largest > own)
        assert ("as teacher" in (folder / "card.md").read_text()) == (largest > own)


def test_a_network_is_trained_further_before_it_is_delivered(home, tmp_path):
    asked = ("--fine-tune", "2", "--learning-rate", "0.005", "--format", "onnx")
    told = accepted(command(home, tmp_path / "app", *asked))
    tuned, (file,) = told["fine_tuning"], told["files"]
    assert (tuned["epochs"], tuned["learning_rate"], tuned["distillation"]) == (2, 0.005, 0.5)
    assert tuned["validation_after"] > tuned["validation_before"] + 3
    assert file["top1"] == told["torch"]["top1"] and file["max_difference"] < 1e-4
    assert "trained further" in (tmp_path / "app" / "card.md").read_text()
    message = refused(command(home, tmp_path / "other", "--learning-rate", "0.1"))
    assert "are of --fine-tune EPOCHS" in message
