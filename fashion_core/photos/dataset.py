"""From a folder of photos to a table of path, label and split.

How to use it:

    data = dataset.load(Path("photos"))         # photos/<class>/… or photos/{train,validation,test}/<class>/…
    data.photos[["path", "label", "split"]]     # the table that the paper trains from
    decode_photos(data, 224)                    # uint8 (n, 224, 224, 3), one row a photo, kept on disk
"""

import hashlib
import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from fashion_core import UserError
from fashion_core.class_names import as_many, classes_matching, factors, in_words, listed, normalised_name
from fashion_core.files import Progress
from fashion_core.photos.duplicates import conflicting
from fashion_core.photos.imaging import printable
from fashion_core.photos.layout import split_folders
from fashion_core.photos.scan import Audit, audit, near_copies
from fashion_core.photos.split import SPLITS, complete_split, crossing_groups, split, split_notes


@dataclass(frozen=True)
class Dataset:
    """Photos that can be trained on, in the order of their paths, and those that cannot be read.

    `photos` has the columns path (str relative to `root`; bytes that are no UTF-8 as surrogates), label, split (one of
    SPLITS), width, height, bytes, digest (SHA-256 of the file), content (what fingerprint and split go by: the digest;
    for a rendered sample photo that of its pixels as drawn) and group (near-duplicates share a number; -1: none).
    `unreadable` has path and reason. `notes` are sentences for the person.
    """

    root: Path
    photos: pd.DataFrame
    unreadable: pd.DataFrame
    own_split: bool
    notes: tuple[str, ...] = ()
    without_photos: tuple[str, ...] = ()  # further classes, which a network may name

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(sorted({*self.photos["label"], *self.without_photos}))

    def with_all_pairs(self) -> "Dataset":
        """The same photos, and as classes every colour with every garment. UserError: names of no such form."""
        pairs = factors(self.classes)
        if pairs is None:
            raise UserError(
                "all_pairs needs class folders named <colour>_<garment>, of two colours and two garments at least: "
                "rename them, or set all_pairs to false."
            )
        colours, garments = (dict.fromkeys(part) for part in zip(*pairs, strict=True))
        missing = {f"{colour}_{garment}" for colour in colours for garment in garments} - set(self.classes)
        named = ", ".join(in_words(name) for name in sorted(missing))
        notes = [f"Can name these, though the folder has no photo of them: {named}."] if missing else []
        return replace(self, without_photos=tuple(missing), notes=(*self.notes, *notes))

    @property
    def fingerprint(self) -> str:
        """SHA-256 in hex over every photo's path, content, label and split: equal means the same photos, same split.

        Accents count alike however the file system spells them.
        """
        rows = zip(*(self.photos[name] for name in ("path", "content", "label", "split")), strict=True)
        lines = sorted(os.fsencode(normalised_name("\0".join(row))) for row in rows)
        return hashlib.sha256(b"\n".join(lines)).hexdigest()

    def file(self, relative: str) -> Path:
        return self.root / relative

    def counts(self) -> pd.DataFrame:
        """Photos per class (rows) and split (columns)."""
        table = pd.crosstab(self.photos["label"], self.photos["split"])
        return table.reindex(index=list(self.classes), columns=list(SPLITS), fill_value=0)


def load(root: Path | str, seed: int = 0, progress: Progress = None, grouped: bool = True) -> Dataset:
    """Audit and split a folder of class folders; the split it came with is kept, a missing one taken from train.

    `grouped` keeps near-duplicates on one side; without it the split is the usual one, photo by photo.

    `progress(done, total, what)` is called now and then. Raises UserError where nothing can be trained on: no such
    folder, no classes, one class only, a class with fewer than 3 photos, classes in doubt (see `find_layout`).
    """
    root = Path(root)
    found = audit(root, progress)
    _refuse_untrainable(found, root)
    photos, own_split, notes = found.photos, bool(found.splits), list(found.notes)
    if own_split:
        photos["split"], extra = complete_split(photos, seed)
        notes += extra
    else:
        photos["split"] = split(photos, seed, grouped)
    notes += split_notes(photos, own_split, grouped) + _conflict_notes(photos)
    return Dataset(root, photos, found.unreadable, own_split, tuple(notes))


def has_split(root: Path | str, split: str) -> bool:
    """Whether the folder came with that split, whatever the folder of the split is called."""
    return Path(root).is_dir() and split in split_folders(Path(root)).values()


