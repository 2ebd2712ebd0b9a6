"""Near-duplicates that thumbnails do not show, cropped, mirrored, watermarked, by the embeddings of any model.

    pairs, likeness = find(root, scan.audit(root).photos, Predictor(folder))

A model proposes: the pairs most alike by the cosine of their embeddings, and what is near another's mirror image by
thumbnail.
`photos.same_photo` decides, by laying the two on each other. What no model proposes is not found.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from fashion_core import UserError
from fashion_core.files import Progress, map_in_threads
from fashion_core.models.predictor import Predictor
from fashion_core.photos import imaging, same_photo
from fashion_core.photos.duplicates import mirrored_pairs, nearest_pairs
from fashion_core.photos.pixels import read_checked

NEIGHBOURS = 4  # of each photo are proposed, of all pairs as many as there are photos
PASS = 64  # photos decoded at a time


def find(
    root: Path, photos: pd.DataFrame, predictor: Predictor, progress: Progress = None
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows of `photos` (path, group) that are one photo and in no group together: int (m, 2), the likest
    first, and their `same_photo.likeness`, float (m,).

    Raises UserError where the model gives no embeddings or a photo can no longer be read.
    """
    files = [Path(root, path) for path in photos["path"]]
    embeddings, thumbnails = _looked_at(files, predictor, progress)
    if not embeddings.shape[1]:
        raise UserError(f"{predictor.card.name} gives no embeddings: publish it again, or name another model.")
    pairs = np.concatenate([nearest_pairs(embeddings, NEIGHBOURS, len(files)), mirrored_pairs(thumbnails, progress)])
    pairs = _not_grouped(np.unique(pairs, axis=0), photos["group"].to_numpy())
    small = _reduced(files, np.unique(pairs), progress)
    likeness = np.array(list(_measured(pairs, small, progress)))
    order = np.argsort(-likeness, kind="stable")
    order = order[likeness[order] >= same_photo.SAME]
    return pairs[order], likeness[order]


def _looked_at(files: list[Path], predictor: Predictor, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings, float32 (n, d), and thumbnails, uint8 (n, 16, 16, 3)."""
    embeddings, thumbnails = [np.empty((0, 0), np.float32)], [np.empty((0, 16, 16, 3), np.uint8)]
    for start in range(0, len(files), PASS):
        images = [read_checked(file, file) for file in files[start : start + PASS]]
        embeddings.append(predictor.raw(images)[1])
        thumbnails.append(np.stack([imaging.square(image, 16) for image in images]))
        if progress:
            progress(min(start + PASS, len(files)), len(files), "Embedding photos")
    return np.concatenate(embeddings[1:] or embeddings), np.concatenate(thumbnails)


def _not_grouped(pairs: np.ndarray, groups: np.ndarray) -> np.ndarray:
    one, other = groups[pairs].T
    return pairs[(one < 0) | (one != other)]


def _reduced(files: list[Path], rows: np.ndarray, progress: Progress) -> dict[int, np.ndarray]:
    def read(row: int) -> np.ndarray:
        return same_photo.reduced(read_checked(files[row], files[row]))

    small = map_in_threads(read, rows.tolist(), "Reading photos", progress)
    return dict(zip(rows.tolist(), small, strict=True))


def _measured(pairs: np.ndarray, small: dict[int, np.ndarray], progress: Progress) -> Iterator[float]:
    yield from map_in_threads(
        lambda pair: same_photo.likeness(small[pair[0]], small[pair[1]]), pairs.tolist(), "Comparing photos", progress
    )
