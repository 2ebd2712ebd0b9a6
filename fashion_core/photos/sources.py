"""Where photos come from: a download, or the folder, zip or tar that you already have.

python -m fashion_core fetch clothing photos/clothing
python -m fashion_core fetch paper photos/paper --from archive.zip [--all-colours]
python -m fashion_core fetch products photos/products --without photos/apparel10
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from fashion_core import UserError, access, paper
from fashion_core.access import Action
from fashion_core.files import Progress
from fashion_core.photos.archive import unpack
from fashion_core.photos.imaging import printable
from fashion_core.photos.layout import is_system_name, split_folders
from fashion_core.photos.paper_set import Say, counts, sort_classes
from fashion_core.photos.scan import near_copies


class Source(NamedTuple):
    """A photo set that others publish; `page` is where a person can download it by hand."""

    title: str
    page: str
    address: str  # Kaggle slug, or the zip's URL


SOURCES = {
    "paper": Source(
        "Fashion Apparel Image Classification Dataset, the paper's",
        "https://www.kaggle.com/datasets/shreyanshverma27/new-data-fashion",
        "shreyanshverma27/new-data-fashion",
    ),
    "clothing": Source(
        "clothing-dataset-small, photos people took at home, CC0",
        "https://github.com/alexeygrigorev/clothing-dataset-small",
        "https://github.com/alexeygrigorev/clothing-dataset-small/archive/refs/heads/master.zip",
    ),
    "products": Source(
        "Fashion Product Images (Small), 44,000 catalogue photos with colour and article, MIT",
        "https://www.kaggle.com/datasets/paramaggarwal/fashion-product-images-small",
        "paramaggarwal/fashion-product-images-small",
    ),
}
ALL_COLOURS = Source(
    "Apparel Images Dataset, 24 classes with the paper's ten among them",
    "https://www.kaggle.com/datasets/trolukovich/apparel-images-dataset",
    "trolukovich/apparel-images-dataset",
)
FEWEST = 5  # a class of products with fewer photos is left out
HELD_BACK = 50  # one product photo in so many is for validation, another for test: the rest is for pretraining


def fetch(
    name: str,
    out: Path | str,
    local: Path | str | None = None,
    progress: Progress = None,
    without: Path | str | None = None,
    all_colours: bool = False,
    say: Say = lambda sentence: None,
) -> Path:
    """Bring the set `name` into the new folder `out`, as class folders; from `local`, a folder or zip, where given.

    Products that are, or nearly are, photos of the folder `without` are left out. Of the paper's set, which comes in
    ten classes or in 24, its ten are taken, with `all_colours` every one; `say` is told how their counts compare with
    the paper's.

    `progress(done, total, what)` counts megabytes while downloading, files while unpacking. Raises UserError: unknown
    name, `out` in use, offline or without rights (with what to download by hand), an unsafe or broken zip.
    """
    if name not in SOURCES:
        raise UserError(f"There is no set called {printable(name)}: choose {' or '.join(SOURCES)}.")
    if all_colours and name != "paper":
        raise UserError(f"--all-colours goes with paper: leave it out to fetch {name}.")
    out, source = Path(out), ALL_COLOURS if all_colours else SOURCES[name]
    with _new_folder(out) as partial:
        if local is not None:
            _take(Path(local), partial, progress)
        elif name != "clothing":
            _copy(_download_from_kaggle(source, name, out, progress), partial, progress)
        else:
            _download_zip(name, partial, out, progress)
        if name == "products":
            _sort_products(partial, _product_table(partial, local), without, progress)
        if name == "paper":
            _keep_only(sort_classes(partial, all_colours, say))
    if name == "paper":
        say(paper.count_difference(counts(out)))
    return out


def take(local: Path | str, out: Path | str, progress: Progress = None) -> Path:
    """Bring photos of one's own, a folder, zip or tar, into the new folder `out`; raises UserError as `fetch` does."""
    out = Path(out)
    with _new_folder(out) as partial:
        _take(Path(local), partial, progress)
    return out


# ---- products: a table of colours and articles → class folders


def _product_table(folder: Path, local: Path | str | None) -> pd.DataFrame:
    """id, articleType and baseColour of every product: the CSV among the photos, or the one next to the zip."""
    next_to_zip = [Path(local).with_suffix(".csv")] if local else []
    for file in [*sorted(folder.rglob("*.csv")), *(file for file in next_to_zip if file.is_file())]:
        try:
            table = pd.read_csv(file, dtype=str, on_bad_lines="skip")  # a few names there hold a comma too many
        except ValueError:  # no CSV, or no text
            continue
        if {"id", "articleType", "baseColour"} <= set(table):
            return table.dropna(subset=["id", "articleType", "baseColour"])
    raise UserError(
        "There is no table of the products: put the CSV with id, articleType and baseColour next to the zip."
    )


def _sort_products(folder: Path, table: pd.DataFrame, without: Path | str | None, progress: Progress) -> None:
    """Move every photo to `<split>/<colour>_<article>/<id>.jpg`; what has no row in the table goes."""
    photos = {file.stem: file for file in sorted(folder.rglob("*.jpg"))}
    for known in near_copies(list(photos.values()), without, progress) if without else ():
        del photos[known.stem]
    table = table[table["id"].isin(photos)].drop_duplicates("id")
    label = _slug(table["baseColour"]) + "_" + _slug(table["articleType"])
    count = label.map(label.value_counts())
    sorted_to = folder / "sorted"
    for number, name, copies in zip(table["id"], label, count, strict=True):
        if copies < FEWEST:
            continue
        spot = int(hashlib.sha256(number.encode()).hexdigest(), 16) % HELD_BACK
        split = {0: "validation", 1: "test"}.get(spot, "train") if copies >= HELD_BACK else "train"
        target = sorted_to / split / name / f"{number}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        photos[number].rename(target)
    if not sorted_to.exists():
        raise UserError("No photo fits the table: the photos must be named after the table's id, as in 1163.jpg.")
    _keep_only(sorted_to)


