"""Photos that are hard to learn from: dark, pale, blurred, nearly empty, of odd shape or size.

    found = quality.assess_quality(root, paths)     # a row a photo
    found[found["blurry"]]
    rows = quality.measure(root, paths)             # the same of each photo by itself
    found = quality.with_odd_sizes(rows)            # which depend on all the others

By CleanVision, but for blur: it tells blurred photos by how few edges they have, and so finds none of goods on a plain
ground; the perceptual blur metric (Crété-Roffet and others 2007, by scikit-image) blurs once more and sees what goes.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from fashion_core.files import Progress, map_in_threads
from fashion_core.photos import imaging

ISSUES = {
    "dark": "dark", "light": "pale", "blurry": "blurred", "low_information": "nearly empty",
    "odd_aspect_ratio": "of odd shape", "odd_size": "of odd size",
}  # fmt: skip
# The metric goes from 0 to 1: of 1,200 photos from a catalogue and from homes none is above 0.53; of sample photos
# blurred over 9 of 224 px none is below 0.79. Measured on at most SIDE px, so that a large photo need not be pin-sharp.
BLURRED, SIDE = 0.65, 256
ODD_RATIO = 1.5  # of two sizes
VERSION = 3  # raise it when columns or what they mean change
_BY_CLEANVISION = ("dark", "light", "low_information", "odd_aspect_ratio")
_OF_THE_SET = "odd_size"  # it depends on the other photos; all else is measured of each photo by itself
COLUMNS: dict[str, Any] = {"path": object, "bits": "uint64", "size": float} | {  # of `measure`: name → type
    name: kind for issue in ("blurry", *_BY_CLEANVISION) for name, kind in ((issue, bool), (f"{issue} score", float))
}


def assess_quality(root: Path, paths: Sequence[str], progress: Progress = None) -> pd.DataFrame:
    """A row for each of `paths` that can be read: path, bits (64-bit perceptual hash), and for each of ISSUES a bool
    and a score from 0, worst, to 1 as "dark score" and so on. `progress(done, total, what)` is called now and then.
    """
    return with_odd_sizes(measure(root, paths, progress))


def with_odd_sizes(found: pd.DataFrame) -> pd.DataFrame:
    """What `measure` found of a whole set, with the issue that depends on all its photos."""
    odd, scores = odd_sizes(found["size"].to_numpy(float))
    return found.assign(**{_OF_THE_SET: odd, f"{_OF_THE_SET} score": scores})


def measure(root: Path, paths: Sequence[str], progress: Progress = None) -> pd.DataFrame:
    """A row for each of `paths` that can be read, with COLUMNS: what is known of each photo by itself. `size` is the
    square root of its file's pixels, for `odd_sizes`, which needs them all. Nothing is kept."""
    if not paths:
        return pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS)
    from cleanvision.issue_managers.image_property_issue_manager import ImagePropertyIssueManager

    known = ImagePropertyIssueManager()  # its thresholds, and what it measures

    def one(path: str) -> dict[str, Any] | None:
        try:
            photo = imaging.read(root / path)
        except imaging.BadPhoto:
            return None
        row = {"path": path} | _by_ourselves(photo)
        for issue in _BY_CLEANVISION:
            row |= known.image_properties[issue].calculate(photo)
        return row

    raw = pd.DataFrame([row for row in map_in_threads(one, list(paths), "Looking at photos", progress) if row])
    if raw.empty:
        return measure(root, [])
    found = raw[["path", "bits", "size"]].assign(blurry=raw["blur"] > BLURRED, **{"blurry score": 1 - raw["blur"]})
    for issue in _BY_CLEANVISION:
        of, limits = known.image_properties[issue], known.params[issue]
        scores = of.get_scores(raw_scores=raw[of.score_columns], issue_type=issue, **limits)
        found[f"{issue} score"] = scores[f"{issue}_score"]
        found[issue] = of.mark_issue(scores, issue, limits["threshold"])[f"is_{issue}_issue"]
    return found[list(COLUMNS)].astype(COLUMNS)


def _by_ourselves(photo: Image.Image) -> dict[str, Any]:
    """What CleanVision does not measure, or not as we need it."""
    import imagehash
    from skimage.measure import blur_effect

    grey = photo.convert("L")
    grey.thumbnail((SIDE, SIDE))
    return {
        "bits": int(str(imagehash.phash(photo)), 16),
        "blur": float(blur_effect(np.asarray(grey))),
        "size": math.sqrt(math.prod(imaging.full_size(photo))),
    }


def odd_sizes(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the sizes (n,) of a whole set, as `measure` gives them: bool (n,) whether each is odd, and its score (n,).

    CleanVision goes by the quartiles, which meet where most photos have one size: then whatever differs by a pixel is
    odd to it. So a photo has to differ from the median by ODD_RATIO as well.
    """
    if not len(sizes):
        return np.zeros(0, bool), np.zeros(0)
    from cleanvision.issue_managers.image_property import SizeProperty

    of_size = SizeProperty()  # by the quartiles of all
    scores = of_size.get_scores(pd.DataFrame({"size": sizes}), _OF_THE_SET)
    flags = of_size.mark_issue(scores, _OF_THE_SET)
    middle = np.median(sizes)
    far = np.maximum(sizes / middle, middle / sizes) >= ODD_RATIO
    return flags[f"is_{_OF_THE_SET}_issue"].to_numpy(bool) & far, scores[f"{_OF_THE_SET}_score"].to_numpy(float)
