"""Splits are a partition, stratified, and no image is on two sides."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nasprof.errors import UsageError
from supernets.data import ArrayImages, DataOptions, Samples, read_data
from supernets.data.named import data_sets
from supernets.data.samples import TEST, TRAIN, UNASSIGNED, VALIDATION, FileImages, unassigned
from supernets.data.splitting import LEFT_OUT, assign, require_enough

SHARES = st.sampled_from([0.0, 0.05, 0.1, 0.25, 0.4])


@given(
    st.integers(0, 99),
    st.lists(st.integers(3, 60), min_size=2, max_size=6),
    SHARES,
    SHARES,
)
def test_splits_without_copies_are_stratified_within_one_image(seed, sizes, validation, test):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    options = DataOptions(validation=validation, test=test)
    splits = assign(labels, unassigned(len(labels)), np.arange(len(labels)), options, seed)
    assert set(splits) <= {TRAIN, VALIDATION, TEST}
    for label, size in enumerate(sizes):
        counts = np.bincount(splits[labels == label], minlength=3)
        for split, share in ((VALIDATION, validation), (TEST, test)):
            assert abs(counts[split] - share * size) <= 1
            assert (counts[split] > 0) == (share > 0)
        assert counts[TRAIN] > 0


@given(st.integers(0, 99), st.integers(2, 30), st.data())
def test_no_group_is_on_two_sides_whatever_is_given(seed, groups_of, data):
    rng = np.random.default_rng(seed)
    count = 60
    labels, groups = rng.integers(0, 3, count), rng.integers(0, groups_of, count)
    kinds = data.draw(st.sampled_from([[UNASSIGNED], [TRAIN, TEST], [TRAIN, VALIDATION, TEST]]))
    given_in = rng.choice(kinds, count)
    splits = assign(labels, given_in, groups, DataOptions(), seed)
    for group in set(groups):
        assert len(set(splits[(groups == group) & (splits != LEFT_OUT)])) <= 1
    # What a given test split has is never touched.
    assert (splits[given_in == TEST] == TEST).all()
    for split in (VALIDATION, TEST):
        if (given_in == split).any():
            assert not (splits[given_in != split] == split).any()


def test_every_class_needs_an_image_for_each_split():
    labels = np.array([0, 0, 0, 1, 1])
    given_in = unassigned(5)
    with pytest.raises(UsageError, match=r"'b' \(has 2\), expected at least 3"):
        require_enough(labels, ("a", "b"), given_in, np.arange(5), DataOptions())
    require_enough(labels, ("a", "b"), given_in, np.arange(5), DataOptions(validation=0))
    with pytest.raises(UsageError, match=r"'b' \(has 1\), expected at least 2"):
        groups = np.array([0, 1, 2, 3, 3])
        require_enough(labels, ("a", "b"), given_in, groups, DataOptions(validation=0))


def scene(seed, side=64):
    """A smooth picture with contrast."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    return coarse.resize((side, side), Image.Resampling.BICUBIC)


def registered(monkeypatch, images, labels, splits=None):
    splits = unassigned(len(labels)) if splits is None else np.asarray(splits, np.intp)
    classes = tuple("ab"[: max(labels) + 1])
    samples = Samples(images, np.asarray(labels, np.int64), classes, splits)
    monkeypatch.setitem(data_sets._entries, "made-up", lambda options: samples)


def recompressed(picture, form, quality):
    stream = io.BytesIO()
    picture.save(stream, form, quality=quality)
    return Image.open(io.BytesIO(stream.getvalue())).convert("RGB")


