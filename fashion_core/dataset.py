"""From a folder of photos to a table of path, label and split: audit, near-duplicates, the split, the decoded pixels.

How to use it:

    data = dataset.load(Path("photos"))         # photos/<class>/… or photos/{train,validation,test}/<class>/…
    data.photos[["path", "label", "split"]]     # the table that the paper trains from
    pixels = dataset.arrays(data, 224)          # uint8 (n, 224, 224, 3), one row a photo, kept on disk
"""

import errno
import hashlib
import os
import shutil
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from fashion_core import UserError, home, imaging
from fashion_core.factors import meant_by

SPLITS = ("train", "validation", "test")
SHARE = 0.1  # of every class, for validation and for test each: the paper's 80/10/10
CACHE_BYTES = 20 << 30

# Two photos are near-duplicates when their 16 × 16 RGB thumbnails differ by at most this much: root mean square over
# the 768 values, on the scale 0…255. Measured on 4,029 catalogue photos, looking at the pairs: up to 5.0 there are 109,
# each one picture or one shot, in 67 groups of at most 4; the first wrong pair, a shoe in black and in blue, is at 5.3;
# from 6.5 most pairs are different goods, and at 12 one chain holds 44 photos. Of copies saved anew at JPEG quality 50,
# halved, doubled or brightened by 5, 5.0 finds all; at quality 20, 95 %; a copy cropped by 2 % it does not find.
# Pale photos differ little anyway: white on white, 462 of 43,430 goods were one chain. Hence at most a tenth of the
# photo's own deviation, never asked below 1.0; the longest chain is then 29 lipsticks, and no pair of the 109 is lost.
NEAR, NEAR_OF_CONTRAST, NEAR_AT_LEAST = 5.0, 0.1, 1.0

_PART_NAMES = {"train": "train", "validation": "validation", "val": "validation", "valid": "validation", "test": "test"}
_IGNORED = {"thumbs.db", "desktop.ini", "__macosx"}
_PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_AUDIT_VERSION = 3  # raise it when thumbnails, groups or columns change: older audits are then made anew

Progress = Callable[[int, int, str], None] | None


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


class Audit(NamedTuple):
    """What lies in a folder, before anything is split or refused. `photos` as in Dataset, with `part`, the folder's own
    split ("" where it has none), in place of split; `classes` includes folders with no photo that can be read."""

    photos: pd.DataFrame
    unreadable: pd.DataFrame
    classes: tuple[str, ...]
    parts: tuple[str, ...]
    notes: tuple[str, ...]


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
    fits = {label: bool(meant_by(label, data.classes).any()) for label in found.classes}
    photos = found.photos[found.photos["label"].map(fits)]
    known = {str(file) for file in alike([root / path for path in photos["path"]], data.root, progress)}
    photos = photos[[str(root / path) not in known for path in photos["path"]]]
    if photos.empty:
        raise UserError(f"No photo in {imaging.shown(root)} is of a class, colour or garment of {data.root.name}.")
    strangers = ", ".join(label for label, fit in fits.items() if not fit)
    notes = [f"{len(photos)} photos of {imaging.shown(root.name)} are trained on besides."]  # a card shares no path
    notes += [f"Left out of them, as no class, colour or garment here: {strangers}."] if strangers else []
    photos = photos.drop(columns="part").assign(split="train").reset_index(drop=True)
    return Dataset(root, photos, found.unreadable, False, tuple(notes))


def leaked(photos: pd.DataFrame) -> pd.Series:
    """Whether each photo is a near-duplicate of a training photo; the training photos themselves are not."""
    known = set(photos.loc[photos["split"] == "train", "group"]) - {-1}
    return photos["group"].isin(known) & (photos["split"] != "train")


def load_for_test(root: Path | str, only_test: bool = False, progress: Progress = None) -> Dataset:
    """Every photo of a folder as test photos, or those of its test/ alone; any number of classes and photos will do."""
    root = Path(root)
    found = audit(root, progress)
    photos = found.photos[found.photos["part"] == "test"] if only_test else found.photos
    if only_test and "test" not in found.parts:
        raise UserError(
            f"{imaging.shown(root)} has no test/ folder beside train/; leave --split out to use all photos."
        )
    if photos.empty:
        raise UserError(f"No photo in {imaging.shown(root)} can be read; run `check` on it to see why.")
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
            {"path": imaging.shown(path), "reason": reason}
            for path, reason in zip(found.unreadable["path"], found.unreadable["reason"], strict=True)
        ],
        "duplicates": [[imaging.shown(path) for path in rows["path"]] for rows in groups],
        "cross_split_duplicates": sum(rows["part"].nunique() > 1 for rows in groups),
    }


