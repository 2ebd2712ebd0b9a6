"""Photos in a grid, a page at a time: of an evaluation with true and predicted labels, or with a caption each.

gallery(evaluation.cell("blue_dress", "black_dress"), Path(evaluation.root), key="photos")
photo_grid(files, captions, key="class-photos")
"""

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import streamlit as st

from fashion_core import access, home, paper
from fashion_core.access import Action
from fashion_core.class_names import in_words
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.files import given_path
from fashion_core.models.registry import photo_folder
from fashion_core.photos import imaging, known, label_corrections, sample
from fashion_core.ui import keys
from fashion_core.ui.boot import link

KEPT = 3000  # thumbnails in memory, of all browsers: some 35 MB of tiles
TILE = 320  # pixels of a thumbnail: twice a tile's width on a laptop, sharp on a dense screen
DECISION_ICON = ":material/gavel:"  # of a decision on a label, wherever one is shown
MISSING = "Photo not on this machine."


class Ticks(NamedTuple):
    """The photos that are selected, by path, and what is called with a path and whether it is from now on."""

    paths: Collection[str]
    on_change: Callable[[str, bool], None]


def locate_photos(evaluation: Evaluation) -> Path | None:
    """The folder of its photos, or None; sample photos are drawn again, once."""
    if (drawn := evaluation.meta.sample) and access.may(Action.GET_PHOTOS):
        with st.spinner("Drawing the sample photos again, this once…"):
            return sample.ensure(None, **drawn)
    return photo_folder(evaluation)


def ask_photo_folder(evaluation: Evaluation) -> Path:
    """The same, but where they are not here their folder is asked for, and remembered."""
    if linked := st.query_params.get(keys.PHOTO_FOLDER):  # of an old link: a path is no part of an address
        st.session_state[keys.PHOTO_FOLDER] = linked
        del st.query_params[keys.PHOTO_FOLDER]
    found, root = locate_photos(evaluation), Path(evaluation.root)
    if found and (not st.session_state.get(keys.PHOTO_FOLDER) or evaluation.meta.sample):
        return found
    note, field = st.columns([3, 2], vertical_alignment="center")
    named = field.text_input("Folder with these photos", key=keys.PHOTO_FOLDER, placeholder=root.name)
    folder = given_path(named) if named else Path()
    if named and evaluation.lies_in(folder):
        known.remember(folder)
        note.caption(f":material/folder_open: Photos from {escape_markdown(folder)}.")
        return folder
    if not found:
        none = f"{escape_markdown(folder)} holds none of them. " if named else ""
        note.warning(
            f"{none}The photos of this test, {escape_markdown(root.name)}, are not on this machine. The results are "
            f"complete; only the pictures are missing. {_how_to_get(root.name, evaluation.classes)}",
            icon=":material/hide_image:",
        )
    reached = root.is_absolute() and access.reaches(root)
    return found or (root if reached else home() / "data" / root.name)  # where `photo_folder` will look


def _how_to_get(name: str, classes: Sequence[str]) -> str:
    """A sentence on the photos that were tested on in a folder of this name."""
    if name.startswith("paper"):  # what `compare paper` calls them, and people who fetch them
        command = f"python -m fashion_core fetch paper data/{name}" + (
            "" if paper.matches(classes) else " --all-colours"
        )
        return f"Get them with `{command}`, or name their folder here."
    return "Get the photos, as the README.md beside the model says, and name their folder here."


def gallery(
    rows: pd.DataFrame,
    root: Path,
    *,
    key: str,
    page_size: int = 24,
    on_open: Callable[[str], None] | None = None,
    decided: Mapping[str, str] | None = None,
    votes: bool = False,
    ticks: Ticks | None = None,
) -> None:
    """Show rows of `Evaluation.cell`: each photo with its name, true and predicted label and both probabilities.

    Paths are relative to `root`. A photo that is not on this machine, or cannot be read, has a tile that says so.
    With `on_open`, a press anywhere on a tile calls it with the photo's path. `decided`, path → label, is what people
    decided on these photos. `votes`: the probabilities are shares of the neighbours' votes, and are called so. With
    `ticks` a press selects the photo instead.
    """
    shown = rows.iloc[_page(len(rows), key, page_size)]
    files = [root / path for path in shown["path"]]
    captions = [_verdict(row, votes) + _decision(row["path"], decided or {}) for row in shown.to_dict("records")]
    _tiles(files, captions, key, shown["path"].tolist(), on_open, ticks)


def photo_grid(
    paths: Sequence[Path | str], captions: Sequence[str], *, key: str, page_size: int = 24,
    on_remove: Callable[[str], None] | None = None,
) -> None:  # fmt: skip
    """Show photos, each over its caption, which is taken as plain text, and with `on_remove` over a button for that."""
    shown = _page(len(paths), key, page_size)
    _tiles([Path(path) for path in paths[shown]], [escape_markdown(caption) for caption in captions[shown]], key,
           [str(path) for path in paths[shown]], on_remove=on_remove)  # fmt: skip


