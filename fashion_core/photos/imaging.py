"""From the bytes of a photo to a safe sRGB image, or the reason why not. Every photo of Busana comes in through `read`.

How to use it:

    image = imaging.read("shoe.jpg")            # PIL image, sRGB, upright, on white
    pixels = imaging.square(image, 224)         # uint8 (224, 224, 3)
    imaging.note(image), imaging.full_size(image)
"""

import io
import stat
import unicodedata
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pi_heif
from PIL import ExifTags, Image, ImageFile, ImageOps, TiffImagePlugin, UnidentifiedImageError, features

from fashion_core import UserError
from fashion_core.photos.colour_profile import to_srgb

MAX_MEMORY = 256 << 20  # bytes that one photo may take decoded, 4 a pixel: 67 megapixels
LEAST_SIDE = 1024  # pixels of its shorter side that a JPEG keeps which is decoded smaller: a network takes no more
MAX_BYTES = 1 << 29  # an uncompressed 16-bit RGB photo of 67 megapixels is smaller
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "HEIF", *(("AVIF",) if features.check("avif") else ()))
VERSION = 3  # of the pixels that `read` gives: raise it when they change, and what was kept of photos is made anew

# What a file begins with: to name its format when it is damaged, and to say what it is when it is no photo.
_OURS = {b"\xff\xd8": "JPEG", b"\x89PNG": "PNG", b"GIF8": "GIF", b"BM": "BMP", b"II*\0": "TIFF", b"MM\0*": "TIFF",
         **{b"P%d%c" % (n, c): "PPM" for n in range(1, 7) for c in b"\n\r\t #"}}  # fmt: skip
_OTHERS = {
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a zip archive or office document",
    b"<svg": "an SVG drawing",
    b"<!doc": "a web page",
    b"<html": "a web page",
    b"8BPS": "a Photoshop file; save it as JPEG or PNG",
    b"FUJIFILMCCD-RAW": "a camera's raw file; save it as JPEG or PNG",
    b"version https://git-lfs": "a Git LFS pointer in place of the file: run `git lfs pull` in its folder",
    b"/annex/objects/": "a git-annex pointer in place of the file: run `git annex get` in its folder",
}
# What the brands stand for that the first box of an MP4-like container lists.
_BRANDS = {
    b"heic heix heim heis hevc hevx": "damaged HEIC",
    b"avif avis": "damaged AVIF" if features.check("avif") else "AVIF, which is not read here: save it as JPEG or PNG",
    b"crx ": "not a photo: a camera's raw file; save it as JPEG or PNG",
}

pi_heif.register_heif_opener(thumbnails=False)  # HEIC, as phones of Apple take it
Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit has another measure; what is too large is refused below
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # damaged notes inside: no news to a person


class BadPhoto(UserError):
    """A photo that cannot be used; the message is the reason, such as "empty file" or "truncated JPEG"."""


def refusal(reason: str) -> str:
    """What a BadPhoto says, as the rest of a sentence on its file: "is a text file, not a photo"."""
    kinds = {"not a photo: text": "is a text file, not a photo", "not a photo: unknown format": "is not a photo",
             "empty file": "is empty", "not a file": "is not a file"}  # fmt: skip
    if reason in kinds:
        return kinds[reason]
    if reason.startswith("not a photo: "):
        what, _, advice = reason.removeprefix("not a photo: ").partition(";")
        return f"is {what}, not a photo" + (f":{advice}" if advice else "")
    if reason.startswith("truncated "):
        return f"is incomplete: the {reason.removeprefix('truncated ')} ends too early"
    if reason.startswith("damaged "):
        return f"is a {reason} and cannot be read"
    if reason.startswith(("larger than ", "would need ")):
        return f"is too large: {'it is ' if reason.startswith('larger') else 'it '}{reason}"
    return f"cannot be used: {reason}"


def read(source: Path | str | bytes | BinaryIO) -> Image.Image:
    """One photo as an upright sRGB image, transparency laid over white, the first frame where there are several.

    `source` is a path, the bytes of a file or an open binary file. What the file contains decides, not its name.
    A JPEG is decoded at a half, a quarter or an eighth of its size where its shorter side keeps LEAST_SIDE pixels, or
    where it would take more than MAX_MEMORY.
    Raises BadPhoto for all that is no whole photo, and for what would take more memory; it is not even decoded.
    """
    data = source if isinstance(source, bytes) else read_bytes(source)
    if not data:
        raise BadPhoto("empty file")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _refuse_preview(image, data)
            size = image.size
            _decode_small(image, data)
            image.load()
            tags = dict(image.tag_v2) if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
            size = _turn_upright(image, size)
            photo, note = _rgb(image, tags)
            photo.info = {"note": note, "full_size": size}  # without what its file said of it, which is done
            return photo
    except BadPhoto:
        raise
    except Exception as error:  # Pillow raises a dozen types on damaged files; all mean the same here
        raise BadPhoto(_reason(data, error)) from None


