"""What lies in a folder of photos: every file opened once, with its size, digest, thumbnail and near-duplicates."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from fashion_core import UserError
from fashion_core.files import Progress, atomic_write, cache_folder, map_in_threads, size_and_mtime
from fashion_core.photos import imaging
from fashion_core.photos.duplicates import near_duplicates
from fashion_core.photos.split import SPLITS

_PART_NAMES = {"train": "train", "validation": "validation", "val": "validation", "valid": "validation", "test": "test"}
_IGNORED = {"thumbs.db", "desktop.ini", "__macosx"}
_PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_AUDIT_VERSION = 10 * imaging.VERSION + 3  # raise the 3 when groups or columns change: audits are then made anew


class Audit(NamedTuple):
    """What lies in a folder, before anything is split or refused. `photos` as in Dataset, with `part`, the folder's own
    split ("" where it has none), in place of split; `classes` includes folders with no photo that can be read."""

    photos: pd.DataFrame
    unreadable: pd.DataFrame
    classes: tuple[str, ...]
    parts: tuple[str, ...]
    notes: tuple[str, ...]


def audit(root: Path | str, progress: Progress = None) -> Audit:
    """Open every file once and say what is there. What was read before and has not changed is not read again."""
    root = Path(root)
    files, misplaced, classes, parts, notes = _find(root)
    cache = cache_folder() / f"audit-{hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:24]}.parquet"
    known = _read_audit(cache)
    stamps = {path: size_and_mtime(root, path) for path in files}
    new = [path for path in files if path not in known or known[path]["stamp"] != stamps[path]]
    looked = dict(
        zip(new, map_in_threads(lambda path: inspect_file(root, path), new, "Reading photos", progress), strict=True)
    )
    rows = {path: looked[path] if path in looked else known[path] for path in files}
    good = {path: row | {"stamp": stamps[path]} for path, row in rows.items() if "reason" not in row}
    if good.keys() != known.keys() or any(path in looked for path in good):
        thumbnails = np.frombuffer(b"".join(row["thumbnail"] for row in good.values()), np.uint8)
        groups = near_duplicates(thumbnails.reshape(-1, 16, 16, 3), progress)
        good = {path: row | {"group": group} for (path, row), group in zip(good.items(), groups.tolist(), strict=True)}
        _write_audit(cache, good)
    bad = {path: row["reason"] for path, row in rows.items() if "reason" in row} | misplaced
    bad_paths = sorted(bad, key=os.fsencode)
    unreadable = pd.DataFrame({"path": _objects(bad_paths), "reason": _objects([bad[path] for path in bad_paths])})
    return Audit(_photo_table(good, files), unreadable, classes, parts, notes)


def _find(root: Path) -> tuple[dict[str, tuple[str, str]], dict[str, str], tuple[str, ...], tuple[str, ...], tuple]:
    """Files as {path: (label, part)} sorted by path; photos outside any class; classes; parts; notes."""
    name = imaging.printable(root)
    if not root.exists():
        raise UserError(f"There is no folder {name}: check the path, or render the sample set with `sample`.")
    if not root.is_dir():
        raise UserError(f"{name} is a file: give the folder that holds the class folders (unpack a zip first).")
    top = _folders(root)
    parts = {folder: _PART_NAMES[folder.lower()] for folder in top if folder.lower() in _PART_NAMES}
    if "train" not in parts.values():
        parts = {}  # a class may be called "test"; only beside train/ is it a part
    beside = [imaging.printable(folder) for folder in top if parts and folder not in parts]
    notes = tuple(
        f"The folder {folder}/ lies beside train/ and is left out: it is no part of the split." for folder in beside
    )
    files, classes = {}, {}
    for base, part in sorted(parts.items()) or [("", "")]:
        for folder in _folders(root / base):
            label = imaging.printable(folder)
            if classes.setdefault(label, folder) != folder:
                raise UserError(f"Two class folders read as {label} because their names are not UTF-8: rename one.")
            files |= {str(Path(base, folder, path)): (label, part) for path in _files(root / base / folder)}
    misplaced = {
        str(Path(base, entry)): "not in a class folder"
        for base in {"", *parts}
        for entry in _entries(root / base)
        if entry.lower().endswith(_PHOTO_ENDINGS) and not (root / base / entry).is_dir()
    }
    if not files and not classes:
        what = "no class folders: put the photos into one folder per class" if misplaced else "nothing in it to read"
        raise UserError(f"{name} has {what}, such as {name}/blue_dress/photo.jpg.")
    found = tuple(sorted(set(parts.values()), key=SPLITS.index))
    files = dict(sorted(files.items(), key=lambda item: os.fsencode(item[0])))
    return files, misplaced, tuple(sorted(classes)), found, notes


def _entries(folder: Path) -> list[str]:
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError as error:
        raise UserError(f"The folder {imaging.printable(folder)} cannot be read: {error.strerror}.") from None
    return sorted((n for n in names if not n.startswith(".") and n.lower() not in _IGNORED), key=os.fsencode)


def _folders(folder: Path) -> list[str]:
    return [name for name in _entries(folder) if (folder / name).is_dir()]


def _files(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[str]:
    """Every file under a class folder, links followed, relative to it."""
    here = os.path.realpath(folder)
    if here in above:
        return  # a link back up the tree
    for name in _entries(folder):
        if (folder / name).is_dir():
            yield from (f"{name}/{deeper}" for deeper in _files(folder / name, above | {here}))
        else:
            yield name


def inspect_file(root: Path, path: str) -> dict:
    """What the audit keeps of one file: size, digest and thumbnail, or the reason why it is no photo."""
    try:
        data = imaging.read_bytes(root / path)
        image = imaging.read(data)
    except imaging.BadPhoto as error:
        return {"reason": str(error)}
    width, height = imaging.full_size(image)
    digest, thumbnail = hashlib.sha256(data).hexdigest(), imaging.square(image, 16).tobytes()
    return {"width": width, "height": height, "bytes": len(data), "digest": digest, "thumbnail": thumbnail}


def _photo_table(good: Mapping[str, dict], files: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    columns = {"path": _objects(good), "label": _objects(files[path][0] for path in good)}
    columns |= {"part": _objects(files[path][1] for path in good)}
    for name in ("width", "height", "bytes", "group"):
        columns[name] = pd.Series([row[name] for row in good.values()], dtype="int64")
    return pd.DataFrame(columns | {"digest": _objects(row["digest"] for row in good.values())})


def _objects(values: Iterable[str]) -> pd.Series:
    """Text that may hold surrogates, which pandas' own text type cannot."""
    return pd.Series(list(values), dtype=object)


