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


def hexadecimal(colours: Sequence[Colour]) -> list[str]:
    """Each colour in sRGB, as "#rrggbb"."""
    from skimage.color import lab2rgb

    if not colours:
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
    from skimage.color import rgb2lab

    places = rgb2lab(photo[:: -(-photo.shape[0] // SIDE), :: -(-photo.shape[1] // SIDE)])
    foreground, inside = _foreground(places)
    garment, weights, doubt = _garment(foreground, inside, heat)
    colour = _median(places[garment], weights[garment])
    near = np.linalg.norm(places[garment] - colour, axis=1) <= NEAR
    alike = float(weights[garment][near].sum() / weights[garment].sum())
    lightness, a, b = colour.tolist()
    hue = float(np.degrees(np.arctan2(b, a)) % 360)
    return Colour(lightness, float(np.hypot(a, b)), hue, float(garment.mean()), 1 - alike * (1 - doubt))


def _foreground(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """bool (h, w) twice: what is far from the median of the edge, by Otsu's threshold; and all that is no wall, within
    the convex hull of what is half as far, as skin before a white wall is. `places` is CIELAB (h, w, 3)."""
    from skimage.filters import threshold_otsu
    from skimage.morphology import convex_hull_image

    edge = np.concatenate([places[0], places[-1], places[:, 0], places[:, -1]])
    distance = np.linalg.norm(places - np.median(edge, axis=0), axis=2)
    threshold = threshold_otsu(distance) if np.ptp(distance) else 0.0
    foreground = distance > threshold
    if foreground.mean() < LEAST:
        return np.ones(distance.shape, bool), np.ones(distance.shape, bool)
    return foreground, foreground | (convex_hull_image(distance > threshold / 2) & ~_wall(distance))


def _wall(distance: np.ndarray) -> np.ndarray:
    """bool (h, w): what is all but the colour of the edge and joined to the edge by such places."""
    from skimage.measure import label

    edge = np.concatenate([distance[0], distance[-1], distance[:, 0], distance[:, -1]])
    joined = label(distance <= WALL + 3 * np.median(edge), connectivity=1)
    at_edge = np.unique(np.concatenate([joined[0], joined[-1], joined[:, 0], joined[:, -1]]))
    return np.isin(joined, at_edge[at_edge > 0])


def _garment(
    foreground: np.ndarray, inside: np.ndarray, heat: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, float]:
    """Where the garment is, what each place weighs, and the doubt that it is there: the foreground, or the gaps in it,
    which are all else inside. Heat maps are coarse: what is warm outside is wall."""
    gaps = inside & ~foreground
    warmth = None if heat is None else _warmth(heat, foreground.shape)
    if warmth is None or not warmth[inside].any():
        return foreground, np.ones(foreground.shape), float(gaps.sum() / inside.sum())  # nothing says which
    filled = float(warmth[foreground].sum() / warmth[inside].sum())
    return (foreground, warmth, 1 - filled) if filled >= FEW else (gaps, warmth, filled)


def _warmth(heat: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The heat map at `shape`, 0 where it spoke against the class."""
    image = Image.fromarray(heat.astype(np.float32)).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float64).clip(0)


def _median(colours: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Of each column of `colours`, (n, 3), the value that half of the weight lies below: (3,)."""
    order = np.argsort(colours, axis=0, kind="stable")
    below = np.cumsum(weights[order], axis=0)
    place = (below >= below[-1] / 2).argmax(axis=0)
    return np.take_along_axis(np.take_along_axis(colours, order, axis=0), place[None], axis=0)[0]