CHANGES = {
    "jpeg": lambda picture: recompressed(picture, "JPEG", 75),
    "webp": lambda picture: recompressed(picture, "WEBP", 90),
    "smaller": lambda picture: picture.resize((48, 48)).resize((64, 64)),
    "brighter": lambda picture: picture.point(lambda value: min(255, value + 3)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_recompressed_and_rescaled_test_images_are_found_in_the_training_images(
    monkeypatch, change
):
    originals = [scene(seed) for seed in range(40)]
    copies = [CHANGES[change](picture) for picture in originals[:8]]
    images = np.stack([np.asarray(picture) for picture in (*originals, *copies)])
    labels = [number % 2 for number in (*range(40), *range(8))]
    splits = [TRAIN] * 40 + [TEST] * 8
    registered(monkeypatch, ArrayImages(images, "made-up"), labels, splits)
    data = read_data("made-up", (32, 32, 3))
    assert data.duplicates == 8
    assert len(data.train) + len(data.validation) == 32
    exact = read_data("made-up", (32, 32, 3), options=DataOptions(duplicates="exact"))
    assert exact.duplicates == 0
    assert exact.fingerprint != data.fingerprint


@pytest.mark.parametrize("level", [0, 100])
def test_pictures_of_hardly_any_contrast_are_only_the_same_if_all_pixels_are(monkeypatch, level):
    rng = np.random.default_rng(0)
    images = (level + rng.integers(0, 4, (100, 8, 8))).astype(np.uint8)
    registered(monkeypatch, ArrayImages(images, "made-up"), [0, 1] * 50)
    data = read_data("made-up", (8, 8, 1))
    assert not data.notes
    same = np.repeat(images[:10], 10, axis=0)
    registered(monkeypatch, ArrayImages(same, "made-up"), [0, 1] * 50)
    data = read_data("made-up", (8, 8, 1))
    sides = [
        {image.tobytes() for image in split.images(np.arange(len(split)))} for split in data.splits
    ]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 10
    assert any("images that occur with different labels: 10" in note for note in data.notes)


def test_many_copies_are_one_group(monkeypatch):
    rng = np.random.default_rng(0)
    scenes = np.stack([np.asarray(scene(seed, 32)) for seed in range(12)]).astype(int)
    noisy = scenes[:, None] + rng.integers(-2, 3, (12, 60, 32, 32, 3))
    images = np.clip(noisy, 0, 255).astype(np.uint8).reshape(-1, 32, 32, 3)
    labels = np.repeat(np.arange(12) % 2, 60).tolist()
    registered(monkeypatch, ArrayImages(images, "made-up"), labels)
    data = read_data("made-up", (32, 32, 3), options=DataOptions(validation=0.17, test=0.17))
    assert [len(split) // 60 for split in data.splits] == [8, 2, 2]
    assert all(len(split) % 60 == 0 for split in data.splits)
    assert any("in their split: 708" in note for note in data.notes)


def test_images_that_are_decoded_when_asked_for_are_those_in_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "own"))
    tmp_path = tmp_path / "pictures"
    for number in range(30):
        folder = tmp_path / "ab"[number % 2]
        folder.mkdir(exist_ok=True, parents=True)
        scene(number).save(folder / f"{number}.png")
    held = read_data(tmp_path, (16, 16, 3))
    asked = read_data(tmp_path, (16, 16, 3), options=DataOptions(memory_bytes=0, threads=1))
    assert asked.fingerprint == held.fingerprint
    assert isinstance(asked.train.store.source, FileImages)
    every = np.arange(len(held.train))
    assert np.array_equal(asked.train.images(every), held.train.images(every))
    crops = np.tile([1.0, 1.0, 0.5, 0.5], (len(every), 1))
    assert np.array_equal(asked.train.images(every, crops), held.train.images(every))
    name = asked.train.image_name(0)
    (tmp_path / name.strip("'")).write_bytes(b"gone")
    with pytest.raises(UsageError, match=name):
        asked.train.images(every)


def test_the_division_of_a_large_set_is_kept_until_a_picture_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "own"))
    pictures = tmp_path / "pictures"
    for number in range(30):
        folder = pictures / "ab"[number % 2]
        folder.mkdir(exist_ok=True, parents=True)
        scene(number).save(folder / f"{number}.png")
    (pictures / "a" / "broken.png").write_bytes(b"")
    options = DataOptions(memory_bytes=0, most_corrupt=0.1)

    def read():
        looks = []
        data = read_data(
            pictures, (16, 16, 3), options=options, progress=lambda done, total: looks.append(done)
        )
        return data, bool(looks)

    first, looked = read()
    assert looked
    again, looked = read()
    assert not looked
    assert again.facts() == first.facts()
    assert again.unreadable == first.unreadable
    every = np.arange(len(first.train))
    assert np.array_equal(again.train.images(every), first.train.images(every))
    (kept,) = (tmp_path / "own").rglob("*.npz")
    kept.write_bytes(kept.read_bytes()[:-30])
    assert read()[1]
    scene(99).save(pictures / "b" / "1.png")
    changed, looked = read()
    assert looked
    assert changed.fingerprint != first.fingerprint
