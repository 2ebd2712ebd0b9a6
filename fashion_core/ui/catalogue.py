"""What the Catalogue page shows of a file of tags: tiles, one photo with those like it, corrections."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from fashion_core import UserError
from fashion_core.class_names import answer_in_words, in_words
from fashion_core.evaluation.states import NAMES, State
from fashion_core.models.similar_photos import SimilarPhotos
from fashion_core.models.tagged import Tagged
from fashion_core.photos import imaging
from fashion_core.photos.imaging import BadPhoto
from fashion_core.photos.label_corrections import Decision
from fashion_core.ui import keys
from fashion_core.ui.gallery import TILE, escape_markdown
from fashion_core.ui.stored import mtime

PAGE, ALIKE = 24, 12
SHOW = {
    "all": "All photos",
    "review": "To review",
    State.SURE: "Sure",
    State.CHECK: "To check",
    State.OUTSIDE: NAMES[State.OUTSIDE],
    "corrected": "Reviewed",
    "unreadable": "Unreadable",
}
SORT = {"file": "As in the file", "unsure": "Least sure first", "certain": "Most sure first", "name": "By name"}
STATES = {
    State.SURE: ":green[:material/check_circle: sure]",
    State.CHECK: ":orange[:material/help: to check]",
    State.OUTSIDE: ":red[:material/block: outside what it knows]",
}
NOBODY = "not reviewed"


@st.cache_resource(max_entries=2, show_spinner="Opening the catalogue…")
def opened(file: Path, when: float) -> Tagged:
    return Tagged.open(file)


@st.cache_resource(max_entries=2, show_spinner="Building the index of similar photos, this once…")
def index_of(file: Path, when: float) -> SimilarPhotos:
    return SimilarPhotos.of(opened(file, when))


@st.cache_data(max_entries=2000, show_spinner=False)
def _thumbnail(file: Path, when: float, photo: str, size: int) -> bytes:
    return imaging.thumbnail_bytes(imaging.read(opened(file, when).read_photo(photo)), size)


def chosen_rows(rows: pd.DataFrame, show: str, label: str | None, sort: str) -> pd.DataFrame:
    """Those of a file's rows that the filters leave, in the order asked for; a person's label counts as the label."""
    good, decided = rows["label"].notna(), rows["right_label"].notna()
    if show == "review":
        keep = good & ~decided & (rows["state"] != State.SURE)
    elif show == "unreadable":
        keep = ~good
    else:
        keep = good & (decided if show == "corrected" else (rows["state"] == show) | (show == "all"))
    if label:
        keep &= rows["right_label"].where(decided, rows["label"]) == label
    found = rows[keep]
    if sort == "name":
        return found.sort_values("photo", kind="stable")
    if sort in ("unsure", "certain"):
        return found.sort_values("confidence", ascending=sort == "unsure", kind="stable")
    return found


def open_photo(place: int | None) -> None:
    """Show this row of the file, or no photo alone."""
    if place is None:
        st.query_params.pop(keys.CATALOGUE_PHOTO, None)
    else:
        st.query_params[keys.CATALOGUE_PHOTO] = str(place)


def asked_photo(tagged: Tagged) -> int | None:
    """The row that the address names, where it is one of a photo that could be read."""
    asked = st.query_params.get(keys.CATALOGUE_PHOTO, "")
    place = int(asked) if asked.isascii() and asked.isdigit() else -1
    return place if 0 <= place < len(tagged.answers) and pd.notna(tagged.answers["label"].iloc[place]) else None


def tiles(tagged: Tagged, rows: pd.DataFrame, key: str) -> None:
    """A page of photos; the button of each opens it beside those like it."""
    grid = st.grid(min_column_width=136, gap="small", key=keys.grid(key))
    for place, row in zip(rows.index.tolist(), rows.to_dict("records"), strict=True):
        with grid.container(key=keys.tile(key, place), gap="xsmall"):
            _photo(tagged, row["photo"], TILE)
            name = in_words(row["right_label"] or "left out") if isinstance(row["right_label"], str) else ""
            label = f"~~{escape_markdown(in_words(row['label']))}~~ **{escape_markdown(name)}**" if name else (
                f"**{escape_markdown(answer_in_words(row['label']))}**")  # fmt: skip
            st.caption(f"{label} {row['confidence']:.0%}  \n{STATES[row['state']]}")
            st.button("Similar", key=keys.why(key, place), icon=":material/image_search:", type="tertiary",
                      on_click=open_photo, args=(place,), help=imaging.printable(row["photo"]))  # fmt: skip


def _photo(tagged: Tagged, photo: str, size: int) -> None:
    try:
        st.image(_thumbnail(tagged.file, mtime(tagged.file), photo, size), width="stretch", alt=photo)
    except BadPhoto as reason:
        st.caption(f":material/hide_image: {escape_markdown(str(reason))}")


def one_photo(tagged: Tagged, rows: pd.DataFrame, place: int, queue: Sequence[int]) -> None:
    """The photo at `place` large, what the model and people say of it, and the photos like it."""
    row: dict[str, Any] = {str(name): value for name, value in rows.loc[place].items()}
    left, right = st.columns([2, 3], gap="medium")
    with left, st.container(key=keys.tile(keys.CATALOGUE_PHOTO, place)):
        _photo(tagged, row["photo"], 2 * TILE)
        colour = f" · :material/palette: {row['measured_colour']}" if row["measured_colour"] else ""
        st.markdown(
            f"**{escape_markdown(answer_in_words(row['label']))}** {row['confidence']:.1%}  \n"
            f"{STATES[row['state']]}{colour}  \n{escape_markdown(row['photo'])}"
        )
    with left:
        _corrections(tagged, row, place, queue)
    with right:
        st.header("Similar photos")
        near = index_of(tagged.file, mtime(tagged.file)).nearest_to(_rank(rows, place), ALIKE)
        tiles(tagged, rows.loc[np.flatnonzero(rows["label"].notna())[near]], keys.CATALOGUE_ALIKE)


def _rank(rows: pd.DataFrame, place: int) -> int:
    """The place among the photos that could be read, which are those with an embedding."""
    return int(rows["label"].notna().to_numpy()[:place].sum())


def _corrections(tagged: Tagged, row: dict[str, Any], place: int, queue: Sequence[int]) -> None:
    """What a person says of the photo; each decision goes on to the next photo of the queue."""
    decided = row["right_label"]
    if isinstance(decided, str):
        st.caption(f":material/gavel: Reviewed: **{escape_markdown(in_words(decided) if decided else 'left out')}**")
    current = decided if isinstance(decided, str) and decided in tagged.classes else row["label"]
    right = st.selectbox("Right label", tagged.classes, tagged.classes.index(current), format_func=in_words,
                         key=keys.catalogue_label(place))  # fmt: skip
    after = _following(place, queue)

    def button(text: str, action: Decision, icon: str, label: str = "", disabled: bool = False) -> None:
        then = place if action == "undo" else after
        st.button(text, key=keys.decide(action), icon=icon, disabled=disabled, on_click=_decide,
                  args=(tagged, row["photo"], action, label, then))  # fmt: skip

    with st.container(horizontal=True):
        button("Save and next", "relabel" if right != row["label"] else "keep", ":material/check:", right)
        button("Leave out", "leave out", ":material/visibility_off:")
        button("Undo", "undo", ":material/undo:", disabled=not isinstance(decided, str))
        st.button("Next", key=keys.CATALOGUE_NEXT, icon=":material/chevron_right:", on_click=open_photo, args=(after,))
        st.button("Close", key=keys.CATALOGUE_CLOSE, icon=":material/close:", on_click=open_photo, args=(None,))


def _following(place: int, queue: Sequence[int]) -> int:
    """The photo after `place` in the queue, round to its beginning; the same where there is no other."""
    others = [each for each in queue if each != place]
    at = list(queue).index(place) if place in queue else 0
    return others[at % len(others)] if others else place


def _decide(tagged: Tagged, photo: str, action: Decision, label: str, then: int) -> None:
    try:
        tagged.correct(photo, action, label)
    except UserError as mistake:
        tell(mistake)
    else:
        open_photo(then)


def tell(mistake: UserError) -> None:
    """Keep what went wrong, for the top of the page."""
    st.session_state[keys.CATALOGUE_PROBLEM] = str(mistake)


def show_problem() -> None:
    """What went wrong since the page was drawn last."""
    if problem := st.session_state.pop(keys.CATALOGUE_PROBLEM, None):
        st.error(problem, icon=":material/error:")


def exported(rows: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """The rows as a table to take along: the answers, and `right_label` and `reviewed`; no embeddings."""
    words = rows["right_label"].map(lambda said: said if isinstance(said, str) else None)
    return rows.drop(columns="right_label").assign(right_label=words, reviewed=words.notna())


def downloads(rows: pd.DataFrame, tagged: Tagged) -> None:
    """The rows that are shown, as three kinds of file; each is made when its button is pressed."""
    table = exported(rows, tagged.classes)
    for kind, mime, made in (
        ("csv", "text/csv", lambda: table.to_csv(index=False).encode("utf-8", "replace")),
        ("parquet", "application/vnd.apache.parquet", lambda: table.to_parquet(index=False)),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", lambda: _workbook(table)),
    ):
        _download(kind, mime, made, tagged.file)


def _download(kind: str, mime: str, made: Callable[[], bytes], file: Path) -> None:
    st.download_button(kind.upper(), made, f"{imaging.printable(file.stem)}.{kind}", mime,
                       icon=":material/download:", on_click="ignore", key=keys.catalogue_download(kind))  # fmt: skip


def _workbook(table: pd.DataFrame) -> bytes:
    from fashion_core.reports.xlsx import workbook

    return workbook(table, "Catalogue")


def problems(rows: pd.DataFrame) -> None:
    """Files that could not be read, each with its reason."""
    st.dataframe(rows[["photo", "reason"]].rename(columns={"photo": "File", "reason": "Why it cannot be read"}),
                 hide_index=True, key=keys.CATALOGUE_UNREADABLE)  # fmt: skip


def photos_are_here(tagged: Tagged) -> bool:
    """Whether the folder, zip or list of the photos is on this machine, judged by the first that could be read."""
    first = tagged.answers["photo"][tagged.answers["label"].notna()].head(1)
    try:
        return not len(first) or bool(tagged.read_photo(first.iloc[0]))
    except (BadPhoto, OSError):
        return False


def source_name(tagged: Tagged) -> str:
    return os.path.basename(tagged.about["source"])  # noqa: PTH119 (of another system, perhaps)