def refuse_large(data: bytes, megapixels: int, frames: int) -> None:
    """BadPhoto for a photo of more pixels or frames than a shared server takes; nothing is decoded. What is no photo
    passes: `read` says why."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            pixels, number = image.width * image.height, getattr(image, "n_frames", 1)
    except Exception:  # Pillow raises a dozen types on damaged files
        return
    if pixels > megapixels * 1_000_000:
        raise BadPhoto(f"has {pixels / 1e6:.0f} megapixels; at most {megapixels} are taken here")
    if number > frames:
        raise BadPhoto(f"has {number:,} frames; at most {frames:,} are taken here")


def note(image: Image.Image) -> str:
    """What was taken for granted when `image` was read, such as that its broken colour profile was ignored; or ""."""
    return image.info.get("note", "")


def full_size(image: Image.Image) -> tuple[int, int]:
    """Width and height of the photo that was read, upright: larger than the image where it was decoded smaller."""
    return image.info.get("full_size", image.size)


def read_bytes(source: Path | str | BinaryIO) -> bytes:
    """The bytes of a file; BadPhoto where it is missing, may not be read, or is no ordinary file of sensible size."""
    try:
        if hasattr(source, "read"):
            return source.read()
        file = Path(source)
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BadPhoto("not a file")  # opening a pipe would wait for ever
        if status.st_size > MAX_BYTES:
            raise BadPhoto(f"larger than {MAX_BYTES >> 20} MB")
        return file.read_bytes()
    except BadPhoto:
        raise
    except FileNotFoundError:
        reason = "link to a file that is not there" if file.is_symlink() else "no such file"
        raise BadPhoto(reason) from None
    except PermissionError:
        raise BadPhoto("no permission to read it") from None
    except OSError as error:
        raise BadPhoto(f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a name with a NUL byte
        raise BadPhoto(f"cannot be read: {error}") from None


def square(image: Image.Image, size: int) -> np.ndarray:
    """The one resize, for training, evaluation and prediction alike: uint8 (size, size, 3).

    Width and height are squeezed to `size` each, as in the paper; bilinear over the area that each pixel covers.
    """
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))


def thumbnail_bytes(image: Image.Image, size: int) -> bytes:
    """WebP of at most size × size pixels, in the photo's own proportions.

    Of its methods the quickest: at the fidelity of a JPEG of quality 88 it is a fifth smaller; `bench.thumbnails`.
    """
    small = image.copy()
    small.thumbnail((size, size))
    out = io.BytesIO()
    small.save(out, "WEBP", quality=85, method=0)
    return out.getvalue()


def printable(path_or_name: str | Path) -> str:
    """A name fit for page and terminal, for showing only: bytes that are no UTF-8 and what controls a terminal or the
    lines of a page become �; all else, as joiners, wide blanks and emoji, stays."""
    whole = "".join("�" if "\ud800" <= c < "\udc80" or "\udcff" < c <= "\udfff" else c for c in str(path_or_name))
    text = whole.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join("�" if _controls(c) else c for c in text)


def _controls(char: str) -> bool:
    """A control character, a line or paragraph separator, or one that turns the direction of what follows."""
    return unicodedata.category(char) in ("Cc", "Zl", "Zp") or unicodedata.bidirectional(char) in ("LRO", "RLO")


def _decode_small(image: ImageFile.ImageFile, data: bytes) -> None:
    """Have a large JPEG decoded smaller; BadPhoto for what would take more than MAX_MEMORY all the same."""
    width, height = image.size
    whole = 4 * width * height
    if image.format in ("JPEG", "MPO"):
        fits = next((k for k in (1, 2, 4, 8) if whole <= MAX_MEMORY * k * k), 8)
        shrink = max(fits, *(k for k in (1, 2, 4, 8) if k == 1 or min(width, height) >= LEAST_SIDE * k))
        if shrink > 1:
            image.draft(None, (width // shrink, height // shrink))
        whole = max(4 * image.width * image.height, _held(image, data) * width * height)
    if whole > MAX_MEMORY:
        raise BadPhoto(
            f"would need {_bytes(whole)} of memory decoded; at most {_bytes(MAX_MEMORY)} are allowed ({width}×{height})"
        )


def _held(image: ImageFile.ImageFile, data: bytes) -> int:
    """Bytes a pixel that the decoder of a JPEG keeps whatever size it decodes to: 2 for each component where the file
    brings them in several scans, as progressive ones do, and none else."""
    first = data.rfind(b"\xff\xda", 0, image.fp.tell() if image.fp else 0)
    components = len(image.getbands())
    several = image.info.get("progressive") or (first >= 0 and data[first + 4 : first + 5] != bytes([components]))
    return 2 * components if several else 0


def _bytes(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"


def _refuse_preview(image: Image.Image, data: bytes) -> None:
    """A raw file of many cameras is a TIFF whose first picture is a thumbnail."""
    if isinstance(image, TiffImagePlugin.TiffImageFile) and (data[8:10] == b"CR" or image.tag_v2.get(254, 0) & 1):
        raise BadPhoto("not a photo: a camera's raw file; save it as JPEG or PNG")


def _turn_upright(image: Image.Image, size: tuple[int, int]) -> tuple[int, int]:
    """Turn it as its file says, in place; returns the file's own `size`, turned with it."""
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
        ImageOps.exif_transpose(image, in_place=True)
    except Exception:  # a camera's broken notes do not make a broken photo: it stays as it was taken
        return size
    return size[::-1] if turned else size


