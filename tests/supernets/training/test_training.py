"""Whole trainings by every scheme: they learn, repeat themselves, and go on where they were."""

from __future__ import annotations

import json
import resource
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_supernets import SPACES, TINY_MOBILENET
from small_trainings import OFTEN, SPACE, StopAfter, digits, same_weights, train_digits

from nasprof.errors import NasprofError, UsageError
from spaces import get_space
from supernets import (
    Recipe,
    Supernet,
    SupernetCard,
    TrainingOptions,
    read_data,
    read_supernet,
    train,
    train_supernet,
    write_supernet,
)
from supernets.training.history import (
    HistoryInvalid,
    TrainingBusy,
    TrainingMismatch,
    history_path,
    read_history,
)
from supernets.training.schemes import schemes
from supernets.training.states import StateInvalid, state_path

every_scheme = pytest.mark.parametrize("scheme", list(schemes))
ALL_AT_ONCE = {
    "ema": 0.9,
    "clip": 1.0,
    "label_smoothing": 0.1,
    "weight_decay": 0.01,
    "augmentation": {"padding": 1, "flip": 0.5, "mixup": 0.2},
}


@every_scheme
def test_the_same_seed_gives_the_same_weights_also_after_an_interruption(scheme, tmp_path):
    steps = {"shrinking": 6, "sandwich": 3}.get(scheme, 5)  # a step for each phase
    settings = {"scheme": scheme, "seed": 3, "steps": steps, "batch": 4, **ALL_AT_ONCE}
    whole, _ = train_digits(tmp_path / "whole.safetensors", **settings)
    path = tmp_path / "parts.safetensors"
    for step in (1, steps - 1):
        with pytest.raises(KeyboardInterrupt):
            train_digits(path, progress=StopAfter(step), **settings)
        assert state_path(path).exists() and not path.exists()
    parts, result = train_digits(path, **settings)
    assert same_weights(whole, parts)
    assert not state_path(path).exists()
    # What is written is what was trained, with what it was trained on.
    stored, card = read_supernet(path, SPACE)
    assert same_weights(parts, stored)
    assert card.recipe == result.card.recipe and card.recipe["scheme"] == scheme
    assert card.data["fingerprint"] == digits().fingerprint
    assert card.history[-1]["validation"] == result.accuracy


def test_another_seed_gives_other_weights(tmp_path):
    first, _ = train_digits(tmp_path / "a.safetensors", steps=2, batch=8)
    second, _ = train_digits(tmp_path / "b.safetensors", steps=2, batch=8, seed=1)
    assert not same_weights(first, second)


def test_the_loss_falls_soon_and_networks_learn(tmp_path):
    path = tmp_path / "s.safetensors"
    _, result = train_digits(path, steps=40, batch=32)
    losses = [record["loss"] for record in read_history(history_path(path)) if "loss" in record]
    assert np.mean(losses[:5]) > 2.2
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
    assert result.accuracy["largest"] > 30
    json.dumps(result.to_dict(), allow_nan=False)


def test_sgd_and_another_space(tmp_path):
    space = SPACES["nasbench201"]
    recipe = Recipe(optimiser="sgd", learning_rate=0.05, steps=2, batch=4)
    supernet, before = Supernet(space), Supernet(space)
    data = read_data("digits", space.network(supernet.smallest).inputs[0])
    options = TrainingOptions(check_images=10)
    train(supernet, data, recipe, checkpoint=tmp_path / "s.safetensors", options=options)
    stored, _ = read_supernet(tmp_path / "s.safetensors")
    assert same_weights(supernet, stored) and not same_weights(supernet, before)


# --- time -----------------------------------------------------------------------------------------


def test_seconds_become_a_number_of_steps(tmp_path):
    path, seconds = tmp_path / "s.safetensors", 20.0
    options = TrainingOptions(seconds=seconds, check_images=10)
    with pytest.raises(KeyboardInterrupt):
        train_digits(path, Recipe(batch=4), options, progress=StopAfter(2))
    (begun,) = (record for record in read_history(history_path(path)) if "total" in record)
    # A step of so few images takes 10 to 300 ms, whatever else the machine does.
    assert seconds / 0.3 < begun["total"] < seconds / 0.01


