"""Unpack a zip or tar that anyone may have made: all of it is checked before the first file is written."""

import errno
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from fashion_core import UserError
from fashion_core.files import Progress
from fashion_core.photos.imaging import printable
from fashion_core.photos.layout import is_system_name

MAX_UNPACKED = 40 << 30  # bytes; the paper's set is well under one GB
MAX_FILES = 500_000
MAX_RATIO = 100  # photos hardly shrink in an archive: what unpacks to more than this, beyond 100 MB, is no photo set

_OTHER_KINDS = {
    b"Rar!\x1a\x07": "a RAR archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
}


class Entry(NamedTuple):
    """A file in an archive: where it goes, below the new folder, its bytes unpacked, and how to read it."""

    path: PurePosixPath
    size: int
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, folder: Path, progress: Progress = None) -> None:
    """Write the files of a zip, tar, tar.gz, tar.bz2 or tar.xz into `folder`; those of a system's own are left out.

    Raises UserError for an archive of another kind, a broken one, one with links or names that reach elsewhere, one
    that unpacks to far more than photos do, and for names in an encoding that cannot be told.
    """
    name = printable(archive.name)
    with archive.open("rb") as file:
        head = file.read(8)
    for magic, kind in _OTHER_KINDS.items():
        if head.startswith(magic):
            raise UserError(f"{name} is {kind}, which cannot be unpacked here: unpack it by hand and give the folder.")
    try:
        if not head.startswith(b"PK") and tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tar:
                _write(_tar_entries(tar), archive, folder, progress)
        else:
            with zipfile.ZipFile(archive) as bundle:
                _write(zip_entries(bundle), archive, folder, progress)
    except FileExistsError:
        raise UserError(f"{name} names one file twice: unpack it by hand and give the folder.") from None
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, LZMAError, struct.error, UnicodeError):
        raise _not_whole(name) from None
    except OSError as error:  # gzip's own has no number; a damaged zip sends its reader to before its beginning
        if error.errno not in (None, errno.EINVAL):
            raise
        raise _not_whole(name) from None
    except NotImplementedError:
        raise UserError(f"{name} is packed in an unusual way: unpack it and give the folder.") from None


def _not_whole(name: str) -> UserError:
    return UserError(
        f"{name} is no whole zip file, nor a whole tar file: download it again, or unpack it by hand and give the "
        "folder."
    )


def _write(entries: list[Entry], archive: Path, folder: Path, progress: Progress) -> None:
    entries = [entry for entry in entries if not any(map(is_system_name, entry.path.parts))]
    _refuse_bomb(entries, archive, folder)
    for done, entry in enumerate(entries, 1):
        target = folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        with entry.open() as source, target.open("xb") as file:
            shutil.copyfileobj(source, file)
        if progress and (done % 50 == 0 or done == len(entries)):
            progress(done, len(entries), "Unpacking")


def zip_entries(bundle: zipfile.ZipFile) -> list[Entry]:
    """The files of a zip in its own order. UserError as of `unpack` for links, and for names that reach elsewhere."""
    infos = bundle.infolist()
    entries = []
    for info, name in zip(infos, _decoded_names(infos), strict=True):
        if info.flag_bits & 1:
            raise UserError("The zip asks for a password: unpack it by hand and give the folder.")
        path = _safe(name, stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG, stat.S_IFDIR))
        if not name.endswith(("/", "\\")):
            entries.append(Entry(path, info.file_size, partial(bundle.open, info)))
    return entries


def _tar_entries(bundle: tarfile.TarFile) -> list[Entry]:
    entries: list[Entry] = []
    for info in bundle:
        path = _safe(info.name, info.isreg() or info.isdir())
        if info.isreg():
            entries.append(Entry(path, info.size, partial(_open_member, bundle, info)))
    whole = bundle.fileobj
    if whole is not None:
        whole.seek(bundle.offset)
    if whole is None or whole.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise EOFError  # a tar ends with zeros: without them some of its files are missing
    return entries


