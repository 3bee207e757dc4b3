"""``nassearch supernet export``: weights that programs of others load."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from console import accepted, console, refused
from small_supernets import SPACES, card_of, digits_for

from nasprof.state_dict import read_state
from profiler.lowering.module import build_module
from search.cli import main
from supernets import Supernet, read_supernet, write_supernet

nassearch = console(main)
SPACE = SPACES["ofa-mbv3"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("supernet") / "s.safetensors"
    supernet = Supernet(SPACE, rng=np.random.default_rng(3))
    write_supernet(path, supernet, card_of(SPACE, digits_for(SPACE)))
    return path


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".npz"])
def test_a_whole_supernet(checkpoint, suffix, tmp_path):
    path = tmp_path / f"plain{suffix}"
    told = accepted(nassearch("supernet", "export", checkpoint, "-o", path, "--json"))
    again, card = read_supernet(path, SPACE)
    expected = read_supernet(checkpoint)[0].arrays()
    assert told["arrays"] == len(expected) and card.data == {}
    assert all(np.array_equal(array, expected[name]) for name, array in again.arrays().items())


def test_torch_loads_it_strictly(checkpoint, tmp_path):
    accepted(nassearch("supernet", "export", checkpoint, "-o", tmp_path / "s.pth", "--json"))
    state = torch.load(tmp_path / "s.pth", weights_only=True)
    Supernet(SPACE).load_state_dict(state, strict=True)


def test_one_network_with_its_own_statistics(checkpoint, tmp_path):
    arch = SPACE.decode(SPACE.sample(1, np.random.default_rng(0)))[0]
    (tmp_path / "a.json").write_text(str(arch).replace("'", '"'))
    path = tmp_path / "one.npz"
    told = accepted(
        nassearch(
            "supernet", "export", checkpoint, "--arch", tmp_path / "a.json", "--data", "digits",
            "-o", path, "--json",
        )
    )  # fmt: skip
    network = SPACE.network(SPACE.encode([arch])[0])
    arrays = read_state(path)
    assert told["arrays"] == len(arrays) == len(network.arrays())
    build_module(network, arrays)
    inherited = read_supernet(checkpoint)[0].subnet(SPACE.encode([arch])[0]).arrays()
    moved = {name for name in arrays if not np.array_equal(arrays[name], inherited[name])}
    assert moved and all("running_" in name for name in moved)


def test_other_formats_are_refused(checkpoint, tmp_path):
    path = tmp_path / "s.pkl"
    assert ".pth" in refused(nassearch("supernet", "export", checkpoint, "-o", path))
    assert not path.exists()
    said = refused(
        nassearch("supernet", "export", checkpoint, "--data", "digits", "-o", tmp_path / "s.npz")
    )
    assert "no --arch" in said
