"""The photos of a folder, a zip or a list of paths, in one fixed order, each read only when it is asked for.

    with listing.opened(Path("shop.zip")) as photos:
        photos.names[0], photos.read(0)                # "shoes/1163.jpg", its bytes

Nothing is unpacked. Every ordinary file counts, whatever its name: what is no photo is told when it is read.
"""

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fashion_core import UserError, access
from fashion_core.files import given_path, size_and_mtime
from fashion_core.photos import imaging
from fashion_core.photos.archive import zip_entries
from fashion_core.photos.imaging import BadPhoto, printable
from fashion_core.photos.layout import is_system_name

FOLDER, ZIP, LIST = "folder", "zip", "list"


@dataclass(frozen=True)
class Listing:
    """Photos by name, each once. `read(place)` gives the bytes of one, or raises BadPhoto; threads may share it.

    `stamp(place)` changes when the photo does. `source` is the folder, zip or list, whole path.
    """

    kind: str
    source: Path
    names: list[str]
    read: Callable[[int], bytes]
    stamp: Callable[[int], str]


@contextmanager
def opened(source: Path) -> Iterator[Listing]:
    """The photos of `source`. UserError where it is none of the three, holds none, or is no safe zip."""
    source = source.absolute()
    if not source.exists():
        raise UserError(f"There is no {printable(source)}: give a folder of photos, a zip or a list of paths.")
    if source.is_dir():
        yield _refuse_none(_of_files(FOLDER, source, source, list(_below(source))))
    elif zipfile.is_zipfile(source):
        try:
            with zipfile.ZipFile(source) as bundle:
                yield _refuse_none(_of_zip(source, bundle))
        except zipfile.BadZipFile:
            raise UserError(f"{printable(source.name)} is no whole zip file: download it again.") from None
    else:
        yield _refuse_none(_of_files(LIST, source, source.parent, _lines(source)))


def _refuse_none(found: Listing) -> Listing:
    if not found.names:
        raise UserError(f"{printable(found.source)} holds no photo: give a folder of photos, a zip or a list of paths.")
    return found


def _of_files(kind: str, source: Path, root: Path, names: list[str]) -> Listing:
    return Listing(
        kind, source, names, lambda i: imaging.read_bytes(root / names[i]), lambda i: size_and_mtime(root, names[i])
    )


def _of_zip(source: Path, bundle: zipfile.ZipFile) -> Listing:
    entries = {
        str(entry.path): entry
        for entry in zip_entries(bundle)
        if not any(is_system_name(part) for part in entry.path.parts)
    }
    names, whole = list(entries), size_and_mtime(source.parent, source.name)

    def read(place: int) -> bytes:
        entry = entries[names[place]]
        if entry.size > imaging.MAX_BYTES:
            raise BadPhoto(f"larger than {imaging.MAX_BYTES >> 20} MB")
        try:
            with entry.open() as file:
                return file.read(imaging.MAX_BYTES)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
            raise BadPhoto(f"damaged in the zip ({error})") from None

    return Listing(ZIP, source, names, read, lambda place: whole)


def _below(root: Path) -> Iterator[str]:
    """Every file below `root` but a system's own, folder by folder in the order of names; links are not followed."""
    for base, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not is_system_name(name))
        for name in sorted(files):
            if not is_system_name(name):
                yield Path(base, name).relative_to(root).as_posix()


def _lines(source: Path) -> list[str]:
    """The paths in a text file, one a line, each once; a relative one begins at the list's own folder."""
    try:
        lines = source.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise UserError(
            f"{printable(source.name)} is no folder, no zip and no text: give a folder of photos, a zip, or a text "
            "file with a path on each line."
        ) from None
    return list(dict.fromkeys(str(given_path(line)) for line in lines if line.strip()))


def reader(kind: str, source: Path, confined: bool = False) -> Callable[[str], bytes]:
    """Gives the bytes of a photo by the name that `opened` gave it, without going through the others; threads may share
    it. BadPhoto where it is not there, or where its name leads out of the folder; a list's own names may, unless
    `confined`. A shared server reads its own folders alone."""
    if kind == ZIP:
        return _zip_reader(source)
    root = source if kind == FOLDER else source.parent

    def read(name: str) -> bytes:
        if (confined or kind == FOLDER) and (Path(name).is_absolute() or ".." in Path(name).parts):
            raise BadPhoto("its name leads out of the folder")
        if not access.reaches(root / name):
            raise BadPhoto("not in a folder that this shared server may read")
        return imaging.read_bytes(root / name)

    return read


def _zip_reader(source: Path) -> Callable[[str], bytes]:
    try:
        found = _of_zip(source, zipfile.ZipFile(source))  # open as long as the reader is in use
    except (OSError, zipfile.BadZipFile):
        missing = f"{printable(source.name)} is not here"

        def refuse(name: str) -> bytes:
            raise BadPhoto(missing)

        return refuse
    places = {name: place for place, name in enumerate(found.names)}

    def read(name: str) -> bytes:
        if name not in places:
            raise BadPhoto(f"not in {printable(source.name)}")
        return found.read(places[name])

    return read