def _open_member(bundle: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = bundle.extractfile(info)
    if file is None:  # of links and folders only, which are not asked for
        raise EOFError
    return file


def _safe(name: str, plain: bool) -> PurePosixPath:
    r"""The path that a name stands for; some Windows programs write `\` between folders.

    UserError for one that could reach outside the new folder, and for what is not a `plain` file or folder.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name):
        raise UserError(f"The archive is not safe to unpack: {printable(name)} would land outside its folder.")
    if "\0" in name:
        raise UserError(f"The archive is damaged: {printable(name)} is the name of no file. Download it again.")
    if not plain:
        raise UserError(f"The archive is not safe to unpack: {printable(name)} is a link or device, not a file.")
    return path


def _refuse_bomb(entries: list[Entry], archive: Path, folder: Path) -> None:
    name, size = printable(archive.name), sum(entry.size for entry in entries)
    if len(entries) > MAX_FILES or size > MAX_UNPACKED:
        raise UserError(f"{name} is too large: {len(entries):,} files, {size / 2**30:,.1f} GB unpacked.")
    if size > 100 << 20 and size > MAX_RATIO * archive.stat().st_size:
        raise UserError(f"{name} unpacks to {size >> 20:,} MB, far more than photos ever would: refused.")
    if size > (free := shutil.disk_usage(folder.parent).free):
        raise UserError(f"The photos need {size >> 20:,} MB and {free >> 20:,} MB are free: free some room first.")


# ---- names in a zip: those that are not marked as UTF-8 are in the code page of some Windows or DOS


_LATIN = re.compile(r"(?!.*([a-zß-öø-ÿ][À-ÖØ-Þ]|[ß-öø-ÿ][A-Z]))[\0-\x7fÀ-ÖØ-öø-ÿ]*", re.DOTALL)
_CYRILLIC = re.compile(r"(?!.*([A-Za-z][А-яЁё]|[А-яЁё][A-Za-z]))[\0-\x7fА-яЁё]*", re.DOTALL)
# Each code page with the text that people write in it; bytes that give other text were not written in it. Hence a
# capital after a small letter is none of Latin text, nor a Latin letter next to a Cyrillic one.
_CODE_PAGES = {
    "cp850": _LATIN,
    "cp437": _LATIN,
    "cp1252": _LATIN,
    "cp866": _CYRILLIC,
    "cp1251": _CYRILLIC,
    "gb2312": re.compile(r"[\0-\x7f一-鿿]*"),
    "shift_jis": re.compile(r"[\0-\x7f一-鿿々ぁ-ヿ]*"),
    "euc_kr": re.compile(r"[\0-\x7f가-힣]*"),
}


def _decoded_names(infos: list[zipfile.ZipInfo]) -> list[str]:
    """The names as their writer saw them. UserError where more than one encoding, or none, makes sense of them."""
    raw = [None if info.flag_bits & 0x800 else info.filename.encode("cp437") for info in infos]
    encoding = _encoding({name for name in raw if name is not None and not name.isascii()})
    return [info.filename if name is None else name.decode(encoding) for info, name in zip(infos, raw, strict=True)]


def _encoding(names: Iterable[bytes]) -> str:
    """The one encoding in which all these names can have been written."""
    together = b"\n".join(sorted(names))
    read = {encoding: text for encoding in ("utf-8", *_CODE_PAGES) if (text := _read(together, encoding))}
    if "utf-8" in read or not together:  # no other text is valid UTF-8 by accident
        return "utf-8"
    if len(set(read.values())) == 1:
        return next(iter(read))
    ways = " or ".join(f"{text.splitlines()[0]} ({encoding})" for encoding, text in read.items())
    raise UserError(
        f"The names in the zip are not UTF-8 and {f'may be {ways}' if read else 'in an unknown encoding'}: unpack it "
        "by hand, see that the names are right, and give the folder."
    )


def _read(text: bytes, encoding: str) -> str:
    """The text, or "" where it was not written in this encoding."""
    try:
        found = text.decode(encoding)
    except UnicodeDecodeError:
        return ""
    return found if encoding == "utf-8" or _CODE_PAGES[encoding].fullmatch(found) else ""
