"""Which folders of a data set are classes, which are its splits, and which are neither."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from fashion_core import UserError, access
from fashion_core.class_names import normalised_name
from fashion_core.photos.imaging import printable
from fashion_core.photos.split import SPLITS

# What operating systems, network drives and notebooks leave beside photos; so do all names that begin with a dot.
_SYSTEM_NAMES = frozenset(
    ("__macosx", "__pycache__", "$recycle.bin", "@eadir", "@__thumb", "@recycle", "@recently-snapshot", "#recycle",
     "#snapshot", "~snapshot", "lost+found", "system volume information", "network trash folder", "temporary items",
     "thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini", "folder.htt", "zbthumbnail.info", "icon\r")
)  # fmt: skip
_LOST_CLUSTERS = re.compile(r"found\.\d{3}", re.IGNORECASE)
_PHOTO_ENDINGS = (
    ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".ppm", ".pgm", ".pbm",
)  # fmt: skip

_SPLIT_WORDS = {
    "train": "train training trn",
    "validation": "validation valid val vali dev devel development",
    "test": "test testing tst",
}
_SPLIT_OF = {word: split for split, words in _SPLIT_WORDS.items() for word in words.split()}
_EVALUATION = ("eval", "evaluation")  # some call their validation so, some their test
_FILLERS = r"(?:the|my|new|raw|final|seg|dataset|data|sets?|splits?|images?|imgs?|photos?|pictures?|samples?|folder)"
_SPLIT_NAME = re.compile(
    rf"{_FILLERS}*?({'|'.join(sorted([*_SPLIT_OF, *_EVALUATION], key=len, reverse=True))}){_FILLERS}*\d*"
)
NO_CLASS = "not in a class folder"
LINK_BACK = "link back into the same photos"


class Layout(NamedTuple):
    """What the folders say. `files` is {path: (label, split)} in the order of paths, split "" where there is none;
    `unused` is {path: reason} for photos in no class and links not followed; `notes` are sentences for the person."""

    files: dict[str, tuple[str, str]]
    unused: dict[str, str]
    classes: tuple[str, ...]
    splits: tuple[str, ...]
    notes: tuple[str, ...]


def find_layout(root: Path) -> Layout:
    """Read the folders of `root`. Raises UserError where they are none, hold nothing, or leave the classes in doubt.

    A label is its folder's own name, normalised (see `normalised_name`): two folders whose names differ by that alone
    are one class, since train/ may come from one system and test/ from another.
    """
    _refuse_no_folder(access.inside(root))
    splits = split_folders(root)
    notes = _notes_on_splits(root, splits)
    files: dict[str, tuple[str, str]] = {}
    unused: dict[str, str] = {}
    labels: set[str] = set()
    real = os.path.realpath(root)
    for base, split in sorted(splits.items()) or [("", "")]:
        unused |= {str(Path(base, name)): NO_CLASS for name in _photos(root / base)}
        classes, back = _class_folders(root / base, real)
        unused |= {str(Path(base, folder)): LINK_BACK for folder in back}
        notes += _notes_on_spellings(classes)
        for folder, label in classes.items():
            above = f"{base}/{folder}" if base else folder
            found = {f"{above}/{path}": reason for path, reason in _files(root / base / folder, real)}
            unused |= {path: reason for path, reason in found.items() if reason}
            files |= {path: (label, split) for path, reason in found.items() if not reason}
            labels.add(label)
    if splits:
        unused |= dict.fromkeys(_photos(root), NO_CLASS)
    _refuse_nothing(root, labels, unused)
    files = dict(sorted(files.items(), key=lambda item: path_order(item[0])))
    return Layout(files, unused, tuple(sorted(labels)), tuple(s for s in SPLITS if s in splits.values()), tuple(notes))


def path_order(path: str) -> tuple[bytes, bytes]:
    """A key to sort paths by: the same order on a system that spells accents otherwise."""
    return normalised_name(path).encode("utf-8", "surrogateescape"), path.encode("utf-8", "surrogateescape")


def is_system_name(name: str) -> bool:
    """Whether a file or folder of this name is a system's own: hidden, a preview, a bin."""
    return name.startswith(".") or name.lower() in _SYSTEM_NAMES or _LOST_CLUSTERS.fullmatch(name) is not None


