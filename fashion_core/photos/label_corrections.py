"""What people decided about labels that look wrong: a CSV beside the photos, which themselves are never touched.

    file = label_corrections.default_file(Path("photos"))               # photos.decisions.csv
    label_corrections.record(file, "blue_shirt/7.jpg", "relabel", "black_shirt")
    python -m fashion_core train photos                                 # learns from them, and says so

Columns: photo (path relative to the folder, with slashes), label, action and time. The label is the right one; of a
photo that fits two classes of one garment or colour, that garment or colour alone; nothing leaves the photo out. Rows
are only ever added, the last one of a photo counts, and "undo" takes one back: so two people who decide at once lose
nothing. A table of photo and label alone, as a spreadsheet saves it, is read as well; the first decision added to one
writes it anew in the form above, with all its rows and columns. Decisions change what is learned, never what is tested.
"""

import codecs
import csv
import difflib
import hashlib
import io
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from pathlib import Path
from typing import Literal

import numpy as np

from fashion_core import UserError, access
from fashion_core.class_names import classes_matching, normalised_name, split_names
from fashion_core.files import atomic_write, beside
from fashion_core.photos.dataset import Dataset
from fashion_core.photos.imaging import printable

AUTO = "auto"  # the setting that means: the file beside the photos, where there is one
COPY = "decisions.csv"  # in a run's folder: the decisions that it began with
COLUMNS = ("photo", "label", "action", "time")
DELIMITERS = ",;\t|"  # csv.Sniffer guesses from the data, where a comma in a name misleads it; the header is sure
CLASSES_NAMED = 12  # more are not listed in a sentence
Decision = Literal["keep", "relabel", "leave out", "undo"]


class Decisions(dict[str, str]):
    """Photo → decided label, "" to leave it out; where they came from, and in which line each photo's stands."""

    def __init__(self, labels: Mapping[str, str] | None = None, name: str = "", lines: Mapping[str, int] | None = None):
        super().__init__(labels or {})
        self.name, self.lines = name, dict(lines or {})


def default_file(root: Path) -> Path:
    """The file for the photos in `root`, which may not exist yet (see `files.beside`)."""
    return beside(Path(root), "decisions")


def resolve_setting(setting: str, root: Path) -> str:
    """The setting `decisions` for the photos in `root`: AUTO becomes the file beside them, or nothing."""
    if setting != AUTO:
        return setting
    file = default_file(root)
    return str(file) if file.exists() else ""


def load_or_empty(setting: str) -> Decisions:
    """The decisions in the file that a resolved setting `decisions` names, or none."""
    return read(Path(setting)) if setting else Decisions()


def read(file: Path, name: str | Path = "") -> Decisions:
    """The decisions in `file`, called `name` in sentences. UserError where the file is missing or no such table."""
    return parse(_content(file), name or file)


def parse(content: bytes, name: str | Path) -> Decisions:
    """The same, of what is in a file called `name`, say one that was handed in."""
    table = _parsed(content, name)
    return effective(table.rows, printable(name), table.lines)


def effective(rows: Iterable[Mapping[str, str]], name: str = "", lines: Iterable[int] | None = None) -> Decisions:
    """The decisions in effect after all `rows`; `lines` are those rows' places in the file `name`."""
    stacks: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row, line in zip(rows, lines or repeat(0), strict=False):
        earlier = stacks[photo_key(row["photo"])]
        if row.get("action", "").casefold() != "undo":
            earlier.append((_normal(row["label"]), line))
        elif earlier:
            earlier.pop()
    last = {photo: decisions[-1] for photo, decisions in stacks.items() if photo and decisions}
    labels = {photo: label for photo, (label, _) in last.items()}
    return Decisions(labels, name, {photo: line for photo, (_, line) in last.items() if line})


def record(file: Path, photo: str, action: Decision, label: str = "") -> None:
    """Add a decision. To keep a label is to relabel the photo as what it is. UserError where nothing can be written."""
    record_all(file, [(photo, action, label)])