def _rgb(image: Image.Image, tags: Mapping) -> tuple[Image.Image, str]:
    """In sRGB and on white, and the note; `tags` are those of a TIFF."""
    profile, note = image.info.get("icc_profile"), ""
    if image.mode.startswith("I") or image.mode == "F":
        image, note = _eight_bits(image, tags)
    if image.has_transparency_data and image.mode not in ("LA", "RGBA"):
        image = image.convert("LA" if image.mode == "L" else "RGBA")
    image, ignored = to_srgb(image, profile)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image, "; ".join(filter(None, (note, ignored)))


def _eight_bits(image: Image.Image, tags: Mapping) -> tuple[Image.Image, str]:
    """Greyscale of more than 8 bits, scaled down; Pillow's own conversion clips at 255 and turns such photos white."""
    values = np.asarray(image)
    if image.mode == "F":
        values = np.nan_to_num(values)
    white, note = _white(image.mode, values, tags)
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:  # by a table: a photo in floats is four times as large
        scaled = (np.arange(65_536) * (255 / white)).round().clip(0, 255).astype(np.uint8)[values]
    else:
        scaled = (values.astype(np.float64) * (255 / white)).round().clip(0, 255).astype(np.uint8)
    if tags.get(262) == 0:  # white is zero
        scaled = 255 - scaled
    return Image.fromarray(scaled), note


def _white(mode: str, values: np.ndarray, tags: Mapping) -> tuple[float, str]:
    """The value of white, and a note where it is a guess. 12 bits are often stored in 16 and nothing says so: then no
    value is above 4,095, and a photo of 16 bits would be all but black."""
    top = float(values.max())
    if mode == "F":
        return next((white for white, most in ((1.0, 2), (255.0, 510)) if top <= most), 65_535.0), ""
    bits = tags.get(258, (0,))[0]
    if 8 < bits < 16:
        return 2.0**bits - 1, ""
    if tags.get(339, (1,))[0] == 2 and bits == 16:  # signed
        return 32_767.0, ""
    declared = tags.get(281, 0)
    declared = max(declared) if isinstance(declared, tuple) else declared
    if 255 < declared < 65_535 and top <= declared:
        return float(declared), ""
    if 0 < top <= 4095:
        bits = 8 if top <= 255 else 12
        return 2.0**bits - 1, f"its greys are read as {bits} bits: none is above {2**bits - 1:,} of 65,535"
    return (65_535.0 if top <= 65_535 else 2.0**32 - 1), ""


def _reason(data: bytes, error: Exception) -> str:
    kind = next((name for magic, name in _OURS.items() if data.startswith(magic)), None)
    short = isinstance(error, EOFError) or any(w in str(error).lower() for w in ("truncated", "not processed"))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind, short = "WebP", len(data) < int.from_bytes(data[4:8], "little") + 8  # the length it gives itself
    if kind == "TIFF" and isinstance(error, UnidentifiedImageError) and (stored := _tiff_values(data)):
        return f"a TIFF of {stored}, which is not read here: save it as TIFF or PNG of 8 or 16 bits"
    if data[4:8] == b"ftyp":
        return _container(data)
    if kind:
        detail = "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
        return f"truncated {kind}" if short else f"damaged {kind}{detail}"
    head = data[:64].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    what = next((what for magic, what in _OTHERS.items() if head.startswith(magic.lower())), None)
    return f"not a photo: {what or ('unknown format' if 0 in data[:512] else 'text')}"


def _container(data: bytes) -> str:
    """What a file of the MP4 family is."""
    box = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
    listed = [box[place : place + 4] for place in range(0, len(box), 4)]
    known = (what for brands, what in _BRANDS.items() if any(brand in brands for brand in listed if brand.strip(b"\0")))
    return next(known, "not a photo: a video or an unknown format")


def _tiff_values(data: bytes) -> str:
    """What a TIFF that Pillow does not know stores for each pixel, such as "3 × 32-bit float"; "" where broken."""
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(data[:8])
        file = io.BytesIO(data)
        file.seek(tags.next)
        tags.load(file)
        bits = tags[258]
        kind = {1: "integer", 2: "signed integer", 3: "float"}.get(tags.get(339, (1,))[0], "complex")
        return f"{len(bits)} × {bits[0]}-bit {kind}"
    except Exception:  # broken tags: it is called damaged then
        return ""
