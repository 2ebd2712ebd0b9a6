"""Classes of one's own: photos handed in one by one become a folder per class that trains as any folder does.

root = own_classes.folder("my shoes")                        # data/my shoes in the home
own_classes.add(root, "boots", "a.jpg", data)                # kept, or a UserError that says why not
own_classes.remove(root, "boots", name)                      # kept under a hidden name: bring_back has it again
own_classes.missing({"boots": 3, "heels": 1})                # what is lacking before one can train, in a sentence
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from fashion_core import UserError, access, home
from fashion_core.class_names import in_words, normalised_name
from fashion_core.files import atomic_write, safe_name
from fashion_core.photos import imaging, left_out
from fashion_core.photos.imaging import printable
from fashion_core.photos.layout import is_system_name
from fashion_core.photos.left_out import MARK

MAX_BYTES = 50 << 20  # of one photo, as the server takes uploads
MAX_PHOTOS = 10_000  # of one class
MEGAPIXELS, FRAMES = 40, 100  # on a shared server
FEWEST = 3  # photos of a class, one for each of train, validation and test


def name_of(text: str) -> str:
    """A name that people gave, safe as that of one folder, its accents as one letter each. UserError for none."""
    name = safe_name(normalised_name(text).strip()) if text.strip() else ""
    if not name or name == "unnamed" or is_system_name(name):
        raise UserError("Give a name with letters or digits in it.")
    return name


def folder(name: str) -> Path:
    """Where the set of this name lies; it may not exist yet."""
    return home() / "data" / name_of(name)


def add(root: Path, label: str, name: str, data: bytes) -> Path:
    """Keep the photo in `data`, a file called `name`, in this class; the same bytes twice are one file.

    It is whole on the disk when this returns; what was removed stays so. UserError where it is no photo, too large or
    one too many, and where whoever asks may not.
    """
    access.require(access.Action.GET_PHOTOS)
    into, shown = access.inside(root) / name_of(label), printable(name)
    mark = hashlib.sha256(data).hexdigest()[:16]
    if same := [*into.glob(f"{mark}.*"), *into.glob(f"{MARK}{mark}.*")]:  # not decoded: a page asks at every rerun
        return same[0]
    try:
        if len(data) > MAX_BYTES:
            raise imaging.BadPhoto(f"larger than {MAX_BYTES >> 20} MB")
        if access.shared():
            imaging.refuse_large(data, MEGAPIXELS, FRAMES)
        imaging.read(data)
    except imaging.BadPhoto as reason:
        raise UserError(f"{shown} {imaging.refusal(str(reason))}.") from None
    if len(photos(root, label)) >= MAX_PHOTOS:
        raise UserError(f"{shown}: {in_words(label)} has {MAX_PHOTOS:,} photos already, the most for a class.")
    ending = Path(safe_name(name)).suffix.lower()
    file = into / f"{mark}{ending if ending[1:].isalnum() and len(ending) < 7 else '.jpg'}"
    with atomic_write(file) as partial:
        partial.write_bytes(data)
    return file


def remove(root: Path, label: str, name: str) -> None:
    """Take the photo in the file `name` out of its class; it is kept under a hidden name. UserError where it cannot be
    renamed, and where whoever asks may not."""
    access.require(access.Action.GET_PHOTOS)
    file = access.inside(root) / name_of(label) / Path(name).name
    left_out.hide(file)


def bring_back(root: Path, label: str) -> None:
    """All photos of this class that were removed. UserError as for `remove`."""
    access.require(access.Action.GET_PHOTOS)
    for file in removed(root, label):
        left_out.show(file)


def removed(root: Path, label: str) -> list[Path]:
    """The files of this class that were removed."""
    return sorted((access.inside(root) / name_of(label)).glob(f"{MARK}*"))


def rename(root: Path, label: str, text: str) -> str:
    """Call the class so; returns the name as it is kept. UserError where that is none, or another class has it, and
    where whoever asks may not."""
    access.require(access.Action.GET_PHOTOS)
    new, folder = name_of(text), access.inside(root) / name_of(label)
    to = folder.with_name(new)
    taken = {each.casefold() for each in labels(root) if each != label}  # some systems tell no A from a
    if new != label and new.casefold() in taken:
        raise UserError(f"There is a class {in_words(new)} already: choose another name, or remove that one first.")
    if folder.is_dir():
        try:
            folder.rename(to)
        except OSError as error:
            raise UserError(f"{printable(label)} cannot be renamed: {error.strerror}.") from None
    return new


def together(kept: Sequence[str], typed: Sequence[str]) -> list[str]:
    """The classes that are kept and those typed, each once; names that differ in capitals alone are one class, as some
    systems tell no A from a."""
    named: dict[str, str] = {}
    for label in (*kept, *typed):
        named.setdefault(label.casefold(), label)
    return list(named.values())


def photos(root: Path, label: str) -> list[Path]:
    """The files of this class, oldest first."""
    base = access.inside(root) / name_of(label)
    if not base.is_dir():
        return []
    files = [file for file in base.iterdir() if file.is_file() and not is_system_name(file.name)]
    return sorted(files, key=lambda file: (file.stat().st_mtime_ns, os.fsencode(file.name)))


def missing(counts: Mapping[str, int]) -> str:
    """What is lacking before these classes, name → photos, can be trained on, as one sentence; "" where nothing is."""
    if len(counts) < 2:
        return "To train, two classes at least are needed."
    few = [f"{in_words(label)} needs {FEWEST - n} more" for label, n in counts.items() if n < FEWEST]
    return f"To train, each class needs {FEWEST} photos at least: {', '.join(few)}." if few else ""


def labels(root: Path) -> list[str]:
    """The classes that hold photos already."""
    root = access.inside(root)
    found = root.iterdir() if root.is_dir() else ()
    return sorted(one.name for one in found if one.is_dir() and not is_system_name(one.name))
