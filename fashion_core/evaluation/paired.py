"""Two models on the photos that both answered, so that their answers compare photo by photo.

ours, theirs = paired.common(ours, theirs)      # None where no photo is common to both
mcnemar(ours.right, theirs.right)
"""

from dataclasses import replace

import numpy as np

from fashion_core.evaluation.evaluation import Evaluation


def common(ours: Evaluation, theirs: Evaluation) -> tuple[Evaluation, Evaluation] | None:
    """Both narrowed to the photos that stand in both under one label, in the order of ours. Their classes may differ:
    a photo is right by each model's own. None where there is no such photo."""
    place = {photo: row for row, photo in enumerate(_photos(theirs))}
    pairs = [(row, place[photo]) for row, photo in enumerate(_photos(ours)) if photo in place]
    if not pairs:
        return None
    mine, other = np.array(pairs).T
    return _narrowed(ours, mine), _narrowed(theirs, other)


def _photos(evaluation: Evaluation) -> list[tuple[str, str]]:
    return list(zip(evaluation.photos["path"], evaluation.photos["label"], strict=True))


def _narrowed(evaluation: Evaluation, rows: np.ndarray) -> Evaluation:
    photos = evaluation.photos.iloc[rows].reset_index(drop=True)
    meta = replace(evaluation.meta, leaked=None)  # row numbers, of other rows
    return replace(evaluation, photos=photos, probabilities=evaluation.probabilities[rows], meta=meta)