def _read_audit(file: Path) -> dict[str, dict]:
    try:
        table = pd.read_parquet(file)
    except (OSError, ValueError):  # not made yet, or damaged: both mean to look afresh
        return {}
    if "version" not in table or (table["version"] != _AUDIT_VERSION).any():
        return {}
    return {os.fsdecode(row["path"]): row for row in table.drop(columns="version").to_dict("records")}


def _write_audit(file: Path, good: Mapping[str, dict]) -> None:
    table = pd.DataFrame([{"path": os.fsencode(path), "version": _AUDIT_VERSION} | row for path, row in good.items()])
    with atomic_write(file) as partial:
        table.to_parquet(partial)


def near_copies(files: list[Path], others: Path | str, progress: Progress = None) -> list[Path]:
    """Those of `files` that are, or nearly are, a photo in the class folders of `others`; unreadable ones are not.

    It keeps a pretraining set from knowing what a later test asks.
    """
    theirs = [Path(others, path) for path in audit(others, progress).photos["path"]]
    everything = [*files, *theirs]
    looks = list(map_in_threads(lambda file: inspect_file(Path(), str(file)), everything, "Reading photos", progress))
    seen = [row for row, look in enumerate(looks) if "reason" not in look]
    thumbnails = np.frombuffer(b"".join(looks[row]["thumbnail"] for row in seen), np.uint8)
    groups = near_duplicates(thumbnails.reshape(-1, 16, 16, 3), progress)
    known = {group for row, group in zip(seen, groups, strict=True) if row >= len(files)} - {-1}
    return [files[row] for row, group in zip(seen, groups, strict=True) if row < len(files) and group in known]
