"""Where photos come from: a download, or the folder or zip that you already have.

python -m fashion_core fetch clothing photos/clothing
python -m fashion_core fetch paper photos/paper --from archive.zip
python -m fashion_core fetch products photos/products --without photos/apparel10
"""

import hashlib
import os
import re
import shutil
import stat
import urllib.request
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pandas as pd

from fashion_core import UserError
from fashion_core.files import Progress
from fashion_core.photos.imaging import printable
from fashion_core.photos.scan import near_copies

MAX_UNPACKED = 40 << 30  # bytes; the paper's set is well under one GB
MAX_FILES = 500_000
MAX_RATIO = 100  # photos hardly shrink in a zip: what unpacks to more than this, beyond 100 MB, is no photo set


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
FEWEST = 5  # a class of products with fewer photos is left out
HELD_BACK = 50  # one product photo in so many is for validation, another for test: the rest is for pretraining


def fetch(
    name: str,
    out: Path | str,
    local: Path | str | None = None,
    progress: Progress = None,
    without: Path | str | None = None,
) -> Path:
    """Bring the set `name` into the new folder `out`, as class folders; from `local`, a folder or zip, where given.

    Products that are, or nearly are, photos of the folder `without` are left out.

    `progress(done, total, what)` counts megabytes while downloading, files while unpacking. Raises UserError: unknown
    name, `out` in use, offline or without rights (with what to download by hand), an unsafe or broken zip.
    """
    if name not in SOURCES:
        raise UserError(f"There is no set called {printable(name)}: choose {' or '.join(SOURCES)}.")
    out = Path(out)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"{printable(out)} already holds something: name a new folder, or remove it first.")
    with _new_folder(out) as partial:
        if local is not None:
            _take(Path(local), partial, progress)
        elif name != "clothing":
            _copy(_download_from_kaggle(name, out, progress), partial, progress)
        else:
            archive = partial.with_name(f"{partial.name}.zip")
            try:
                _download(os.environ.get("BUSANA_CLOTHING_URL") or SOURCES[name].address, archive, name, out, progress)
                _unpack(archive, partial, progress)
            finally:
                archive.unlink(missing_ok=True)
        if name == "products":
            _sort_products(partial, _product_table(partial, local), without, progress)
    return out


# ---- products: a table of colours and articles → class folders


def _product_table(folder: Path, local: Path | str | None) -> pd.DataFrame:
    """id, articleType and baseColour of every product: the CSV among the photos, or the one beside the zip."""
    beside = [Path(local).with_suffix(".csv")] if local else []
    tables = [file for file in [*sorted(folder.rglob("*.csv")), *beside] if file.is_file()]
    for file in tables:
        table = pd.read_csv(file, dtype=str, on_bad_lines="skip")  # a few names there hold a comma too many
        if {"id", "articleType", "baseColour"} <= set(table):
            return table.dropna(subset=["id", "articleType", "baseColour"])
    raise UserError(
        "There is no table of the products: put the CSV with id, articleType and baseColour beside the zip."
    )


def _sort_products(folder: Path, table: pd.DataFrame, without: Path | str | None, progress: Progress) -> None:
    """Move every photo to `<part>/<colour>_<article>/<id>.jpg`; what has no row in the table goes."""
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
        part = {0: "validation", 1: "test"}.get(spot, "train") if copies >= HELD_BACK else "train"
        target = sorted_to / part / name / f"{number}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        photos[number].rename(target)
    if not sorted_to.exists():
        raise UserError("No photo fits the table: the photos must be named after the table's id, as in 1163.jpg.")
    for entry in folder.iterdir():
        if entry != sorted_to:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _slug(names: pd.Series) -> pd.Series:
    return names.str.lower().str.replace(r"[^a-z0-9]+", "-", regex=True).str.strip("-")


# ---- downloads


def _by_hand(name: str, out: Path, why: str) -> UserError:
    """The one sentence that says how to go on without the network."""
    return UserError(
        f"{name} could not be downloaded ({why}): download it by hand from {SOURCES[name].page} and give the zip, "
        f"or the folder you unpacked it to, on the Data page or with `python -m fashion_core fetch {name} "
        f"{printable(out)} "
        "--from FILE`."
    )


def _download_from_kaggle(name: str, out: Path, progress: Progress) -> Path:
    """The set's folder in kagglehub's own cache."""
    try:
        import kagglehub
        from kagglehub import clients
    except ModuleNotFoundError:
        raise _by_hand(name, out, 'kagglehub is missing: it comes with the extra "train"') from None

    class Bar(clients.tqdm):
        def update(self, n: float | None = 1) -> None:
            super().update(n)
            if progress:
                _tell(progress, int(self.n), int(self.total or 0))

    usual, clients.tqdm = clients.tqdm, Bar  # the only way to hear how far kagglehub is
    try:
        return Path(kagglehub.dataset_download(SOURCES[name].address))
    except Exception as error:  # its own types, requests' and more; to a person all mean: get it by hand
        if type(error).__module__.partition(".")[0] == "streamlit":
            raise
        raise _by_hand(name, out, _why(error)) from None
    finally:
        clients.tqdm = usual


