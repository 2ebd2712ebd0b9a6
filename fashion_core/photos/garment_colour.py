"""The garment's own colour in a photo, measured in CIELAB: of the foreground, or of what a heat map points at.

    measure(np.asarray(imaging.read("dress.jpg")))       # Colour(lightness=24.1, chroma=18.0, hue=285.2, …)
    measure(photo, heat)                                 # of the place with evidence for the predicted class

So a blue/black confusion can be laid along what the pixels say: black is dark and grey, navy is dark and blue. On a
person in a white shirt before a white wall the foreground is the trousers; only a heat map tells where the shirt is.
"""

from collections.abc import Sequence
from math import nan
from typing import NamedTuple

import numpy as np
from PIL import Image

SIDE = 96  # pixels to measure on: a colour needs no more, and a catalogue has many photos
LEAST = 0.02  # of the photo: less foreground than this is noise, and the whole photo is measured instead
NEAR = 25  # of CIELAB: as far apart are light and shade on one garment, and not two garments of different colour
WALL = 2  # of CIELAB: a smooth wall differs by less; a white shirt before it by more, through its shades
UNSURE = 0.5  # from this uncertainty on, a measured colour contradicts no label
FEW = 0.35  # of the warmth: with less of it on the foreground, the garment has the wall's colour

# sRGB under its own white to CIELAB, as scikit-image has it, but with a table of the 256 values that light can have and
# in float32: the same to 0.001, in an eighth of the time.
_LIGHT = np.array([v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.arange(256) / 255], "f4")
_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
_XYZ_OF_WHITE = (_XYZ.T / [0.95047, 1, 1.08883]).astype("f4")
_AXES = np.array([[0, 500, 0], [116, -500, 200], [0, 0, -200]], "f4")


class Colour(NamedTuple):
    """CIELAB's lightness (0 black to 100 white), chroma (0 grey, above 40 vivid), hue in degrees (blue about 270 to
    300), the share of the photo that was taken for the garment, and how uncertain it is that this is the garment's
    colour: from 0 to 1, and NaN where it was measured before that was kept."""

    lightness: float
    chroma: float
    hue: float
    share: float
    uncertainty: float = nan


def lab(colours: np.ndarray) -> np.ndarray:
    """Lightness, chroma and hue, (n, 3 or more), as the three straight axes of CIELAB: (n, 3)."""
    angle = np.radians(colours[:, 2])
    return np.stack([colours[:, 0], colours[:, 1] * np.cos(angle), colours[:, 1] * np.sin(angle)], axis=1)


def hexadecimal(colours: Sequence[Sequence[float]] | np.ndarray) -> list[str]:
    """Each colour, lightness, chroma and hue first, in sRGB: "#rrggbb"; what screens cannot show is the nearest."""
    from skimage.color import lab2rgb

    if not len(colours):
        return []
    rgb = lab2rgb(lab(np.array(colours))).clip(0, 1)
    return ["#{:02x}{:02x}{:02x}".format(*row) for row in (rgb * 255).round().astype(int).tolist()]


def unsure(colours: np.ndarray) -> np.ndarray:
    """bool (n,): which colours, (n, 4 or 5) as in Colour, may not be the garment's; none where that is unknown."""
    return colours[:, 4] >= UNSURE if colours.shape[1] > 4 else np.zeros(len(colours), bool)


