"""Whether two pictures are one photo: cropped, mirrored, of another size, with a watermark.

    small = [same_photo.reduced(imaging.read(file)) for file in files]
    same_photo.likeness(small[0], small[1]) >= same_photo.SAME

The middle of one picture is looked for in the other, at several scales, mirrored too, and the other way round, so that
a crop is found in its original. What is compared there is local contrast, cell by cell, and the median counts: a
watermark spoils some cells, not most. Cells without detail, and outlines on white, count for nothing, since they are
alike on all black T-shirts: plain goods on white must fit all but exactly. Of goods in two colours shot alike,
the tints differ.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

SIDE, COARSE_SIDE = 96, 40  # pixels of the longer side: where a match is measured, and where it is first looked for
MIDDLE = 0.6  # of width and height is looked for
SCALES = 1.04 ** np.arange(-17.0, 2.0)  # of the one in the other, 0.51 to 1.04, with 1
NEAR_SCALES = 1.0125 ** np.arange(-6.0, 7.0)  # around the best of them
CONTRAST_RADIUS = 1.5  # pixels of the Gaussian that contrast is measured against; its strength over twice that
FLAT = 4.0  # grey levels: contrast far below it is noise, and counts for little
PLAUSIBLE = 0.7  # correlation at the coarse size below which no pair is measured finely
BLANK = 0.05  # mean squared contrast that a place at least counts as having, when it is looked for
CELLS = 5  # a side: the middle is compared in so many times so many
DETAIL = 0.1  # mean squared contrast below which a cell shows nothing
ENOUGH = 8  # cells with detail, and pixels of a cell that are not outline, or there is too little to go by
WHITE, GROUND = 235, 24  # a pixel is ground that is whiter, or nearer to the colour of the picture's border
OUTLINE = 7  # what is nearer to ground than half of so many pixels is outline
SAME_TINT, SAME_LIGHTNESS = 8.0, 18.0  # levels by which mean colours may differ, in a channel apart and all together
# Measured on 5,393 photos of clothes from the web, looking at the pairs that an ImageNet ResNet-50 proposes beyond
# those that thumbnails show: from 0.88 there are 17, of which 16 are one picture; the false one, two black shorts on
# legs, is at 0.94. From 0.88 down to 0.6 there are eight, of which one is one picture, under two watermarks. Of whole
# fits, the first false one, the front and back of a T-shirt, is at 0.963.
SAME, FITS = 0.88, 0.975


class Match(NamedTuple):
    """Where the middle of one picture lies in another, both upright: correlation, scale and corner in pixels."""

    correlation: float
    scale: float
    top: int
    left: int


def reduced(image: Image.Image) -> np.ndarray:
    """The picture as it is compared, in its own proportions: uint8 (h, w, 3), the longer side SIDE."""
    return _scaled(np.asarray(image), SIDE / max(image.size))


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The median correlation of local contrast, -1…1, of two `reduced` pictures where they fit each other best; where
    they fit as well as only one photo does (FITS), the correlation of the whole.

    -1 where nothing is alike at first sight, colours differ, or there is too little detail to say.
    """
    coarse, tries = [_scaled(pixels, COARSE_SIDE / SIDE) for pixels in (one, other)], []
    for part in (0, 1):
        wholes = (coarse[1 - part], coarse[1 - part][:, ::-1])
        tries += [(found, part, mirrored) for mirrored, found in enumerate(_best(coarse[part], wholes, SCALES))]
    best = -1.0
    for found, part, mirrored in sorted(tries, key=lambda tried: -tried[0].correlation)[:2]:
        if found.correlation >= PLAUSIBLE:
            there, whole = (one, other)[part], (other, one)[part][:, :: -1 if mirrored else 1]
            (fine,) = _best(there, (whole,), found.scale * NEAR_SCALES)
            best = max(best, _alike(there, whole, fine))
    return best


def _scaled(pixels: np.ndarray, scale: float) -> np.ndarray:
    height, width = pixels.shape[:2]
    size = (max(4, round(width * scale)), max(4, round(height * scale)))
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.BILINEAR))


def _middle(pixels: np.ndarray) -> np.ndarray:
    top, left = (round(side * (1 - MIDDLE) / 2) for side in pixels.shape[:2])
    return pixels[top : len(pixels) - top, left : pixels.shape[1] - left]


def _contrast(pixels: np.ndarray) -> np.ndarray:
    """Grey less its surroundings, over the strength of that there: float32 (h, w)."""
    from scipy.ndimage import gaussian_filter

    grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    detail = grey - gaussian_filter(grey, CONTRAST_RADIUS, mode="nearest")
    return detail / (np.sqrt(gaussian_filter(detail**2, 2 * CONTRAST_RADIUS, mode="nearest")) + FLAT)