def photo_files(names: Iterable[str]) -> list[str]:
    """Those whose names are those of photos."""
    return [name for name in names if name.lower().endswith(_PHOTO_ENDINGS)]


# ---- splits


def split_folders(root: Path) -> dict[str, str]:
    """{folder: split} of the folders in `root` that are splits; empty where they are classes.

    A class may be called "train": then its photos lie right in it, as they do in the classes beside it.
    """
    folders = _folders(root)
    named = _named_splits(root, folders)
    holding = [folder for folder in named if _folders(root / folder)]
    others = [folder for folder in folders if folder not in named]
    if not holding:
        return {}
    if all(_photos(root / folder) for folder in holding) and any(_photos(root / folder) for folder in others):
        return {}
    if len(named) == 1 and len(_sharing_folders(root, [*named, *others])) > 2:
        return {}  # train/ holds what bus/ and car/ hold: `_class_folders` refuses that
    return named


def _named_splits(root: Path, folders: list[str]) -> dict[str, str]:
    words = {folder: word for folder in folders if (word := _split_word(folder))}
    named = {folder: _SPLIT_OF[word] for folder, word in words.items() if word in _SPLIT_OF}
    lacking = [split for split in ("validation", "test") if split not in named.values()]
    either = [folder for folder, word in words.items() if word in _EVALUATION and "train" in named.values()]
    if either and len(lacking) == 2:
        raise UserError(
            f"{printable(either[0])}/ in {printable(root)} may be the validation or the test split: rename it to "
            "validation or test."
        )
    return named | (dict.fromkeys(either, lacking[0]) if lacking else {})


def _split_word(folder: str) -> str:
    """ "training" of "Training_Set", "val" of "val2017"; "" where the name is that of no split."""
    found = _SPLIT_NAME.fullmatch(re.sub(r"[\W_]+", "", folder.casefold()))
    return found[1] if found else ""


def _notes_on_splits(root: Path, splits: dict[str, str]) -> list[str]:
    if not splits:
        return []
    first = printable(next(iter(splits)))
    notes = [
        f"The folder {printable(folder)}/ next to {first}/ is left out: its name is that of no split (train, "
        "validation, test)."
        for folder in _folders(root)
        if folder not in splits
    ]
    for split in SPLITS:
        several = [printable(folder) for folder, its in sorted(splits.items()) if its == split]
        if len(several) > 1:
            notes.append(f"The folders {' and '.join(several)} are taken together as {split}.")
    return notes


# ---- classes


def _class_folders(base: Path, root: str) -> tuple[dict[str, str], list[str]]:
    """{folder: label}, and the folders that are links to one that holds the data set, `root` (without links).

    Raises UserError where the level of the classes is in doubt or a name is no text.
    """
    folders = _folders(base)
    back = [folder for folder in folders if _holds(os.path.realpath(base / folder), root)]
    folders = [folder for folder in folders if folder not in back]
    _refuse_same_folders(base, folders)
    return {folder: _label(folder) for folder in folders}, back


def _label(folder: str) -> str:
    try:
        folder.encode()
    except UnicodeEncodeError:  # no file of results could hold such a label, and a stand-in could be learned for good
        raise UserError(
            f"The name of the class folder {printable(folder)} is not UTF-8: rename the folder, by hand or with "
            "`convmv -t utf8`."
        ) from None
    return normalised_name(folder)


def _notes_on_spellings(classes: dict[str, str]) -> list[str]:
    labels = list(classes.values())
    return [
        f"Several folders are called {printable(label)}, their accents written in two ways: they are one class."
        for label in sorted({label for label in labels if labels.count(label) > 1})
    ]