def test_the_number_of_steps_stays_what_it_was_begun_with(tmp_path, monkeypatch):
    path, options = tmp_path / "s.safetensors", TrainingOptions(seconds=9.0, check_images=10)
    counts = iter([3, 7])
    monkeypatch.setattr("supernets.training.session.steps_within", lambda *_: next(counts))
    with pytest.raises(KeyboardInterrupt):
        train_digits(path, Recipe(batch=4), options, progress=StopAfter(1))
    state_path(path).unlink()  # as if killed before the first one was written
    parts, result = train_digits(path, Recipe(batch=4), options)
    assert result.card.recipe["steps"] == 3 and next(counts) == 7
    # The number of steps alone gives the same weights again.
    whole, _ = train_digits(tmp_path / "t.safetensors", Recipe(batch=4, steps=3), OFTEN)
    assert same_weights(whole, parts)


def test_how_long_has_to_be_said(tmp_path):
    with pytest.raises(UsageError, match="how long"):
        train_digits(tmp_path / "s.safetensors", Recipe())
    with pytest.raises(UsageError, match="too few"):
        train_digits(tmp_path / "s.safetensors", Recipe(), TrainingOptions(seconds=1e-3))


def test_it_may_begin_with_the_weights_of_another_supernet(tmp_path, caplog):
    first = Supernet(SPACE, classes=7, rng=np.random.default_rng(1))
    path = tmp_path / "first.safetensors"
    write_supernet(path, first, SupernetCard(first.space, tuple("abcdefg"), digits().normalisation))
    recipe = Recipe(steps=1, batch=2, learning_rate=1e-9)
    output = tmp_path / "s.safetensors"
    caplog.set_level("INFO")
    train_supernet(SPACE, digits(), recipe, output=output, start=path)
    assert "a new classifier for 10 classes" in caplog.text
    trained, given = read_supernet(output)[0].arrays(), first.arrays()
    for name, array in given.items():
        if "running" not in name and not name.startswith("classifier"):
            assert np.allclose(trained[name], array, atol=1e-6), name
    other = tmp_path / "other.safetensors"
    wider = get_space("ofa-mbv3", **{**TINY_MOBILENET, "head_widths": (32, 32)})
    write_supernet(other, Supernet(wider), SupernetCard(wider, ("a",) * 10, digits().normalisation))
    with pytest.raises(UsageError, match="does not fit"):
        train_supernet(SPACE, digits(), recipe, output=tmp_path / "t.safetensors", start=other)


# --- what may not differ ------------------------------------------------------------------------


@pytest.fixture
def begun(tmp_path):
    path = tmp_path / "s.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train_digits(path, steps=4, batch=8, progress=StopAfter(1))
    return path


def test_a_training_goes_on_only_as_it_was_begun(begun):
    kept = state_path(begun).read_bytes()
    with pytest.raises(TrainingMismatch, match=r"recipe.learning_rate was 0.01, now 0.02"):
        train_digits(begun, steps=4, batch=8, learning_rate=0.02)
    with pytest.raises(TrainingMismatch, match="the images, their splits"):
        changed = replace(digits(), fingerprint="0" * 64)
        train(Supernet(SPACE), changed, Recipe(steps=4, batch=8), checkpoint=begun)
    with pytest.raises(TrainingMismatch, match="the weights that it begins with"):
        other = Supernet(SPACE, rng=np.random.default_rng(9))
        train(other, digits(), Recipe(steps=4, batch=8), checkpoint=begun)
    assert state_path(begun).read_bytes() == kept
    fresh = TrainingOptions(fresh=True, check_images=40)
    _, result = train_digits(begun, options=fresh, steps=3, batch=8)
    assert result.card.recipe["steps"] == 3


def test_a_state_without_its_history_is_held_to_its_own_facts(begun):
    history_path(begun).unlink()
    with pytest.raises(TrainingMismatch, match=r"recipe\.batch was 8, now 16"):
        train_digits(begun, steps=4, batch=16)


def test_two_processes_do_not_train_into_one_file(begun):
    def again(status):
        with pytest.raises(TrainingBusy, match="another process"):
            train_digits(begun, steps=4, batch=8)

    train_digits(begun, steps=4, batch=8, progress=again)