def _keep_only(folder: Path) -> None:
    """Remove what lies beside `folder`."""
    for entry in folder.parent.iterdir():
        if entry != folder:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _slug(names: pd.Series) -> pd.Series:
    return names.str.lower().str.replace(r"[^a-z0-9]+", "-", regex=True).str.strip("-")


# ---- downloads


def _by_hand(source: Source, name: str, out: Path, why: str) -> UserError:
    """The one sentence that says how to go on without the network."""
    option = " --all-colours" if source is ALL_COLOURS else ""
    return UserError(
        f"{name} could not be downloaded ({why}): download it by hand from {source.page} and give the zip, "
        f"or the folder you unpacked it to, on the Data page or with `python -m fashion_core fetch {name} "
        f"{printable(out)} "
        f"--from FILE{option}`."
    )


def _download_from_kaggle(source: Source, name: str, out: Path, progress: Progress) -> Path:
    """The set's folder in kagglehub's own cache."""
    script = Path(__file__).with_name("kaggle_download.py")
    command = [sys.executable, "-P", str(script), source.address]
    answer: dict = {"error": "it ended without an answer", "status": None}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            for line in process.stdout or ():
                answer = json.loads(line)
                if progress and "done" in answer:
                    _tell(progress, answer["done"], answer["total"])
        finally:  # also where the person has left the page
            process.kill()
    if "folder" not in answer:
        raise _by_hand(source, name, out, _why(answer.get("error", "it broke off"), answer.get("status")))
    return Path(answer["folder"])


def _why(error: str, status: int | None) -> str:
    """A few words: the network's state, not a library's inner life."""
    if status in (401, 403):
        return "the site asks for an account with the right to it"
    if status:
        return f"the site answered {status}"
    if re.search("resol|name or service|nodename|unreachable", error.lower()):
        return "no connection to the internet"
    return re.sub(r"\s+", " ", error).strip(" .")[:120]


def _download_zip(name: str, partial: Path, out: Path, progress: Progress) -> None:
    """Its zip, unpacked into `partial`, the folder that becomes `out`."""
    archive = partial.with_name(f"{partial.name}.zip")
    try:
        _download(os.environ.get("BUSANA_CLOTHING_URL") or SOURCES[name].address, archive, name, out, progress)
        unpack(archive, partial, progress)
    finally:
        archive.unlink(missing_ok=True)


def _download(url: str, file: Path, name: str, out: Path, progress: Progress) -> None:
    network = (HTTPException, ValueError, OSError)  # URLError and time-outs are OSErrors
    try:
        answer = urllib.request.urlopen(url, timeout=30)
    except network as error:
        status = getattr(error, "code", None)
        raise _by_hand(SOURCES[name], name, out, _why(str(getattr(error, "reason", None) or error), status)) from None
    with answer, file.open("wb") as target:
        total, done = int(answer.headers.get("Content-Length") or 0), 0
        while True:
            try:
                block = answer.read(1 << 20)
            except network as error:
                raise _by_hand(SOURCES[name], name, out, _why(str(error), None)) from None
            if not block:
                break
            target.write(block)  # a full disk is no fault of the network
            done += len(block)
            if progress:
                _tell(progress, done, total)
    if done < total:
        raise _by_hand(SOURCES[name], name, out, f"it broke off after {done >> 20} of {total >> 20} MB")


def _tell(progress: Callable, done: int, total: int) -> None:
    progress(done >> 20, max(done, total) >> 20, "Downloading, MB")


# ---- what you have


def _take(local: Path, partial: Path, progress: Progress) -> None:
    access.inside(local)
    if local.is_dir():
        _copy(local, partial, progress)
    elif local.is_file():
        unpack(local, partial, progress)
    else:
        raise UserError(f"There is no {printable(local)}: give the folder, zip or tar that you have.")


def _copy(folder: Path, partial: Path, progress: Progress) -> None:
    files = list(_files(folder))
    for done, file in enumerate(files, 1):
        target = partial / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
        if progress and (done % 50 == 0 or done == len(files)):
            progress(done, len(files), "Copying")


def _files(folder: Path) -> Iterator[Path]:
    """Every file below a folder but a system's own."""

    def refuse(error: OSError) -> None:
        raise error

    for base, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not is_system_name(name)]
        yield from (Path(base, name) for name in names if not is_system_name(name))


# ---- the new folder


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """A folder next to `out` to fill; it becomes `out`, without its wrapping, when all went well, and goes when not."""
    access.require(Action.GET_PHOTOS)
    access.inside(out)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"{printable(out)} already holds something: name a new folder, or remove it first.")
    partial = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        partial.mkdir(parents=True)
        yield partial
        photos = _unwrapped(partial)
        if out.exists():
            out.rmdir()  # empty, as checked
        photos.rename(out)
    except OSError as error:
        where = printable(error.filename or out).replace(str(partial), str(out))
        raise UserError(f"{printable(out)} could not be made: {where}: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unwrapped(folder: Path) -> Path:
    """Descend through folders that only wrap the next, to the one that holds the class folders or the split."""
    while True:
        inner = [entry for entry in folder.iterdir() if entry.is_dir() and not is_system_name(entry.name)]
        if not inner:
            raise UserError("There are no class folders in it: expected one folder per class with its photos inside.")
        if len(inner) > 1 or split_folders(folder) or not any(entry.is_dir() for entry in inner[0].iterdir()):
            return folder
        folder = inner[0]
