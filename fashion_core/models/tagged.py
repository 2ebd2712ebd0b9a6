"""A file of `tag`: its columns, its photos, and what a person corrected in it.

    shop = Tagged.open(Path("shop.parquet"))
    shop.rows                                   # a table: photo, label, confidence, state, …, and `right_label`
    shop.correct("shoes/1163.jpg", "relabel", "black_shoes")

The file itself is never changed: corrections are kept beside it, in shop.decisions.csv, as those of a folder of photos.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fashion_core import UserError, access, home
from fashion_core.files import atomic_write, safe_name
from fashion_core.photos import label_corrections, listing
from fashion_core.photos.imaging import printable
from fashion_core.photos.label_corrections import Decision

VERSION = 2  # of the columns and of how they are worked out
META = b"busana"  # in the file's own notes: what it is of, as JSON
COLUMNS = ("photo", "label", "colour", "garment", "confidence", "state", "measured_colour", "measured_uncertainty")
FOLDER, RECEIVED = "catalogues", "received"  # in the home; what a page was handed lies in a folder of its own


def files() -> dict[str, Path]:
    """Every such file in catalogues/ of the home by its name, those that were handed in last."""
    root = home() / FOLDER
    found = [*sorted(root.glob("[!.]*.parquet")), *sorted((root / RECEIVED).glob("[!.]*.parquet"))]
    names: dict[str, Path] = {}
    for file in found:
        names.setdefault(printable(file.stem), file)
    return names


def receive(name: str, data: bytes) -> str:
    """Keep a file that a page was handed, as the first of NAME, NAME-2, … that is free or holds the same; the name that
    `files` has for it. UserError where it is none that `tag` wrote."""
    stem, root = safe_name(Path(name).stem), home() / FOLDER
    for free in chain([stem], (f"{stem}-{number}" for number in count(2))):
        file = root / RECEIVED / f"{free}.parquet"
        if not (root / file.name).exists() and (not file.exists() or file.read_bytes() == data):
            break
    with atomic_write(file) as partial:
        partial.write_bytes(data)
        Tagged.open(partial, name)
    return printable(free)


@dataclass(frozen=True)
class Tagged:
    """An opened file. `answers` has a row for each photo without its embedding; `about` says what it is of."""

    file: Path
    answers: pd.DataFrame
    about: dict[str, Any]

    @classmethod
    def open(cls, file: Path, called: str = "") -> "Tagged":
        """UserError where `file`, `called` so in sentences, is none that `tag` wrote."""
        try:
            about = json.loads((pq.read_schema(file).metadata or {})[META])
            if about["v"] != VERSION or not {"classes", "model", "source", "kind"} <= about.keys():
                raise ValueError("of another version, or not whole")
            table = pq.read_table(file, columns=[*COLUMNS, "reason"]).to_pandas()
        except FileNotFoundError:
            raise UserError(f"{printable(called or file.name)} is not there any more: choose another.") from None
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
            raise UserError(
                f"{printable(called or file.name)} is no file of tags, or one of another version: make one with "
                "python -m fashion_core tag MODEL DIR --out FILE.parquet."
            ) from None
        return cls(file, table, about)

    @property
    def classes(self) -> list[str]:
        return list(self.about["classes"])

    @property
    def decisions_file(self) -> Path:
        """Where corrections are kept; it may not exist yet."""
        return self.file.with_suffix(".decisions.csv")

    def correct(self, photo: str, action: Decision, label: str = "") -> None:
        """Keep a person's decision, or with "undo" take the last one of this photo back."""
        label_corrections.record(self.decisions_file, photo, action, label)

    @property
    def rows(self) -> pd.DataFrame:
        """`answers` with `right_label`: what a person said, "" where the photo is to be left out, None where nobody
        has said anything. Read anew each time: others may correct too."""
        file = self.decisions_file
        decided = label_corrections.read(file) if file.exists() else {}
        said = pd.Series(None, index=self.answers.index, dtype=object)
        for photo, label in decided.items():
            if photo in self._places:
                said.iloc[self._places[photo]] = label
        return self.answers.assign(right_label=said)

    @cached_property
    def _places(self) -> dict[str, int]:
        """The row of each photo by the name that decisions call it."""
        return {label_corrections.photo_key(photo): row for row, photo in enumerate(self.answers["photo"])}

    @cached_property
    def read_photo(self) -> Callable[[str], bytes]:
        """The bytes of a photo by its name; BadPhoto where it is not here."""
        source = Path(self.about["source"])
        received = self.file.parent.name == RECEIVED
        if received or not access.reaches(source) or not source.exists():  # what is received leads to data/ alone
            source = home() / "data" / source.name
        return listing.reader(self.about["kind"], source, confined=received)

    def embeddings(self) -> np.ndarray:
        """Of the photos that could be read, in their order: float32 (n, d)."""
        column = pq.read_table(self.file, columns=["embedding"])["embedding"].combine_chunks().drop_null()
        values = column.flatten().to_numpy(zero_copy_only=False)
        return values.reshape(len(column), -1) if len(column) else np.empty((0, 0), np.float32)
