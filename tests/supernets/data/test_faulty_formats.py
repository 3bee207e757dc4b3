"""What is wrong with tables, IDX files and arrays is named, with the line or the file."""

import gzip
import re
import struct

import numpy as np
import pytest
from image_sets import SHAPE, folder, noise, refused

from nasprof.errors import UsageError
from supernets.data import DataOptions, read_data
from supernets.data.formats.idx import read_idx


def csv(path, text):
    (path / "data.csv").write_text(text)
    return path / "data.csv"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ("columns []", "path and label")),
        ("path\ncat/0.png\n", ("['path']", "path,label")),
        ("path,label\ncat/0.png,cat\ncat/1.png,\n", ("line 3 has no label",)),
        ("path,label\ncat/0.png\n", ("line 2 has 1 fields, expected 2",)),
        ("path,label,split\ncat/0.png,cat,tset\n", ("line 2", "'tset'")),
        ('path,label\n"cat/0.png,cat\n', ("line 2",)),
        ("path,label\n,cat\n", ("line 2 has no path",)),
        ("path,label\n", ("has no images",)),
        (
            "path,label\ncat/none.png,cat\n"
            + "".join(
                f"{name}/{number}.png,{name}\n" for name in ("cat", "dog") for number in (0, 1, 2)
            ),
            ("1 of 7 images", "No such file"),
        ),
    ],
)
def test_faults_of_a_table_have_their_line(tmp_path, text, words):
    refused(csv(folder(tmp_path), text), *words)


def test_labels_of_a_table_are_sorted_as_numbers_if_they_are(tmp_path):
    folder(tmp_path, ("cat", "dog", "eel"))
    rows = [
        f'"{name}/{number}.png",{label},x'
        for name, label in (("cat", 10), ("dog", 9), ("eel", 100))
        for number in range(6)
    ]
    data = read_data(csv(tmp_path, "\n".join(["Path, label ,other", *rows])), SHAPE)
    assert data.classes == ("9", "10", "100")


def idx(values, kind=8, shape=None):
    shape = values.shape if shape is None else shape
    return (
        bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + values.tobytes()
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "begins with 0x,"),
        (b"PNG and more", "magic number 0x000803"),
        (idx(noise(0), kind=13), "magic number"),
        (idx(noise(0, (2, 3, 3)))[:10], "within its header"),
        (idx(noise(0, (2, 3, 3)))[:-1], "promises 18 values (2, 3, 3), it holds 17"),
        (idx(noise(0, (2, 3, 3))) + b"x", "it holds more"),
        (idx(noise(0, (2, 3, 3)), shape=(1 << 31, 1 << 10, 1 << 10)), "expected at most 1,024 MiB"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_faults_of_idx_files(tmp_path, content, words, packed):
    path = tmp_path / ("train-images-idx3-ubyte" + ".gz" * packed)
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(UsageError, match=re.escape(words)):
        read_idx(path, (3,))


def test_damaged_and_explosive_gzip_files(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    whole = gzip.compress(idx(noise(0, (20, 9, 9))))
    for content in (whole[:-20], b"no gzip", whole[:50] + b"????" + whole[54:]):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=r"no whole gzip file|promises"):
            read_idx(path, (3,))
    # 64 MB of zeros behind a header that promises 18 bytes: no more than those are unpacked.
    path.write_bytes(gzip.compress(idx(noise(0, (2, 3, 3))) + bytes(64 << 20), 1))
    with pytest.raises(UsageError, match="it holds more"):
        read_idx(path, (3,))


def test_idx_files_without_their_pair(tmp_path):
    name = "{}-{}-ubyte"
    (tmp_path / name.format("train", "images-idx3")).write_bytes(idx(noise(0, (4, 3, 3))))
    refused(tmp_path, "no train-labels-idx1-ubyte")
    labels = np.array([0, 1, 1], np.uint8)
    (tmp_path / name.format("train", "labels-idx1")).write_bytes(idx(labels))
    refused(tmp_path, "4 images", "3 labels")
    (tmp_path / name.format("t10k", "labels-idx1")).write_bytes(idx(labels))
    refused(tmp_path, "no t10k-images-idx3-ubyte")
    (tmp_path / name.format("other-train", "images-idx3")).write_bytes(idx(noise(0, (3, 3, 3))))
    refused(tmp_path, "expected one data set")


IMAGES, LABELS = noise(0, (20, 5, 5)), np.arange(20) % 2


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": IMAGES}, ("['images']", "expected images and labels")),
        ({"images": IMAGES, "labels": LABELS[:-1]}, ("20 images", "19 labels")),
        ({"images": IMAGES, "labels": LABELS - 1}, ("label 0 is -1",)),
        ({"images": IMAGES, "labels": LABELS / 2}, ("float64",)),
        (
            {"images": IMAGES, "labels": LABELS, "classes": np.array(["a"])},
            ("label 1 is 1", "1 classes"),
        ),
        ({"images": IMAGES[0], "labels": LABELS}, ("shape (5, 5)",)),
        ({"images": IMAGES / 1.0, "labels": LABELS}, ("values of", "expected 0 to 1")),
        ({"images": IMAGES * np.int16(9), "labels": LABELS}, ("expected 0 to 255",)),
        ({"images": IMAGES * np.nan, "labels": LABELS}, ("nan",)),
        ({"images": IMAGES, "labels": LABELS, "x": IMAGES}, ("expected images and labels",)),
        ({"test_images": IMAGES, "test_labels": LABELS}, ("expected images and labels",)),
        ({"images": IMAGES, "labels": LABELS.astype(object)}, ("pickled objects",)),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, ("has no images",)),
        ({"images": noise(0, (20, 0, 4)), "labels": LABELS}, ("(20, 0, 4",)),
        ({"images": noise(0, (20, 4, 4, 2)), "labels": LABELS}, ("1, 3 or 4 channels",)),
    ],
)
def test_faults_of_arrays(tmp_path, arrays, words):
    np.savez(tmp_path / "data.npz", **arrays)
    refused(tmp_path / "data.npz", *words, shape=(5, 5, 1))