def record_all(file: Path, decisions: Iterable[tuple[str, Decision, str]]) -> None:
    """Add decisions, each (photo, action, label), in one step: all of them or, with a UserError, none."""
    if rows := [_row(photo, label, action) for photo, action, label in decisions]:
        _add(file, rows)


def merge(file: Path, decided: Mapping[str, str]) -> int:
    """Add those of `decided` that are not in `file` already; returns how many. Each of them can be undone."""
    known = read(file) if file.exists() else {}
    new = {photo: label for photo, label in decided.items() if known.get(photo) != label}
    record_all(file, [(photo, "relabel" if label else "leave out", label) for photo, label in new.items()])
    return len(new)


def text(decided: Mapping[str, str]) -> str:
    """The decisions as a CSV of photo and label, as `read` and the setting `decisions` take it."""
    return _written(({"photo": photo, "label": label} for photo, label in decided.items()), COLUMNS[:2])


def copy_of(setting: str) -> bytes:
    """What a run keeps of the file that the resolved setting `decisions` names: all of it, so that lines keep their
    numbers; an empty table where there is none."""
    return _content(Path(setting)) if setting else text({}).encode()


def photo_key(path: str) -> str:
    """A photo's relative path as decisions name it, the same on every system: with slashes, its letters composed
    (NFC), without spaces around it, bytes that are no UTF-8 read as Western European ones (cp1252)."""
    return _normal(path.replace("\\", "/"))


# What is learned ----------------------------------------------------------------------------------------------------


def candidate_labels(data: Dataset, decided: Mapping[str, str]) -> tuple[np.ndarray, list[str]]:
    """bool (photos, classes), which classes each photo of `data` may be: one, several, or none where it is left out;
    and a sentence on what was done. Test photos keep the label they came with.

    Raises UserError for a label that is no class, colour or garment.
    """
    refuse_unknown_labels(decided, data.classes)
    photos, spelled = data.photos, in_spelling_of(data.classes, decided)
    known = photos["path"].map(photo_key)
    apply = known.isin(spelled.keys()) & (photos["split"] != "test")
    label = photos["label"].where(~apply, known.map(spelled))
    matching = {name: classes_matching(name, data.classes) & bool(name) for name in label.unique()}
    matrix = np.stack([matching[name] for name in label])
    if not decided:
        return matrix, []
    width, changed = matrix.sum(1), (label != photos["label"]).to_numpy()
    sentence = (
        f"Labels corrected: {(changed & (width == 1)).sum()}; used for colour or garment only: {(width > 1).sum()}; "
        f"left out: {(width == 0).sum()}; confirmed: {(apply & ~changed).sum()}. Test photos are unchanged."
    )
    notes = [sentence]
    if tested := int((known.isin(spelled.keys()) & (photos["split"] == "test")).sum()):
        notes.append(f"{tested} decisions are of test photos, which are never learned from: their labels stay.")
    if unmatched := sorted(set(spelled) - set(known)):
        notes.append(
            f"{len(unmatched)} decisions are of photos that are not here, such as {printable(unmatched[0])}: paths are "
            "relative to the folder of photos."
        )
    return matrix, notes


def known_labels(classes: Iterable[str]) -> list[str]:
    """Every class, then every colour and garment alone, for photos that fit two classes."""
    classes = tuple(classes)
    return [*classes, *sorted({name for pair in split_names(classes) or () for name in pair} - set(classes))]


def in_spelling_of(classes: Iterable[str], decided: Mapping[str, str]) -> dict[str, str]:
    """The same decisions, each label with the letters of the class, colour or garment that it names: an é composed or
    not, as a Mac and Linux write it."""
    spelling = {_normal(name): name for name in reversed(known_labels(classes))}
    return {photo_key(photo): spelling.get(_normal(label), label) for photo, label in decided.items()}


