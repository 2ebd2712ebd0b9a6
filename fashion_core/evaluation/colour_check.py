"""The lane between two colours: where on it each photo lies by its pixels, its label and the model's word.

    lane.table(evaluation, evidence)      # every test photo along lightness, with the colour that its pixels say

What pixels say is what the training photos of the most similar measured colour are labelled: no border is typed in.
"""

import numpy as np
import pandas as pd

from fashion_core.class_names import COLOUR, factors
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import Explanations
from fashion_core.photos.garment_colour import lab

NEIGHBOURS = 25  # training photos of similar colour that are asked
SURE = 0.8  # of them must agree before pixels contradict a label


def table(evaluation: Evaluation, evidence: Explanations) -> pd.DataFrame | None:
    """A row for each photo, darkest first: index (its row in `evaluation`), path, label, predicted, lightness, chroma,
    hue (as in Colour), pixels (the colour they say), agreement (0 to 1, of the training photos asked), contradicted.

    None where class names do not come apart, or the training photos have one colour only.
    """
    pairs = factors(evaluation.classes)
    train = (evidence.photos["split"] == "train").to_numpy()
    if pairs is None or not train.any():
        return None
    colour_of = {name: pair[COLOUR] for name, pair in zip(evaluation.classes, pairs, strict=True)}
    known = evidence.photos["label"][train].map(colour_of).to_numpy()
    if len(set(known)) < 2:
        return None
    rows = np.array([row for row, path in enumerate(evaluation.photos["path"]) if path in evidence], int)
    colours = evidence.colours[[evidence.places[path] for path in evaluation.photos["path"].iloc[rows]]]
    said, agreement = _said(evidence.colours[train], known, colours)
    names = np.array(evaluation.classes, dtype=object)
    labels = names[evaluation.truth[rows]]
    found = pd.DataFrame({
        "index": rows, "path": evaluation.photos["path"].to_numpy()[rows], "label": labels,
        "predicted": names[evaluation.predicted[rows]], "lightness": colours[:, 0], "chroma": colours[:, 1],
        "hue": colours[:, 2], "pixels": said, "agreement": agreement,
        "contradicted": (agreement >= SURE) & (said != np.array([colour_of[label] for label in labels])),
    })  # fmt: skip
    return found.sort_values("lightness", kind="stable").reset_index(drop=True)


def _said(known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each of the `asked` colours, the most frequent label of its neighbours among the `known`, and its share."""
    from sklearn.neighbors import KNeighborsClassifier

    model = KNeighborsClassifier(min(NEIGHBOURS, len(known))).fit(lab(known), labels)
    shares = model.predict_proba(lab(asked)) if len(asked) else np.empty((0, len(model.classes_)))
    return model.classes_[shares.argmax(axis=1)].astype(object), shares.max(axis=1, initial=0)
