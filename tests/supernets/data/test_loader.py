"""Training batches: every image once an epoch, the same ones again from any position."""

import os
import signal

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nasprof.errors import NasprofError, UsageError
from supernets.data import Augmentation, Loader, read_data
from supernets.data.augmentation import random_crops, shifted
from supernets.data.mixing import erase, mix
from supernets.data.pictures import crop_box
from supernets.data.randaugment import OPERATIONS, rand_augment

EVERYTHING = Augmentation(
    resized_crop=0.5, operations=1, erasing=0.3, mixup=0.4, cutmix=1.0, flip=0.5
)


@pytest.fixture(scope="module")
def digits():
    return read_data("digits", (8, 8, 1))


def same(one, other):
    return all(torch.equal(left, right) for left, right in zip(one, other, strict=True))


def some(loader, count):
    return [next(loader) for _ in range(count)]


def test_every_image_comes_once_an_epoch_in_another_order_each_time(digits):
    loader = Loader(digits, 100, augmentation=Augmentation.none())
    assert loader.steps_per_epoch == 12
    epochs = [
        np.concatenate([loader.batches.indices(12 * epoch + step) for step in range(12)])
        for epoch in (0, 1)
    ]
    for indices in epochs:
        assert len(set(indices.tolist())) == 1200
    assert epochs[0].tolist() != epochs[1].tolist()
    images, labels = next(loader)
    assert (images.dtype, images.shape) == (torch.float32, (100, 1, 8, 8))
    assert labels.tolist() == digits.train.labels[epochs[0][:100]].tolist()