def _best(part: np.ndarray, wholes: Sequence[np.ndarray], scales: np.ndarray) -> list[Match]:
    """Where, and at which scale, the middle of `part` is most like a place in each of `wholes`, all of one size."""
    height, width = wholes[0].shape[:2]
    patches = [_middle(_contrast(_scaled(part, scale))) for scale in scales]
    fits = [patch.shape[0] <= height and patch.shape[1] <= width for patch in patches]
    patches, scales = [patch for patch, fit in zip(patches, fits, strict=True) if fit], scales[fits]
    if not patches:
        return [Match(-1.0, 1.0, 0, 0)] * len(wholes)
    return [_place(_contrast(whole), patches, scales) for whole in wholes]


def _place(field: np.ndarray, patches: Sequence[np.ndarray], scales: np.ndarray) -> Match:
    """The patch and the place in `field` (h, w) with the highest normalised correlation."""
    from scipy import fft

    looked_for, window = np.zeros((2, len(patches), *field.shape), np.float32)
    for row, patch in enumerate(patches):
        looked_for[row, : patch.shape[0], : patch.shape[1]] = patch - patch.mean()
        window[row, : patch.shape[0], : patch.shape[1]] = 1

    def everywhere(values: np.ndarray, kernels: np.ndarray) -> np.ndarray:
        return fft.irfft2(fft.rfft2(values) * np.conj(fft.rfft2(kernels)), field.shape)

    energy = np.maximum(everywhere(field**2, window), BLANK * window.sum((1, 2), keepdims=True))
    correlation = everywhere(field, looked_for) / np.sqrt(energy * (looked_for**2).sum((1, 2), keepdims=True) + 1e-6)
    for row, patch in enumerate(patches):  # only where all of it lies inside
        correlation[row, len(field) - len(patch) + 1 :] = -1
        correlation[row, :, field.shape[1] - patch.shape[1] + 1 :] = -1
    row, top, left = np.unravel_index(correlation.argmax(), correlation.shape)
    return Match(float(correlation[row, top, left]), float(scales[row]), int(top), int(left))


def _alike(part: np.ndarray, whole: np.ndarray, found: Match) -> float:
    """What `likeness` says of one way to lay `part` on `whole`."""
    small = _scaled(part, found.scale)
    height, width = _middle(small).shape[:2]
    there = (slice(found.top, found.top + height), slice(found.left, found.left + width))
    inside = _middle(_inside(small)) & _inside(whole)[there]
    if inside.sum() < ENOUGH * ENOUGH or not _same_colour(_middle(small)[inside], whole[there][inside]):
        return -1.0
    one, other = _middle(_contrast(small)), _contrast(whole)[there]
    rows, columns = (np.linspace(0, side, CELLS + 1).astype(int) for side in (height, width))
    cells = [
        (slice(*down), slice(*across))
        for down in itertools.pairwise(rows.tolist())
        for across in itertools.pairwise(columns.tolist())
    ]
    found_in = [_correlation(one[cell][inside[cell]], other[cell][inside[cell]]) for cell in cells]
    told = [value for value in found_in if value is not None]
    by_cell = float(np.median(told)) if len(told) >= ENOUGH else -1.0
    return max(by_cell, found.correlation) if found.correlation >= FITS else by_cell


def _inside(pixels: np.ndarray) -> np.ndarray:
    """bool (h, w): what is neither plain ground nor near it."""
    from scipy.ndimage import minimum_filter

    sides = (pixels[:2], pixels[:, :2], pixels[:, -2:])  # below stand feet
    border = np.median(np.concatenate([side.reshape(-1, 3) for side in sides]), axis=0)
    ground = (pixels.min(2) >= WHITE) | (np.abs(pixels - border).max(2) < GROUND)
    return minimum_filter((~ground).astype(np.uint8), OUTLINE).astype(bool)


def _same_colour(one: np.ndarray, other: np.ndarray) -> bool:
    difference = one.mean(0) - other.mean(0)
    lightness = difference.mean()
    return abs(lightness) <= SAME_LIGHTNESS and bool((np.abs(difference - lightness) <= SAME_TINT).all())


def _correlation(one: np.ndarray, other: np.ndarray) -> float | None:
    """Of the contrast of two cells; None where neither shows any detail or little of them is inside."""
    if len(one) < ENOUGH or max((one**2).mean(), (other**2).mean()) < DETAIL:
        return None
    one, other = one - one.mean(), other - other.mean()
    return float((one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum() + 1e-9))
