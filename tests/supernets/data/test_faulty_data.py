"""What is wrong with a data set is named; nothing hangs or fills the memory."""

import gzip
import io
import os
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from nasprof.errors import UsageError
from supernets.data import DataOptions, read_data
from supernets.data.formats.idx import read_idx
from supernets.data.pictures import Geometry, ImageUnreadable, decode

SHAPE = (8, 8, 1)


def noise(seed, shape=(8, 8)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(path, seed=0, shape=(8, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(seed, shape)).save(path)


def folder(path, classes=("cat", "dog"), each=6, part=""):
    for label, name in enumerate(classes):
        for number in range(each):
            save(path / part / name / f"{number}.png", 100 * label + number + 7 * len(part))
    return path


def refused(path, *words, options=None, shape=SHAPE):
    with pytest.raises(UsageError) as caught:
        read_data(path, shape, options=options)
    for word in words:
        assert word in str(caught.value)
    assert len(str(caught.value)) < 2000


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
    assert any("1 images cannot be read: 'cat/0.png'" in note for note in data.notes)
    (tmp_path / "dog" / "1.png").write_bytes(b"")
    refused(tmp_path, "2 of 100 images cannot be read", "a share of at most 0.01", "'dog/1.png'")
    some = read_data(tmp_path, SHAPE, options=DataOptions(most_corrupt=0.05))
    assert len(some.unreadable) == 2


def test_a_set_of_damaged_images_ends_early(tmp_path):
    for number in range(300):
        path = tmp_path / "cat" / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\xff\xd8\xff nothing")
    save(tmp_path / "dog" / "0.png")
    refused(tmp_path, "at least", "of 301 images cannot be read")


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


def stored(picture, form="PNG", **options):
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


GREY = Image.fromarray(noise(1, (6, 9)))
COLOUR = Image.fromarray(noise(2, (6, 9, 3)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "picture",
    [
        GREY,
        COLOUR,
        GREY.convert("1"),
        COLOUR.convert("P"),
        COLOUR.convert("RGBA"),
        GREY.convert("LA"),
        Image.fromarray(noise(1, (6, 9)).astype(np.uint16) * 257),
        COLOUR.convert("CMYK"),
        COLOUR.convert("YCbCr"),
    ],
    ids=lambda picture: picture.mode,
)
def test_every_mode_is_eight_bits_of_the_channels_asked_for(picture, channels):
    form = "JPEG" if picture.mode in {"CMYK", "YCbCr"} else "PNG"
    pixels = decode(stored(picture, form), Geometry((6, 9, channels)), 1000)
    assert (pixels.shape, pixels.dtype) == ((6, 9, channels), np.uint8)
    if picture.mode.startswith("I"):
        assert np.array_equal(pixels[..., 0], noise(1, (6, 9)))
    if picture.mode == "RGBA" and channels == 3:
        assert np.array_equal(pixels, np.asarray(COLOUR))


def test_what_is_transparent_is_white():
    clear = np.zeros((4, 4, 4), np.uint8)
    clear[:2, :, 3] = 255
    pixels = decode(stored(Image.fromarray(clear)), Geometry((4, 4, 1)), 1000)
    assert pixels[..., 0].tolist() == [[0] * 4] * 2 + [[255] * 4] * 2
    palette = Image.new("P", (4, 4), 0)
    pixels = decode(stored(palette, transparency=0), Geometry((4, 4, 3)), 1000)
    assert (pixels == 255).all()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_applied(form):
    picture = Image.new("L", (40, 20))
    picture.paste(255, (0, 0, 40, 10))  # its upper half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    data = stored(picture, form, exif=exif, quality=95)
    pixels = decode(data, Geometry((40, 20, 1)), 1000)[..., 0]
    assert pixels[:, 12:].mean() > 240
    assert pixels[:, :8].mean() < 15


def test_pictures_of_other_sizes_are_scaled_and_cut_in_the_middle():
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 200
    middle = decode(stored(Image.fromarray(wide)), Geometry((10, 10, 1)), 2000)
    assert (middle[:, 1:-1] == 200).all()
    assert (middle >= 150).all()
    geometry = Geometry((10, 10, 1), crop=0.5)
    border = np.full((20, 20, 3), 9, np.uint8)
    border[5:15, 5:15] = 100
    middle = decode(stored(Image.fromarray(border)), geometry, 2000)
    assert (middle[1:-1, 1:-1] == 100).all()
    # Antialiased: a fine pattern becomes its mean.
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    assert (
        abs(decode(stored(Image.fromarray(stripes)), Geometry((8, 8, 1)), 9999) - 127.5).max() < 6
    )


@pytest.mark.parametrize("data", [b"", b"GIF89a" + bytes(20), b"\x89PNG\r\n\x1a\n", b"\xff\xd8"])
def test_other_contents_are_no_pictures(data):
    with pytest.raises(ImageUnreadable):
        decode(data, Geometry(SHAPE), 1000)


def test_damaged_pictures_are_named_errors():
    rng = np.random.default_rng(0)
    wholes = [stored(COLOUR, form) for form in ("PNG", "JPEG", "WEBP")]
    for number in range(300):
        data = bytearray(wholes[number % 3])
        for _ in range(3):
            data[rng.integers(len(data))] = rng.integers(256)
        length = rng.integers(10, len(data) + 20)
        try:
            pixels = decode(bytes(data[:length]), Geometry(SHAPE), 10_000)
        except ImageUnreadable as error:
            assert error.message
        else:
            assert pixels.shape == SHAPE


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
        ("path,label\ncat/none.png,cat\ndog/0.png,dog\n", ("1 of 2 images", "No such file")),
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


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"validation": 1.0}, "validation is 1.0"),
        ({"validation": 0.5, "test": 0.5}, "leave nothing"),
        ({"duplicates": "some"}, "'some'"),
        ({"most_corrupt": -0.1}, "most_corrupt"),
        ({"threads": -1}, "threads"),
    ],
)
def test_faults_of_options(options, words):
    with pytest.raises(UsageError, match=words):
        DataOptions(**options)
    refused("digits", "crop is 0", options=DataOptions(crop=0))
