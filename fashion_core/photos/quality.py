"""Photos that are hard to learn from: dark, pale, blurred, nearly empty, of odd shape or size.

found = quality.look(root, paths)      # a row a photo; kept on disk until one of the files changes
found[found["blurry"]]

By CleanVision, but for blur: it tells blurred photos by how few edges they have, and so finds none of goods on a plain
ground; the perceptual blur metric (Crété-Roffet and others 2007, by scikit-image) blurs once more and sees what goes.
"""

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from fashion_core.files import Progress, atomic_write, cache_folder, size_and_mtime
from fashion_core.photos import imaging

ISSUES = {
    "dark": "dark", "light": "pale", "blurry": "blurred", "low_information": "nearly empty",
    "odd_aspect_ratio": "of odd shape", "odd_size": "of odd size",
}  # fmt: skip
# The metric goes from 0 to 1: of 1,200 photos from a catalogue and from homes none is above 0.53; of sample photos
# blurred over 9 of 224 px none is below 0.79. Measured on at most SIDE px, so that a large photo need not be pin-sharp.
BLURRED, SIDE = 0.65, 256
_VERSION = 2  # raise it when columns or what they mean change


def assess_quality(root: Path, paths: Sequence[str], progress: Progress = None) -> pd.DataFrame:
    """A row for each of `paths` that can be read: path, bits (64-bit perceptual hash), and for each of ISSUES a bool
    and a score from 0, worst, to 1 as "dark score" and so on. What was found is kept on disk.

    `progress(done, total, what)` is called now and then.
    """
    stamps = [f"{os.fsencode(path)!r} {size_and_mtime(root, path)}" for path in paths]
    mark = hashlib.sha256("\n".join([str(_VERSION), *stamps]).encode()).hexdigest()[:24]
    of = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    file = cache_folder() / f"quality-{of}-{mark}.parquet"
    if not file.exists():
        with atomic_write(file) as partial:
            _look(root, paths, progress).to_parquet(partial)
        for old in cache_folder().glob(f"quality-{of}-*.parquet"):
            if old != file:
                old.unlink(missing_ok=True)
    found = pd.read_parquet(file)
    return found.assign(path=pd.Series([os.fsdecode(path) for path in found["path"]], dtype=object))


class _Photos:
    """What CleanVision takes for a torchvision dataset: one photo after the other, in memory one at a time."""

    def __init__(self, root: Path, paths: Sequence[str], progress: Progress) -> None:
        self.root, self.paths, self.progress = root, paths, progress
        self.bits: dict[str, int] = {}
        self.blur: dict[str, float] = {}
        self.told = 0.0

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: int) -> tuple[Image.Image]:
        import imagehash
        from skimage.measure import blur_effect

        if self.progress and time.monotonic() - self.told > 0.1:
            self.told = time.monotonic()
            self.progress(place + 1, len(self.paths), "Looking at photos")
        try:
            photo = imaging.read(self.root / self.paths[place])
        except imaging.BadPhoto:  # it needs an image for every place: this one's row is dropped
            return (Image.new("RGB", (64, 64)),)
        grey = photo.convert("L")
        grey.thumbnail((SIDE, SIDE))
        self.bits[self.paths[place]] = int(str(imagehash.phash(photo)), 16)
        self.blur[self.paths[place]] = float(blur_effect(np.asarray(grey)))
        return (photo,)


def _look(root: Path, paths: Sequence[str], progress: Progress) -> pd.DataFrame:
    columns = ["path", "bits", *(name for issue in ISSUES for name in (issue, f"{issue} score"))]
    if not paths:
        kinds = {name: bool if name in ISSUES else float for name in columns} | {"path": object, "bits": "uint64"}
        return pd.DataFrame(columns=columns).astype(kinds)
    from cleanvision import Imagelab

    photos = _Photos(root, paths, progress)
    lab = Imagelab(torchvision_dataset=photos)
    lab.find_issues({issue: {} for issue in ISSUES if issue != "blurry"}, n_jobs=1, verbose=False)
    found = pd.DataFrame({"path": [os.fsencode(path) for path in paths]})
    found["bits"] = pd.array([photos.bits.get(path, 0) for path in paths], dtype="uint64")
    blur = np.array([photos.blur.get(path, 0.0) for path in paths])
    found["blurry"], found["blurry score"] = blur > BLURRED, 1 - blur
    for issue in ISSUES.keys() - {"blurry"}:
        found[issue] = lab.issues[f"is_{issue}_issue"].to_numpy(bool)
        found[f"{issue} score"] = lab.issues[f"{issue}_score"].to_numpy(float)
    return found[[path in photos.bits for path in paths]].reset_index(drop=True)[columns]
