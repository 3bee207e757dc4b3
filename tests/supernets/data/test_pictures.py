"""Pictures of every kind become images of one shape, or a named error."""

import io

import numpy as np
import pytest
from image_sets import SHAPE, noise
from PIL import Image

from supernets.data.pictures import Geometry, ImageUnreadable, crop_box, decode


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


def test_a_jpeg_is_decoded_no_larger_than_is_of_use():
    coarse = Image.fromarray(noise(3, (8, 8, 3)))
    data = stored(coarse.resize((1600, 1200), Image.Resampling.BICUBIC), "JPEG", quality=95)
    geometry = Geometry((60, 60, 3))
    whole = np.asarray(
        Image.open(io.BytesIO(data)).resize(
            (60, 60), Image.Resampling.BILINEAR, (200, 0, 1400, 1200)
        )
    )
    assert abs(decode(data, geometry, 1 << 24).astype(int) - whole).max() <= 4
    crop = np.array([0.25, 1600 / 1200 * 0.75, 1.0, 1.0])
    box = crop_box(1600, 1200, crop)
    part = np.asarray(Image.open(io.BytesIO(data)).resize((60, 60), Image.Resampling.BILINEAR, box))
    assert abs(decode(data, geometry, 1 << 24, crop).astype(int) - part).max() <= 4