def _why(error: Exception) -> str:
    """A few words: the network's state, not a library's inner life."""
    status = getattr(getattr(error, "response", None), "status_code", None) or getattr(error, "code", None)
    if status in (401, 403):
        return "the site asks for an account with the right to it"
    if status:
        return f"the site answered {status}"
    text = str(getattr(error, "reason", None) or error)  # urllib wraps the system's error
    if re.search("resol|name or service|nodename|unreachable", text.lower()):
        return "no connection to the internet"
    return re.sub(r"\s+", " ", text).strip(" .")[:120] or type(error).__name__


def _download(url: str, file: Path, name: str, out: Path, progress: Progress) -> None:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer, file.open("wb") as target:
            total, done = int(answer.headers.get("Content-Length") or 0), 0
            while block := answer.read(1 << 20):
                target.write(block)
                done += len(block)
                if progress:
                    _tell(progress, done, total)
    except (OSError, HTTPException, ValueError) as error:  # URLError and time-outs are OSErrors
        raise _by_hand(name, out, _why(error)) from None
    if done < total:
        raise _by_hand(name, out, f"it broke off after {done >> 20} of {total >> 20} MB")


def _tell(progress: Callable, done: int, total: int) -> None:
    progress(done >> 20, max(done, total) >> 20, "Downloading, MB")


# ---- what you have


def _take(local: Path, partial: Path, progress: Progress) -> None:
    if local.is_dir():
        _copy(local, partial, progress)
    elif local.is_file():
        _unpack(local, partial, progress)
    else:
        raise UserError(f"There is no {printable(local)}: give the folder or the zip that you have.")


def _copy(folder: Path, partial: Path, progress: Progress) -> None:
    files = [Path(base, file) for base, _, names in os.walk(folder) for file in names if not file.startswith(".")]
    for done, file in enumerate(files, 1):
        target = partial / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
        if progress and (done % 50 == 0 or done == len(files)):
            progress(done, len(files), "Copying")


def _unpack(archive: Path, partial: Path, progress: Progress) -> None:
    """Unpack a zip that anyone may have made: all of it is checked before the first file is written."""
    try:
        with zipfile.ZipFile(archive) as bundle:
            members = [(entry, _safe(entry)) for entry in bundle.infolist() if not entry.is_dir()]
            _refuse_bomb([entry for entry, _ in members], archive, partial)
            for done, (entry, path) in enumerate(members, 1):
                target = partial / path
                target.parent.mkdir(parents=True, exist_ok=True)
                with bundle.open(entry) as source, target.open("xb") as file:
                    shutil.copyfileobj(source, file)
                if progress and (done % 50 == 0 or done == len(members)):
                    progress(done, len(members), "Unpacking")
    except FileExistsError:
        raise UserError(
            f"{printable(archive.name)} names one file twice: unpack it by hand and give the folder."
        ) from None
    except (zipfile.BadZipFile, EOFError, zlib.error):
        raise UserError(f"{printable(archive.name)} is no whole zip file: download it again.") from None
    except NotImplementedError:
        raise UserError(
            f"{printable(archive.name)} is packed in an unusual way: unpack it and give the folder."
        ) from None


def _safe(entry: zipfile.ZipInfo) -> PurePosixPath:
    """Where a zip's file goes, below the new folder; UserError for names and kinds that could reach elsewhere."""
    name, path = entry.filename, PurePosixPath(entry.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in name or re.match(r"[A-Za-z]:", name):
        raise UserError(f"The zip is not safe to unpack: {printable(name)} would land outside its folder.")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise UserError(f"The zip is not safe to unpack: {printable(name)} is a link or device, not a file.")
    if entry.flag_bits & 1:
        raise UserError("The zip asks for a password: unpack it by hand and give the folder.")
    return path


def _refuse_bomb(entries: list[zipfile.ZipInfo], archive: Path, partial: Path) -> None:
    size = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_FILES or size > MAX_UNPACKED:
        raise UserError(
            f"{printable(archive.name)} is too large: {len(entries):,} files, {size / 2**30:,.1f} GB unpacked."
        )
    if size > 100 << 20 and size > MAX_RATIO * archive.stat().st_size:
        raise UserError(
            f"{printable(archive.name)} unpacks to {size >> 20:,} MB, far more than photos ever would: refused."
        )
    if size > (free := shutil.disk_usage(partial.parent).free):
        raise UserError(f"The photos need {size >> 20:,} MB and {free >> 20:,} MB are free: free some room first.")


# ---- the new folder


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """A folder beside `out` to fill; it becomes `out`, without its wrapping, when all went well, and goes when not."""
    partial = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        partial.mkdir(parents=True)
        yield partial
        photos = _unwrapped(partial)
        if out.exists():
            out.rmdir()  # empty, as checked
        photos.rename(out)
    except OSError as error:
        raise UserError(f"{printable(out)} could not be made: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unwrapped(folder: Path) -> Path:
    """Descend through folders that only wrap the next, to the one that holds the class folders or the split."""
    while True:
        inner = [e for e in folder.iterdir() if e.is_dir() and not e.name.startswith((".", "__MACOSX"))]
        if not inner:
            raise UserError("There are no class folders in it: expected one folder per class with its photos inside.")
        if len(inner) > 1 or inner[0].name.lower() == "train" or not any(e.is_dir() for e in inner[0].iterdir()):
            return folder
        folder = inner[0]
