"""Photos drawn from (seed, class, number) alone, and folders of them."""

import hashlib
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from fashion_core import UserError, access, home
from fashion_core.access import Action
from fashion_core.files import Progress
from fashion_core.paper import CLASSES
from fashion_core.photos.imaging import printable
from fashion_core.photos.sample.canvas import SIZE, Canvas
from fashion_core.photos.sample.cloth import TWILIGHT, cut
from fashion_core.photos.sample.garments import GARMENTS
from fashion_core.photos.sample.shapes import pick

TWO_COLOURED = {"dress": 0.13}  # chance by garment, else 2%
HARD = {"dress": 0.13}  # else 3%
QUALITY = 90  # of the JPEG files
MARKER = ".complete"  # written last: a sample folder without it was interrupted
PUBLISHED = Path(__file__).with_name("published.txt")
DRAWN = ".drawn"  # a line for each photo: SHA-256 of its file, and of its pixels before they became a JPEG


def draw(label: str, seed: int, index: int) -> Image.Image:
    """Photo `index` of class `label` ("blue_dress"), RGB, 224 × 224: the same three give the same pixels."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, CLASSES.index(label), index]))
    colour, garment = label.split("_")
    two, hard = rng.random() < TWO_COLOURED.get(garment, 0.02), rng.random() < HARD.get(garment, 0.03)
    trick = pick(rng, ("twilight", "dim", "cut")[: 2 if garment == "shoes" else 3]) if hard else ""
    cloth = cut(rng, colour, garment)
    if trick == "twilight":
        cloth = replace(cloth, colour=TWILIGHT[colour], pattern="plain", fade=0, stitch=None)
    other = cut(rng, "blue" if colour == "black" else "black", garment) if two else None
    pieces = GARMENTS[garment](rng, cloth, other, trick == "cut")
    canvas = Canvas(rng, pieces)
    for piece in pieces:
        canvas.paint(piece)
    photo = canvas.backdrop(rng) * (1 - canvas.alpha[..., None]) + canvas.colour
    exposure, cast = rng.uniform(0.92, 1.06), 1 + rng.normal(0, 0.02, 3)
    if trick == "dim":
        exposure, cast = rng.uniform(0.5, 0.62), np.add(cast, (-0.06, 0, 0.08))
    photo = photo * (cast * exposure).astype(np.float32) + rng.standard_normal((SIZE, SIZE, 1), np.float32) * 0.008
    return Image.fromarray((np.clip(photo, 0, 1) * 255 + 0.5).astype(np.uint8))


def render(out: Path, per_class: int = 60, seed: int = 0, progress: Progress = None) -> None:
    """Draw `per_class` photos of every class as out/<class>/<class>_000.jpg and on; a marker file comes last."""
    if per_class < 1 or seed < 0:
        raise UserError(f"Ask for at least 1 photo a class and a seed of 0 or more, not {per_class} and {seed}.")
    out = Path(out)
    try:
        _refuse_others(out, per_class)
        for name in (MARKER, DRAWN):
            (out / name).unlink(missing_ok=True)
        for label in CLASSES:
            (out / label).mkdir(parents=True, exist_ok=True)
        jobs = [(label, index) for label in CLASSES for index in range(per_class)]

        def save(job: tuple[str, int]) -> str:
            label, index = job
            return _save(draw(label, seed, index), out / label / f"{label}_{index:03d}.jpg")

        # Threads, not processes: forking is unsafe inside the web server, and Pillow and NumPy release the lock.
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            lines: list[str] = []
            for line in pool.map(save, jobs):
                lines.append(line)
                if progress:
                    progress(len(lines), len(jobs), "photos drawn")
        (out / DRAWN).write_text("".join(lines))
        (out / MARKER).write_text(f"{per_class} photos a class, seed {seed}\n")
    except OSError as problem:
        reason = f"Cannot write the sample set to {out} ({problem.strerror}): choose another folder."
        raise UserError(reason) from problem


def _refuse_others(out: Path, per_class: int) -> None:
    """UserError where a class folder holds what this set has not: they would be learned with it."""
    for label in CLASSES:
        drawn = {f"{label}_{index:03d}.jpg" for index in range(per_class)}
        if others := sorted(file.name for file in (out / label).glob("[!.]*") if file.name not in drawn):
            raise UserError(
                f"{printable(str(out / label))} holds other photos, such as {printable(others[0])}: choose another "
                "folder, or remove them."
            )


def _save(photo: Image.Image, file: Path) -> str:
    """Write a JPEG; its line of DRAWN."""
    photo.save(file, quality=QUALITY)
    written, drawn = (hashlib.sha256(data).hexdigest() for data in (file.read_bytes(), photo.tobytes()))
    return f"{written} {drawn}\n"


def drawn_digests(folder: Path) -> dict[str, str]:
    """{SHA-256 of a file: what its photo is known by} of a rendered set, so that another JPEG encoder changes nothing.

    A photo is known by the SHA-256 of its pixels as drawn. Those of the default set are known by what they were when
    models were first published that learned from it (`published.txt`: that of the pixels, of the file then), so that
    their splits stay. Empty for other folders and for sets of before; a file changed since is not in it.
    """
    if not (folder / DRAWN).is_file() or made(folder) is None:
        return {}
    published = dict(line.split() for line in PUBLISHED.read_text().splitlines())
    lines = [line.split() for line in (folder / DRAWN).read_text().splitlines()]
    return {written: published.get(drawn, drawn) for written, drawn in lines}


def ensure(progress: Progress = None, per_class: int = 60, seed: int = 0) -> Path:
    """A sample set below home()/data: drawn at the first call, by one process if several ask at once.

    The default one is data/sample; another says in its name what it is.
    """
    name = "sample" if (per_class, seed) == (60, 0) else f"sample-{per_class}-seed-{seed}"
    folder = home() / "data" / name
    if (folder / MARKER).exists():
        return folder
    access.require(Action.GET_PHOTOS)
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{name}.lock"):
        if (folder / MARKER).exists():  # drawn while we waited
            return folder
        if folder.exists():
            raise UserError(f"{folder} is not a finished sample set: move or delete that folder, then try again.")
        partial = folder.parent / f".{name}.piece"
        shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed
        render(partial, per_class, seed, progress)
        partial.rename(folder)
    return folder


def made(folder: Path) -> dict[str, int] | None:
    """per_class and seed of the sample set in `folder`; None where it holds other photos."""
    marker = folder / MARKER
    found = re.fullmatch(r"(\d+) photos a class, seed (\d+)\n", marker.read_text()) if marker.is_file() else None
    return {"per_class": int(found[1]), "seed": int(found[2])} if found else None
