"""Train, validation and test: 80/10/10 by class and seed, near-duplicates on one side."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping

import pandas as pd

from fashion_core.class_names import in_words
from fashion_core.photos.duplicates import differs_within_group

SPLITS = ("train", "validation", "test")
SHARE = 0.1  # of every class, for validation and for test each: the paper's 80/10/10


def split(photos: pd.DataFrame, seed: int = 0, grouped: bool = True) -> pd.Series:
    """80/10/10 by label: the split of each row. Needs the columns label, group and content.

    Photos of one group, and copies, stay together; without `grouped` each goes its own way, as is usual. The order
    follows from the seed and each photo's content alone, so neither the file system nor a file's name changes it. Every
    class of 3 photos or more gets at least one into each split.
    Time is linear in the photos, but for sorting them.
    """
    wanted = {label: _share(count) for label, count in Counter(photos["label"]).items()}
    if not grouped:
        copies = photos.groupby("content").cumcount().map(lambda before: f":{before}" if before else "")
        photos = photos.assign(group=-1, content=photos["content"] + copies)
    return _set_aside(photos, {"test": wanted, "validation": dict(wanted)}, seed)


def leaked(photos: pd.DataFrame) -> pd.Series:
    """Whether each photo is a near-duplicate of a training photo; the training photos themselves are not."""
    known = set(photos.loc[photos["split"] == "train", "group"]) - {-1}
    return photos["group"].isin(known) & (photos["split"] != "train")


def crosses_split(photos: pd.DataFrame) -> pd.Series:
    """Whether each photo has a near-duplicate in another split; needs the columns group and split."""
    return differs_within_group(photos, "split")


def crossing_groups(photos: pd.DataFrame) -> int:
    """How many groups of near-duplicates lie in more than one split."""
    return int(photos["group"][crosses_split(photos)].nunique())


def complete_split(photos: pd.DataFrame, seed: int) -> tuple[pd.Series, list[str]]:
    """The folder's own split, where a split without photos is taken from train; with a sentence on each such one."""
    assigned = photos["split"].astype(object)
    missing = [split for split in SPLITS if not (assigned == split).any()]
    if not missing:
        return assigned, []
    train = photos[assigned == "train"]
    whole, counts = Counter(photos["label"]), Counter(train["label"])
    need = {label: min(_share(whole[label]), count // (len(missing) + 1)) for label, count in counts.items()}
    assigned[train.index] = _set_aside(train, {split: dict(need) for split in missing}, seed)
    return assigned, [f"There are no photos in {split}/: 10% of all photos go there from train/." for split in missing]


def split_notes(photos: pd.DataFrame, own_split: bool, grouped: bool) -> list[str]:
    """Sentences on near-duplicates that lie in more than one split, and why."""
    if own_split:
        count = crossing_groups(photos)
        lie = "1 group of near-duplicates lies" if count == 1 else f"{count:,} groups of near-duplicates lie"
        return [f"{lie} on both sides of the split: the test is easier than it looks."] if count else []
    if grouped:
        return [
            f"The photos of {in_words(label)} are so alike that near-duplicates lie on both sides of the split: its "
            "test says little."
            for label in sorted(photos["label"][crosses_split(photos)].unique())
        ]
    test = photos["split"] == "test"
    count, n = int((leaked(photos) & test).sum()), int(test.sum())
    return [f"Split photo by photo, as set: {count} of {n} test photos have a near-duplicate in training."]


# ---- whole groups out of train; rows are counted from 0 in the order of the table


Unit = list[int]  # rows that stay together


def _share(count: int) -> int:
    return max(1, int(count * SHARE + 0.5))


def _set_aside(photos: pd.DataFrame, wanted: Mapping[str, dict[str, int]], seed: int) -> pd.Series:
    """Take `wanted[split][label]` photos out of train, whole groups at a time, in an order drawn by the seed."""
    labels = photos["label"].tolist()
    units = _units(photos, seed)
    counts = [_counts(labels, unit) for unit in units]
    assigned = ["train"] * len(labels)
    for split, need in wanted.items():
        for unit, its in zip(units, counts, strict=True):
            if assigned[unit[0]] == "train" and all(count <= need.get(label, 0) for label, count in its):
                _move(unit, split, assigned)
                for label, count in its:
                    need[label] -= count
    rows_of, units_of = _by_label(labels, units)
    for label in sorted(rows_of):
        for split in wanted:
            if not any(assigned[row] == split for row in rows_of[label]):
                _fill(split, label, labels, rows_of, units_of, assigned)
    return pd.Series(assigned, index=photos.index, dtype=object)


def _units(photos: pd.DataFrame, seed: int) -> list[Unit]:
    """Rows that must stay together, in an order that only seed and contents decide."""
    members = defaultdict(list)
    for row, (group, content) in enumerate(zip(photos["group"].tolist(), photos["content"].tolist(), strict=True)):
        members[group if group >= 0 else content].append((content, row))

    def draw(unit: list[tuple[str, int]]) -> str:
        return hashlib.sha256(f"{seed}:{min(unit)[0]}".encode()).hexdigest()

    return [[row for _, row in unit] for unit in sorted(members.values(), key=draw)]


def _counts(labels: list[str], unit: Unit) -> list[tuple[str, int]]:
    """How many photos of each label a unit has; most units are one photo."""
    return [(labels[unit[0]], 1)] if len(unit) == 1 else list(Counter(labels[row] for row in unit).items())


def _move(unit: Unit, split: str, assigned: list[str]) -> None:
    for row in unit:
        assigned[row] = split


def _by_label(labels: list[str], units: list[Unit]) -> tuple[dict[str, list[int]], dict[str, list[Unit]]]:
    """The rows of each label, and the units that hold one, both in the order of the units."""
    rows_of, units_of = defaultdict(list), defaultdict(list)
    for unit in units:
        for row in unit:
            rows_of[labels[row]].append(row)
        for label in dict.fromkeys(labels[row] for row in unit):
            units_of[label].append(unit)
    return rows_of, units_of


def _fill(
    split: str,
    label: str,
    labels: list[str],
    rows_of: Mapping[str, list[int]],
    units_of: Mapping[str, list[Unit]],
    assigned: list[str],
) -> None:
    """Give a split that got no photo of a class the smallest unit train can spare; where there is none, divide one."""

    def can_go(unit: Unit) -> bool:
        """All of it is in train, and train keeps a photo of each of its labels."""
        return all(assigned[row] == "train" for row in unit) and all(
            sum(assigned[row] == "train" for row in rows_of[name]) > count for name, count in _counts(labels, unit)
        )

    if spare := [unit for unit in units_of[label] if can_go(unit)]:
        _move(min(spare, key=len), split, assigned)
        return
    fullest, count = Counter(assigned[row] for row in rows_of[label]).most_common(1)[0]
    if count > 1:
        assigned[next(row for row in rows_of[label] if assigned[row] == fullest)] = split
