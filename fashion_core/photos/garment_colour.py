"""The garment's own colour in a photo, measured: the foreground against the background, in CIELAB.

    colour.measure(np.asarray(imaging.read("dress.jpg")))       # Colour(lightness=24.1, chroma=18.0, hue=285.2, …)

So a blue/black confusion can be laid along what the pixels say: black is dark and grey, navy is dark and blue.
"""

from typing import NamedTuple

import numpy as np

SIDE = 96  # pixels to measure on: a colour needs no more, and a catalogue has many photos
LEAST = 0.02  # of the photo: less foreground than this is noise, and the whole photo is measured instead


class Colour(NamedTuple):
    """CIELAB's lightness (0 black to 100 white), chroma (0 grey, above 40 vivid), hue in degrees (blue about 270 to
    300), and the share of the photo that was taken for the garment."""

    lightness: float
    chroma: float
    hue: float
    share: float


def lab(colours: np.ndarray) -> np.ndarray:
    """Lightness, chroma and hue, (n, 3 or more), as the three straight axes of CIELAB: (n, 3)."""
    angle = np.radians(colours[:, 2])
    return np.stack([colours[:, 0], colours[:, 1] * np.cos(angle), colours[:, 1] * np.sin(angle)], axis=1)


def measure(photo: np.ndarray) -> Colour:
    """The median colour of the foreground of a uint8 RGB photo (h, w, 3).

    Background is what is near the median of the photo's edge; Otsu's threshold (1979) divides near from far.
    """
    from skimage.color import rgb2lab
    from skimage.filters import threshold_otsu

    lab = rgb2lab(photo[:: -(-photo.shape[0] // SIDE), :: -(-photo.shape[1] // SIDE)])
    edge = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    distance = np.linalg.norm(lab - np.median(edge, axis=0), axis=2)
    garment = distance > threshold_otsu(distance) if np.ptp(distance) else np.zeros(distance.shape, bool)
    share = float(garment.mean())
    lightness, a, b = np.median(lab[garment] if share >= LEAST else lab.reshape(-1, 3), axis=0)
    return Colour(float(lightness), float(np.hypot(a, b)), float(np.degrees(np.arctan2(b, a)) % 360), share)
