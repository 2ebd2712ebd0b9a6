"""What a model answers about photos that people took, those in examples/: its folder people/, beside its own test.

model/people/evaluation.parquet   photos of its classes: the benchmark
model/people/garments.parquet     and those of its garments in other colours besides, to count by garment
model/people/evidence.safetensors what lies behind these answers
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fashion_core.class_names import GARMENT, factors
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.evaluation.meta import PEOPLE
from fashion_core.photos import examples

FOLDER, KNOWN, GARMENTS = "people", "evaluation.parquet", "garments.parquet"


@dataclass(frozen=True)
class PeopleFigures:
    """`right` of the `n` photos whose class the model has, and their macro-F1, 0 to 1; and of the `garment_n` photos
    whose garment it has, in any colour, those whose garment is right (none where class names do not come apart)."""

    right: int
    n: int
    macro_f1: float
    garment_right: int = 0
    garment_n: int = 0


def under_labels(answers: Evaluation, labels: Sequence[str]) -> Evaluation:
    """The same answers under these labels of the photos; one that the model does not have is a class of its own at the
    end, with a probability of 0: it is never right, but by its garment it may be."""
    others = tuple(dict.fromkeys(label for label in labels if label not in answers.classes))
    nothing = np.zeros((len(answers), len(others)), np.float32)
    return replace(
        answers, classes=answers.classes + others, photos=answers.photos.assign(label=list(labels)),
        probabilities=np.hstack([answers.probabilities, nothing]),
    )  # fmt: skip


def known_part(whole: Evaluation, classes: tuple[str, ...]) -> Evaluation:
    """Of an evaluation by `under_labels` the photos of the model's own `classes`. UserError where there is none."""
    if whole.classes == classes:
        return whole
    keep = examples.known(whole.photos["label"], classes)
    photos = whole.photos[keep].reset_index(drop=True)
    meta = replace(whole.meta, leaked=None)  # row numbers, of other rows
    return replace(
        whole, classes=classes, photos=photos, probabilities=whole.probabilities[keep][:, : len(classes)], meta=meta
    )


def by_garment(whole: Evaluation) -> Evaluation | None:
    """By garment alone, the garment of the predicted class; None where class names do not come apart."""
    return whole.marginalised(GARMENT) if factors(whole.classes) else None


def figures(whole: Evaluation, classes: tuple[str, ...]) -> PeopleFigures:
    """What the model with these classes reaches, of an evaluation by `under_labels`."""
    own, garments = known_part(whole, classes), by_garment(whole)
    counted = (0, 0) if garments is None else (int(garments.right.sum()), len(garments))
    return PeopleFigures(int(own.right.sum()), len(own), own.macro_f1, *counted)


def save(model: Path, whole: Evaluation, classes: tuple[str, ...], explanations: Explanations | None) -> None:
    """Write the folder people/ of the model in the folder `model`; `explanations` None: there are none."""
    # Nobody compared them with the training photos; of their folder only the name is kept.
    meta = replace(whole.meta, split=PEOPLE, leaked=None)
    whole = replace(whole, root=Path(whole.root).name, meta=meta)
    known_part(whole, classes).save(model / FOLDER / KNOWN)
    if factors(classes):
        whole.save(model / FOLDER / GARMENTS)
    if explanations:
        explanations.save(model / FOLDER / FILE)