@pytest.mark.parametrize(
    "images",
    [
        (IMAGES / 255).astype(np.float32),
        IMAGES.astype(np.int64),
        np.repeat(IMAGES[:, None], 3, axis=1),
        np.repeat(IMAGES[..., None], 3, axis=3),
        np.stack([IMAGES] * 3 + [np.full_like(IMAGES, 255)], axis=3),
    ],
    ids=["share", "int64", "channels first", "RGB", "RGBA"],
)
def test_arrays_of_other_layouts_and_types(tmp_path, images):
    np.savez(tmp_path / "data.npz", x=images, y=LABELS[:, None])
    data = read_data(tmp_path / "data.npz", (5, 5, 1), options=DataOptions(duplicates="keep"))
    known = {image.tobytes() for image in IMAGES}
    assert {data.train.images([index]).tobytes() for index in range(len(data.train))} <= known


def test_idx_files_beside_folders_are_idx_files(tmp_path):
    folder(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(noise(0, (40, 8, 8))))
    labels = np.arange(40, dtype=np.uint8) % 2
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(labels))
    assert sum(map(len, read_data(tmp_path, SHAPE).splits)) == 40
    folders = read_data(tmp_path, SHAPE, options=DataOptions(format="folder"))
    assert folders.classes == ("cat", "dog")


def test_arrays_that_compress_like_nothing_are_refused_and_drawings_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr("supernets.data.formats.npz._ALWAYS_FINE", 1 << 20)
    images = np.zeros((3000, 32, 32), np.uint8)
    labels = np.arange(len(images)) % 2
    np.savez_compressed(tmp_path / "data.npz", images=images, labels=labels)
    refused(tmp_path / "data.npz", "would unpack to", "expected at most")
    images[:, ::4, ::4] = noise(0, (3000, 8, 8)) & 128
    np.savez_compressed(tmp_path / "data.npz", images=images, labels=labels)
    data = read_data(tmp_path / "data.npz", (32, 32, 1), options=DataOptions(duplicates="keep"))
    assert sum(map(len, data.splits)) == 3000
