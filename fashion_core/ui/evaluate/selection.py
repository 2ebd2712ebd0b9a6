"""Which photos of an evaluation are selected: each of its numbers selects some, and the address keeps which.

The selection lies in two lists, a filter and a question, and on the map in a drawn area:
`?true=…&predicted=…&which=…&q=…&area=…`. Only this module writes them, and `?photo=…`, the photo that is open.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from fashion_core.evaluation.evaluation import Which
from fashion_core.ui import keys, stored
from fashion_core.ui.class_list import follow_link
from fashion_core.ui.evaluate.state import Source

CORNERS = 40  # of a drawn area kept: the address must hold it
OLD_LINKS = ("colour", "garment", "both")  # kinds of mistake as the address had them before it had their words
ID_LENGTH = 10  # digits of a photo's id; a shorter number is a row, as links had it once


# What numbers, charts and buttons select -----------------------------------------------------------------------------


def select(true: str | None = None, predicted: str | None = None, which: Which = "all", words: str = "") -> None:
    """Select these photos, by class and by question."""
    st.session_state[keys.TRUE], st.session_state[keys.PREDICTED] = true, predicted
    st.session_state[keys.WHICH], st.session_state[keys.QUERY] = which, words
    reset_page()


def select_by_words(words: str) -> None:
    """Of all photos those that the question finds for `words`."""
    select(words=words)


def reset_page() -> None:
    """For what narrows or widens the selection: its photos begin again, and the one that was open closes."""
    st.session_state[keys.page_number(keys.EVALUATE_PHOTOS)] = 1
    close_photo()


def last_selected(table: str, variant: int, places: list) -> int | tuple | None:
    """The place just selected in a table or chart that shows `variant`. A second click deselects it there; here it
    selects again."""
    remembered: dict[str, tuple[int, int | tuple]] = st.session_state.setdefault(keys.LAST_SELECTED, {})
    if places:
        remembered[table] = variant, places[0]
    of, place = remembered.get(table, (None, None))
    return place if of == variant else None


def open_photo(path: str) -> None:
    """Open the photo at this path, by an id that means it in the next evaluation too."""
    st.query_params[keys.OPEN_PHOTO] = stored.photo_id(path)


def close_photo() -> None:
    st.query_params.pop(keys.OPEN_PHOTO, None)


def select_area(x: Sequence[float], y: Sequence[float]) -> None:
    """The photos within the corners of a drawn area."""
    few = np.unique(np.linspace(0, len(x) - 1, min(len(x), CORNERS)).astype(int))
    st.query_params[keys.AREA] = ";".join(f"{x[place]:.4g},{y[place]:.4g}" for place in few)
    reset_page()


def clear_area() -> None:
    """What was drawn goes, and the photos begin again: on another model's map the same place is another."""
    st.query_params.pop(keys.AREA, None)
    reset_page()


def drop(*names: str) -> None:
    """Widen the selection: these of TRUE, PREDICTED, WHICH and QUERY filter no more."""
    if keys.TRUE in names:
        st.session_state[keys.TRUE] = None
    if keys.PREDICTED in names:
        st.session_state[keys.PREDICTED] = None
    if keys.WHICH in names:
        st.session_state[keys.WHICH] = "all"
    if keys.QUERY in names:
        st.session_state[keys.QUERY] = ""
    reset_page()


def follow_classes(classes: Sequence[str], folded: Mapping[str, str], kinds: Sequence[Which]) -> list[str]:
    """Keep of the lists and the filter what there is here; the classes that were dropped.

    `folded` says what a class is called by its colour or garment alone: the same selection, wider.
    """
    if (linked := st.query_params.get(keys.WHICH)) in OLD_LINKS:
        st.session_state[keys.WHICH] = linked
    dropped = []
    for key in (keys.TRUE, keys.PREDICTED):
        follow_link(key, classes)
        name: str | None = st.session_state.get(key)
        if name is None or name in classes:
            continue
        st.session_state[key] = folded.get(name)
        if name not in folded:
            dropped.append(name)
    if st.session_state.get(keys.WHICH, "all") not in kinds:
        st.session_state[keys.WHICH] = "wrong"
    return dropped


# What the address asks -----------------------------------------------------------------------------------------------


def drawn_area() -> np.ndarray | None:
    """The corners (m, 2) of the drawn area, as the address has it."""
    try:
        corners = [[float(value) for value in corner.split(",")] for corner in st.query_params[keys.AREA].split(";")]
        area = np.array(corners)
        return area if area.ndim == 2 and area.shape[0] > 2 and area.shape[1] == 2 and np.isfinite(area).all() else None
    except (KeyError, ValueError):
        return None


def opened(source: Source) -> int | None:
    """The row of the photo that the address names; a sentence where it is not among these photos."""
    name = st.query_params.get(keys.OPEN_PHOTO, "")
    row = None
    if len(name) == ID_LENGTH:
        row = stored.rows_by_id(source.key).get(name.lower())
    elif name.isdecimal() and int(name) < len(source.whole):
        row = int(name)
    with st.container():
        if name and row is None:
            st.caption(":material/link_off: The photo of this link is not among the photos looked at here.")
    return row


def ask_within(words: str) -> None:
    """Ask this within the same lists and filter."""
    st.session_state[keys.QUERY] = words
    reset_page()