@pytest.mark.parametrize("changes", [Augmentation(), EVERYTHING], ids=["usual", "everything"])
@pytest.mark.parametrize("taken", [0, 1, 11, 12, 30])
def test_a_loader_goes_on_bit_for_bit(digits, changes, taken):
    loader, resumed = (Loader(digits, 100, seed=3, augmentation=changes) for _ in range(2))
    some(loader, taken)
    resumed.load_state_dict(loader.state_dict())
    assert (resumed.step, resumed.epoch) == (taken, taken // 12)
    assert all(map(same, some(loader, 3), some(resumed, 3)))
    other = Loader(digits, 100, seed=4, augmentation=changes)
    assert not same(next(other), next(Loader(digits, 100, seed=3, augmentation=changes)))


def test_workers_give_the_same_batches_and_one_that_is_killed_is_an_error(digits):
    alone, shared = (Loader(digits, 64, augmentation=EVERYTHING, workers=count) for count in (0, 2))
    before = {child.pid for child in psutil.Process().children()}
    assert all(map(same, some(alone, 5), some(shared, 5)))
    workers = [
        child.pid
        for child in psutil.Process().children()
        if child.pid not in before and "resource_tracker" not in " ".join(child.cmdline())
    ]
    assert len(workers) == 2
    for worker in workers:  # as Ctrl-C does
        os.kill(worker, signal.SIGINT)
    assert all(map(same, some(alone, 8), some(shared, 8)))
    os.kill(workers[0], signal.SIGKILL)
    with pytest.raises(NasprofError, match="process that loads images has ended"):
        some(shared, 20)
    shared.workers = 0
    assert same(next(shared), alone.batches[shared.step - 1])


def test_ranks_share_each_step(digits):
    ranks = [Loader(digits, 50, share=(rank, 2)) for rank in (0, 1)]
    whole = Loader(digits, 100)
    for position in (0, 5, 12):
        parts = [loader.batches.indices(position).tolist() for loader in ranks]
        assert sum(parts, []) == whole.batches.indices(position).tolist()  # noqa: RUF017


def test_other_data_or_options_are_refused(digits):
    state = Loader(digits, 64).state_dict()
    with pytest.raises(UsageError, match=r"begun with batch 64, expected batch 32"):
        Loader(digits, 32).load_state_dict(state)
    with pytest.raises(UsageError, match="augmentation"):
        Loader(digits, 64, augmentation=EVERYTHING).load_state_dict(state)
    other = read_data("digits", (8, 8, 1), seed=1)
    with pytest.raises(UsageError, match="images or their splits have changed"):
        Loader(other, 64).load_state_dict(state)
    with pytest.raises(UsageError, match="position"):
        Loader(digits, 64).load_state_dict({})


def test_few_images_are_one_batch(digits):
    loader = Loader(digits, 5000)
    assert loader.steps_per_epoch == 1
    assert len(next(loader)[1]) == 1259
    with pytest.raises(UsageError, match="1,259 training images"):
        Loader(digits, 64, share=(0, 2000))
    with pytest.raises(UsageError, match="batches of 0"):
        Loader(digits, 0)


SEEDS = st.integers(0, 1000)


@given(SEEDS, st.integers(0, 3), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([1, 3]))
def test_shifting_moves_pixels_and_adds_black(seed, padding, flip, channels):
    rng = np.random.default_rng(seed)
    images = rng.integers(1, 256, (4, 6, 5, channels), dtype=np.uint8)
    out = shifted(images, padding, flip, rng)
    assert (out.shape, out.dtype) == (images.shape, np.uint8)
    for before, after in zip(images, out, strict=True):
        padded = np.pad(before, ((padding, padding), (padding, padding), (0, 0)))
        options = [
            padded[down : down + 6, across : across + 5]
            for down in range(2 * padding + 1)
            for across in range(2 * padding + 1)
        ]
        options += [option[:, ::-1] for option in options]
        assert any(np.array_equal(after, option) for option in options)
    if not padding:
        expected = {0.0: images, 1.0: images[:, :, ::-1]}
        assert flip == 0.5 or np.array_equal(out, expected[flip])


@given(SEEDS, st.floats(0.01, 1), st.integers(1, 50), st.integers(1, 50))
def test_crops_lie_in_the_picture(seed, least, width, height):
    for crop in random_crops(5, least, np.random.default_rng(seed)):
        left, upper, right, lower = crop_box(width, height, crop)
        assert 0 <= left < right <= width + 1e-9
        assert 0 <= upper < lower <= height + 1e-9
        assert (right - left) * (lower - upper) <= width * height * crop[0] * (1 + 1e-9)


@pytest.mark.parametrize("channels", [1, 3])
def test_each_operation_keeps_shape_and_changes_pictures(channels):
    images = np.random.default_rng(0).integers(0, 256, (200, 9, 7, channels), dtype=np.uint8)
    out = rand_augment(images, 1, 15, np.random.default_rng(1))
    assert (out.shape, out.dtype) == (images.shape, np.uint8)
    changed = (out != images).any(axis=(1, 2, 3)).mean()
    assert 0.6 < changed < 1
    still = rand_augment(images, 0, 15, np.random.default_rng(1))
    assert np.array_equal(still, images)
    assert len(OPERATIONS) == 14


@given(SEEDS, st.sampled_from([(0.4, 0.0), (0.0, 1.0), (0.3, 0.3)]))
def test_mixed_targets_are_shares(seed, alphas):
    rng = np.random.default_rng(seed)
    labels = torch.from_numpy(rng.integers(0, 5, 8))
    # Each image has its label as its value, so that what is in it can be counted.
    images = labels.to(torch.float32)[:, None, None, None].expand(8, 1, 6, 6).clone()
    mixup, cutmix = alphas
    mixed, shares = mix(images, labels, 5, Augmentation(mixup=mixup, cutmix=cutmix), rng)
    assert mixed.shape == (8, 1, 6, 6)
    assert torch.allclose(shares.sum(dim=1), torch.ones(8), atol=1e-6)
    assert float(shares.min()) >= 0
    value = (shares * torch.arange(5)).sum(dim=1)
    assert torch.allclose(mixed.mean(dim=(1, 2, 3)), value, atol=1e-5)


def test_erased_is_a_rectangle_of_some_images():
    images = torch.ones(300, 2, 10, 10)
    out = erase(images, 0.5, np.random.default_rng(0))
    erased = (out == 0).all(dim=1)
    hit = erased.flatten(1).any(dim=1)
    assert 100 < int(hit.sum()) < 200
    for mask in erased[hit]:
        rows, columns = mask.any(dim=1), mask.any(dim=0)
        assert int(mask.sum()) == int(rows.sum()) * int(columns.sum())
        assert int(mask.sum()) <= 45


def test_an_augmentation_is_read_back_and_checked():
    assert Augmentation.of(EVERYTHING.to_dict()) == EVERYTHING
    assert Augmentation.of({}) == Augmentation()
    for wrong, message in (
        ({"flop": 1}, "flop"),
        ({"flip": "yes"}, "flip"),
        ({"flip": 2}, "'flip' is 2"),
        ({"magnitude": 31}, "'magnitude' is 31"),
    ):
        with pytest.raises(UsageError, match=message):
            Augmentation.of(wrong)
