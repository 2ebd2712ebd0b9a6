"""From the bytes of a photo to a safe RGB image, or the reason why not. Every photo of Busana comes in through `read`.

How to use it:

    image = imaging.read("shoe.jpg")            # PIL image, RGB, upright, on white
    pixels = imaging.square(image, 224)         # uint8 (224, 224, 3)
"""

import io
import stat
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fashion_core import UserError

MAX_PIXELS = 40_000_000
MAX_BYTES = 1 << 29  # an uncompressed 16-bit RGB photo of 40 megapixels is half of this
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

# What a file begins with: to name its format when it is damaged, and to say what a stranger is.
_OURS = {b"\xff\xd8": "JPEG", b"\x89PNG": "PNG", b"GIF8": "GIF", b"BM": "BMP", b"II*\0": "TIFF", b"MM\0*": "TIFF"}
_STRANGERS = {
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a zip archive or office document",
    b"<svg": "an SVG drawing",
    b"<!doc": "a web page",
    b"<html": "a web page",
    b"8BPS": "a Photoshop file; save it as JPEG or PNG",
}

warnings.filterwarnings("error", category=Image.DecompressionBombWarning)  # refused below, so never only a warning
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # damaged notes inside: no news to a person


class BadPhoto(UserError):
    """A photo that cannot be used; the message is the reason, such as "empty file" or "truncated JPEG"."""


def read(source: Path | str | bytes | BinaryIO) -> Image.Image:
    """One photo as an upright RGB image, transparency laid over white, the first frame where there are several.

    `source` is a path, the bytes of a file or an open binary file. What the file contains decides, not its name.
    Raises BadPhoto for all that is no whole photo of at most `MAX_PIXELS`; a larger one is not even decoded.
    """
    data = source if isinstance(source, bytes) else read_bytes(source)
    if not data:
        raise BadPhoto("empty file")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _refuse_large(image)
            image.load()
            return _rgb(_upright(image))
    except BadPhoto:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadPhoto(f"larger than 40 megapixels ({error})") from None
    except Exception as error:  # Pillow raises a dozen types on damaged files; all mean the same here
        raise BadPhoto(_reason(data, error)) from None


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
    """A JPEG of at most size × size pixels, in the photo's own proportions."""
    small = image.copy()
    small.thumbnail((size, size))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=88)
    return out.getvalue()


def printable(path_or_name: str | Path) -> str:
    """A name fit for page and terminal: bytes that are no UTF-8 and control characters become �."""
    text = str(path_or_name).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "�" for c in text)


def _refuse_large(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise BadPhoto(f"larger than 40 megapixels ({width}×{height})")


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a camera's broken notes do not make a broken photo: it stays as it was taken
        return image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        image = _eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Greyscale of more than 8 bits, scaled down; Pillow's own conversion clips at 255 and turns such photos white."""
    values = np.asarray(image).astype(np.float64)
    if image.mode == "F":
        white = 1.0 if values.max() <= 1 else 255.0
    else:
        white = 65_535.0 if values.max() <= 65_535 else float(2**32 - 1)
    return Image.fromarray((values * (255 / white)).round().clip(0, 255).astype(np.uint8))


def _reason(data: bytes, error: Exception) -> str:
    kind = next((name for magic, name in _OURS.items() if data.startswith(magic)), None)
    short = isinstance(error, EOFError) or any(w in str(error).lower() for w in ("truncated", "not processed"))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind, short = "WebP", len(data) < int.from_bytes(data[4:8], "little") + 8  # the length it gives itself
    if kind:
        detail = "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
        return f"truncated {kind}" if short else f"damaged {kind}{detail}"
    if data[4:8] == b"ftyp":
        return "not a photo that can be read: HEIC, AVIF or a video; save it as JPEG or PNG"
    head = data[:64].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    what = next((what for magic, what in _STRANGERS.items() if head.startswith(magic.lower())), None)
    return f"not a photo: {what or ('unknown format' if 0 in data[:512] else 'text')}"
