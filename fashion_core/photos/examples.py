"""The photos in examples/, which people took and which ship: where they are, and what of them a model can know.

photos = examples.table()                               # path, label, colour, garment
photos[examples.known(photos["label"], card.classes)]   # the benchmark of that model
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fashion_core import APP, UserError, home
from fashion_core.class_names import GARMENT, factors
from fashion_core.late import Late
from fashion_core.photos.imaging import printable

if TYPE_CHECKING:
    import pandas as pd

    from fashion_core.photos.dataset import Dataset
else:
    pd = Late("pandas")

FOLDER = "examples"


def folder() -> Path | None:
    """Where they are: beside the app, or else in the home folder; None where in neither."""
    return next((root / FOLDER for root in (APP, home()) if (root / FOLDER).is_dir()), None)


def keep_from_training(*folders: str | Path) -> None:
    """UserError where one of the `folders` to train on, "" for none, has these photos in it: they judge the models."""
    here = folder()
    judges = here.resolve() if here else None
    for root in (Path(each).resolve() for each in folders if each):
        if judges and (root.is_relative_to(judges) or judges.is_relative_to(root)):
            raise UserError(f"The photos in {FOLDER}/ judge the models: choose another folder to train on.")


def table() -> "pd.DataFrame":
    """A row for each photo: path, relative to `folder`; label, its folder's name; colour and garment, the words of it.

    Empty where the photos are not here.
    """
    root = folder()
    files = sorted(root.glob("[!.]*/*.jpg")) if root else []
    rows = [(f"{file.parent.name}/{file.name}", file.parent.name, *_words(file.parent.name)) for file in files]
    return pd.DataFrame(rows, columns=["path", "label", "colour", "garment"], dtype=object)


def known(labels: Iterable[str], classes: Sequence[str]) -> np.ndarray:
    """bool (labels): which of them are among a model's classes."""
    return np.array([label in classes for label in labels], bool)


def garment_known(labels: Iterable[str], classes: Sequence[str]) -> np.ndarray:
    """bool (labels): of which the garment is one of a model's, whatever the colour; none where its class names do not
    come apart."""
    garments = {pair[GARMENT] for pair in factors(classes) or ()}
    return np.array([_words(label)[GARMENT] in garments for label in labels], bool)


def answerable(data: "Dataset", classes: Sequence[str]) -> "Dataset":
    """The photos of `data` of which a model with these classes knows the label, or at least the garment.

    UserError where it knows no label.
    """
    labels = data.photos["label"]
    if not known(labels, classes).any():
        raise UserError(
            f"The model knows none of the classes in {printable(data.root)}: give photos of its own classes, "
            f"{', '.join(map(printable, classes))}."
        )
    keep = known(labels, classes) | garment_known(labels, classes)
    return replace(data, photos=data.photos[keep].reset_index(drop=True))


def _words(label: str) -> tuple[str, str]:
    """Colour and garment of a label; a label of one word has no garment."""
    colour, _, garment = label.partition("_")
    return colour, garment
