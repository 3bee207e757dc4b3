"""Supernets as files: whole or refused, with everything that is known of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from small_supernets import SPACES

from nasprof.errors import UsageError
from nasprof.normalisation import IMAGENET, Normalisation
from spaces import get_space
from supernets import Supernet, SupernetCard, read_supernet, write_supernet
from supernets.checkpoint import weights_digest

every_space = pytest.mark.parametrize("name", SPACES)


def card_of(space):
    return SupernetCard(
        space,
        tuple(f"class {number}" for number in range(10)),
        Normalisation((0.5,), (0.25,)),
        {"scheme": "uniform"},
        {"name": "digits", "fingerprint": "ab"},
        ({"step": 3, "loss": 2.1},),
    )


@every_space
def test_what_was_written_is_read(name, tmp_path):
    space = SPACES[name]
    supernet = Supernet(space, rng=np.random.default_rng(4))
    write_supernet(tmp_path / "s.safetensors", supernet, card_of(space))
    again, card = read_supernet(tmp_path / "s.safetensors")
    assert card == card_of(space)
    assert not again.training
    assert weights_digest(again.arrays()) == weights_digest(supernet.arrays())
    assert weights_digest(again.arrays()) != weights_digest(Supernet(space).arrays())


@every_space
def test_any_resolution_but_no_other_space(name, tmp_path):
    space = SPACES[name]
    path = tmp_path / "s.safetensors"
    write_supernet(path, Supernet(space), card_of(space))
    settings = {key: value for key, value in space.settings.items() if key != "space"}
    larger = get_space(name, **{**settings, "resolution": 32})
    supernet, card = read_supernet(path, larger)
    assert supernet.space == card.space == larger
    with pytest.raises(UsageError, match=r"classes is 10, not 7|classes is the default, not 7"):
        read_supernet(path, get_space(name, **{**settings, "classes": 7}))
    other = next(space for key, space in SPACES.items() if key != name)
    with pytest.raises(UsageError, match="asked for was"):
        read_supernet(path, other)


@pytest.mark.parametrize("width", [1.0, 1.2])
def test_published_checkpoints_are_recognised(width, tmp_path):
    space = get_space("ofa-mbv3", width=width, classes=10)
    supernet = Supernet(space)
    path = tmp_path / "ofa_mbv3_d234_e346_k357.pth"
    torch.save({"state_dict": supernet.state_dict()}, path)
    again, card = read_supernet(path)
    assert card.space == space and card.normalisation == IMAGENET and len(card.classes) == 10
    assert weights_digest(again.arrays()) == weights_digest(supernet.arrays())
    at_128 = get_space("ofa-mbv3", width=width, classes=10, resolution=128)
    assert read_supernet(path, at_128)[1].space == at_128
    with pytest.raises(UsageError, match=r"expected \(100, "):
        read_supernet(path, get_space("ofa-mbv3", width=width, classes=100))


def test_what_is_no_supernet_is_refused(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "s.safetensors"
    with pytest.raises(UsageError, match=r"s\.safetensors"):
        read_supernet(path)
    path.write_bytes(b"")
    with pytest.raises(UsageError, match="damaged"):
        read_supernet(path)
    save_file({"a": np.zeros(3, np.float32)}, path)
    with pytest.raises(UsageError, match="has no card, and is no published checkpoint"):
        read_supernet(path)
    space = SPACES["ofa-mbv3"]
    write_supernet(path, Supernet(space), card_of(space))
    whole = path.read_bytes()
    for cut in (4, 40, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(UsageError, match=r"s\.safetensors"):
            read_supernet(path)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"schema": 2}, "schema is 2, expected 1"),
        ({"classes": None}, "field 'classes' is null|field 'classes' is None"),
        ({"space": {"space": "nothing"}}, "no space is called 'nothing'"),
        ({"normalisation": {"mean": [0.5], "std": [0]}}, "std"),
    ],
)
def test_a_damaged_card_is_named(change, match, tmp_path):
    space = SPACES["ofa-mbv3"]
    with pytest.raises(UsageError, match=match):
        SupernetCard.from_dict(json.loads(json.dumps(card_of(space).to_dict() | change)), "card")
