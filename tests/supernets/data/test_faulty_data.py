"""What is wrong with a data set is named; nothing hangs or fills the memory."""

import os
import struct
import zlib

import pytest
from image_sets import SHAPE, folder, noise, refused, save
from PIL import Image

from nasprof.errors import UsageError
from supernets.data import DataOptions, read_data


def test_an_unknown_name_has_the_known_ones(tmp_path):
    refused("didgits", "no data set is called 'didgits'", "digits")
    refused(str(tmp_path / "none"), "no such file")
    (tmp_path / "text.txt").write_text("words")
    refused(tmp_path / "text.txt", "is no data set, expected", ".csv", "train-images-idx3-ubyte")
    refused(tmp_path, "is no data set")


def test_fashion_mnist_says_how_it_is_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path))
    monkeypatch.setattr("supernets.data.named.SYSTEM_FOLDER", tmp_path / "system")
    refused("fashion-mnist", "apt install dataset-fashion-mnist", str(tmp_path))


def test_an_empty_class_folder(tmp_path):
    folder(tmp_path)
    (tmp_path / "eel").mkdir()
    (tmp_path / "eel" / "notes.txt").write_text("later")
    refused(tmp_path, "class folder 'eel'", "no pictures")


def test_one_class(tmp_path):
    refused(folder(tmp_path, ("cat",)), "one class, 'cat'", "at least 2")


def test_a_class_of_too_few_images_to_split(tmp_path):
    folder(tmp_path)
    save(tmp_path / "eel" / "only.png", 999)
    refused(tmp_path, "'eel' (has 1)", "at least 3", "train, validation, test")
    options = DataOptions(validation=0, test=0)
    assert len(read_data(tmp_path, SHAPE, options=options).train) == 13
    for number in range(5):  # copies are one image
        save(tmp_path / "eel" / f"{number}.png", 999)
    refused(tmp_path, "'eel' (has 1)")


def test_a_class_that_only_the_test_split_has(tmp_path):
    folder(tmp_path, part="train")
    folder(tmp_path, ("cat", "dog", "eel"), part="test")
    refused(tmp_path, "classes without training images: 'eel' (in test only)")


def test_all_training_images_of_a_class_are_test_images(tmp_path):
    folder(tmp_path, part="train")
    folder(tmp_path, ("cat",), part="test")
    for number in range(6):
        save(tmp_path / "test" / "dog" / f"{number}.png", 100 + number + 35)
    refused(tmp_path, "'dog'", options=DataOptions(validation=0))


def test_a_test_split_without_training_images(tmp_path):
    refused(folder(tmp_path, part="test"), "no folder train")
    folder(tmp_path, part="train")
    folder(tmp_path, part="testing")
    refused(tmp_path, "two folders for one split", "'testing'")


def test_unreadable_images_are_named_and_left_out_up_to_a_share(tmp_path):
    folder(tmp_path, each=50)
    whole = (tmp_path / "cat" / "0.png").read_bytes()
    (tmp_path / "cat" / "0.png").write_bytes(whole[: len(whole) // 2])
    data = read_data(tmp_path, SHAPE)
    assert sum(map(len, data.splits)) == 99
    assert [line.partition(":")[0] for line in data.unreadable] == ["'cat/0.png'"]
    assert any("unreadable images: 1 ('cat/0.png'" in note for note in data.notes)
    (tmp_path / "dog" / "1.png").write_bytes(b"")
    refused(tmp_path, "2 of 100 images cannot be read", "a share of at most 0.01", "'dog/1.png'")
    some = read_data(tmp_path, SHAPE, options=DataOptions(most_corrupt=0.05))
    assert len(some.unreadable) == 2


def test_a_set_of_damaged_images_ends_early(tmp_path):
    for number in range(300):
        path = tmp_path / "cat" / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\xff\xd8\xff nothing")
    folder(tmp_path, ("dog",))
    refused(tmp_path, "at least", "of 306 images cannot be read")


def png(width, height, kind, data):
    """A PNG whose header says what it likes."""

    def chunk(name, content):
        checksum = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_a_giant_picture_is_not_decoded(tmp_path):
    folder(tmp_path, each=60)
    (tmp_path / "cat" / "giant.png").write_bytes(png(100_000, 100_000, 2, b""))
    data = read_data(tmp_path, SHAPE)
    assert "it has more than 67,108,864 pixels" in data.unreadable[0]
    small = DataOptions(max_pixels=10, most_corrupt=0.5)
    refused(tmp_path, "8 x 8 pixels, expected at most 10", options=small)


@pytest.mark.parametrize("shape", [(0, 8, 1), (8, 8, 2), (5000, 8, 3), (-1, 1, 1)])
def test_shapes_that_images_cannot_have(shape):
    refused("digits", "cannot have the shape", shape=shape)


def test_links_that_lead_to_themselves_and_strange_names(tmp_path):
    folder(tmp_path, each=60)
    (tmp_path / "cat" / "loop.png").symlink_to(tmp_path / "cat" / "loop.png")
    (tmp_path / "cat" / "pipe.png").parent.mkdir(exist_ok=True)
    os.mkfifo(tmp_path / "dog" / "pipe.png")
    save(tmp_path / "dog" / "line\nbreak.png", 5000)
    Image.fromarray(noise(5001)).save(os.fsencode(tmp_path / "dog") + b"/\xff\xfe.png")
    data = read_data(tmp_path, SHAPE, options=DataOptions(most_corrupt=0.02))
    assert len(data.unreadable) == 2
    assert "\n" not in "".join(data.unreadable)
    assert sum(map(len, data.splits)) == 122
    names = {data.train.image_name(index) for index in range(len(data.train))}
    assert len(names) == len(data.train)
    (tmp_path / "a\nb").mkdir()
    save(tmp_path / "a\nb" / "0.png")
    refused(tmp_path, "a class cannot be called 'a\\nb'")
    (tmp_path / "a\nb" / "0.png").unlink()
    (tmp_path / "a\nb").rmdir()
    (tmp_path / "round").symlink_to(tmp_path)
    refused(tmp_path, "class folder 'round'", "no pictures")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"validation": 1.0}, "'validation' is 1.0"),
        ({"validation": 0.5, "test": 0.5}, "leave nothing"),
        ({"duplicates": "some"}, "'some'"),
        ({"most_corrupt": -0.1}, "most_corrupt"),
        ({"threads": -1}, "threads"),
        ({"crop": 0}, "crop"),
    ],
)
def test_faults_of_options(options, words):
    with pytest.raises(UsageError, match=words):
        DataOptions(**options)


@pytest.mark.parametrize("seed", [-1, 1.5, "one"])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(UsageError, match="seed is"):
        read_data("digits", SHAPE, seed=seed)


def test_a_name_is_none_of_a_format():
    refused("digits", "no such file", options=DataOptions(format="idx"))
    refused("", "no data set is called ''")
    refused("x" * 5000, "no data set is called")
    refused("a\0b", "no data set is called")


def test_what_lies_beside_pictures_and_what_a_split_lacks_is_told(tmp_path):
    folder(tmp_path, ("cat", "dog"), part="train")
    folder(tmp_path, ("cat",), part="test")
    (tmp_path / "train" / "cat" / "notes.txt").write_text("words")
    (tmp_path / "train" / ".hidden").mkdir()
    data = read_data(tmp_path, SHAPE)
    assert data.notes[0] == "other files than pictures in class folders: 1"
    assert "classes without test images: 'dog'" in data.notes