def measure(photo: np.ndarray, heat: np.ndarray | None = None) -> Colour:
    """The median colour of the garment in a uint8 RGB photo (h, w, 3).

    Background is what is near the median of the photo's edge; Otsu's threshold (1979) divides near from far. `heat`
    (any height and width, over the whole photo) is positive where there is evidence for the predicted class (CAM, Zhou
    et al. 2016): what is warm weighs more, and where most of the warmth lies on gaps of the foreground, the garment has
    the background's colour.
    """
    places = _cielab(photo[:: -(-photo.shape[0] // SIDE), :: -(-photo.shape[1] // SIDE)])
    foreground, inside = _foreground(places)
    garment, weights, doubt = _garment(foreground, inside, heat)
    colours, shares = places[garment], None if weights is None else weights[garment]
    colour = _median(colours, shares)
    alike = float(np.average(_distance(colours, colour) <= NEAR, weights=shares))
    lightness, a, b = colour.tolist()
    hue = float(np.degrees(np.arctan2(b, a)) % 360)
    return Colour(lightness, float(np.hypot(a, b)), hue, float(garment.mean()), 1 - alike * (1 - doubt))


def _cielab(photo: np.ndarray) -> np.ndarray:
    """uint8 RGB (h, w, 3) in CIELAB, float32 (h, w, 3)."""
    ratio = _LIGHT[photo.reshape(-1, 3)] @ _XYZ_OF_WHITE
    root = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return (root @ _AXES - np.array([16, 0, 0], "f4")).reshape(photo.shape)


def _distance(places: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """How far each of `places`, (…, 3), is from `colour` in CIELAB: (…)."""
    apart = places - colour
    return np.sqrt(np.einsum("...i,...i->...", apart, apart))


def _foreground(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """bool (h, w) twice: what is far from the median of the edge, by Otsu's threshold; and all that is no wall, within
    the convex hull of what is half as far, as skin before a white wall is. `places` is CIELAB (h, w, 3)."""
    distance = _distance(places, np.median(_edge(places), axis=0))
    threshold = _otsu(distance)
    foreground = distance > threshold
    if foreground.mean() < LEAST:
        return np.ones(distance.shape, bool), np.ones(distance.shape, bool)
    return foreground, foreground | (_convex_hull(distance > threshold / 2) & ~_wall(distance))


def _edge(places: np.ndarray) -> np.ndarray:
    """The outermost rows and columns of (h, w, …), one after the other: (2h + 2w, …)."""
    return np.concatenate([places[0], places[-1], places[:, 0], places[:, -1]])


def _otsu(values: np.ndarray) -> float:
    """Otsu's threshold (1979): of 256 classes of value, where the two sides differ most; 0 where all are the same."""
    least, most = float(values.min()), float(values.max())
    if least == most:
        return 0.0
    step = (most - least) / 256
    counts = np.bincount(np.minimum(((values.ravel() - least) / step).astype(int), 255), minlength=256)
    middles = least + step * (np.arange(256) + 0.5)
    below, total = counts.cumsum()[:-1], counts.sum()
    sums = (counts * middles).cumsum()
    means = sums[:-1] / below, (sums[-1] - sums[:-1]) / (total - below)  # neither side is ever without a value
    return float(middles[(below * (total - below) * (means[0] - means[1]) ** 2).argmax()])


def _convex_hull(inside: np.ndarray) -> np.ndarray:
    """bool (h, w): the places in the convex hull of those that are True in `inside`, each as a diamond as wide and high
    as the place."""
    width, rows = inside.shape[1], np.flatnonzero(inside.any(axis=1))
    left = _hull_side(rows, inside[rows].argmax(axis=1))
    right = -_hull_side(rows, inside[rows, ::-1].argmax(axis=1) + 1 - width)
    columns, hull = np.arange(width), np.zeros(inside.shape, bool)
    hull[rows[0] : rows[-1] + 1] = (columns >= left[:, None] - 1e-9) & (columns <= right[:, None] + 1e-9)
    return hull


def _hull_side(rows: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The left side of that hull, float (last row - first row + 1,), where `rows` begin at columns `first`.

    In half places, all is a whole number: a row's diamond begins at twice its column, and one to the left of it halfway
    down. From the uppermost corner on, the next is the one in the flattest direction to the left (Jarvis 1973).
    """
    top, far = 2 * (rows - rows[0]), 1 << 20
    side = np.full(int(top[-1]) + 3, far)
    side[top] = 2 * first
    side[top + 2] = np.minimum(side[top + 2], 2 * first)
    side[top + 1] = 2 * first - 1
    corners, down = [0], np.flatnonzero(side < far)
    column = side[down]
    while (at := corners[-1]) < len(down) - 1:
        slopes = (column[at + 1 :] - column[at]) / (down[at + 1 :] - down[at])
        corners.append(len(down) - 1 - int(slopes[::-1].argmin()))
    return np.interp(np.arange(1, len(side) - 1, 2), down[corners], column[corners]) / 2


def _wall(distance: np.ndarray) -> np.ndarray:
    """bool (h, w): what is all but the colour of the edge and joined to the edge by such places."""
    return _joined_to_edge(distance <= WALL + 3 * np.median(_edge(distance)))


def _joined_to_edge(inside: np.ndarray) -> np.ndarray:
    """bool (h, w): the places that are True in `inside` and from which a way over such places, across and down, leads
    to the edge. By the runs of such places in each row, and without SciPy, whose import takes longer than a photo."""
    width = inside.shape[1]
    apart = np.pad(inside, ((0, 0), (1, 0))).ravel()  # rows with a gap between
    number = np.cumsum(apart[1:] & ~apart[:-1]).reshape(-1)
    runs = np.where(inside, np.append(0, number).reshape(-1, width + 1)[:, 1:], 0)
    touch = inside[:-1] & inside[1:]
    above, below = runs[:-1][touch], runs[1:][touch]
    first = np.append(True, (above[1:] != above[:-1]) | (below[1:] != below[:-1]))[: len(above)]
    above, below = above[first], below[first]  # two runs touch at many places
    joined = np.zeros(len(apart), bool)
    joined[_edge(runs)] = True
    joined[0] = False  # what is not inside
    while (grows := joined[above] != joined[below]).any():
        joined[above[grows]] = joined[below[grows]] = True
    return joined[runs]


def nearest_distance(colours: np.ndarray, among: np.ndarray, place: int) -> np.ndarray:
    """(m,): how far each of `colours`, (m, 3), is from the nearest of `among`, (n, 3), that has `place` nearer ones.
    Both are on the straight axes of CIELAB, `among` by its lightness; `place` is below n."""
    order, found = np.argsort(colours[:, 0]), np.empty(len(colours))
    for start in range(0, len(order), 32):
        some = order[start : start + 32]
        low, high = colours[some[[0, -1]], 0]
        reach, distances = 1.0, np.full(len(some), np.inf)
        while distances.max() > reach and np.isfinite(reach):  # no nearer one lies beyond
            reach = 4 * reach if reach < 256 else np.inf
            near = among[slice(*np.searchsorted(among[:, 0], (low - reach, high + reach)))]
            if len(near) > place:
                squares = sum((colours[some, axis, None] - near[:, axis]) ** 2 for axis in range(3))
                distances = np.sqrt(np.partition(squares, place, axis=1)[:, place])
        found[some] = distances
    return found


def _garment(
    foreground: np.ndarray, inside: np.ndarray, heat: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None, float]:
    """Where the garment is, what each place weighs, or None where all weigh the same, and the doubt that it is there:
    the foreground, or the gaps in it, which are all else inside. Heat maps are coarse: what is warm outside is wall."""
    gaps = inside & ~foreground
    warmth = None if heat is None else _warmth(heat, foreground.shape)
    if warmth is None or not warmth[inside].any():
        return foreground, None, float(gaps.sum() / inside.sum())  # nothing says which
    filled = float(warmth[foreground].sum() / warmth[inside].sum())
    return (foreground, warmth, 1 - filled) if filled >= FEW else (gaps, warmth, filled)


def _warmth(heat: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The heat map at `shape`, 0 where it spoke against the class."""
    image = Image.fromarray(heat.astype(np.float32)).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float64).clip(0)


def _median(colours: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Of each column of `colours`, (n, 3), the value that half of the weight lies below: (3,)."""
    if weights is None:
        middle = (len(colours) - 1) // 2
        return np.partition(colours, middle, axis=0)[middle]
    order = np.argsort(colours, axis=0, kind="stable")
    below = np.cumsum(weights[order], axis=0)
    place = (below >= below[-1] / 2).argmax(axis=0)
    return np.take_along_axis(np.take_along_axis(colours, order, axis=0), place[None], axis=0)[0]
