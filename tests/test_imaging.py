"""Promises of imaging: every common photo comes out as it looks, everything else with its reason."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin, features

from bench.fuzz import HEIC
from fashion_core.photos import imaging
from fashion_core.photos.imaging import BadPhoto
from fashion_core.runs.config import RANGES


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


def tiff(values: np.ndarray, **tags) -> bytes:
    return encoded(Image.fromarray(values), "TIFF", tiffinfo={int(tag[1:]): value for tag, value in tags.items()})


def test_twelve_bits_of_grey_stored_in_sixteen_are_not_nearly_black():
    grey = np.array([[0, 819, 4095]], np.uint16)  # a fifth is 51 of 255
    for data in (tiff(grey), png(3, 1, 16, 0, b"\0" + grey.astype(">u2").tobytes())):
        photo = imaging.read(data)
        assert [photo.getpixel((x, 0))[0] for x in range(3)] == [0, 51, 255]
        assert imaging.note(photo) == "its greys are read as 12 bits: none is above 4,095 of 65,535"
    declared = imaging.read(tiff(np.array([[0, 3276, 16_380]], np.uint16), t281=16_383))  # 14 bits, and it says so
    assert [declared.getpixel((x, 0))[0] for x in range(3)] == [0, 51, 255] and not imaging.note(declared)


def test_a_tiff_whose_white_is_zero_is_turned_over():
    photo = imaging.read(tiff(np.array([[0, 39_835, 65_535]], np.uint16), t262=0))
    assert [photo.getpixel((x, 0))[0] for x in range(3)] == [255, 100, 0]


def test_a_float_tiff_of_three_colours_is_named_and_not_called_damaged():
    out = io.BytesIO()
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[256], tags[257], tags[258], tags[259], tags[262], tags[277], tags[339] = 2, 2, (32,) * 3, 1, 2, 3, (3,) * 3
    out.write(b"II*\0\x08\0\0\0")
    tags.save(out)
    assert reason(out.getvalue()) == (
        "a TIFF of 3 × 32-bit float, which is not read here: save it as TIFF or PNG of 8 or 16 bits"
    )


def test_a_cameras_raw_file_is_not_read_as_its_thumbnail():
    assert "raw file" in reason(tiff(np.zeros((8, 8), np.uint8), t254=1))


@pytest.mark.parametrize("mode", ["RGB", "L", "1"])
def test_ppm_pgm_and_pbm_are_photos(mode):
    image = noise(mode)
    assert np.array_equal(imaging.read(encoded(image, "PPM")), image.convert("RGB"))


def test_avif_is_read():
    if not features.check("avif"):
        pytest.skip("this Pillow does not read AVIF")
    red, green, blue = imaging.read(encoded(Image.new("RGB", (32, 32), (20, 30, 200)), "AVIF")).getpixel((9, 9))
    assert abs(red - 20) < 8 and abs(green - 30) < 8 and abs(blue - 200) < 8


# ---- colour profiles

ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))  # red, green, blue
PROPHOTO = ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491))  # as XYZ under D50
P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65_536) for value in values))


def icc(space: bytes, tags: dict[bytes, bytes], connection: bytes = b"XYZ ", kind: bytes = b"mntr") -> bytes:
    """An ICC profile of version 2 by hand (ICC.1:2001-04)."""
    tags = {b"wtpt": b"XYZ \0\0\0\0" + fixed(0.9642, 1, 0.8249)} | tags
    start, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">I4xI4s4s4s12x4s28x", start + len(body), 0x02400000, kind, space, connection, b"acsp")
    return header + fixed(0.9642, 1, 0.8249) + bytes(48) + table + body


def curve(gamma: float | tuple) -> bytes:
    if isinstance(gamma, tuple):
        return b"para\0\0\0\0\0\x03\0\0" + fixed(*gamma)
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def rgb_profile(primaries: tuple, gamma: float | tuple) -> bytes:
    tags = {b"rgb"[i : i + 1] + b"XYZ": b"XYZ \0\0\0\0" + fixed(*primary) for i, primary in enumerate(primaries)}
    return icc(b"RGB ", tags | {b"rgb"[i : i + 1] + b"TRC": curve(gamma) for i in range(3)})


def cmyk_profile() -> bytes:
    """A press on which black ink is all: lightness 100 without it and 0 in full, whatever the other inks."""
    steps = bytes(range(256))
    corners = b"".join(bytes([0 if place % 2 else 255, 128, 128]) for place in range(16))  # the last ink runs fastest
    table = b"mft1\0\0\0\0\4\3\2\0" + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + steps * 4 + corners + steps * 3
    return icc(b"CMYK", {b"A2B0": table}, b"Lab ", b"prtr")


def near(photo: Image.Image, colour: tuple[int, int, int], most: int = 3) -> bool:
    return max(abs(a - b) for a, b in zip(photo.getpixel((1, 1)), colour, strict=True)) <= most


@pytest.mark.parametrize(
    ("profile", "stored", "colour"),
    [
        (rgb_profile(ADOBE, 563 / 256), (171, 35, 35), (200, 30, 30)),
        (rgb_profile(PROPHOTO, 1.8), (63, 26, 173), (0, 0, 200)),
        (rgb_profile(P3, SRGB_CURVE), (234, 51, 35), (255, 0, 0)),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_a_photo_in_another_colour_space_shows_the_colour_that_was_meant(profile, stored, colour, kind):
    # One step of JPEG's own rounding in ProPhoto's red is 14 of sRGB's here.
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    photo = imaging.read(encoded(Image.new("RGB", (8, 8), stored), kind, icc_profile=profile, **options))
    assert near(photo, colour, 15 if kind == "JPEG" else 3) and not imaging.note(photo)
    again = imaging.read(encoded(photo, "PNG"))  # what is converted carries no profile on, or it would be done twice
    assert again.getpixel((1, 1)) == photo.getpixel((1, 1))


def test_profiles_reach_palettes_and_what_is_transparent():
    profile = rgb_profile(ADOBE, 563 / 256)
    palette = Image.new("P", (4, 4))
    palette.putpalette([171, 35, 35])
    assert near(imaging.read(encoded(palette, "PNG", icc_profile=profile)), (200, 30, 30))
    half = Image.new("RGBA", (4, 4), (171, 35, 35, 128))
    assert near(imaging.read(encoded(half, "PNG", icc_profile=profile)), (227, 142, 142))  # half way to white


@pytest.mark.parametrize(
    "profile",
    [
        rgb_profile(SRGB, SRGB_CURVE),
        rgb_profile(((0.437, 0.2231, 0.0141), *SRGB[1:]), (2.39, *SRGB_CURVE[1:])),  # rounded, as in many small ones
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    ],
)
def test_a_photo_whose_profile_is_srgb_keeps_its_pixels(profile):
    image = noise()
    assert np.array_equal(imaging.read(encoded(image, "PNG", icc_profile=profile)), image)
    plain = encoded(image, "JPEG")
    assert np.array_equal(imaging.read(encoded(image, "JPEG", icc_profile=profile)), imaging.read(plain))


def test_a_grey_profile_is_used():
    linear = icc(b"GRAY", {b"kTRC": curve(1.0)})  # half of sRGB's 255 is 0.2140 of the light: 55 of 255
    assert near(imaging.read(encoded(Image.new("L", (4, 4), 55), "PNG", icc_profile=linear)), (128, 128, 128), 1)
    clear = Image.new("LA", (4, 4), (55, 128))
    assert near(imaging.read(encoded(clear, "PNG", icc_profile=linear)), (191, 191, 191), 1)  # half way to white
    sixteen = Image.fromarray(np.full((4, 4), 55 * 257, np.uint16))
    assert near(imaging.read(encoded(sixteen, "PNG", icc_profile=linear)), (128, 128, 128), 1)


def test_a_cmyk_profile_is_used():
    inks = Image.new("CMYK", (16, 16), (0, 255, 255, 128))  # without the profile a dark red
    photo = imaging.read(encoded(inks, "JPEG", quality=100, icc_profile=cmyk_profile()))
    assert near(photo, (119, 119, 119), 8)  # lightness 50


@pytest.mark.parametrize(
    "profile", [b"no profile", rgb_profile(ADOBE, 2.2)[:200], cmyk_profile(), icc(b"RGB ", {}), icc(b"6CLR", {})]
)
def test_a_profile_that_cannot_be_used_is_ignored_with_a_note(profile):
    image = noise()
    photo = imaging.read(encoded(image, "PNG", icc_profile=profile))
    assert np.array_equal(photo, image) and "colour profile" in imaging.note(photo)
    assert imaging.note(imaging.read(encoded(image, "PNG"))) == ""


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("lime", "red")]
    photo = imaging.read(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert photo.getpixel((4, 4)) == (0, 255, 0)


def test_a_phones_heic_is_read():
    image = imaging.read(HEIC)
    assert (image.mode, image.size) == ("RGB", (64, 48))
    pixels = np.asarray(image).astype(int)
    assert np.abs(pixels[:, 4:28] - (200, 40, 40)).max() < 15 and np.abs(pixels[:, 36:60] - (30, 60, 200)).max() < 15
    assert reason(HEIC[:-200]) == "damaged HEIC"


# ---- everything that is no photo


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
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
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(99), "damaged HEIC"),
        (b"\0\0\0\x14ftypisom\0\0\0\0mp41" + bytes(99), "not a photo: a video or an unknown format"),
        (b"\0\0\0\x14ftypavif\0\0\0\0mif1" + bytes(99), "damaged AVIF"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            "not a photo: a Git LFS pointer in place of the file: run `git lfs pull` in its folder",
        ),
        (b"P6\n3 3\n255\n", "truncated PPM"),
        (bytes(range(256)), "not a photo: unknown format"),
        (b"\xff\xd8\xff", "damaged JPEG"),
    ],
)
def test_what_is_no_photo_says_what_it_is(data, expected):
    assert reason(data) == expected


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, on the damage
def test_no_damage_escapes_as_another_error():
    rng = np.random.default_rng(0)
    for kind in imaging.FORMATS:
        whole = HEIC if kind == "HEIF" else encoded(noise(), kind)  # the reader of HEIC writes none
        for _ in range(60):
            data = bytearray(whole)
            for place in rng.integers(0, min(len(data), 200), 4):
                data[place] = rng.integers(256)
            try:
                assert imaging.read(bytes(data)).mode == "RGB"
            except BadPhoto as error:
                assert str(error)


# ---- large photos


def jpeg_header(width: int, height: int, kind: int = 0xC0, components: int = 3) -> bytes:
    """The beginning of a JPEG up to its first scan, which brings the first `components` of three; no pixels follow."""
    frame = struct.pack(">BHHB", 8, height, width, 3) + bytes([1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0])
    scan = bytes([components, 1, 0, 2, 0, 3, 0][: 1 + 2 * components]) + bytes([0, 63, 0])
    parts = ((kind, frame), (0xDA, scan))
    return b"\xff\xd8" + b"".join(b"\xff" + bytes([m]) + struct.pack(">H", len(b) + 2) + b for m, b in parts)


def large_jpeg(width: int, height: int, **options) -> bytes:
    """Blue, its upper left quarter red."""
    image = Image.new("RGB", (width, height), (20, 30, 200))
    image.paste((200, 30, 20), (0, 0, width // 2, height // 2))
    return encoded(image, "JPEG", quality=80, **options)


@pytest.mark.parametrize(("shrink", "most"), [(1, 400 * 300 * 4), (2, 400 * 300 * 4 - 1), (4, 30_000), (8, 7_600)])
def test_a_jpeg_too_large_for_memory_is_decoded_at_part_of_its_size(monkeypatch, shrink, most):
    monkeypatch.setattr(imaging, "MAX_MEMORY", most)
    photo = imaging.read(large_jpeg(400, 300))
    assert photo.size == (400 // shrink, -(-300 // shrink)) and imaging.full_size(photo) == (400, 300)
    assert photo.getpixel((2, 2))[0] > 190 and photo.getpixel((photo.width - 3, 2))[2] > 190


def test_a_large_photo_is_upright_and_so_is_its_full_size(monkeypatch):
    monkeypatch.setattr(imaging, "MAX_MEMORY", 400 * 300 * 4 - 1)
    exif = Image.Exif()
    exif[0x0112] = 6  # show it 90 degrees clockwise: the upper left quarter becomes the upper right one
    photo = imaging.read(large_jpeg(400, 300, exif=exif))
    assert photo.size == (150, 200) and imaging.full_size(photo) == (300, 400)
    assert photo.getpixel((140, 10))[0] > 190 and photo.getpixel((10, 10))[2] > 190


def test_a_large_cmyk_jpeg_and_a_large_first_frame_of_several_are_decoded_smaller_too(monkeypatch):
    monkeypatch.setattr(imaging, "MAX_MEMORY", 200 * 200 * 4)
    blue = imaging.read(encoded(Image.new("CMYK", (400, 400), (255, 255, 0, 0)), "JPEG", quality=95))
    assert blue.size == (200, 200) and blue.getpixel((8, 8))[2] > 240
    frames = [Image.new("RGB", (400, 400), colour) for colour in ("lime", "red")]
    first = imaging.read(encoded(frames[0], "MPO", save_all=True, append_images=frames[1:]))
    assert first.size == (200, 200) and first.getpixel((9, 9))[1] > 240


def test_a_phone_photo_of_108_megapixels_is_read():
    photo = imaging.read(encoded(Image.new("L", (12_000, 9_000), 77), "JPEG", quality=30))
    assert imaging.full_size(photo) == (12_000, 9_000) and photo.size == (1_500, 1_125)
    assert photo.getpixel((750, 500)) == (77, 77, 77)


@pytest.mark.parametrize(
    ("width", "height", "shrink"), [(2047, 2100, 1), (2048, 2048, 2), (4095, 5000, 2), (4096, 6000, 4)]
)
def test_the_shorter_side_of_a_jpeg_keeps_as_many_pixels_as_the_largest_network_takes(width, height, shrink):
    assert imaging.LEAST_SIDE == RANGES["image_size"][1] == RANGES["test_image_size"][1]
    photo = imaging.read(large_jpeg(width, height))
    assert photo.size == (-(-width // shrink), -(-height // shrink)) and imaging.full_size(photo) == (width, height)
    assert min(photo.size) >= imaging.LEAST_SIDE


def photograph(side: int, **options) -> bytes:
    """A photo of someone's clothes, enlarged to `side` × 4/3 `side` pixels, with the grain of a sensor."""
    with Image.open(next((Path(__file__).parents[1] / "examples").glob("*/*.jpg"))) as small:
        large = np.asarray(small.resize((side, side * 4 // 3), Image.Resampling.BICUBIC), np.int16)
    grain = np.random.default_rng(0).normal(0, 8, large.shape).astype(np.int16)
    return encoded(Image.fromarray((large + grain).clip(0, 255).astype(np.uint8)), "JPEG", quality=90, **options)


def whole(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


@pytest.mark.parametrize("progressive", [False, True])
def test_what_a_network_sees_of_a_large_photo_is_what_it_sees_of_the_whole_one(progressive):
    data = photograph(2400, progressive=progressive)
    apart = np.abs(imaging.square(imaging.read(data), 224).astype(int) - imaging.square(whole(data), 224))
    assert imaging.read(data).size == (1200, 1600) and apart.mean() < 0.5 and apart.max() <= 4


def test_a_photo_that_is_not_large_keeps_every_byte():
    data = photograph(1500)
    assert imaging.read(data).tobytes() == whole(data).tobytes()


def test_a_large_photo_is_upright_and_in_its_own_colours():
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = imaging.read(large_jpeg(2800, 2100, exif=exif))
    assert photo.size == (1050, 1400) and imaging.full_size(photo) == (2100, 2800)
    assert photo.getpixel((1000, 20))[0] > 190 and photo.getpixel((20, 20))[2] > 190  # red is at the upper right
    assert imaging.full_size(imaging.read(large_jpeg(2051, 2052, exif=exif))) == (2052, 2051)  # a square when halved
    assert imaging.full_size(imaging.read(large_jpeg(2052, 2051))) == (2052, 2051)
    cmyk = imaging.read(encoded(Image.new("CMYK", (2100, 2100), (255, 255, 0, 0)), "JPEG", quality=95))
    assert cmyk.size == (1050, 1050) and cmyk.getpixel((8, 8))[2] > 240


@pytest.mark.parametrize(
    ("data", "needed"),
    [
        (png(8200, 8200, 8, 0, b""), "269 MB of memory decoded; at most 268 MB are allowed (8200×8200)"),
        (png(60_000, 60_000, 8, 0, b""), "14.4 GB of memory decoded; at most 268 MB"),  # Pillow calls it a bomb
        (jpeg_header(16_000, 12_500, 0xC2), "1.2 GB of memory decoded"),  # progressive: kept whole while it is decoded
        (jpeg_header(16_000, 12_500, 0xC0, 1), "1.2 GB of memory decoded"),  # a scan for each component: the same
    ],
)
def test_what_cannot_be_decoded_smaller_is_refused_before_the_memory_is_spent(data, needed):
    assert needed in reason(data)


def test_67_megapixels_are_welcome_in_every_format():
    assert imaging.read(encoded(Image.new("1", (8192, 8192)), "PNG")).size == (8192, 8192)


def test_a_baseline_header_of_200_megapixels_is_no_memory_matter():
    assert reason(jpeg_header(16_000, 12_500)).startswith(("truncated JPEG", "damaged JPEG"))


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
    small = Image.open(io.BytesIO(imaging.thumbnail_bytes(noise(size=(100, 50)), 20)))
    assert (small.size, small.format) == ((20, 10), "WEBP")


def test_a_thumbnail_is_smaller_than_a_jpeg_of_its_quality():
    photo, jpeg = (
        imaging.read(next(iter(sorted((Path(__file__).parents[1] / "examples").rglob("*.jpg"))))),
        io.BytesIO(),
    )
    photo.thumbnail((160, 160))
    photo.save(jpeg, "JPEG", quality=88)
    assert len(imaging.thumbnail_bytes(photo, 160)) < 0.9 * len(jpeg.getvalue())


@pytest.mark.parametrize(
    "name",
    [
        "blå kjole/größe.jpg",
        "robe\u00a0été",  # no-break space
        "نیم\u200cفاصله",  # zero-width non-joiner
        "👩\u200d🎤 👗",  # zero-width joiner
        "着物\u3000青",  # ideographic space
        "cafe\u0301",
    ],
)
def test_names_in_any_writing_are_shown_as_they_are(name):
    assert imaging.printable(name) == name


def test_control_characters_and_bytes_that_are_no_utf_8_are_replaced():
    assert imaging.printable(os.fsdecode(b"na\xefve.jpg")) == "na�ve.jpg"
    assert imaging.printable("a\x1b[31m\n\x85\u2028.jpg") == "a�[31m���.jpg"
    assert imaging.printable("\ud800 \u202egpj.exe") == "� �gpj.exe"  # half a character; one that turns the reading
