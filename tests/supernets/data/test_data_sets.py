"""Data sets keep what they promise, whatever format they are in."""

import gzip
import json
import re
import struct
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from nasprof.errors import UsageError
from nasprof.normalisation import Normalisation
from nasprof.settings import setting_infos
from supernets.data import (
    Augmentation,
    DataOptions,
    batches,
    data_formats,
    named,
    read_data,
    scan,
    to_tensor,
)
from supernets.data.pictures import ImageUnreadable
from supernets.data.samples import FileImages

SHAPE = (12, 12, 1)
CLASSES = ("cat", "dog", "eel")
EACH = 20
OPTIONS = DataOptions(duplicates="exact")


def pictures(seed=0, each=EACH, shape=SHAPE):
    """Images ``(n, h, w)`` of noise around a level of their class, and labels ``(n,)``."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(CLASSES)), each)
    levels = 60 + 60 * labels[:, None, None]
    noise = rng.integers(-50, 50, (len(labels), *shape[:2]))
    return (levels + noise).astype(np.uint8), labels


def write_folder(path, images, labels, split=None):
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        folder = path / (split or "") / CLASSES[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number:04d}.png")


def write_idx(path, images, labels, split=None):
    path.mkdir(parents=True, exist_ok=True)
    name = "t10k" if split == "test" else "train"
    header = bytes([0, 0, 8, images.ndim]) + struct.pack(f">{images.ndim}I", *images.shape)
    (path / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + images.tobytes()))
    header = bytes([0, 0, 8, 1]) + struct.pack(">I", len(labels))
    content = header + labels.astype(np.uint8).tobytes()
    (path / f"{name}-labels-idx1-ubyte").write_bytes(content)


def write_csv(path, images, labels, split=None):
    (path / "images").mkdir(parents=True, exist_ok=True)
    table = path / "data.csv"
    lines = [] if table.exists() else ["path,label,split"]
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        name = f"images/{split}{number}.png"
        Image.fromarray(image).save(path / name)
        lines.append(f"{name},{CLASSES[label]},{split or ''}")
    with table.open("a") as stream:
        stream.write("\n".join(lines) + "\n")


def write_npz(path, images, labels, split=None):
    path.mkdir(parents=True, exist_ok=True)
    file = path / "data.npz"
    arrays = dict(np.load(file)) if file.exists() else {}
    before = f"{split}_" if split else ""
    np.savez(file, **arrays | {f"{before}images": images, f"{before}labels": labels})


WRITERS = {"folder": write_folder, "idx": write_idx, "csv": write_csv, "npz": write_npz}
FORMATS = pytest.mark.parametrize("form", WRITERS)


@pytest.fixture
def written(tmp_path):
    """Writes a data set in a format to a new folder; given test images if there are any."""

    def write(form, name="set", images=None, labels=None, test=None):
        if images is None:
            images, labels = pictures()
        path = tmp_path / name
        if test is None:
            WRITERS[form](path, images, labels)
        else:
            WRITERS[form](path, images, labels, "train")
            WRITERS[form](path, *test, "test")
        return next((entry for entry in path.iterdir() if entry.name.startswith("data.")), path)

    return write


def content(split):
    """The images of a split with their labels, in order."""
    images = split.images(np.arange(len(split)))
    return [(image.tobytes(), label) for image, label in zip(images, split.labels, strict=True)]


def images_of(split):
    return {image for image, _ in content(split)}


@FORMATS
def test_the_splits_are_a_partition_and_stratified(written, form):
    data = read_data(written(form), SHAPE, options=OPTIONS)
    images, labels = pictures()
    expected = [(image.tobytes(), label) for image, label in zip(images, labels, strict=True)]
    assert sorted(chain.from_iterable(map(content, data.splits))) == sorted(expected)
    assert [len(split) for split in data.splits] == [42, 6, 12]
    for split, each in zip(data.splits, (14, 2, 4), strict=True):
        assert np.bincount(split.labels).tolist() == [each] * 3
    assert data.image_shape == SHAPE
    assert len(data.classes) == 3


@FORMATS
def test_the_same_seed_gives_the_same_splits_and_another_one_others(written, form):
    path = written(form)
    first, again, other = (read_data(path, SHAPE, seed=seed, options=OPTIONS) for seed in (1, 1, 2))
    assert content(first.train) == content(again.train)
    assert content(first.test) == content(again.test)
    assert first.fingerprint == again.fingerprint
    assert content(first.test) != content(other.test)
    assert first.fingerprint != other.fingerprint


@FORMATS
def test_copies_and_another_order_of_listing_are_the_same_set(written, form, monkeypatch):
    path = written(form)
    first = read_data(path, SHAPE, options=OPTIONS)
    images, labels = pictures()
    order = np.random.default_rng(5).permutation(len(labels))
    other = read_data(written(form, "copy", images[order], labels[order]), SHAPE, options=OPTIONS)
    assert other.fingerprint == first.fingerprint
    assert content(other.train) == content(first.train)
    images[0, 0, 0] ^= 1
    changed = read_data(written(form, "changed", images, labels), SHAPE, options=OPTIONS)
    assert changed.fingerprint != first.fingerprint
    # Networks of all resolutions train and test on the same images.
    larger = read_data(path, (13, 12, 1), options=OPTIONS)
    assert larger.fingerprint == first.fingerprint
    assert larger.train.images(np.arange(3)).shape == (3, 13, 12, 1)
    assert larger.train.rows.tolist() == first.train.rows.tolist()


@FORMATS
@pytest.mark.parametrize("memory_bytes", [1 << 30, 0])
def test_at_another_size_it_is_as_if_it_had_been_read_at_that(written, form, memory_bytes):
    path, options = written(form), replace(OPTIONS, memory_bytes=memory_bytes)
    first = read_data(path, SHAPE, options=options)
    assert first.at(SHAPE) is first
    for shape in ((7, 9, 1), (13, 15, 3)):
        other, expected = first.at(shape), read_data(path, shape, options=options)
        assert other.image_shape == shape
        assert other.fingerprint == expected.fingerprint
        for one, same in zip(other.splits, expected.splits, strict=True):
            assert content(one) == content(same)
            assert content(one) == content(same)  # what is kept by now
        crops = np.array([[0.5, 1.2, 0.7, 0.6]])
        cut, again = (one.train.images(np.array([3]), crops) for one in (other, expected))
        assert cut.shape == again.shape == (1, *shape)


def test_what_is_read_at_another_size_is_decoded_once_and_only_if_it_is_needed(
    written, monkeypatch
):
    first = read_data(written("folder"), SHAPE, options=OPTIONS)
    decoded, load = [], FileImages.load

    def noted(self, rows, *rest):
        decoded.extend(rows.tolist())
        return load(self, rows, *rest)

    monkeypatch.setattr(FileImages, "load", noted)
    smaller = first.at((6, 6, 1))
    some = np.array([2, 0, 2])
    smaller.train.images(some)
    assert sorted(decoded) == sorted(smaller.train.rows[[0, 2]].tolist())
    first.at((6, 6, 1)).train.images(some)
    assert len(decoded) == 2


@pytest.mark.parametrize("memory_bytes", [1 << 30, 0])
def test_a_picture_that_changed_since_it_was_looked_at_is_named(written, memory_bytes):
    path = written("folder")
    data = read_data(path, SHAPE, options=replace(OPTIONS, memory_bytes=memory_bytes))
    name = data.train.image_name(1)
    Image.fromarray(np.zeros(SHAPE[:2], np.uint8)).save(path / name.strip("'"))
    smaller = data.at((6, 6, 1))
    smaller.train.images(np.array([0, 2]))
    with pytest.raises(ImageUnreadable, match="it has changed since it was looked at") as error:
        smaller.train.images(np.array([1]))
    assert name in error.value.message


@FORMATS
def test_facts_are_written_as_json(written, form):
    data = read_data(written(form), SHAPE, options=OPTIONS)
    facts = json.loads(json.dumps(data.facts()))
    assert facts["sizes"] == {"train": 42, "validation": 6, "test": 12}
    assert facts["counts"]["test"] == [4, 4, 4]
    assert len(facts["fingerprint"]) == 64
    assert data.counts(data.test) == dict.fromkeys(data.classes, 4)
    assert Normalisation.from_dict(facts["normalisation"]) == data.normalisation
    values = data.train.images(np.arange(len(data.train))) / 255
    assert data.normalisation.mean == pytest.approx(values.mean(axis=(0, 1, 2)), abs=1e-6)
    assert data.normalisation.std == pytest.approx(values.std(axis=(0, 1, 2)), abs=1e-6)
    assert data.split("test") is data.test
    with pytest.raises(UsageError, match="'tset'"):
        data.split("tset")


@FORMATS
def test_given_splits_are_kept(written, form):
    given = pictures(seed=1, each=5)
    data = read_data(written(form, test=given), SHAPE, options=OPTIONS)
    assert images_of(data.test) == {image.tobytes() for image in given[0]}
    assert (len(data.train), len(data.validation)) == (54, 6)


@FORMATS
def test_training_images_that_the_test_split_has_are_left_out_and_told(written, form):
    images, labels = pictures()
    test = (images[::10].copy(), labels[::10])
    data = read_data(written(form, test=test), SHAPE, options=OPTIONS)
    assert data.duplicates == 6
    assert len(data.train) + len(data.validation) == 54
    assert not images_of(data.train) & images_of(data.test)
    assert any("nearly identical one: 6" in note for note in data.notes)


@FORMATS
def test_images_are_normalised_for_networks(written, form):
    data = read_data(written(form), SHAPE, options=OPTIONS)
    pixels = to_tensor(data.train.images(np.arange(len(data.train))), data.normalisation)
    assert pixels.shape == (42, 1, 12, 12)
    assert abs(float(pixels.mean())) < 1e-4
    assert abs(float(pixels.std()) - 1) < 1e-3
    seen = [
        (images.shape[0], labels.tolist())
        for images, labels in batches(data.test, data.normalisation, 5)
    ]
    assert [count for count, _ in seen] == [5, 5, 2]
    assert list(chain.from_iterable(labels for _, labels in seen)) == data.test.labels.tolist()


def test_digits_have_every_image_once():
    data = read_data("digits", (8, 8, 1))
    assert [len(split) for split in data.splits] == [1259, 179, 359]
    assert data.classes == tuple("0123456789")
    assert data.fingerprint == read_data("digits", (8, 8, 1)).fingerprint
    assert data.duplicates == 0


def test_the_code_of_the_page_and_a_format_of_ones_own(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(data_formats, "_entries", dict(data_formats._entries))
    page = Path(__file__).resolve().parents[3] / "docs" / "data-sets.md"
    code = "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
    exec(compile(code, page.name, "exec"), {})
    assert "{'train': 1259, 'validation': 179, 'test': 359}" in capsys.readouterr().out
    settings = [info.name for kind in (DataOptions, Augmentation) for info in setting_infos(kind)]
    assert all(f"`{name}`" in page.read_text() for name in settings)
    path = tmp_path / "some.levels"
    path.write_text("\n".join(f"{value} {value % 2}" for value in range(100)))
    data = read_data(path, (4, 4, 1))
    assert data.name == "some.levels"
    assert [len(split) for split in data.splits] == [70, 10, 20]
    named = read_data(path, (4, 4, 1), options=DataOptions(format="levels"))
    assert named.fingerprint == data.fingerprint
    with pytest.raises(UsageError, match="has the columns"):
        read_data(path, (4, 4, 1), options=DataOptions(format="csv"))


@FORMATS
def test_a_file_names_a_source_and_how_it_is_read(written, form, tmp_path):
    path = written(form)
    options = DataOptions(duplicates="exact", test=0.3, validation=0, crop=0.75)
    expected = read_data(path, SHAPE, seed=5, options=options)
    described = tmp_path / "some.toml"
    described.write_text(
        f'source = "{path.relative_to(tmp_path)}"\nduplicates = "exact"\ntest = 0.3\n'
        "validation = 0\ncrop = 0.75\nseed = 5\n"
    )
    assert read_data(described, SHAPE).facts() == expected.facts()
    for text, words in (
        ("test = 0.3", "field 'source' is missing"),
        ('source = "digits"\ntset = 0.3', "some.toml: a data set has no setting 'tset'"),
        ('source = "digits"\ntest = "half"', "some.toml: setting 'test' is 'half'"),
        ('source = "digits"\nseed = -1', "seed is -1"),
        ('source = "none"', "no data set is called 'none'"),
        ('source = "some.toml"', "expected a data set"),
        ("source =", "not valid TOML"),
    ):
        described.write_text(text)
        with pytest.raises(UsageError, match=re.escape(words)):
            read_data(described, SHAPE)
    described.write_text('source = "digits"\n')

    assert read_data(described, (8, 8, 1)).name == "digits"


@pytest.mark.parametrize("file", [named.DIGITS, ("moved",)])
def test_digits_are_those_of_scikit_learn_wherever_it_keeps_them(file, monkeypatch):
    monkeypatch.setattr(named, "DIGITS", file)
    images, labels = load_digits(return_X_y=True)
    samples = named.digits(DataOptions())
    stored = samples.images.array.reshape(-1, 64)
    assert np.array_equal(np.rint(stored * (16 / 255)), images)
    assert np.array_equal(samples.labels, labels)


def test_small_pictures_are_decoded_without_threads_unless_these_are_asked_for(
    written, monkeypatch
):
    path, pools = written("folder"), []
    monkeypatch.setattr(scan, "_TASK", 8)
    alone = read_data(path, SHAPE, options=OPTIONS)

    class Noted(scan.ThreadPool):
        def __init__(self, threads):
            pools.append(threads)
            super().__init__(threads)

    monkeypatch.setattr(scan, "ThreadPool", Noted)
    read_data(path, SHAPE, options=OPTIONS)
    assert pools == []
    together = read_data(path, SHAPE, options=replace(OPTIONS, threads=3))
    assert pools == [3]
    monkeypatch.setattr(scan, "_WORTH_A_THREAD_S", 0.0)
    read_data(path, SHAPE, options=OPTIONS)
    assert len(pools) == 2
    assert content(together.train) == content(alone.train)
    assert together.fingerprint == alone.fingerprint
