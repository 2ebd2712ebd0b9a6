"""All photos where the network sees them: an area drawn around some selects them."""

from dataclasses import replace
from functools import partial

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from fashion_core.class_names import factors, in_words
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.photos.imaging import printable
from fashion_core.reports import photo_map
from fashion_core.reports.charts import CLASSES_UP_TO, most_confused
from fashion_core.ui import keys, stored, thumbnails
from fashion_core.ui.evaluate import map_photos
from fashion_core.ui.evaluate.matrix import OTHERS
from fashion_core.ui.evaluate.selection import clear_area, drawn_area, open_photo, select_area
from fashion_core.ui.evaluate.state import Shown, State
from fashion_core.ui.evaluate.tables import clicked_point
from fashion_core.ui.stored import EvaluationKey

COLOURS = ("label", "prediction", "error", "split")  # what points may be coloured by


def view(state: State) -> Shown:
    """The map; within what was drawn on it, which the address keeps, the photos that pass."""
    by = st.segmented_control("Colour by", list(COLOURS), key=keys.MAP_COLOUR, default="label", required=True,
                              bind="query-params", label_visibility="collapsed")  # fmt: skip
    area = drawn_area()
    corners = None if area is None else tuple(map(tuple, area.tolist()))
    keep = np.packbits(state.keep).tobytes()  # a cache looks at all of it, of a large array at some
    with st.container(key=keys.MAP_BOX):
        st.plotly_chart(_figure(state.key, state.factor, by, corners, keep), key=keys.MAP, height=photo_map.HEIGHT,
                        on_select=partial(_from_map, state.key), selection_mode=("points", "lasso", "box"),
                        config={"scrollZoom": True, "displaylogo": False, "displayModeBar": True})  # fmt: skip
        map_photos.mount(thumbnails.address(state.key, state.root))
    st.caption(
        "Photos close together look alike to the model. Hover over a point to see its photo, click to open it, scroll "
        "to zoom in until photos show. Lasso or box selects several. Faint points are filtered out."
    )
    if area is None:
        return state.selected
    st.button("Clear the drawn area", key=keys.CLEAR_AREA, icon=":material/close:", on_click=clear_area)
    from skimage.measure import points_in_poly

    return replace(state, keep=state.keep & points_in_poly(_points(state.key), area)).selected


@st.cache_resource(max_entries=8, show_spinner=False)
def _points(key: EvaluationKey) -> np.ndarray:
    """(photos, 2) where each lies; not a number where there are no explanations of it."""
    explanations, rows = stored.explanations_of(key.model), stored.explanation_rows(key)
    assert explanations is not None  # the view is drawn only where there are some
    return np.where(rows[:, None] >= 0, explanations.embeddings[rows][:, :2].astype(np.float32), np.nan)


@st.cache_resource(max_entries=8, show_spinner=False)
def _figure(key: EvaluationKey, factor: int | None, by: str, area: tuple | None, keep: bytes) -> go.Figure:
    """`keep`: the photos that pass the filters, eight a byte."""
    groups = _groups(key, factor, by)
    pairs = _pairs(key, set(groups)) if factor is None and by in ("label", "prediction") else None
    corners = None if area is None else np.array(area)
    passing = np.unpackbits(np.frombuffer(keep, np.uint8), count=len(groups)).astype(bool)
    return photo_map.map_figure(_points(key), groups, _about(key), corners, pairs, passing)


def _pairs(key: EvaluationKey, names: set[str]) -> dict[str, tuple[str, str]] | None:
    """Class → (colour, garment) of those drawn; None where they do not come apart, or some are one group."""
    classes = stored.predictions_of(key).classes
    known = dict(zip(classes, factors(classes) or (), strict=False))
    return {name: known[name] for name in classes if name in names} if names <= known.keys() else None


def _about(key: EvaluationKey) -> list[str]:
    """Two lines on each photo: its label and what it was called, and its name."""
    evaluation = stored.predictions_of(key)
    words = np.array([in_words(name) for name in evaluation.classes], dtype=object)
    who = "its neighbours say" if evaluation.meta.probabilities == "votes" else "called"
    called = ["" if right else f", {who} {name}" for right, name in
              zip(evaluation.right, words[evaluation.predicted], strict=True)]  # fmt: skip
    names = map(printable, evaluation.photos["path"])
    return [
        f"{label}{other}\n{name}" for label, other, name in zip(words[evaluation.truth], called, names, strict=True)
    ]


def _groups(key: EvaluationKey, factor: int | None, by: str) -> np.ndarray:
    """(photos,) the name of each one's group."""
    evaluation = stored.predictions_of(key) if factor is None else stored.marginalised(key, factor)
    if by == "error":
        return np.where(evaluation.right, "right", "wrong")
    if by == "split":
        explanations, rows = stored.explanations_of(key.model), stored.explanation_rows(key)
        assert explanations is not None
        return np.where(rows >= 0, explanations.photos["split"].to_numpy()[rows], "unknown")
    return _names(evaluation)[evaluation.truth if by == "label" else evaluation.predicted]


def _names(evaluation: Evaluation) -> np.ndarray:
    """(classes,) their names; of very many, those without many mistakes are one group."""
    names = np.array(evaluation.classes, dtype=object)
    if len(names) > CLASSES_UP_TO:
        named = np.zeros(len(names), bool)
        named[most_confused(evaluation.confusion(), CLASSES_UP_TO)] = True
        names[~named] = OTHERS
    return names


def _from_map(key: EvaluationKey) -> None:
    """An area that was drawn, or the photo of a point that was clicked."""
    chosen = st.session_state[keys.MAP].selection
    if shapes := [*chosen.lasso, *chosen.box]:
        x, y = shapes[0]["x"], shapes[0]["y"]
        if len(x) == 2:  # a box gives two corners of four
            x, y = [x[0], x[1], x[1], x[0]], [y[0], y[0], y[1], y[1]]
        select_area(x, y)
    elif point := clicked_point(keys.MAP):
        open_photo(stored.predictions_of(key).photos["path"][int(point[0])])
