"""Train, validation and test: 80/10/10 by class and seed, near-duplicates on one side."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping

import pandas as pd

SPLITS = ("train", "validation", "test")
SHARE = 0.1  # of every class, for validation and for test each: the paper's 80/10/10


def leaked(photos: pd.DataFrame) -> pd.Series:
    """Whether each photo is a near-duplicate of a training photo; the training photos themselves are not."""
    known = set(photos.loc[photos["split"] == "train", "group"]) - {-1}
    return photos["group"].isin(known) & (photos["split"] != "train")


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
