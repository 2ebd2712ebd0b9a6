"""Files written whole or not at all, the cache folder, and work on many files with its progress told."""

import errno
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from fashion_core import UserError, access, home

Progress = Callable[[int, int, str], object] | None  # done, total, what
LONGEST_NAME = 100  # signs of a name that people gave: a file system takes 255 bytes


def given_path(text: str | os.PathLike[str]) -> Path:
    """The path that a person typed or pasted: blanks around it, quotes and `file://` are taken off, `~` is the home.

    Raises UserError where nothing is left, where a `file://` address names another machine, and where a shared server
    would leave its own folders.
    """
    typed = os.fspath(text).strip()
    if len(typed) > 1 and typed[0] == typed[-1] and typed[0] in "'\"":
        typed = typed[1:-1].strip()
    if typed.lower().startswith("file:"):
        address = urlsplit(typed.replace("?", "%3F").replace("#", "%23"))
        if address.netloc not in ("", "localhost"):
            raise UserError(f"The files of {address.netloc} are not on this machine: give a path on this one.")
        typed = os.fsdecode(unquote_to_bytes(address.path))
    if not typed or "\0" in typed:
        raise UserError("The path is empty or holds a zero byte: give the path of a folder or file.")
    try:
        return access.inside(Path(typed).expanduser())
    except RuntimeError:  # ~name, and there is no such user: a folder may be called so
        return access.inside(Path(typed))


def size_and_mtime(root: Path, path: str) -> str:
    try:
        status = (root / path).stat()
        return f"{status.st_size}:{status.st_mtime_ns}"
    except OSError:
        return ""


def cache_folder() -> Path:
    folder = home() / "data" / ".cache"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The folder {folder} cannot be made ({error.strerror}): set BUSANA_HOME to one you own."
        ) from None
    return folder


def beside(folder: Path, kind: str) -> Path:
    """`NAME.KIND.csv` beside a folder of photos, so that whoever shares the photos shares it; where nothing can be
    written there, in data/KIND/ of the home. It may not exist yet."""
    folder = folder.resolve()
    file = folder.with_name(f"{folder.name}.{kind}.csv")
    above = next(parent for parent in folder.parents if parent.exists())
    if file.exists() or os.access(above, os.W_OK):
        return file
    return home() / "data" / kind / f"{folder.name}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]}.csv"


@contextmanager
def atomic_write(file: Path) -> Iterator[Path]:
    """A name to write to, in the folder of `file`, which is made where it is missing. When all went well, the content
    is forced to the disk and renamed to `file`; when not, it is removed and the old `file` stays as it was.

    UserError names `file` where it cannot be written; a file that the body fails to read raises as it always does.
    """
    partial = file.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
        mode = partial.stat().st_mode  # by this process's umask; some writers (safetensors) set 0600
        yield partial
        partial.chmod(mode)
        _to_disk(partial)
        partial.replace(file)
        _to_disk(file.parent)
    except OSError as error:
        raise _told(error, file, partial) from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """A new folder to fill; renamed to `folder`, which must not be there yet, when all went well, removed when not.

    UserError as of `atomic_write`.
    """
    partial = folder.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        partial.mkdir(parents=True)
        yield partial
        for file in partial.rglob("*"):
            _to_disk(file)
        partial.rename(folder)
        _to_disk(folder.parent)
    except OSError as error:
        raise _told(error, folder, partial) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _told(error: OSError, file: Path, partial: Path) -> Exception:
    """The sentence for an `error` in writing `file` by way of `partial`; the error itself if it is of another file."""
    other = error.filename is not None and os.fsdecode(error.filename)
    ours = not other or other in (str(file), str(file.parent)) or other.startswith(str(partial))
    return UserError(_cannot_write(file, error)) if ours else error


def _to_disk(path: Path) -> None:
    """Force a file, or the names in a folder, to the disk; Windows opens no folders."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:  # some network disks refuse it for a folder, and the rename holds all the same
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(descriptor)


def _cannot_write(file: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(file.parent).free >> 20
        what = f"free some disk space ({free:,} MB are free), or set BUSANA_HOME to a folder on a larger disk"
    else:
        what = "choose a folder that you may write to, or set BUSANA_HOME to one"
    return f"Cannot write {_printable(file)} ({error.strerror or error}): {what}."


def map_in_threads(work: Callable, items: list, what: str, progress: Progress) -> Iterator:
    """Results in order; progress at most ten times a second. Leaving early drops what has not begun."""
    pool = ThreadPoolExecutor(min(16, os.cpu_count() or 4))  # Pillow lets other threads run while it decodes
    reported = 0.0
    try:
        for done, result in enumerate(pool.map(work, items), 1):
            yield result
            if progress and (time.monotonic() - reported > 0.1 or done == len(items)):
                reported = time.monotonic()
                progress(done, len(items), what)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def write_text(file: Path, text: str) -> Path:
    """Write `text` as UTF-8, whole or not at all."""
    with atomic_write(file) as partial:
        partial.write_text(text, "utf-8", newline="")
    return file


def write_json(file: Path, value: Any) -> Path:
    """Write `value` as JSON, whole or not at all: a reader never sees half a file."""
    return write_text(file, json.dumps(value, indent=1))


def safe_name(text: str) -> str:
    """`text` as the name of one file or folder on any system: it cannot lead elsewhere, hide, or be too long."""
    signs = [sign if sign.isprintable() and sign not in '/\\:*?"<>|' else "-" for sign in text[:LONGEST_NAME]]
    return "".join(signs).strip(" .") or "unnamed"


def _printable(file: Path) -> str:
    return str(file).encode("utf-8", "replace").decode()