def load_extra(root: Path | str, data: Dataset, progress: Progress = None, outliers: bool = False) -> Dataset:
    """Photos to train on besides `data`: those of its classes, or of one of their colours or garments alone; with
    `outliers` also those of none of them.

    What is, or nearly is, a photo of `data` stays out, so that no test photo is learned. Raises UserError where none
    is left.
    """
    root = Path(root)
    found = audit(root, progress)
    fits = {label: bool(classes_matching(label, data.classes).any()) for label in found.classes}
    photos = found.photos if outliers else found.photos[found.photos["label"].map(fits)]
    known = {str(file) for file in near_copies([root / path for path in photos["path"]], data.root, progress)}
    photos = photos[[str(root / path) not in known for path in photos["path"]]]
    if photos.empty:
        raise UserError(f"No photo in {printable(root)} is of a class, colour or garment of {data.root.name}.")
    others = [printable(as_many(2, label)) for label, fit in fits.items() if not fit]
    notes = [f"Also trained on {len(photos):,} extra photos, of {printable(root.name)}."]  # a card shares no path
    if others and outliers:
        notes.append(f"Also shown {listed(others)}, as examples of none of its classes.")
    elif others:
        notes.append(f"Not used, as no class, colour or garment here: {', '.join(others)}.")
    photos = photos.assign(split="train").reset_index(drop=True)
    return Dataset(root, photos, found.unreadable, False, tuple(notes))


def load_for_test(root: Path | str, only_test: bool = False, progress: Progress = None) -> Dataset:
    """Every photo of a folder as test photos, or those of its test/ alone; any number of classes and photos will do."""
    root = Path(root)
    found = audit(root, progress)
    photos = found.photos[found.photos["split"] == "test"] if only_test else found.photos
    if only_test and "test" not in found.splits:
        raise UserError(f"{printable(root)} has no test/ folder; leave --split out to use all photos.")
    if photos.empty:
        raise UserError(f"No photo in {printable(root)} can be read; run `check` on it to see why.")
    photos = photos.assign(split="test").reset_index(drop=True)
    return Dataset(root, photos, found.unreadable, bool(found.splits), found.notes)


def report(root: Path | str, progress: Progress = None) -> dict:
    """The audit as `check --json` prints it; works where `load` refuses, as with a class of two photos."""
    found = audit(root, progress)
    counts = Counter(found.photos["label"])
    conflicts = found.photos[conflicting(found.photos)]
    return {
        "classes": {name: counts[name] for name in found.classes},
        "unreadable": [
            {"path": printable(path), "reason": reason}
            for path, reason in zip(found.unreadable["path"], found.unreadable["reason"], strict=True)
        ],
        "duplicates": [[printable(path) for path in rows["path"]] for rows in _groups(found.photos)],
        "cross_split_duplicates": crossing_groups(found.photos),
        "conflicting_labels": [
            [{"path": printable(path), "label": label} for path, label in zip(rows["path"], rows["label"], strict=True)]
            for rows in _groups(conflicts)
        ],
        "notes": list(found.notes),
    }


def _groups(photos: pd.DataFrame) -> list[pd.DataFrame]:
    """The near-duplicates of each group, in the order of groups."""
    return [rows for _, rows in photos[photos["group"] >= 0].groupby("group")]


def _conflict_notes(photos: pd.DataFrame) -> list[str]:
    groups = _groups(photos[conflicting(photos)])
    if not groups:
        return []
    if len(groups) == 1:
        return ["1 picture lies in more than one class: one of its labels is wrong. Data and check show it."]
    many = f"{len(groups):,} pictures lie in more than one class: one label of each is wrong."
    return [f"{many} Data and check list them."]


def _refuse_untrainable(found: Audit, root: Path) -> None:
    name, counts = printable(root), Counter(found.photos["label"])
    if len(found.classes) < 2:
        raise UserError(
            f"{name} has one class only, {printable(in_words(found.classes[0]))}: add a folder for each further class, "
            "or give that folder if it holds the class folders."
        )
    few = [f"{printable(in_words(label))} ({counts[label]})" for label in found.classes if counts[label] < 3]
    if few:
        raise UserError(
            "Each class needs 3 photos that can be read, one for each of train, validation and test; too few in: "
            f"{', '.join(few)}. Add photos or remove the folder."
        )
    if found.splits and "train" not in found.splits:
        raise UserError(
            f"{name} holds {' and '.join(found.splits)}/ but no train/: add the training photos as train/, or give the "
            "folder that holds them."
        )
    trained = set(found.photos["label"][found.photos["split"] == "train"])
    unseen = [printable(in_words(label)) for label in found.classes if found.splits and label not in trained]
    if unseen:
        raise UserError(
            f"train/ has no photo of {', '.join(unseen)}: add some, or remove the class from the other splits."
        )