def test_what_is_trained_is_not_trained_again(begun, caplog):
    first, _ = train_digits(begun, steps=4, batch=8)
    written = begun.read_bytes()
    second, result = train_digits(begun, steps=4, batch=8)
    assert same_weights(first, second) and begun.read_bytes() == written
    assert result.accuracy["n"] == 40
    history_path(begun).unlink()
    with pytest.raises(UsageError, match="nothing beside it says how it was trained"):
        train_digits(begun, steps=4, batch=8)


@pytest.mark.parametrize("damage", ["cut", "flipped", "text"])
def test_a_damaged_state_is_a_named_error(begun, damage):
    state = state_path(begun)
    content = state.read_bytes()
    damaged = {
        "cut": content[: len(content) // 2],
        "flipped": content[:8] + bytes([content[8] ^ 1]) + content[9:],
        "text": b"hello",
    }
    state.write_bytes(damaged[damage])
    with pytest.raises(StateInvalid, match="damaged") as caught:
        train_digits(begun, steps=4, batch=8)
    assert "--fresh" in caught.value.remedy


def test_a_history_that_is_none_is_a_named_error(begun):
    history_path(begun).write_text("hello\n")
    with pytest.raises((HistoryInvalid, UsageError)):
        train_digits(begun, steps=4, batch=8)


def test_a_full_disk_costs_nothing_that_was_saved(tmp_path, caplog):
    path = tmp_path / "s.safetensors"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    seen = []

    def fill(status):
        if status.step == 2:
            seen.append(state_path(path).read_bytes())
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))

    try:
        with pytest.raises(NasprofError, match="cannot write") as caught:
            train_digits(path, options=OFTEN, progress=fill, steps=4, batch=4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "Free some space" in caught.value.remedy
    assert "the training goes on, what was saved last is kept" in caplog.text
    assert state_path(path).read_bytes() == seen[0] and not path.exists()
    parts, _ = train_digits(path, options=OFTEN, steps=4, batch=4)
    whole, _ = train_digits(tmp_path / "whole.safetensors", steps=4, batch=4)
    assert same_weights(parts, whole)


# --- what does not fit ----------------------------------------------------------------------------


def test_images_of_another_shape_or_number_of_classes(tmp_path):
    path = tmp_path / "s.safetensors"
    space = SPACES["nasbench201"]
    with pytest.raises(UsageError, match="16x16x1"):
        train(Supernet(space), digits(), Recipe(steps=1), checkpoint=path)
    with pytest.raises(UsageError, match="10 classes"):
        train(Supernet(SPACE, classes=7), digits(), Recipe(steps=1), checkpoint=path)
    with pytest.raises(UsageError, match=r"\.safetensors"):
        train(Supernet(SPACE), digits(), Recipe(steps=1), checkpoint=tmp_path / "s.pth")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("device", ["cuda", "tpu", "mps"])
def test_a_device_that_there_is_not(tmp_path, device):
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(UsageError, match="device is"):
        train_digits(tmp_path / "s.safetensors", options=TrainingOptions(device=device))


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"batch": 1}, "'batch' is 1"),
        ({"optimiser": "adam"}, "'adamw' or 'sgd'"),
        ({"learning_rate": float("nan")}, "'learning_rate' is nan"),
        ({"steps": 0}, "'steps' is 0"),
        ({"colour": 1}, "a training has no setting 'colour'"),
        ({"precision": "int8"}, "'precision' is 'int8'"),
        ({"ema": 1.0}, "'ema' is 1.0"),
    ],
)
def test_a_recipe_that_makes_no_sense(setting, said):
    with pytest.raises(UsageError, match=said):
        Recipe.of(setting)


def test_a_recipe_survives_json():
    recipe = Recipe(steps=3, scheme_settings={"random": 1}, ema=0.99)
    assert Recipe.of(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_half_precision_on_a_cpu(tmp_path):
    with pytest.raises(UsageError, match="fp16 is for CUDA"):
        train_digits(tmp_path / "s.safetensors", precision="fp16")
    _, result = train_digits(tmp_path / "s.safetensors", precision="bf16", steps=3, batch=8)
    assert result.card.recipe["precision"] == "bf16"
