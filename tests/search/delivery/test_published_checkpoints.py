"""A checkpoint in the form that Once-for-All's are published in, and a folder of photographs."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from console import accepted, console
from oracles import ofa_supernet
from PIL import Image

from nasprof.normalisation import IMAGENET
from profiler import evaluate
from profiler.cli import main as nasprof_main
from search.cli import main as nassearch_main
from spaces import get_space
from supernets import Supernet, read_data

nasprof, nassearch = console(nasprof_main), console(nassearch_main)
CLASSES = ("cat", "dog", "owl")
SIZES = ((150, 200), (128, 128), (240, 140))
"""Height and width of the photographs, in turns."""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a checkpoint of random weights, photographs, and an architecture."""
    folder = tmp_path_factory.mktemp("home")
    torch.save({"state_dict": ofa_supernet(1.0, classes=3).state_dict()}, folder / "ofa.pth")
    rng = np.random.default_rng(0)
    for split, count in (("train", 12), ("test", 4)):
        for number, name in enumerate(CLASSES):
            (folder / "images" / split / name).mkdir(parents=True)
            for image in range(count):
                colour = rng.uniform(0, 255, 3) + 60 * np.eye(3)[number]
                noise = rng.normal(colour, 40, (*SIZES[image % 3], 3))
                pixels = np.clip(noise, 0, 255).astype(np.uint8)
                path = folder / "images" / split / name / f"{image}.jpg"
                Image.fromarray(pixels).save(path, quality=90)
    space = get_space("ofa-mbv3", classes=3, resolution=128)
    arch = space.decode(Supernet(space).smallest[None])[0]
    (folder / "small.json").write_text(json.dumps(arch))
    return folder


def given(home):
    return (
        *("--supernet", home / "ofa.pth", "--data", home / "images"),
        *("--arch", home / "small.json", "--json"),
    )


def test_its_networks_are_delivered_with_the_names_of_the_folders(home, tmp_path):
    quick = ("--protocol", "quick:rounds=2,runs=1,repeats=0,sentinel=off", "--recalibration", 50)
    told = accepted(nassearch("deliver", *given(home), "-o", tmp_path, *quick))
    assert told["labels"] == list(CLASSES)
    assert told["normalisation"] == IMAGENET.to_dict()
    assert (told["torch"]["n"], told["torch"]["recalibrated_on"]) == (
        12,
        33,
    )  # 3 are for validation
    for file in told["files"]:
        assert file["agreement"] == 100 and file["max_difference"] < 1e-4
        assert file["top1"] == told["torch"]["top1"]
    assert (tmp_path / "labels.txt").read_text() == "cat\ndog\nowl\n"


def test_its_networks_are_exported(home, tmp_path):
    (file,) = accepted(nasprof("export", *given(home), "--uint8-input", "-o", tmp_path))
    assert file["pixels"] == IMAGENET.to_dict()
    test = read_data(home / "images", (128, 128, 3)).test
    (found,) = evaluate(file["path"], test, test.labels)
    assert found.accuracy.n == 12