def photo_link_grid(photos: Sequence[tuple[Path, str, Mapping[str, str]]], *, key: str, page: str) -> None:
    """Photos over a link each, (file, words, query) to one of our pages: the whole tile follows it."""
    grid = st.grid(3, min_column_width=136, gap="small", key=keys.grid(key))
    for place, (file, words, query) in enumerate(photos):
        with grid.container(key=keys.tile(key, place), gap="xxsmall"):
            _photo(file, keys.absent(key, place))
            link(page, words, **query)


def escape_markdown(text: str | Path) -> str:
    """A name that people gave, so that Markdown shows it as it is."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~:$^=&@])", r"\\\1", imaging.printable(text))


def _page(count: int, key: str, page_size: int) -> slice:
    """Which of `count` photos to show now; draws the pages' numbers where there are several."""
    pages = max(1, -(-count // page_size))
    number = 1
    if pages > 1:
        number = min(st.pagination(pages, key=keys.page_number(key), bind="query-params"), pages)
    return slice((number - 1) * page_size, number * page_size)


def _tiles(
    files: list[Path],
    captions: list[str],
    key: str,
    paths: Sequence[str] = (),
    on_open: Callable[[str], None] | None = None,
    ticks: Ticks | None = None,
    on_remove: Callable[[str], None] | None = None,
) -> None:
    grid = st.grid(min_column_width=136, gap="small", key=keys.grid(key))
    for place, (file, caption) in enumerate(zip(files, captions, strict=True)):
        with grid.container(key=keys.tile(key, place), gap="xsmall"):
            _photo(file, keys.absent(key, place))
            st.caption(caption)
            if ticks:
                _tick(keys.tick(key, place), paths[place], ticks)
            elif on_open:
                st.button("Why?", key=keys.why(key, place), type="tertiary", on_click=on_open, args=(paths[place],))
            elif on_remove:
                st.button("Remove", key=keys.remove(key, place), type="tertiary", icon=":material/close:",
                          on_click=on_remove, args=(paths[place],))  # fmt: skip


def _tick(key: str, path: str, ticks: Ticks) -> None:
    """The checkbox of a tile. It shows what is selected: another photo may stand in this place since."""
    st.session_state[key] = path in ticks.paths

    def changed() -> None:
        ticks.on_change(path, st.session_state[key])

    st.checkbox(f"Select {imaging.printable(Path(path).name)}", key=key, on_change=changed)


def _photo(file: Path, key: str) -> None:
    """The photo's thumbnail, or a sentence, in a container `key`, that says why there is none."""
    try:
        st.image(thumbnail(file, TILE), width="stretch", alt=imaging.printable(file.name))
    except FileNotFoundError:
        _absent(MISSING, "hide_image", key)
    except (OSError, ValueError) as reason:  # BadPhoto is a ValueError; so is a name with a NUL byte
        _absent(f"This photo cannot be shown: {reason}.", "broken_image", key)


def thumbnail(file: Path, size: int) -> bytes:
    """WebP of a photo, at most `size` pixels wide and high, made once until the file changes.

    Raises BadPhoto where it cannot be read, OSError where it is not there.
    """
    status = file.stat()
    return _thumbnail(os.fsencode(file), (status.st_mtime_ns, status.st_size), size)


def _absent(sentence: str, icon: str, key: str) -> None:
    with st.container(key=key):
        st.caption(f":material/{icon}: {escape_markdown(sentence)}", text_alignment="center")


@lru_cache(maxsize=KEPT)
def _thumbnail(name: bytes, changed: tuple[int, int], size: int) -> bytes:
    """WebP of the photo in file `name`: bytes, as it need not be UTF-8. `changed`, its time and size, makes a new
    file a new thumbnail."""
    return imaging.thumbnail_bytes(imaging.read(Path(os.fsdecode(name))), size)


def _decision(path: str, decided: Mapping[str, str]) -> str:
    label = decided.get(label_corrections.photo_key(path))
    return (
        "" if label is None else f"  \n{DECISION_ICON} **{escape_markdown(in_words(label)) if label else 'left out'}**"
    )


def _verdict(row: dict, votes: bool) -> str:
    """Markdown, a line each: right or wrong in sign and word, the predicted and the true label, the file."""
    true, predicted = escape_markdown(in_words(row["label"])), escape_markdown(in_words(row["predicted"]))
    p_true, p_predicted = share(row["p_true"], votes), share(row["p_predicted"], votes)
    if row["label"] == row["predicted"]:
        lines = [":green[:material/check_circle: right]", f"**{predicted}** {p_predicted}"]
    else:
        lines = [":red[:material/cancel: wrong]", f"called **{predicted}** {p_predicted}", f"is **{true}** {p_true}"]
    return "  \n".join([*lines, escape_markdown(Path(row["path"]).name)])


def share(probability: float, votes: bool) -> str:
    """A probability in words; the neighbours' share of votes is no confidence, and is not shown as one."""
    if not votes:
        return f"{probability:.1%}"
    if probability >= 0.995:
        return "all votes"
    return f"{probability:.0%} of the votes" if probability >= 0.005 else "no votes"
