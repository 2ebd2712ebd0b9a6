"""What people decided about labels that look wrong: a CSV beside the photos, which themselves are never touched.

    file = decisions.beside(Path("photos"))               # photos.decisions.csv
    decisions.record(file, "blue_shirt/7.jpg", "relabel", "black_shirt")
    python -m fashion_core train photos                   # learns from them, and says so

Columns: photo (path relative to the folder, with slashes), label, action and time. The label is the right one; of a
photo that fits two classes of one garment or colour, that garment or colour alone; nothing leaves the photo out. Rows
are only ever added, the last one of a photo counts, and "undo" takes one back: so two people who decide at once lose
nothing. A table of photo and label alone is read as well. Only what is learned from changes, never what is tested.
"""

import csv
import hashlib
import io
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np

from fashion_core import UserError, home
from fashion_core.class_names import classes_matching
from fashion_core.photos.dataset import Dataset
from fashion_core.photos.imaging import printable

AUTO = "auto"  # the setting that means: the file beside the photos, where there is one
COPY = "decisions.csv"  # in a run's folder: what stood when it began
COLUMNS = ("photo", "label", "action", "time")
Action = Literal["keep", "relabel", "leave out", "undo"]


def default_file(root: Path) -> Path:
    """The file for the photos in `root`, which may not exist yet: beside that folder, so that whoever shares the photos
    shares it; where nothing can be written there, in data/decisions/ of the home."""
    root = Path(root).resolve()
    file = root.with_name(f"{root.name}.decisions.csv")
    above = next(folder for folder in root.parents if folder.exists())
    if file.exists() or os.access(above, os.W_OK):
        return file
    return home() / "data" / "decisions" / f"{root.name}-{hashlib.sha256(os.fsencode(root)).hexdigest()[:8]}.csv"


def resolve_setting(setting: str, root: Path) -> str:
    """The setting `decisions` for the photos in `root`: AUTO becomes the file beside them, or nothing."""
    if setting != AUTO:
        return setting
    file = default_file(root)
    return str(file) if file.exists() else ""


def load_or_empty(setting: str) -> dict[str, str]:
    """What a settled setting `decisions` says: the decisions in that file, or none."""
    return read(Path(setting)) if setting else {}


def read(file: Path) -> dict[str, str]:
    """Photo → decided label, "" to leave it out. UserError where the file is missing or no such table."""
    return effective(_rows(file))


def parse(content: bytes, file: str) -> dict[str, str]:
    """The same, of what is in a file that was handed in; `file` is its name."""
    return effective(_parsed(content, file))


