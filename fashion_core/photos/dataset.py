"""From a folder of photos to a table of path, label and split.

How to use it:

    data = dataset.load(Path("photos"))         # photos/<class>/… or photos/{train,validation,test}/<class>/…
    data.photos[["path", "label", "split"]]     # the table that the paper trains from
    decode_photos(data, 224)                    # uint8 (n, 224, 224, 3), one row a photo, kept on disk
"""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fashion_core import UserError
from fashion_core.class_names import classes_matching
from fashion_core.files import Progress
from fashion_core.photos import imaging
from fashion_core.photos.scan import Audit, audit, near_copies
from fashion_core.photos.split import SPLITS, _complete_split, _divided_notes, _leak_note, split


@dataclass(frozen=True)
class Dataset:
    """Photos that can be trained on, in the order of their paths, and those that cannot be read.

    `photos` has the columns path (str relative to `root`; bytes that are no UTF-8 as surrogates), label, split (one of
    SPLITS), width, height, bytes, digest (SHA-256 of the file) and group (near-duplicates share a number; -1: none).
    `unreadable` has path and reason. `notes` are sentences for the person.
    """

    root: Path
    photos: pd.DataFrame
    unreadable: pd.DataFrame
    own_split: bool
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(sorted(self.photos["label"].unique()))

    @property
    def fingerprint(self) -> str:
        """SHA-256 in hex over every photo's path, content, label and split: equal means the same photos, same split."""
        columns = (self.photos[name] for name in ("path", "digest", "label", "split"))
        lines = sorted("\0".join(row).encode("utf-8", "surrogateescape") for row in zip(*columns, strict=True))
        return hashlib.sha256(b"\n".join(lines)).hexdigest()

    def file(self, relative: str) -> Path:
        return self.root / relative

    def counts(self) -> pd.DataFrame:
        """Photos per class (rows) and split (columns)."""
        table = pd.crosstab(self.photos["label"], self.photos["split"])
        return table.reindex(index=list(self.classes), columns=list(SPLITS), fill_value=0)


def load(root: Path | str, seed: int = 0, progress: Progress = None, grouped: bool = True) -> Dataset:
    """Audit and split a folder of class folders; the split it came with is kept, a missing part taken from train.

    `grouped` keeps near-duplicates on one side; without it the split is the usual one, photo by photo.

    `progress(done, total, what)` is called now and then. Raises UserError where nothing can be trained on: no such
    folder, no classes, one class only, a class with fewer than 3 photos.
    """
    root = Path(root)
    found = audit(root, progress)
    _refuse_untrainable(found, root)
    photos, notes = found.photos, list(found.notes)
    if not found.parts:
        photos["split"] = split(photos if grouped else photos.assign(group=-1), seed)
        notes += _divided_notes(photos) if grouped else [_leak_note(photos)]
    else:
        filled = tuple(part for part in found.parts if (photos["part"] == part).any())
        photos["split"], extra = _complete_split(photos, filled, seed)
        notes += extra
        if leaks := sum(rows["split"].nunique() > 1 for group, rows in photos.groupby("group") if group >= 0):
            notes.append(
                f"{leaks} near-duplicate group(s) lie on both sides of the split: the test is easier than it looks."
            )
    return Dataset(root, photos.drop(columns="part"), found.unreadable, bool(found.parts), tuple(notes))


def load_extra(root: Path | str, data: Dataset, progress: Progress = None) -> Dataset:
    """Photos to train on besides `data`: those of its classes, or of one of their colours or garments alone.

    What is, or nearly is, a photo of `data` stays out, so that no test photo is learned. Raises UserError where none
    is left.
    """
    root = Path(root)
    found = audit(root, progress)
    fits = {label: bool(classes_matching(label, data.classes).any()) for label in found.classes}
    photos = found.photos[found.photos["label"].map(fits)]
    known = {str(file) for file in near_copies([root / path for path in photos["path"]], data.root, progress)}
    photos = photos[[str(root / path) not in known for path in photos["path"]]]
    if photos.empty:
        raise UserError(f"No photo in {imaging.printable(root)} is of a class, colour or garment of {data.root.name}.")
    strangers = ", ".join(label for label, fit in fits.items() if not fit)
    notes = [f"{len(photos)} photos of {imaging.printable(root.name)} are trained on besides."]  # a card shares no path
    notes += [f"Left out of them, as no class, colour or garment here: {strangers}."] if strangers else []
    photos = photos.drop(columns="part").assign(split="train").reset_index(drop=True)
    return Dataset(root, photos, found.unreadable, False, tuple(notes))


def load_for_test(root: Path | str, only_test: bool = False, progress: Progress = None) -> Dataset:
    """Every photo of a folder as test photos, or those of its test/ alone; any number of classes and photos will do."""
    root = Path(root)
    found = audit(root, progress)
    photos = found.photos[found.photos["part"] == "test"] if only_test else found.photos
    if only_test and "test" not in found.parts:
        raise UserError(
            f"{imaging.printable(root)} has no test/ folder beside train/; leave --split out to use all photos."
        )
    if photos.empty:
        raise UserError(f"No photo in {imaging.printable(root)} can be read; run `check` on it to see why.")
    photos = photos.drop(columns="part").assign(split="test").reset_index(drop=True)
    return Dataset(root, photos, found.unreadable, bool(found.parts), found.notes)


def report(root: Path | str, progress: Progress = None) -> dict:
    """The audit as `check --json` prints it; works where `load` refuses, as with a class of two photos."""
    found = audit(root, progress)
    counts = Counter(found.photos["label"])
    groups = [rows for number, rows in found.photos.groupby("group") if number >= 0]
    return {
        "classes": {name: counts[name] for name in found.classes},
        "unreadable": [
            {"path": imaging.printable(path), "reason": reason}
            for path, reason in zip(found.unreadable["path"], found.unreadable["reason"], strict=True)
        ],
        "duplicates": [[imaging.printable(path) for path in rows["path"]] for rows in groups],
        "cross_split_duplicates": sum(rows["part"].nunique() > 1 for rows in groups),
    }


def _refuse_untrainable(found: Audit, root: Path) -> None:
    name, counts = imaging.printable(root), Counter(found.photos["label"])
    if len(found.classes) < 2:
        raise UserError(f"{name} has one class only, {found.classes[0]}: add a folder for each further class.")
    few = [f"{label} ({counts[label]})" for label in found.classes if counts[label] < 3]
    if few:
        raise UserError(
            f"Each class needs 3 photos that can be read, one for each part of the split; too few in: {', '.join(few)}."
            " Add photos or remove the folder."
        )
    trained = set(found.photos["label"][found.photos["part"] == "train"])
    unseen = [label for label in found.classes if found.parts and label not in trained]
    if unseen:
        raise UserError(
            f"train/ has no photo of {', '.join(unseen)}: add some, or remove the class from the other parts."
        )
