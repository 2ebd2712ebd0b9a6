"""The colours of a photo in sRGB, through the ICC profile that it brings along.

    rgb, note = to_srgb(image, image.info.get("icc_profile"))

Adobe RGB, Display P3 and ProPhoto store other numbers for the same colour: read as sRGB, it is paler or of another hue.
"""

import io
from functools import lru_cache

from PIL import Image, ImageChops, ImageCms

IGNORED = "its colour profile is broken or made for other pixels, and is ignored: its colours are read as sRGB"
# Of 255: so far do profiles of sRGB differ from each other, by rounding and by short tables. Their photos keep their
# pixels.
SAME = 4
# A profile's colour space → the mode that it is applied to, and the modes of photos that may carry it.
_SPACES = {"RGB": ("RGB", ("RGB", "RGBA", "P", "L", "LA", "1")), "GRAY": ("L", ("L", "LA", "1")),
           "CMYK": ("CMYK", ("CMYK",))}  # fmt: skip


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str]:
    """`image` as RGB, or RGBA where it is LA or RGBA, in sRGB; and a note where its profile could not be used."""
    if image.mode == "LAB":
        return _from_lab().apply(image), ""
    transform, note = None, ""
    try:
        if profile:
            mode, modes, transform = _transform(profile)
            if image.mode not in modes:
                raise ValueError
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError):  # there are many ways to be broken
        transform, note = None, IGNORED
    clear = image.mode in ("LA", "RGBA")
    if transform is None:
        return image.convert("RGBA" if clear else "RGB"), note
    colours = transform.apply(image.convert(mode))
    if clear:
        colours.putalpha(image.getchannel("A"))
    return colours, note


@lru_cache(maxsize=32)  # the photos of a folder share few profiles, and a transform takes longer to make than to use
def _transform(profile: bytes) -> tuple[str, tuple[str, ...], ImageCms.ImageCmsTransform | None]:
    """The mode that the profile is applied to, the modes of photos that may carry it, and the way to sRGB; None where
    it changes nothing. Threads share it: using a transform does not change it."""
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    mode, modes = _SPACES[opened.profile.xcolor_space.strip()]
    transform = ImageCms.buildTransform(
        opened, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )  # fmt: skip
    return mode, modes, None if mode != "CMYK" and _changes_nothing(transform, mode) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Tried on all greys, or on 4,096 colours from corner to corner of the cube."""
    steps = range(0, 256, 17)
    cube = bytes(value for r in steps for g in steps for b in steps for value in (r, g, b))
    probe = Image.linear_gradient("L") if mode == "L" else Image.frombytes("RGB", (64, 64), cube)
    changed = ImageChops.difference(transform.apply(probe), probe.convert("RGB"))
    return max(changed.tobytes()) <= SAME


@lru_cache(maxsize=1)
def _from_lab() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
