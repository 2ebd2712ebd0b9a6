"""Files written whole or not at all, the cache folder, and work on many files with its progress told."""

import errno
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from fashion_core import UserError, home

Progress = Callable[[int, int, str], None] | None


def given_path(text: str | os.PathLike[str]) -> Path:
    """The path that a person typed or pasted: blanks around it, quotes and `file://` are taken off, `~` is the home.

    Raises UserError where nothing is left, or where a `file://` address names another machine.
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
        return Path(typed).expanduser()
    except RuntimeError:  # ~name, and there is no such user: a folder may be called so
        return Path(typed)


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


@contextmanager
def atomic_write(file: Path) -> Iterator[Path]:
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


def map_in_threads(work: Callable, items: list, what: str, progress: Progress) -> Iterator:
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


def write_json(file: Path, value: Any) -> None:
    """Write beside, then rename: a reader never sees half a file."""
    beside = file.with_name(file.name + ".part")
    beside.write_text(json.dumps(value, indent=1))
    beside.replace(file)