def lost_zeros(decided: Mapping[str, str], classes: Iterable[str]) -> dict[str, str]:
    """Decided labels that are no class here but would be one with zeros before them, as spreadsheets drop these:
    label → that class. Where several would do, none is named."""
    names = known_labels(classes)
    numbers: dict[int | None, list[str]] = defaultdict(list)
    for name in names:
        if (number := _number(name)) is not None:
            numbers[number].append(name)
    unknown = {label for label in decided.values() if label} - set(map(_normal, names))
    meant = {label: numbers.get(_number(label), []) for label in unknown if _number(label) is not None}
    return {label: found[0] for label, found in meant.items() if len(found) == 1}


def refuse_unknown_labels(decided: Mapping[str, str], classes: Iterable[str]) -> None:
    """UserError where a decided label is no class, colour or garment of `classes`: it names the line, as far as
    `decided` knows it, and what the label probably means."""
    classes = tuple(classes)
    names = set(known_labels(classes))
    unknown = {photo: name for photo, name in in_spelling_of(classes, decided).items() if name and name not in names}
    if not unknown:
        return
    lines = decided.lines if isinstance(decided, Decisions) else {}
    photo, label = min(unknown.items(), key=lambda item: (lines.get(item[0], 0), item[1]))
    where = f"The decision on {printable(photo)} is"
    if isinstance(decided, Decisions) and photo in lines:
        where = f"Line {lines[photo]} of {decided.name} says"
    lost = lost_zeros({photo: label}, classes).get(label)
    if lost:
        raise UserError(
            f"{where} {label!r}, which is no class here; it probably means {lost!r}, whose zeros a spreadsheet "
            f"dropped: write {lost} there, or import the file on the Evaluate page, which offers it."
        )
    raise UserError(f"{where} {label!r}, which is no class, colour or garment here: {_suggestion(label, classes)}")


def _suggestion(label: str, classes: tuple[str, ...]) -> str:
    if close := difflib.get_close_matches(label, classes, 1):
        return f"correct that line, perhaps to {close[0]!r}."
    more = f" and {len(classes) - CLASSES_NAMED} more" if len(classes) > CLASSES_NAMED else ""
    return f"correct that line (the classes are {', '.join(classes[:CLASSES_NAMED])}{more})."


def _number(label: str) -> int | None:
    """The number that a spreadsheet would make of a label, None where it would leave it alone."""
    found = re.fullmatch(r"([0-9]+)(?:[.,]0+)?", label)
    return int(found[1]) if found else None


def fingerprint(decided: Mapping[str, str]) -> str:
    """SHA-256 in hex over all decisions: equal means the same ones."""
    lines = sorted(f"{photo}\0{label}" for photo, label in decided.items())
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


# The file -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Table:
    columns: tuple[str, ...]
    rows: list[dict[str, str]]
    lines: list[int]  # where each row ends in the file


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        raise _none_in(file) from None


def _parsed(content: bytes, name: Path | str) -> _Table:
    """UserError where it is no table of photo and label, or a row lacks its label."""
    try:
        decoded = _decoded(content)
        reader = csv.reader(io.StringIO(decoded, newline=""), delimiter=_delimiter(decoded), skipinitialspace=True)
        lines, cells = [], []
        for row in reader:
            if any(cell.strip() for cell in row) and not _separator(",".join(row)):
                lines.append(reader.line_num)
                cells.append(row)
        columns = tuple(map(_column, cells[0]))
        place = columns.index("label")
    except (csv.Error, UnicodeError, LookupError, ValueError):
        raise _none_in(name) from None
    for line, row in zip(lines[1:], cells[1:], strict=True):
        if len(row) <= place:
            raise UserError(
                f"Line {line} of {printable(name)} has no label: add one, or a comma to leave the photo out."
            )
    # Whatever else people keep there stays.
    rows = [dict.fromkeys(COLUMNS, "") | dict(zip(columns, map(str.strip, row), strict=False)) for row in cells[1:]]
    return _Table(columns, rows, lines[1:])