def effective(rows: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The decisions that stand after all `rows`."""
    stacks = defaultdict(list)
    for row in rows:
        before = stacks[photo_key(row["photo"])]
        if row.get("action") != "undo":
            before.append(row["label"])
        elif before:
            before.pop()
    return {photo: labels[-1] for photo, labels in stacks.items() if photo and labels}


def record(file: Path, photo: str, action: Action, label: str = "") -> None:
    """Add a decision. To keep a label is to relabel the photo as what it is. UserError where nothing can be written."""
    _add(file, [_row(photo, label, action)])


def merge(file: Path, decided: Mapping[str, str]) -> int:
    """Add those of `decided` that are not in `file` already; returns how many. Each of them can be undone."""
    known = read(file) if file.exists() else {}
    new = {photo: label for photo, label in decided.items() if known.get(photo) != label}
    if new:
        _add(file, [_row(photo, label, "relabel" if label else "leave out") for photo, label in new.items()])
    return len(new)


def text(decided: Mapping[str, str]) -> str:
    """The decisions that stand as a CSV of photo and label, as `read` and the setting `decisions` take it."""
    return _written(({"photo": photo, "label": label} for photo, label in decided.items()), COLUMNS[:2])


def candidate_labels(data: Dataset, decided: Mapping[str, str]) -> tuple[np.ndarray, list[str]]:
    """bool (photos, classes), which classes each photo of `data` may be: one, several, or none where it is left out;
    and a sentence on what was done. Test photos keep the label they came with.

    Raises UserError for a label that is no class, colour or garment.
    """
    refuse_unknown_labels(decided, data.classes)
    photos = data.photos
    known = photos["path"].map(photo_key)
    apply = known.isin(decided.keys()) & (photos["split"] != "test")
    label = photos["label"].where(~apply, known.map(decided))
    matrix = np.stack([classes_matching(name, data.classes) & bool(name) for name in label])
    if not decided:
        return matrix, []
    width, changed = matrix.sum(1), (label != photos["label"]).to_numpy()
    sentence = (
        f"Decisions were applied: {(changed & (width == 1)).sum()} photos relabelled, {(width > 1).sum()} kept for "
        f"their colour or garment alone, {(width == 0).sum()} left out, {(apply & ~changed).sum()} confirmed; the test "
        "is as it was."
    )
    notes = [sentence]
    if tested := int((known.isin(decided.keys()) & (photos["split"] == "test")).sum()):
        notes.append(f"{tested} decisions are of test photos, which are never learned from: their labels stay.")
    if unmatched := sorted(set(decided) - set(known)):
        notes.append(
            f"{len(unmatched)} decisions are of photos that are not here, such as {printable(unmatched[0])}: paths are "
            "relative to the folder of photos."
        )
    return matrix, notes


def refuse_unknown_labels(decided: Mapping[str, str], classes: Iterable[str]) -> None:
    """UserError where a decided label is no class, colour or garment of `classes`."""
    classes = tuple(classes)
    if strangers := sorted(
        {label for label in decided.values() if label and not classes_matching(label, classes).any()}
    ):
        raise UserError(
            f"The decisions say {strangers[0]!r}, which is no class, colour or garment here: mend that line "
            f"(the classes are {', '.join(classes)})."
        )


def fingerprint(decided: Mapping[str, str]) -> str:
    """SHA-256 in hex over all decisions: equal means the same ones."""
    lines = sorted(f"{photo}\0{label}" for photo, label in decided.items())
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def photo_key(path: str) -> str:
    """A photo's relative path as decisions write it: with slashes, on every system."""
    return path.replace("\\", "/")


# The file -----------------------------------------------------------------------------------------------------------


def _rows(file: Path) -> list[dict[str, str]]:
    try:
        return _parsed(file.read_bytes(), file)
    except OSError:
        raise _none_in(file) from None


def _parsed(content: bytes, file: Path | str) -> list[dict[str, str]]:
    table = csv.DictReader(io.StringIO(content.decode("utf-8-sig", "surrogateescape"), newline=""))
    try:
        if not {"photo", "label"} <= set(table.fieldnames or ()):
            raise _none_in(file)
        rows = [{column: value or "" for column, value in row.items() if column} for row in table]
        return [dict.fromkeys(COLUMNS, "") | row for row in rows]  # whatever else people keep there stays
    except csv.Error:
        raise _none_in(file) from None


def _none_in(file: Path | str) -> UserError:
    return UserError(f"{printable(file)} holds no decisions: give a CSV with the columns photo and label.")


def _row(photo: str, label: str, action: str) -> dict[str, str]:
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return {"photo": photo_key(photo), "label": label, "action": action, "time": now}


def _add(file: Path, rows: list[dict[str, str]]) -> None:
    """Under a lock, so that others who write wait; beside and renamed, so that a reader sees the file whole."""
    from filelock import FileLock

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_name(f".{file.name}.lock")):
            everything = [*(_rows(file) if file.exists() else ()), *rows]
            partial = file.with_name(f".{file.name}.{os.getpid()}")
            columns = tuple(dict.fromkeys(column for row in everything for column in row))
            partial.write_text(_written(everything, columns), "utf-8", "surrogateescape", newline="")
            partial.replace(file)
    except OSError as error:
        raise UserError(f"{printable(file)} cannot be written ({error.strerror}): the decision is not kept.") from None


def _written(rows: Iterable[Mapping[str, str]], columns: tuple[str, ...]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, extrasaction="ignore")  # RFC 4180's line ends, so that either is quoted
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
