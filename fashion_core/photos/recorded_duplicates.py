"""Near-duplicates that thumbnails do not show, kept in a CSV beside the photos: photos.near_duplicates.csv.

    python -m fashion_core check photos --model MODEL --write      # finds crops, mirror images … and adds them
    groups, notes = recorded_duplicates.joined(table, Path("photos"))

Columns: photo (path relative to the folder, with slashes) and group, any word; photos of one group are one photo.
People may add rows and remove them; other columns are lost when more is found and added. What the file says is joined
with what thumbnails show wherever photos are read: such photos stay on one side of a split, and count as leaked where
they do not.
"""

import csv
import io
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fashion_core import UserError
from fashion_core.class_names import normalised_name
from fashion_core.files import atomic_write, beside
from fashion_core.photos.duplicates import grouped
from fashion_core.photos.imaging import printable

COLUMNS = ("photo", "group")


def default_file(root: Path) -> Path:
    """The file for the photos in `root`, which may not exist yet (see `files.beside`)."""
    return beside(Path(root), "near_duplicates")


def read(file: Path) -> dict[str, str]:
    """{photo: group}, empty where there is no file. Raises UserError where it is no such table."""
    if not file.exists():
        return {}
    refusal = UserError(
        f"{printable(file.name)} is not used, as it is no CSV with the columns photo and group: mend it, or remove it "
        "and run `check` with --model and --write."
    )
    try:
        text = file.read_bytes().decode("utf-8-sig", "surrogateescape")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True))
    except (OSError, csv.Error, LookupError):
        raise refusal from None
    if not all(map(_whole, rows)):
        raise refusal
    return {_key(row["photo"]): row["group"].strip() for row in rows}


def joined(photos: pd.DataFrame, root: Path) -> tuple[pd.Series, list[str]]:
    """The column `group` of a table of photos (path, group) with the file's groups joined in, and what to say of it.

    A file that cannot be used changes nothing, and its sentence says so.
    """
    file = default_file(root)
    try:
        recorded = read(file)
    except UserError as mistake:
        return photos["group"], [str(mistake)]
    if not recorded:
        return photos["group"], []
    keys = photos["path"].map(_key)
    pairs = np.concatenate([_links(photos["group"].mask(photos["group"] < 0)), _links(keys.map(recorded))])
    notes = [f"Near-duplicates in {printable(file.name)} are joined with those that thumbnails show."]
    if gone := sorted(set(recorded) - set(keys)):
        notes.append(
            f"{len(gone)} of its {len(recorded)} photos are not here, such as {printable(gone[0])}: "
            "paths are relative to the folder of photos."
        )
    return pd.Series(grouped(len(photos), pairs), photos.index, dtype=photos["group"].dtype), notes


def add(file: Path, paths: Sequence[str], pairs: np.ndarray) -> int:
    """Add pairs of rows (m, 2) of `paths` to the file, which is written anew; how many photos it then names.

    What stands there already stays. Raises UserError where that cannot be read or nothing can be written.
    """
    recorded = read(file)
    names = list(dict.fromkeys([*recorded, *(_key(paths[row]) for row in pairs.ravel())]))
    row_of = {name: row for row, name in enumerate(names)}
    new = np.array([[row_of[_key(paths[row])] for row in pair] for pair in pairs], int).reshape(-1, 2)
    known = _links(pd.Series([recorded.get(name) for name in names], dtype=object))
    groups = grouped(len(names), np.concatenate([known, new]))
    alone = groups < 0  # a row that a person wrote alone stays too
    groups[alone] = groups.max(initial=-1) + 1 + np.arange(alone.sum())
    _write(file, {name: str(group + 1) for name, group in zip(names, groups, strict=True)})
    return len(names)


def _write(file: Path, groups: Mapping[str, str]) -> None:
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    for photo in sorted(groups, key=lambda photo: (int(groups[photo]), photo)):
        rows.writerow((photo, groups[photo]))
    with atomic_write(file) as partial:
        partial.write_bytes(out.getvalue().encode("utf-8", "surrogateescape"))


def _delimiter(text: str) -> str:
    """What makes photo and group of the header, as spreadsheets save it. Raises LookupError where nothing does."""
    header = text.partition("\n")[0].strip()
    for delimiter in ",;\t":
        if set(COLUMNS) <= set(*csv.reader([header], delimiter=delimiter)):
            return delimiter
    raise LookupError("no header of photo and group")


def _whole(row: Mapping[str, str | None]) -> bool:
    return all((row[column] or "").strip() for column in COLUMNS)


def _key(path: str) -> str:
    """The same on every system: slashes, letters composed."""
    return normalised_name(path.replace("\\", "/")).strip()


def _links(values: pd.Series) -> np.ndarray:
    """Pairs of places (m, 2), each a place and the next of the same value; what has no value has no pair."""
    places = defaultdict(list)
    for place, value in enumerate(values):
        if not pd.isna(value):
            places[value].append(place)
    pairs = [pair for its in places.values() for pair in itertools.pairwise(its)]
    return np.array(pairs, int).reshape(-1, 2)