# ---- the audit


def audit(root: Path | str, progress: Progress = None) -> Audit:
    """Open every file once and say what is there. What was read before and has not changed is not read again."""
    root = Path(root)
    files, misplaced, classes, parts, notes = _find(root)
    cache = cache_folder() / f"audit-{hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:24]}.parquet"
    known = _read_audit(cache)
    stamps = {path: stamp(root, path) for path in files}
    new = [path for path in files if path not in known or known[path]["stamp"] != stamps[path]]
    looked = dict(zip(new, _in_threads(lambda path: _look(root, path), new, "Reading photos", progress), strict=True))
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
    name = imaging.shown(root)
    if not root.exists():
        raise UserError(f"There is no folder {name}: check the path, or render the sample set with `sample`.")
    if not root.is_dir():
        raise UserError(f"{name} is a file: give the folder that holds the class folders (unpack a zip first).")
    top = _folders(root)
    parts = {folder: _PART_NAMES[folder.lower()] for folder in top if folder.lower() in _PART_NAMES}
    if "train" not in parts.values():
        parts = {}  # a class may be called "test"; only beside train/ is it a part
    beside = [imaging.shown(folder) for folder in top if parts and folder not in parts]
    notes = tuple(
        f"The folder {folder}/ lies beside train/ and is left out: it is no part of the split." for folder in beside
    )
    files, classes = {}, {}
    for base, part in sorted(parts.items()) or [("", "")]:
        for folder in _folders(root / base):
            label = imaging.shown(folder)
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
        raise UserError(f"The folder {imaging.shown(folder)} cannot be read: {error.strerror}.") from None
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


def stamp(root: Path, path: str) -> str:
    try:
        status = (root / path).stat()
        return f"{status.st_size}:{status.st_mtime_ns}"
    except OSError:
        return ""


def _look(root: Path, path: str) -> dict:
    """What the audit keeps of one file: size, digest and thumbnail, or the reason why it is no photo."""
    try:
        data = imaging.read_bytes(root / path)
        image = imaging.read(data)
    except imaging.BadPhoto as error:
        return {"reason": str(error)}
    width, height = image.size
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
    with replacing(file) as partial:
        table.to_parquet(partial)


# ---- near-duplicates


def near_duplicates(thumbnails: np.ndarray, progress: Progress = None) -> np.ndarray:
    """Groups of photos that look alike: uint8 (n, 16, 16, 3) → int (n,), equal numbers for one group, -1 for alone.

    Whoever is near one member belongs to the group, so that no two near photos are ever in different groups.
    """
    component = np.arange(len(thumbnails))
    for pairs in _near_pairs(thumbnails, progress):
        component = _joined(component, pairs)
    return _numbered(component)


def grouped(n: int, pairs: np.ndarray) -> np.ndarray:
    """The groups, as above, of n photos that pairs of rows (m, 2) link."""
    return _numbered(_joined(np.arange(n), pairs))


def _numbered(component: np.ndarray) -> np.ndarray:
    """Components (n,) in the order of the photos; -1 for those of one photo."""
    groups = np.full(len(component), -1)
    together = np.bincount(component)[component] > 1
    _, first, number = np.unique(component[together], return_index=True, return_inverse=True)
    groups[together] = np.argsort(np.argsort(first))[number]
    return groups


