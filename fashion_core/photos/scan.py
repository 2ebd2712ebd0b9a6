"""What lies in a folder of photos: every file opened once, with its size, digest, thumbnail and near-duplicates."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from fashion_core.files import Progress, atomic_write, cache_folder, map_in_threads
from fashion_core.photos import imaging, recorded_duplicates, sample
from fashion_core.photos.duplicates import near_duplicates
from fashion_core.photos.imaging import printable
from fashion_core.photos.layout import find_layout, path_order

# Raise the 5 when groups, columns or stamps change: older audits are then made anew.
_AUDIT_VERSION = 10 * imaging.VERSION + 5


class Audit(NamedTuple):
    """What lies in a folder, before anything is split or refused. `photos` as in Dataset, but with the folder's own
    split ("" where it has none); `classes` includes folders with no photo that can be read."""

    photos: pd.DataFrame
    unreadable: pd.DataFrame
    classes: tuple[str, ...]
    splits: tuple[str, ...]
    notes: tuple[str, ...]


def audit(root: Path | str, progress: Progress = None, recorded: bool = True) -> Audit:
    """Open every file once and say what is there. What was read before and has not changed is not read again.

    Near-duplicates are those that thumbnails show, and unless `recorded` is False those of `recorded_duplicates`.

    Raises UserError as `find_layout` does.
    """
    root = Path(root)
    layout = find_layout(root)
    cache = cache_folder() / f"audit-{hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:24]}.parquet"
    known = _read_audit(cache)
    rows = _inspect(root, list(layout.files), known, progress)
    good = {path: row for path, row in rows.items() if "reason" not in row}
    if good.keys() != known.keys() or any(row is not known[path] for path, row in good.items()):
        groups = near_duplicates(_thumbnails(good.values()), progress)
        good = {path: row | {"group": group} for (path, row), group in zip(good.items(), groups.tolist(), strict=True)}
        _write_audit(cache, good)
    bad = {path: row["reason"] for path, row in rows.items() if "reason" in row} | layout.unused
    bad_paths = sorted(bad, key=path_order)
    unreadable = pd.DataFrame({"path": _objects(bad_paths), "reason": _objects(bad[path] for path in bad_paths)})
    photos = _photo_table(good, layout.files, sample.drawn_digests(root))
    notes = [*layout.notes, *_reading_notes(good)]
    if recorded:  # never cached: people edit that file
        photos["group"], said = recorded_duplicates.joined(photos, root)
        notes += said
    return Audit(photos, unreadable, layout.classes, layout.splits, tuple(notes))


def _inspect(root: Path, paths: list[str], known: Mapping[str, dict], progress: Progress) -> dict[str, dict]:
    """A row for each file: the known one where its stamp is the same, else what `inspect_file` says now."""
    stamps = {path: _stamp(f"{root}/{path}") for path in paths}
    new = [path for path in paths if path not in known or known[path]["stamp"] != stamps[path]]
    read = map_in_threads(lambda path: inspect_file(root, path), new, "Reading photos", progress)
    fresh = {path: row | {"stamp": stamps[path]} for path, row in zip(new, read, strict=True)}
    return {path: fresh[path] if path in fresh else known[path] for path in paths}


def _stamp(file: str) -> str:
    """What changes with a file's content. `rsync -t` and `cp -p` keep size and time: the inode and the time of the
    last change of the inode (ctime), which no program can set, tell of them."""
    try:
        status = os.stat(file)  # noqa: PTH116 (a Path for each of 44,000 files takes longer than asking for its state)
    except OSError:  # reading it says why
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"


def _reading_notes(good: Mapping[str, dict]) -> list[str]:
    """A sentence on each thing that could not be read as the file has it, with the first such photo."""
    photos: dict[str, list[str]] = {}
    for path, row in good.items():
        if row["note"]:
            photos.setdefault(row["note"], []).append(path)
    return [
        f"{len(paths):,} photo{'s' if len(paths) > 1 else ''}, such as {printable(paths[0])}: {note}."
        for note, paths in photos.items()
    ]


def _thumbnails(rows: Iterable[Mapping]) -> np.ndarray:
    """uint8 (n, 16, 16, 3)."""
    return np.frombuffer(b"".join(row["thumbnail"] for row in rows), np.uint8).reshape(-1, 16, 16, 3)


def inspect_file(root: Path, path: str) -> dict:
    """What the audit keeps of one file: size, digest, thumbnail and a note on how it was read, or the reason why it is
    no photo."""
    try:
        data = imaging.read_bytes(root / path)
        image = imaging.read(data)
    except imaging.BadPhoto as error:
        return {"reason": str(error)}
    width, height = imaging.full_size(image)
    digest, thumbnail = hashlib.sha256(data).hexdigest(), imaging.square(image, 16).tobytes()
    return {
        "width": width, "height": height, "bytes": len(data), "digest": digest, "thumbnail": thumbnail,
        "note": imaging.note(image),
    }  # fmt: skip


def _photo_table(
    good: Mapping[str, dict], files: Mapping[str, tuple[str, str]], drawn: Mapping[str, str]
) -> pd.DataFrame:
    columns = {"path": _objects(good), "label": _objects(files[path][0] for path in good)}
    columns |= {"split": _objects(files[path][1] for path in good)}
    for name in ("width", "height", "bytes", "group"):
        columns[name] = pd.Series([row[name] for row in good.values()], dtype="int64")
    digests = [row["digest"] for row in good.values()]
    content = _objects(drawn.get(digest, digest) for digest in digests)
    return pd.DataFrame(columns | {"digest": _objects(digests), "content": content})


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

    It keeps a pretraining set from knowing the photos of a later test.
    """
    theirs = [Path(others, path) for path in audit(others, progress).photos["path"]]
    everything = [*files, *theirs]
    rows = list(map_in_threads(lambda file: inspect_file(Path(), str(file)), everything, "Reading photos", progress))
    seen = [number for number, row in enumerate(rows) if "reason" not in row]
    groups = near_duplicates(_thumbnails(rows[number] for number in seen), progress)
    known = {group for number, group in zip(seen, groups, strict=True) if number >= len(files)} - {-1}
    return [files[n] for n, group in zip(seen, groups, strict=True) if n < len(files) and group in known]
