"""Promises of imaging: every common photo comes out as it looks, everything else with its reason."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fashion_core.photos import imaging
from fashion_core.photos.imaging import BadPhoto


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def noise(mode: str = "RGB", size: tuple[int, int] = (50, 40)) -> Image.Image:
    return Image.effect_noise(size, 80).convert(mode)


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG by hand, for headers and depths that Pillow would not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def reason(source) -> str:
    with pytest.raises(BadPhoto) as caught:
        imaging.read(source)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_come_back_exactly(kind):
    image = noise()
    assert np.array_equal(imaging.read(encoded(image, kind)), image)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_come_back_nearly(kind):
    image = Image.linear_gradient("L").convert("RGB")
    difference = np.asarray(imaging.read(encoded(image, kind, quality=95))).astype(int) - np.asarray(image)
    assert abs(difference).max() < 8


def test_the_same_photo_is_read_from_path_text_bytes_and_file(tmp_path: Path):
    data = encoded(noise(), "PNG")
    file = tmp_path / "a.png"
    file.write_bytes(data)
    assert all(imaging.read(source).size == (50, 40) for source in (file, str(file), data, io.BytesIO(data)))


def test_content_decides_not_the_name(tmp_path: Path):
    file = tmp_path / "really-a-png.jpg"
    file.write_bytes(encoded(noise(), "PNG"))
    assert imaging.read(file).mode == "RGB"


def test_exif_rotation_is_applied():
    image = Image.new("RGB", (60, 30), "red")
    image.paste("blue", (0, 0, 30, 30))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it 90 degrees clockwise, so its left becomes the top
    upright = imaging.read(encoded(image, "JPEG", exif=exif, quality=95, subsampling=0))
    assert upright.size == (30, 60)
    assert upright.getpixel((15, 10))[2] > 200 and upright.getpixel((15, 50))[0] > 200


def test_broken_exif_does_not_break_a_photo():
    data = encoded(noise(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03" * 5)
    assert imaging.read(data).size == (50, 40)


def test_transparency_is_laid_over_white():
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    half = Image.new("RGBA", (4, 4), (0, 0, 0, 128))
    grey = Image.new("LA", (4, 4), (0, 0))
    assert imaging.read(encoded(clear, "PNG")).getpixel((0, 0)) == (255, 255, 255)
    assert imaging.read(encoded(half, "PNG")).getpixel((0, 0)) == (127, 127, 127)  # 255 x (1 - 128/255)
    assert imaging.read(encoded(grey, "PNG")).getpixel((0, 0)) == (255, 255, 255)


def test_a_palette_with_transparency_keeps_its_colours():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 200, 200, 20, 10])
    image.putpixel((1, 0), 1)
    photo = imaging.read(encoded(image, "PNG", transparency=1))
    assert [photo.getpixel((x, 0)) for x in (0, 1)] == [(10, 20, 200), (255, 255, 255)]


def test_greyscale_becomes_equal_red_green_blue():
    assert imaging.read(encoded(Image.new("L", (4, 4), 77), "PNG")).getpixel((0, 0)) == (77, 77, 77)
    assert imaging.read(encoded(Image.new("1", (4, 4), 1), "PNG")).getpixel((0, 0)) == (255, 255, 255)


def test_cmyk_becomes_the_colour_it_prints():
    photo = imaging.read(encoded(Image.new("CMYK", (16, 16), (255, 255, 0, 0)), "JPEG", quality=95))
    red, green, blue = photo.getpixel((8, 8))  # cyan and magenta ink make blue
    assert blue > 240 and red < 15 and green < 15


def test_sixteen_bit_greyscale_is_scaled_not_clipped():
    rows = b"".join(b"\0" + struct.pack(">HHH", 0, 32_896, 65_535) for _ in range(2))
    photo = imaging.read(png(3, 2, 16, 0, rows))
    assert [photo.getpixel((x, 1)) for x in range(3)] == [(0, 0, 0), (128, 128, 128), (255, 255, 255)]


def test_sixteen_bit_colour_is_scaled_not_clipped():
    rows = b"\0" + struct.pack(">HHH", 65_535, 32_896, 0)
    assert imaging.read(png(1, 1, 16, 2, rows)).getpixel((0, 0)) == (255, 128, 0)


def test_sixteen_bit_tiff_is_scaled_not_clipped():
    image = Image.fromarray(np.array([[0, 25_700, 65_535]], np.uint16))
    assert [imaging.read(encoded(image, "TIFF")).getpixel((x, 0))[0] for x in range(3)] == [0, 100, 255]


def test_float_tiff_from_0_to_1_is_scaled():
    image = Image.fromarray(np.array([[0.0, 0.2, 1.0]], np.float32))
    assert [imaging.read(encoded(image, "TIFF")).getpixel((x, 0))[0] for x in range(3)] == [0, 51, 255]


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("lime", "red")]
    photo = imaging.read(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert photo.getpixel((4, 4)) == (0, 255, 0)


# ---- everything that is no photo


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_half_a_photo_is_named_truncated(kind):
    data = encoded(noise(size=(200, 200)), kind)
    said = reason(data[: len(data) // 2])
    assert said.lower().startswith(("truncated " + kind.lower(), "damaged " + kind.lower()))
    assert kind == "TIFF" or "truncated" in said


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty file"),
        (b"hello", "not a photo: text"),
        (b"<!DOCTYPE html><html>404</html>", "not a photo: a web page"),
        (b"%PDF-1.7 ...", "not a photo: a PDF document"),
        (
            b"\0\0\0\x18ftypheic" + bytes(99),
            "not a photo that can be read: HEIC, AVIF or a video; save it as JPEG or PNG",
        ),
        (bytes(range(256)), "not a photo: unknown format"),
        (b"\xff\xd8\xff", "damaged JPEG"),
    ],
)
def test_what_is_no_photo_says_what_it_is(data, expected):
    assert reason(data) == expected


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, on the damage
def test_no_damage_escapes_as_another_error():
    rng = np.random.default_rng(0)
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"):
        whole = encoded(noise(), kind)
        for _ in range(60):
            data = bytearray(whole)
            for place in rng.integers(0, min(len(data), 200), 4):
                data[place] = rng.integers(256)
            try:
                assert imaging.read(bytes(data)).mode == "RGB"
            except BadPhoto as error:
                assert str(error)


def test_more_than_40_megapixels_are_refused_before_decoding():
    assert reason(png(8000, 5001, 8, 0, b"")) == "larger than 40 megapixels (8000×5001)"
    assert "megapixels" in reason(png(60_000, 60_000, 8, 0, b""))  # a decompression bomb by Pillow's measure too


def test_40_megapixels_exactly_are_welcome():
    assert imaging.read(encoded(Image.new("1", (8000, 5000)), "PNG")).size == (8000, 5000)


def test_files_that_cannot_be_opened_say_why(tmp_path: Path):
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "gone.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reason(tmp_path / "gone.jpg") == "no such file"
    assert reason(tmp_path / "dangling.jpg") == "link to a file that is not there"
    assert reason(tmp_path / "pipe.jpg") == "not a file"
    assert reason(tmp_path) == "not a file"
    assert "cannot be read" in reason("a\0b.jpg")


def test_a_file_without_permission_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "a.jpg"
    file.write_bytes(b"x")

    def refused(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)  # the tests may run as root, who may read everything
    assert reason(file) == "no permission to read it"


# ---- pixels and names


def test_square_squeezes_both_sides_and_averages():
    image = Image.new("RGB", (8, 4), "black")
    image.paste("white", (4, 0, 8, 4))
    pixels = imaging.square(image, 2)
    assert pixels.shape == (2, 2, 3) and pixels.dtype == np.uint8
    assert (pixels[:, 0] < 60).all() and (pixels[:, 1] > 195).all()
    stripes = Image.fromarray(np.tile(np.array([[0, 255]], np.uint8), (64, 32))).convert("RGB")
    assert abs(imaging.square(stripes, 8).astype(int) - 127).max() <= 6  # antialiased: no stripe survives


def test_thumbnails_keep_their_proportions():
    assert imaging.read(imaging.thumbnail_bytes(noise(size=(100, 50)), 20)).size == (20, 10)


def test_shown_makes_any_name_printable():
    assert imaging.printable("blå kjole/größe.jpg") == "blå kjole/größe.jpg"
    assert imaging.printable(os.fsdecode(b"na\xefve.jpg")) == "na�ve.jpg"
    assert imaging.printable("a\x1b[31m\n.jpg") == "a�[31m�.jpg"