def _decoded(content: bytes) -> str:
    """UTF-8 or UTF-16, with a byte order mark or without. Raises UnicodeError for half a letter of UTF-16.

    Other bytes are read line by line as `_letters` says: people add lines of one encoding to files of another.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    if b"\0" in content[:2]:
        return content.decode("utf-16-be" if content[0] == 0 else "utf-16-le")
    return "".join(map(_letters, content.removeprefix(codecs.BOM_UTF8).splitlines(keepends=True)))


def _letters(content: bytes) -> str:
    """UTF-8, or else Western European as Windows writes it, or else, for the five bytes that this lacks, Latin-1."""
    for encoding in ("utf-8", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _normal(name: str) -> str:
    if not name.isascii():
        name = normalised_name(_letters(name.encode("utf-8", "surrogateescape")))
    return name.strip()


def _delimiter(decoded: str) -> str:
    """What parts the columns: as a first line `sep=;` says, or what makes photo and label of the header.

    Raises LookupError where nothing does.
    """
    first = next(line for line in [*decoded.splitlines(), ""] if line.strip() or not decoded.strip())
    if found := _separator(first):
        return found
    for delimiter in DELIMITERS:
        if {"photo", "label"} <= set(map(_column, next(csv.reader([first], delimiter=delimiter)))):
            return delimiter
    raise LookupError("no header of photo and label")


def _separator(line: str) -> str:
    """The sign that a line `sep=;` names, as Excel writes and takes it; "" for any other line."""
    found = re.fullmatch(r'\s*"?sep=(.)"?\s*', line, re.IGNORECASE)
    return found[1] if found else ""


def _column(name: str) -> str:
    plain = name.strip().strip('"').casefold()
    return plain if plain in COLUMNS else name.strip()


def _none_in(file: Path | str) -> UserError:
    return UserError(f"{printable(file)} holds no decisions: give a CSV with the columns photo and label.")


def _row(photo: str, label: str, action: str) -> dict[str, str]:
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return {"photo": photo_key(photo), "label": _normal(label), "action": action, "time": now}


def _add(file: Path, rows: list[dict[str, str]]) -> None:
    """Under a lock, so that others who write wait. UserError where nothing can be written; the file is as it was."""
    access.require(access.Action.DECIDE)
    from filelock import FileLock

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_name(f".{file.name}.lock")):
            content = _content(file) if file.exists() else b""
            if columns := _columns_to_append(content):
                _append(file, _written(rows, columns, header=False).encode())
                return
            everything = [*(_parsed(content, file).rows if content else ()), *rows]
            with atomic_write(file) as partial:
                partial.write_bytes(
                    _written(everything, tuple(dict.fromkeys(c for row in everything for c in row))).encode()
                )
    except OSError as error:
        raise UserError(f"{printable(file)} cannot be written ({error.strerror}): the decision is not kept.") from None


def _columns_to_append(content: bytes) -> tuple[str, ...]:
    """The columns of a file that a line can be added to as it is; none where it has another form or ends within a line
    or a quotation."""
    try:
        rows = list(csv.reader(io.StringIO(_decoded(content), newline=""), strict=True))
    except (csv.Error, UnicodeError):
        return ()
    columns = tuple(rows[0]) if rows else ()
    return columns if set(COLUMNS) <= set(columns) and content.endswith(b"\n") else ()


def _append(file: Path, line: bytes) -> None:
    """Durably; of a line that cannot be written whole nothing is left."""
    size = file.stat().st_size
    try:
        with file.open("ab") as out:
            out.write(line)
            out.flush()
            os.fsync(out.fileno())
    except OSError:
        os.truncate(file, size)
        raise


def _written(rows: Iterable[Mapping[str, str]], columns: tuple[str, ...], header: bool = True) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, extrasaction="ignore")  # RFC 4180's line ends, so that either is quoted
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
