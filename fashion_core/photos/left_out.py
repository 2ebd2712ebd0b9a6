"""What a person leaves out, a class folder or a photo: it stays under a hidden name, which no reader takes for one.

left_out.leave_out(root, "red_hat")     # red_hat/ → .left-out.red_hat/, in train/, validation/ and test/ too
left_out.put_back(root, "red_hat")
"""

import os
from pathlib import Path

from fashion_core import UserError, access
from fashion_core.class_names import normalised_name
from fashion_core.photos.imaging import printable
from fashion_core.photos.layout import split_folders

MARK = ".left-out."  # readers take nothing with a dot in front


def leave_out(root: Path, label: str) -> None:
    """Hide every folder of this class. UserError where one cannot be renamed, or whoever asks may not."""
    access.require(access.Action.GET_PHOTOS)
    for folder in _folders(access.inside(root)):
        if normalised_name(folder.name) == label:
            hide(folder)


def put_back(root: Path, label: str) -> None:
    """The other way round."""
    access.require(access.Action.GET_PHOTOS)
    for folder in _folders(access.inside(root)):
        if normalised_name(folder.name) == f"{MARK}{label}":
            show(folder)


def hide(path: Path) -> None:
    """Leave a folder or file out. UserError where it cannot be renamed."""
    _rename(path, path.with_name(f"{MARK}{path.name}"))


def show(path: Path) -> None:
    """The other way round."""
    _rename(path, path.with_name(path.name.removeprefix(MARK)))


def left_out(root: Path) -> list[str]:
    """The classes that were left out."""
    names = (normalised_name(folder.name) for folder in _folders(root) if folder.name.startswith(MARK))
    return sorted({name.removeprefix(MARK) for name in names})


def _folders(root: Path) -> list[Path]:
    bases = [root / base for base in split_folders(root)] or [root]
    return [Path(entry.path) for base in bases for entry in os.scandir(base) if entry.is_dir()]


def _rename(path: Path, name: Path) -> None:
    if name.exists():
        raise UserError(f"{printable(name)} is here already: rename or remove it first.")
    try:
        path.rename(name)
    except OSError as error:
        raise UserError(f"{printable(path)} cannot be renamed: {error.strerror}.") from None