def _joined(component: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Components after linking the pairs (m, 2): int (n,) → int (n,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, links = len(component), component[pairs].T
    return connected_components(coo_array((np.ones(len(pairs), bool), tuple(links)), shape=(n, n)))[1][component]


def _near_pairs(thumbnails: np.ndarray, progress: Progress) -> Iterator[np.ndarray]:
    """Blocks of index pairs (m, 2), i < j, of near-duplicates.

    All are compared with all at 4 × 4 pixels, as |a|² + |b|² - 2ab; a mean never differs more than what it is the mean
    of, so this loses no pair and leaves few to compare at 16 × 16.
    """
    n = len(thumbnails)
    small = thumbnails.reshape(n, 4, 4, 4, 4, 3).mean((2, 4), dtype=np.float32).reshape(n, 48)
    small -= small.mean(0) if n else 0  # smaller numbers, so that float32 keeps small differences
    squares = (small**2).sum(1)
    limit = NEAR**2 * 48 + 1  # 1: more than float32 loses
    own = np.clip(NEAR_OF_CONTRAST * thumbnails.reshape(n, 768).std(1, dtype=np.float32), NEAR_AT_LEAST, NEAR)
    block = max(1, 4_000_000 // max(n, 1))  # 16 MB of distances at a time
    for start in range(0, n, block):
        stop = min(start + block, n)
        distance = small[start:stop] @ (-2 * small[start:].T)
        distance += squares[start:stop, None]
        distance += squares[None, start:]
        pairs = np.argwhere(distance <= limit) + start
        pairs = pairs[pairs[:, 0] < pairs[:, 1]]
        for some in np.array_split(pairs, len(pairs) // 10_000 + 1):
            difference = thumbnails[some[:, 0]].astype(np.int32) - thumbnails[some[:, 1]]
            near = (difference**2).mean((1, 2, 3)) <= own[some].min(1) ** 2
            if near.any():
                yield some[near]
        if progress:
            progress(stop, n, "Looking for near-duplicates")


def alike(files: list[Path], others: Path | str, progress: Progress = None) -> list[Path]:
    """Those of `files` that are, or nearly are, a photo in the class folders of `others`; unreadable ones are not.

    It keeps a pretraining set from knowing what a later test asks.
    """
    theirs = [Path(others, path) for path in audit(others, progress).photos["path"]]
    everything = [*files, *theirs]
    looks = list(_in_threads(lambda file: _look(Path(), str(file)), everything, "Reading photos", progress))
    seen = [row for row, look in enumerate(looks) if "reason" not in look]
    thumbnails = np.frombuffer(b"".join(looks[row]["thumbnail"] for row in seen), np.uint8)
    groups = near_duplicates(thumbnails.reshape(-1, 16, 16, 3), progress)
    known = {group for row, group in zip(seen, groups, strict=True) if row >= len(files)} - {-1}
    return [files[row] for row, group in zip(seen, groups, strict=True) if row < len(files) and group in known]


# ---- the split


def split(photos: pd.DataFrame, seed: int = 0) -> pd.Series:
    """80/10/10 by label: the split of each row. Needs the columns label, group and digest.

    Photos of one group stay together. The order follows from the seed and each photo's content alone, so neither the
    file system nor a file's name changes it. Every class of 3 photos or more gets at least one into each split.
    """
    wanted = {label: _share(count) for label, count in photos["label"].value_counts().items()}
    return _set_aside(photos, {"test": wanted, "validation": dict(wanted)}, seed)


def _share(count: int) -> int:
    return max(1, int(count * SHARE + 0.5))


def _set_aside(photos: pd.DataFrame, wanted: Mapping[str, dict[str, int]], seed: int) -> pd.Series:
    """Take `wanted[split][label]` photos out of train, whole groups at a time, in an order drawn by the seed."""
    chosen = pd.Series("train", index=photos.index, dtype=object)
    units = _units(photos, seed)
    labels = photos["label"]
    for part, need in wanted.items():
        for unit in units:
            counts = Counter(labels[row] for row in unit)
            if chosen[unit[0]] == "train" and all(count <= need.get(label, 0) for label, count in counts.items()):
                chosen[unit] = part
                for label, count in counts.items():
                    need[label] -= count
    for label in sorted(labels.unique()):
        for part in wanted:
            _fill_if_empty(chosen, labels, units, label, part)
    return chosen


def _units(photos: pd.DataFrame, seed: int) -> list[list]:
    """Rows that must stay together, as lists of index labels, in an order that only seed and contents decide."""
    members = defaultdict(list)
    for row, group, digest in zip(photos.index, photos["group"], photos["digest"], strict=True):
        members[group if group >= 0 else digest].append((digest, row))

    def draw(unit: list) -> str:
        return hashlib.sha256(f"{seed}:{min(unit)[0]}".encode()).hexdigest()

    return [[row for _, row in unit] for unit in sorted(members.values(), key=draw)]


def _fill_if_empty(chosen: pd.Series, labels: pd.Series, units: list[list], label: str, part: str) -> None:
    """Give a part that got no photo of a class the smallest unit train can spare; where there is none, divide one."""
    mine = chosen[labels == label]
    if (mine == part).any():
        return
    in_train = Counter(labels[chosen == "train"])
    whole = [unit for unit in units if (chosen[unit] == "train").all() and (labels[unit] == label).any()]
    spare = [unit for unit in whole if all(in_train[name] > count for name, count in Counter(labels[unit]).items())]
    if spare:
        chosen[min(spare, key=len)] = part
        return
    fullest = mine.value_counts()
    if fullest.iloc[0] > 1:
        chosen[next(row for unit in units for row in unit if row in mine and mine[row] == fullest.index[0])] = part


def _complete_split(photos: pd.DataFrame, parts: tuple[str, ...], seed: int) -> tuple[pd.Series, list[str]]:
    """The folder's own split, its missing parts taken from train; with a sentence on each."""
    chosen, missing = photos["part"].astype(object), [part for part in SPLITS if part not in parts]
    if not missing:
        return chosen, []
    train = photos[photos["part"] == "train"]
    counts = train["label"].value_counts()
    whole = photos["label"].value_counts()
    need = {label: min(_share(whole[label]), count // (len(missing) + 1)) for label, count in counts.items()}
    chosen[train.index] = _set_aside(train, {part: dict(need) for part in missing}, seed)
    return chosen, [f"There are no photos in {part}/: 10 % of all photos go there from train/." for part in missing]


def _divided_notes(photos: pd.DataFrame) -> list[str]:
    """A sentence on each class so uniform that its near-duplicates had to be divided."""
    grouped = photos[photos["group"] >= 0]
    crossing = grouped.groupby("group")["split"].transform("nunique") > 1
    return [
        f"The photos of {label} are so alike that near-duplicates lie on both sides of the split: its test says little."
        for label in sorted(grouped["label"][crossing].unique())
    ]


def _leak_note(photos: pd.DataFrame) -> str:
    count, n = int(leaked(photos)[photos["split"] == "test"].sum()), int((photos["split"] == "test").sum())
    return f"Split photo by photo, as asked: {count} of {n} test photos have a near-duplicate in training."


def _refuse_untrainable(found: Audit, root: Path) -> None:
    name, counts = imaging.shown(root), Counter(found.photos["label"])
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


# ---- decoded pixels


def arrays(data: Dataset, size: int, progress: Progress = None) -> np.memmap:
    """Every photo at size × size, uint8 (n, size, size, 3), rows in the order of `data.photos`; read only, from disk.

    Decoding happens once for the same photos, whatever their split: kept under `data/.cache`, oldest use out first.
    """
    key = hashlib.sha256(f"{size}:{':'.join(data.photos['digest'])}".encode()).hexdigest()[:32]
    file = cache_folder() / f"{key}.npy"
    if not file.exists():
        with replacing(file) as partial:
            _decode_into(partial, data, size, progress)
        _trim(keep=file)
    os.utime(file)  # the time of last use
    return np.load(file, mmap_mode="r")


def _decode_into(file: Path, data: Dataset, size: int, progress: Progress) -> None:
    shape = (len(data.photos), size, size, 3)
    pixels = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):  # claim the room now: a full disk met later would kill the process
        with file.open("r+b") as whole:
            os.posix_fallocate(whole.fileno(), 0, pixels.offset + pixels.nbytes)

    def decode(row: int, path: str) -> None:
        try:
            pixels[row] = imaging.square(imaging.read(data.file(path)), size)
        except imaging.BadPhoto as error:
            raise UserError(f"{imaging.shown(path)} changed since it was checked ({error}): start again.") from None

    for _ in _in_threads(lambda item: decode(*item), list(enumerate(data.photos["path"])), "Decoding photos", progress):
        pass
    pixels.flush()


def _trim(keep: Path) -> None:
    """Delete the pixels used longest ago until all fit in CACHE_BYTES, and what interrupted writers left behind."""
    folder = keep.parent
    for left in folder.glob("*.partial"):
        if time.time() - left.stat().st_mtime > 86_400:
            left.unlink(missing_ok=True)
    files = sorted(folder.glob("*.npy"), key=lambda file: file.stat().st_mtime, reverse=True)
    room = CACHE_BYTES - keep.stat().st_size
    for file in (file for file in files if file != keep):
        room -= file.stat().st_size
        if room < 0:
            file.unlink(missing_ok=True)


def cache_folder() -> Path:
    folder = home() / "data" / ".cache"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The folder {folder} cannot be made ({error.strerror}): set BUSANA_HOME to one you own."
        ) from None
    return folder


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A name to write to; renamed to `file` when all went well, removed when not."""
    partial = file.with_name(f"{uuid.uuid4().hex}.partial")
    try:
        yield partial
        partial.replace(file)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        free = shutil.disk_usage(file.parent).free >> 20
        raise UserError(
            f"Cannot write to {file.parent} ({error.strerror}; {free} MB free): free some room, or set BUSANA_HOME to"
            " a folder on a larger disk."
        ) from None
    finally:
        partial.unlink(missing_ok=True)


def _in_threads(work: Callable, items: list, what: str, progress: Progress) -> Iterator:
    """Results in order; progress at most ten times a second. Leaving early drops what has not begun."""
    pool = ThreadPoolExecutor(min(16, os.cpu_count() or 4))  # Pillow lets other threads run while it decodes
    told = 0.0
    try:
        for done, result in enumerate(pool.map(work, items), 1):
            yield result
            if progress and (time.monotonic() - told > 0.1 or done == len(items)):
                told = time.monotonic()
                progress(done, len(items), what)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
