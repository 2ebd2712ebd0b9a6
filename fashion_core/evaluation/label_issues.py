"""Labels and photos that look wrong: confident learning, outliers, and pairs that may be one picture.

    python -m fashion_core label-issues RUN
    find_label_issues(Evaluation.load(run.evaluation_file))     # labels of test photos, worst first
    find_label_issues(out_of_fold(explanations, root))          # of all photos

How many labels of each class are wrong is estimated from how sure the model usually is of each class, and so many, the
least believed, are listed (Northcutt, Jiang, Chuang 2021, by cleanlab). It is a place to look, not a verdict: the
model may be the one that errs.
"""

import numpy as np
import pandas as pd

from fashion_core import UserError
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import NEIGHBOURS, Explanations
from fashion_core.evaluation.meta import EvaluationMeta
from fashion_core.files import Progress
from fashion_core.photos import nearest
from fashion_core.photos.duplicates import grouped
from fashion_core.photos.nearest import Nearest, pairs_within

FOLDS, CROSS_VALIDATED = 5, "cross-validated"
CHUNK = 2000  # photos compared between two reports of progress
# Photos whose distance to the tenth nearest is this many times the usual one: on 4,029 catalogue photos 8 are.
OUTLIER_RATIO = 2.7
# Two photos may be one picture where their unit embeddings are this near and at most so many of the 64 bits of their
# perceptual hashes differ. Of 150 copies cropped by 2% that finds 86%; of 85 pairs that it found among 4,029
# catalogue photos most are different goods, shot alike. So it shows what to look at, and splits nothing.
POSSIBLE_DISTANCE, POSSIBLE_BITS = 0.1, 8


def find_label_issues(evaluation: Evaluation) -> pd.DataFrame:
    """A row for each label that looks wrong, worst first: index (its row in the evaluation), path, label, predicted,
    score: the model's confidence in the label, 0 to 1. Time and memory grow with photos × classes.
    """
    from cleanlab import filter as confident_learning

    # cleanlab knows classes by their number, and must not meet one that no photo bears.
    present = np.unique(evaluation.truth)
    present = present[evaluation.probabilities[:, present].any(axis=0)]  # of a label it cannot give it knows nothing
    if len(present) < 2:
        return _table(evaluation, np.array([], int))
    among = np.isin(evaluation.truth, present)
    certain = evaluation.probabilities[:, present].sum(axis=1) > 0
    judged, strangers = np.flatnonzero(among & certain), np.flatnonzero(among & ~certain)  # sure of an absent class
    sums = evaluation.probabilities[np.ix_(judged, present)].astype(np.float64)
    shares = sums / sums.sum(axis=1, keepdims=True)
    labels = np.searchsorted(present, evaluation.truth[judged])
    rows = confident_learning.find_label_issues(labels, shares, return_indices_ranked_by="self_confidence", n_jobs=1)
    return _table(evaluation, np.concatenate([strangers, judged[rows]]))


def _table(evaluation: Evaluation, rows: np.ndarray) -> pd.DataFrame:
    names = np.array(evaluation.classes, dtype=object)
    return pd.DataFrame({
        "index": rows,
        "path": evaluation.photos["path"].to_numpy()[rows],
        "label": names[evaluation.truth[rows]],
        "predicted": names[evaluation.predicted[rows]],
        "score": evaluation.probabilities[rows, evaluation.truth[rows]],
    })  # fmt: skip


def load_libraries() -> None:
    """What compares photos and doubts labels, loaded before it is asked: over a second of a processor, once."""
    from cleanlab import filter as confident_learning  # noqa: F401
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: F401

    nearest.faiss()


