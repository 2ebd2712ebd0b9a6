"""What a person decided about labels that are wrong: a CSV beside the photos, which themselves are never touched.

    python -m fashion_core train DIR --set decisions=docs/review/apparel10-decisions.csv

Columns: photo (path relative to DIR, with slashes) and label, the right one; of a photo that fits two classes of one
garment or colour, that garment or colour alone; nothing leaves the photo out. Only what is learned from changes, never
what is tested: so a run with decisions answers the same test as one without.
"""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from fashion_core import UserError
from fashion_core.dataset import Dataset
from fashion_core.factors import meant_by
from fashion_core.imaging import shown


def read(file: Path) -> dict[str, str]:
    """Photo → decided label, "" to leave it out. UserError where the file is missing or no such table."""
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
        return dict(zip(table["photo"], table["label"], strict=True))
    except (OSError, ValueError, KeyError):  # pandas' own errors are ValueErrors
        raise UserError(f"{shown(file)} holds no decisions: give a CSV with the columns photo and label.") from None


def meanings(data: Dataset, decided: dict[str, str]) -> tuple[np.ndarray, list[str]]:
    """bool (photos, classes), which classes each photo of `data` may be: one, several, or none where it is left out;
    and a sentence on what was done. Test photos keep the label they came with.

    Raises UserError for a label that is no class, colour or garment.
    """
    if strangers := sorted({label for label in decided.values() if label and not meant_by(label, data.classes).any()}):
        raise UserError(
            f"The decisions say {strangers[0]!r}, which is no class, colour or garment here: mend that line "
            f"(the classes are {', '.join(data.classes)})."
        )
    photos = data.photos
    known = photos["path"].map(lambda path: path.replace("\\", "/"))
    apply = known.isin(decided.keys()) & (photos["split"] != "test")
    label = photos["label"].where(~apply, known.map(decided))
    matrix = np.stack([meant_by(name, data.classes) & bool(name) for name in label])
    if not decided:
        return matrix, []
    width, changed = matrix.sum(1), (label != photos["label"]).to_numpy()
    sentence = (
        f"Decisions were applied: {(changed & (width == 1)).sum()} photos relabelled, {(width > 1).sum()} kept for "
        f"their colour or garment alone, {(width == 0).sum()} left out; the test is as it was."
    )
    notes = [sentence]
    if unmatched := sorted(set(decided) - set(known)):
        notes.append(
            f"{len(unmatched)} decisions are of photos that are not here, such as {shown(unmatched[0])}: paths are "
            "relative to the folder of photos."
        )
    return matrix, notes


def fingerprint(decided: dict[str, str]) -> str:
    """SHA-256 in hex over all decisions: equal means the same ones."""
    lines = sorted(f"{photo}\0{label}" for photo, label in decided.items())
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
