"""Where each photo lies between two colours: by its pixels, its label and what the model predicted.

    colour_check.table(evaluation, explanations)    # every test photo along lightness, with the colour of its pixels

What pixels say is what the training photos of the most similar measured colour are labelled: no border is typed in.
"""

import numpy as np
import pandas as pd

from fashion_core.class_names import COLOUR, factors
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import Explanations
from fashion_core.photos.garment_colour import lab, unsure

NEIGHBOURS = 25  # training photos of similar colour that vote
SURE = 0.8  # of them must agree before pixels contradict a label


def table(evaluation: Evaluation, explanations: Explanations) -> pd.DataFrame | None:
    """A row for each photo, darkest first: index (its row in `evaluation`), path, label, predicted, lightness, chroma,
    hue (as in Colour), pixels (the colour they say), agreement (0 to 1, of the training photos that vote), unsure (what
    was measured may not be the garment's colour), contradicted. What is unsure contradicts no label and has no vote.

    A photo whose label has a colour that no training photo has is left out. None where class names do not come apart,
    or the training photos have one colour only.
    """
    pairs = factors(evaluation.classes)
    train = (explanations.photos["split"] == "train").to_numpy() & ~unsure(explanations.colours)
    if pairs is None or not train.any():
        return None
    colour_of = {name: pair[COLOUR] for name, pair in zip(evaluation.classes, pairs, strict=True)}
    known = explanations.photos["label"][train].map(colour_of).to_numpy()
    if len(set(known)) < 2:
        return None
    comparable = evaluation.photos["label"].map(colour_of).isin(set(known)).to_numpy()  # of a colour that was learned
    rows = np.array(
        [row for row, path in enumerate(evaluation.photos["path"]) if path in explanations and comparable[row]], int
    )
    colours = explanations.colours[[explanations.places[path] for path in evaluation.photos["path"].iloc[rows]]]
    pixels, agreement = _vote(explanations.colours[train], known, colours)
    names = np.array(evaluation.classes, dtype=object)
    labels = names[evaluation.truth[rows]]
    found = pd.DataFrame({
        "index": rows, "path": evaluation.photos["path"].to_numpy()[rows], "label": labels,
        "predicted": names[evaluation.predicted[rows]], "lightness": colours[:, 0], "chroma": colours[:, 1],
        "hue": colours[:, 2], "pixels": pixels, "agreement": agreement, "unsure": unsure(colours),
    })  # fmt: skip
    other = found["pixels"] != found["label"].map(colour_of)
    found["contradicted"] = other & (found["agreement"] >= SURE) & ~found["unsure"]
    return found.sort_values("lightness", kind="stable").reset_index(drop=True)


def _vote(known: np.ndarray, labels: np.ndarray, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each of `colours`, the most frequent label of its neighbours among the `known`, and its share."""
    from sklearn.neighbors import KNeighborsClassifier

    model = KNeighborsClassifier(min(NEIGHBOURS, len(known))).fit(lab(known), labels)
    shares = model.predict_proba(lab(colours)) if len(colours) else np.empty((0, len(model.classes_)))
    return model.classes_[shares.argmax(axis=1)].astype(object), shares.max(axis=1, initial=0)
