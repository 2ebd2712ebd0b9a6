"""Decoded photos on disk: one memory map of uint8 pixels for each set of photos and size."""

import hashlib
import os
import time
from pathlib import Path

import numpy as np
from PIL import Image

from fashion_core import UserError
from fashion_core.files import Progress, atomic_write, cache_folder, map_in_threads
from fashion_core.photos import imaging
from fashion_core.photos.dataset import Dataset

CACHE_BYTES = 20 << 30


def decode_photos(data: Dataset, size: int, progress: Progress = None) -> np.memmap:
    """Every photo at size × size, uint8 (n, size, size, 3), rows in the order of `data.photos`; read only, from disk.

    Decoding happens once for the same photos, whatever their split: kept under `data/.cache`, oldest use out first.
    """
    key = hashlib.sha256(f"{imaging.VERSION}:{size}:{':'.join(data.photos['digest'])}".encode()).hexdigest()[:32]
    file = cache_folder() / f"{key}.npy"
    if not file.exists():
        with atomic_write(file) as partial:
            _decode_into(partial, data, size, progress)
        _trim(keep=file)
    os.utime(file)  # the time of last use
    return np.load(file, mmap_mode="r")


def read_checked(file: Path, name: str | Path) -> Image.Image:
    """A photo that could be read when its folder was checked. UserError calls it `name` where it no longer can."""
    try:
        return imaging.read(file)
    except imaging.BadPhoto as error:
        raise UserError(f"{imaging.printable(name)} changed since it was checked ({error}): start again.") from None


def _decode_into(file: Path, data: Dataset, size: int, progress: Progress) -> None:
    shape = (len(data.photos), size, size, 3)
    pixels = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):  # claim the room now: a full disk met later would kill the process
        with file.open("r+b") as whole:
            os.posix_fallocate(whole.fileno(), 0, pixels.offset + pixels.nbytes)

    def decode(row: int, path: str) -> None:
        pixels[row] = imaging.square(read_checked(data.file(path), path), size)

    items = list(enumerate(data.photos["path"]))
    for _ in map_in_threads(lambda item: decode(*item), items, "Decoding photos", progress):
        pass
    pixels.flush()


def _trim(keep: Path) -> None:
    """Delete the pixels used longest ago until all fit in CACHE_BYTES, and what interrupted writers left behind."""
    folder = keep.parent
    for left in folder.glob("*.partial"):
        if time.time() - left.stat().st_mtime > 86_400:
            left.unlink(missing_ok=True)
    files = sorted(folder.glob("*.npy"), key=lambda file: file.stat().st_mtime, reverse=True)
    room = CACHE_BYTES - keep.stat().st_size
    for file in (file for file in files if file != keep):
        room -= file.stat().st_size
        if room < 0:
            file.unlink(missing_ok=True)
