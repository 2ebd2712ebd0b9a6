"""The confusion matrix; of very many classes, those with the most mistakes."""

from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from fashion_core.class_names import names_in_words
from fashion_core.reports import charts
from fashion_core.reports.charts import CLASSES_UP_TO, Normalise, most_confused
from fashion_core.ui import keys, matrix_names
from fashion_core.ui.evaluate.selection import last_selected, select
from fashion_core.ui.evaluate.state import Shown, State
from fashion_core.ui.evaluate.tables import shown

CELLS: dict[str, Normalise] = {"counts": "count", "by true": "true", "by predicted": "predicted"}
OTHERS = "all other classes"


def choose_cells() -> Normalise:
    """What the cells show. It is drawn whichever view is open: the download shows the same."""
    chosen = st.segmented_control("Cells show", list(CELLS), key=keys.CELLS, default="counts", required=True,
                                  bind="query-params", label_visibility="collapsed")  # fmt: skip
    return CELLS[chosen]


def view(state: State) -> Shown:
    """The matrix with this selection framed; a cell selects its photos."""
    classes, matrix = state.evaluation.classes, state.evaluation.confusion()
    places = drawn_classes(matrix, classes, (state.true, state.predicted))
    names = tuple(classes[place] for place in places)
    dark = st.context.theme.type == "dark"
    options = options_of(matrix, classes, places, state.cells, (state.true, state.predicted), dark)
    variant = shown(names)
    with st.container(key=keys.MATRIX):
        st.echarts_chart(
            options, key=keys.variant(keys.MATRIX, variant), height=charts.matrix_height(len(names)),
            on_select=partial(_from_matrix, variant, names),
            alt=f"Confusion matrix of {len(names)} classes; the lists True and Predicted choose its cells too",
        )  # fmt: skip
    matrix_names.mount(keys.MATRIX, names, options, _from_name)
    if len(names) < len(classes):
        st.caption(f"Showing the {CLASSES_UP_TO} classes with the most mistakes of {len(classes):,}, and those chosen. "
                   "The lists True and Predicted reach every class; shares are of all classes.")  # fmt: skip
    st.caption("Click a cell or a name to see its photos; under “wrong”, all mistakes of a class. Blue is right, "
               "orange wrong.")  # fmt: skip
    return state.selected


def drawn_classes(matrix: np.ndarray, classes: tuple[str, ...], chosen: tuple[str | None, str | None]) -> np.ndarray:
    """Indices of the classes to draw, in their order: all, or those with the most mistakes and the chosen ones."""
    if len(classes) <= CLASSES_UP_TO:
        return np.arange(len(classes))
    wanted = [classes.index(name) for name in chosen if name is not None]
    return np.union1d(most_confused(matrix, CLASSES_UP_TO), np.array(wanted, int))


def options_of(
    matrix: np.ndarray, classes: tuple[str, ...], places: np.ndarray, cells: Normalise,
    chosen: tuple[str | None, str | None], dark: bool,
) -> dict[str, Any]:  # fmt: skip
    """As of `charts.confusion_options`, of the classes at `places` alone, with shares as of the whole matrix."""
    words = names_in_words(classes)
    names = [words[classes[place]] for place in places]
    chosen = words.get(chosen[0] or ""), words.get(chosen[1] or "")
    if len(names) == len(classes):
        return charts.confusion_options(matrix, names, cells, chosen, dark, margins=True)
    # The others are summed up, so that rows and columns have their whole sums, and are then not drawn.
    options = charts.confusion_options(_others_summed(matrix, places), [*names, OTHERS], cells, chosen, dark)
    series = options["series"][0]
    series["data"] = [item for item in series["data"] if len(names) not in item["value"][:2]]
    for axis in (options["xAxis"], options["yAxis"]):
        axis["data"] = names
    return options


def _others_summed(matrix: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(k, k) → (m + 1, m + 1): the classes at `places` (m,), and the sum of all others last."""
    member = np.zeros((len(places) + 1, len(matrix)), matrix.dtype)
    member[-1] = 1
    member[-1, places] = 0
    member[np.arange(len(places)), places] = 1
    return member @ matrix @ member.T


def _from_matrix(variant: int, names: tuple[str, ...]) -> None:
    selected = st.session_state[keys.variant(keys.MATRIX, variant)].selection.selected
    place = last_selected(keys.MATRIX, variant, selected[0]["data_indices"] if selected else [])
    if isinstance(place, int):
        select(**_selection(place, names))


def _from_name(axis: matrix_names.Axis, name: str) -> None:
    select(name, None) if axis == "true" else select(None, name)


def _selection(place: int, names: tuple[str, ...]) -> dict[str, Any]:
    """What the item at `place` of the chart's data selects: a cell, or the mistakes of a class."""
    k = len(names)
    if place < k * k:
        return {"true": names[place // k], "predicted": names[place % k]}
    key = "true" if place < k * k + k else "predicted"
    return {key: names[(place - k * k) % k], "which": "wrong"}