def _refuse_same_folders(base: Path, folders: list[str]) -> None:
    """`2023/{cat,dog}` and `2024/{cat,dog}`: are 2023 and 2024 the classes, or cat and dog?"""
    outer = _sharing_folders(base, folders)
    if not outer or all(_photos(base / folder) for folder in outer):
        return
    inner = sorted(set.intersection(*({*_folders(base / folder)} for folder in outer)))
    raise UserError(
        f"{_some(outer)} in {printable(base)} hold the same folders, {_some(inner)}: if these are the classes, rename "
        f"the outer folders to train, validation and test, or give one of them alone; if {_some(outer)} are the "
        "classes, move their photos out of the inner folders."
    )


def _sharing_folders(base: Path, folders: list[str]) -> list[str]:
    """Those of `folders` that hold folders, where these are two or more and have at least two names in common."""
    inner = {folder: {normalised_name(name) for name in _folders(base / folder)} for folder in folders}
    outer = [folder for folder, names in inner.items() if names]
    if len(outer) < 2 or len(set.intersection(*(inner[folder] for folder in outer))) < 2:
        return []
    return outer


def _some(names: list[str]) -> str:
    return ", ".join(printable(name) for name in names[:4]) + (" and more" if len(names) > 4 else "")


# ---- the file system


def _refuse_no_folder(root: Path) -> None:
    name = printable(root)
    if not os.path.lexists(root):
        raise UserError(f"There is no folder {name}: check the path.")
    if not os.path.isdir(root):  # noqa: PTH112 (Path.is_dir raises where a name is too long)
        raise UserError(f"{name} is a file: give the folder that holds the class folders (unpack a zip first).")


def _refuse_nothing(root: Path, found: object, unused: dict[str, str]) -> None:
    if not found:
        what = "no class folders: put the photos into one folder per class" if unused else "nothing in it to read"
        raise UserError(f"{printable(root)} has {what}, such as {printable(root)}/blue_dress/photo.jpg.")


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """Name and whether it is a folder, links followed; a system's own left out."""
    try:
        with os.scandir(folder) as found:
            return [(entry.name, _is_folder(entry)) for entry in found if not is_system_name(entry.name)]
    except OSError as error:
        raise UserError(f"The folder {printable(folder)} cannot be read: {error.strerror}.") from None


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle or to where one may not look: reading it as a photo says why not
        return False


def _folders(folder: Path) -> list[str]:
    """In the order of names."""
    return sorted((name for name, is_folder in _entries(folder) if is_folder), key=path_order)


def _photos(folder: Path) -> list[str]:
    """Files right in a folder whose names are those of photos."""
    return photo_files(name for name, is_folder in _entries(folder) if not is_folder)


def _files(folder: Path, root: str, above: frozenset[str] = frozenset()) -> Iterator[tuple[str, str]]:
    """Every file under a class folder, relative to it, and why it is not used ("" where it is); links are followed.

    A link to a folder that holds the data set, or lies in it, is not: its photos have their labels already. `root` and
    the folders `above` are without links.
    """
    above |= {os.path.realpath(folder)}
    for name, is_folder in _entries(folder):
        if not is_folder:
            yield name, ""
        elif _leads_back(folder / name, root, above):
            yield name, LINK_BACK
        else:
            yield from ((f"{name}/{deeper}", reason) for deeper, reason in _files(folder / name, root, above))


def _leads_back(folder: Path, root: str, above: frozenset[str]) -> bool:
    real = os.path.realpath(folder)
    return real in above or _holds(real, root) or (folder.is_symlink() and _holds(root, real))


def _holds(outer: str, inner: str) -> bool:
    """Whether `inner` is `outer` or lies in it; both without links."""
    return os.path.commonpath([outer, inner]) == outer
