"""Which photos of an evaluation are selected: each of its numbers selects some, and the address keeps which.

The selection lies in two lists, a filter and a question, and on the map in a drawn area:
`?true=…&predicted=…&which=…&q=…&area=…`. Only this module writes them, and `?photo=…`, the photo that is open.
"""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from fashion_core.evaluation.evaluation import Evaluation, Which
from fashion_core.reports.charts import Normalise
from fashion_core.ui import keys, stored
from fashion_core.ui.evaluate import ask
from fashion_core.ui.evaluate.state import Source, State

CORNERS = 40  # of a drawn area kept: the address must hold it
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


# What the address asks -----------------------------------------------------------------------------------------------


def state_of(source: Source, cells: Normalise) -> State:
    """Draw the question, the lists and the filter; the state that they and the address make of `source`."""
    found = ask.question(source, _set_query, reset_page)
    true, predicted, which = _class_lists(source.evaluation)
    keep = ask.mask(source, found, source.evaluation.mask(true, predicted, which))
    row = _opened(source)
    return State(source.name, source.key, source.factor, source.root, true, predicted, which, keep, cells, row)


def drawn_area() -> np.ndarray | None:
    """The corners (m, 2) of the drawn area, as the address has it."""
    try:
        corners = [[float(value) for value in corner.split(",")] for corner in st.query_params[keys.AREA].split(";")]
        area = np.array(corners)
        return area if area.ndim == 2 and area.shape[0] > 2 and area.shape[1] == 2 and np.isfinite(area).all() else None
    except (KeyError, ValueError):
        return None


def _opened(source: Source) -> int | None:
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


def _class_lists(evaluation: Evaluation) -> tuple[str | None, str | None, Which]:
    """The two lists and the filter: the keyboard's way, and what the address keeps."""
    classes, counts = evaluation.classes, evaluation.error_type_counts
    for key in (keys.TRUE, keys.PREDICTED):  # of a model with other classes
        if st.session_state.get(key) not in (None, *classes):
            st.session_state[key] = None
    left, right = st.columns(2)
    true = left.selectbox("True", classes, index=None, placeholder="any class", key=keys.TRUE, bind="query-params",
                          on_change=reset_page)  # fmt: skip
    predicted = right.selectbox("Predicted", classes, index=None, placeholder="any class", key=keys.PREDICTED,
                                bind="query-params", on_change=reset_page)  # fmt: skip
    kinds: list[Which] = ["all", "wrong", "right"]
    kinds += ["colour", "garment", "both"] if counts else []
    if st.session_state.get(keys.WHICH, "all") not in kinds:
        st.session_state[keys.WHICH] = "wrong"
    which = st.segmented_control("Show", kinds, key=keys.WHICH, default="all", required=True, on_change=reset_page,
                                 bind="query-params", label_visibility="collapsed")  # fmt: skip
    if counts:
        colour, garment, both = counts.values()
        st.caption(f"Wrong: {colour:,} by the colour alone, {garment:,} by the garment alone, {both:,} by both.")
    return true, predicted, which


def _set_query(words: str) -> None:
    """Ask this within the same lists and filter."""
    st.session_state[keys.QUERY] = words
    reset_page()
