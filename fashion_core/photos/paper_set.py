"""The paper's photos out of either layout of their Kaggle set: its ten classes, or 24 of which they are a part.

sort_classes(folder, all_colours=False, say=print)    # in place: black_dress/…, or train/black_dress/…
paper.count_lines(counts(folder))                     # class, the paper's count, the count here
"""

import filecmp
import functools
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from fashion_core import UserError, paper
from fashion_core.photos.imaging import printable
from fashion_core.photos.layout import find_layout, photo_files, split_folders

Say = Callable[[str], object]  # takes one sentence for the person
_GARMENTS = sorted({name.split("_")[1] for name in paper.CLASSES})
_ANY_COLOUR = re.compile(rf"[a-z]+_({'|'.join(_GARMENTS)})")
SORTED = "sorted"  # the folder in the given one that is filled


def sort_classes(folder: Path, all_colours: bool, say: Say) -> Path:
    """Move the photos in `folder` to its new folder `sorted/[<split>/]<class>/`, which is returned.

    Class folders may lie deeper, be parted into colour and garment, and be written with spaces, hyphens and capitals.
    Without `all_colours` only the paper's ten classes are taken; `say` is told which others were left out.
    Raises UserError where one of the ten is missing, or where some lie in train/ or test/ and some do not.
    """
    targets, beside, others = _targets(folder, all_colours)
    found = {target.parts[-2 - depth] for target, depth in targets.values()}
    _refuse_missing(set(paper.CLASSES) - found)
    if len({len(target.parts) - depth for target, depth in targets.values()}) > 1:
        raise UserError(
            "Some class folders lie in train/ or test/ and some do not: give the folder that holds one kind alone."
        )
    goes = {file: target for file, (target, _) in targets.items()} | {file: Path(file.name) for file in beside}
    for file, target in goes.items():
        _move(file, folder / SORTED / target)
    if others:
        count = f"{len(others)} other folder{'s' if len(others) > 1 else ''}"
        more = "" if all_colours else "; add --all-colours to take every colour of the five garments"
        say(f"{count} left out: {', '.join(map(printable, sorted(others)))}{more}.")
    return folder / SORTED


def counts(folder: Path) -> Counter[str]:
    """How many photos each class folder in `folder` holds, over all splits."""
    layout = find_layout(folder)
    photos = set(photo_files(layout.files))
    return Counter(label for path, (label, _) in layout.files.items() if path in photos)


def _targets(folder: Path, all_colours: bool) -> tuple[dict[Path, tuple[Path, int]], list[Path], set[str]]:
    """{file: (where it goes, how many folders below the class it lies)}; files of other kinds, such as a licence; and
    the names of folders not taken."""
    targets, beside, others = {}, [], set()
    splits_in = functools.cache(split_folders)
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        inside = file.relative_to(folder)
        target = _target(folder, inside, all_colours, splits_in)
        if target:
            targets[file] = target
        elif photo_files([inside.name]):
            others.add(inside.parent.name or "photos in no folder")
        else:
            beside.append(file)
    return targets, beside, others


def _target(
    folder: Path, inside: Path, all_colours: bool, splits_in: Callable[[Path], dict[str, str]]
) -> tuple[Path, int] | None:
    """`black_dress/1.jpg` of `Set/Training/Black Dress/1.jpg` or `black/dress/1.jpg`, with its split before it."""
    split, above = "", inside.parts[:-1]
    for depth, name in enumerate(above):
        split = splits_in(folder.joinpath(*above[:depth])).get(name, split)
        for words in (name, "_".join(above[max(0, depth - 1) : depth + 1])):
            label = re.sub(r"[^a-z]+", "_", words.casefold()).strip("_")
            if label in paper.CLASSES or (all_colours and _ANY_COLOUR.fullmatch(label)):
                return Path(split, label, *inside.parts[depth + 1 :]), len(above) - depth - 1
    return None


def _refuse_missing(missing: Iterable[str]) -> None:
    if names := sorted(missing):
        raise UserError(
            f"{len(names)} of the paper's ten classes have no folder in it ({', '.join(names)}): give the folder or "
            "zip that holds all ten, such as black_dress/; photos of other classes need no `fetch`: train on their "
            "folder as it is."
        )


def _move(file: Path, target: Path) -> None:
    """Two folders of one class may hold files of one name: of the same bytes one stays, of others both do."""
    number, free = 2, target
    while free.exists():
        if filecmp.cmp(file, free, shallow=False):
            return
        free, number = target.with_stem(f"{target.stem}-{number}"), number + 1
    free.parent.mkdir(parents=True, exist_ok=True)
    file.rename(free)