def out_of_fold(evidence: Explanations, root: str = "", progress: Progress = None) -> Evaluation:
    """All photos, those of training too, test photos first: the probability of a class is the share of the ten nearest
    photos, by the stored embeddings and weighted by nearness, that bear it, out of the other 4 of 5 folds.
    Near-duplicates stay in one fold. Photos whose class has none outside their own fold are left out: nothing could
    vote for it.

    The embeddings come from a network that has seen the training photos, so for these it is the surer of their labels,
    wrong ones too. `root` as in Evaluation. `progress(done, total, what)` is called now and then. Raises UserError
    where there are too few photos.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    order = np.argsort(evidence.photos["split"].map({"test": 0, "validation": 1, "train": 2}), kind="stable")
    photos = evidence.photos.iloc[order].reset_index(drop=True)
    features, labels = evidence.embeddings[order].astype(np.float32), photos["label"].to_numpy()
    group = photos["group"].where(photos["group"] >= 0, len(photos) + np.arange(len(photos)))
    count = min(FOLDS, max(2, photos["label"].value_counts().min()), group.nunique())
    if count < 2 or photos["label"].value_counts().max() < count:
        raise UserError("These photos are too few, or too much alike, to judge one by the others.")
    numbers = pd.Categorical(labels, evidence.classes).codes.astype(int)
    shares, known = np.zeros((len(photos), len(evidence.classes)), np.float32), np.zeros(len(photos), bool)
    judged = 0
    for fitted, held_out in StratifiedGroupKFold(int(count)).split(features, labels, group):
        near = Nearest(features[fitted])
        for chunk in np.array_split(held_out, -(-len(held_out) // CHUNK)):
            if progress:
                progress(judged, len(photos), "photos judged by the others")
            distances, voters = near.to(features[chunk], NEIGHBOURS)
            shares[chunk] = _votes(distances, numbers[fitted[voters]], len(evidence.classes))
            judged += len(chunk)
        known[held_out] = np.isin(numbers[held_out], numbers[fitted])
    if not known.any():
        raise UserError("Each class is one picture over and over: no photo can be judged by the others.")
    rows = photos[known][["path", "label"]].reset_index(drop=True)
    return Evaluation(
        evidence.classes, rows, shares[known], root, EvaluationMeta(split=CROSS_VALIDATED, probabilities="votes")
    )


def _votes(distances: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Shares of the classes (m, classes) by the nearest photos (m, k): each weighs one over its distance, and where
    some are at none, they alone count."""
    same = distances == 0
    weights = np.where(same.any(axis=1, keepdims=True), same, 1 / np.where(same, 1, distances))
    votes = np.zeros((len(labels), classes))
    for neighbour in range(labels.shape[1]):
        votes[np.arange(len(labels)), labels[:, neighbour]] += weights[:, neighbour]
    return votes / votes.sum(axis=1, keepdims=True)


def outliers(evidence: Explanations, progress: Progress = None) -> pd.DataFrame:
    """Photos unlike all others, the most unlike first: path, label, score: the distance to the tenth nearest photo over
    the median of these distances, OUTLIER_RATIO at least (Ramaswamy, Rastogi, Shim 2000). `progress` as in
    `out_of_fold`."""
    features = evidence.embeddings.astype(np.float32)
    near, far = Nearest(features), np.empty(len(features))
    for begin in range(0, len(features), CHUNK):
        if progress:
            progress(begin, len(features), "photos compared")
        asked = features[begin : begin + CHUNK]
        far[begin : begin + CHUNK] = near.to(asked, NEIGHBOURS + 1)[0][:, -1]  # the nearest of all is the photo itself
    usual = max(float(np.median(far)), 1e-12)
    unlike = np.flatnonzero(far >= OUTLIER_RATIO * usual)  # none is missed: a distance is never too short
    if len(unlike):
        far[unlike] = near.to(features[unlike], NEIGHBOURS + 1, exact=True)[0][:, -1]
    score = far / usual
    rows = np.argsort(-score, kind="stable")
    rows = rows[score[rows] >= OUTLIER_RATIO]
    return evidence.photos.iloc[rows][["path", "label"]].reset_index(drop=True).assign(score=score[rows])


def possible_duplicates(evidence: Explanations, hashes: dict[str, int]) -> pd.DataFrame:
    """Groups of photos that may be one picture, such as one cropped: path, label, split, group. Their embeddings and
    their perceptual hashes are near each other, but they are no near-duplicates by pixels. `hashes`: path → 64 bits, of
    the photos to compare.
    """
    rows = np.flatnonzero(evidence.photos["path"].isin(hashes.keys()))
    photos, features = evidence.photos.iloc[rows].reset_index(drop=True), evidence.embeddings[rows].astype(np.float32)
    if not len(rows):
        return photos[["path", "label", "split", "group"]]
    bits, known = np.array([hashes[path] for path in photos["path"]], np.uint64), photos["group"].to_numpy()
    pairs = [np.empty((0, 2), int)]
    for first, second in (some.T for some in pairs_within(features, np.full(len(rows), POSSIBLE_DISTANCE * 1.001))):
        same = (known[first] >= 0) & (known[first] == known[second])
        kept = (np.bitwise_count(bits[first] ^ bits[second]) <= POSSIBLE_BITS) & ~same
        kept[kept] = np.linalg.norm(features[first[kept]] - features[second[kept]], axis=1) <= POSSIBLE_DISTANCE
        pairs.append(np.stack([first[kept], second[kept]], axis=1))
    group = grouped(len(photos), np.concatenate(pairs))
    found = photos[["path", "label", "split"]].assign(group=group)
    return found[group >= 0].sort_values("group", kind="stable").reset_index(drop=True)
