"""Measured colours against labels: all photos along lightness, and a table of those to look at."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from fashion_core.class_names import COLOUR
from fashion_core.evaluation.colour_check import NEIGHBOURS, SURE
from fashion_core.reports import charts
from fashion_core.ui import keys, stored
from fashion_core.ui.evaluate.selection import open_photo
from fashion_core.ui.evaluate.state import Shown, State
from fashion_core.ui.evaluate.tables import clicked_point, photo_table

POINTS_UP_TO = 4000  # of right colours drawn: more lie on each other; wrong ones are all drawn


def view(state: State) -> Shown:
    """The photos that pass, where labels have colours and these were measured."""
    check = stored.colour_check_of(state.key)
    if check is None:
        st.info("Colours are compared where class names are of the form colour_garment and the model was made with "
                "its evidence: train or publish it again.", icon=":material/palette:")  # fmt: skip
        return state.selected
    rows = check[state.keep[check["index"]]]
    right = stored.marginalised(state.key, COLOUR).right[rows["index"]]
    _chart(rows, right)
    listed = _table(rows, right)
    return state.in_order(listed["index"].to_numpy(int), "darkest first")


def _chart(rows: pd.DataFrame, right: np.ndarray) -> None:
    drawn = _drawn(right)
    figure = charts.colour_figure(rows[drawn], right[drawn])
    st.plotly_chart(figure, key=keys.COLOUR_CHART, selection_mode="points",
                    on_select=partial(_from_chart, dict(zip(rows["index"], rows["path"], strict=True))),
                    config={"displayModeBar": False})  # fmt: skip
    few = "" if drawn.all() else f" Of those right in colour {POINTS_UP_TO:,} are drawn."
    st.caption(f"Measured lightness of the garment, by the colour of its label. Click a point to open its photo.{few}")


def _drawn(right: np.ndarray) -> np.ndarray:
    """bool (rows): all that are wrong in colour, and as many of the others, evenly chosen, as can be told apart."""
    drawn, places = ~right, np.flatnonzero(right)
    drawn[places[np.unique(np.linspace(0, len(places) - 1, min(len(places), POINTS_UP_TO)).astype(int))]] = True
    return drawn


def _table(rows: pd.DataFrame, right: np.ndarray) -> pd.DataFrame:
    """The table of those to look at; returns its rows."""
    only = st.toggle("Only where pixels and label disagree", key=keys.CONTRADICTED, bind="query-params")
    listed = rows[rows["contradicted"]] if only else rows[~right | rows["contradicted"]]
    what = (
        "the label says one colour, the pixels another" if only else "colour mistakes, and labels at odds with pixels"
    )
    st.markdown(f"**{len(listed):,}** photos, the darkest first: {what}.")
    photo_table(listed, keys.COLOURS_TABLE, {
        "path": st.column_config.TextColumn("Photo", width=150),
        "label": st.column_config.TextColumn("Label", width=90),
        "predicted": st.column_config.TextColumn("Predicted", width=90),
        "pixels": st.column_config.TextColumn("Pixels say", width=70),
        "contradicted": st.column_config.CheckboxColumn("At odds", width=60),
        "lightness": st.column_config.NumberColumn("Light", format="%.0f", width=50),
        "chroma": st.column_config.NumberColumn("Chroma", format="%.0f", width=60),
        "agreement": st.column_config.NumberColumn("Agreement", format="percent", width=80),
        "hue": st.column_config.NumberColumn("Hue", format="%.0f°", width=50),
    })  # fmt: skip
    st.caption(
        f"Pixels say what most of the {NEIGHBOURS} training photos of the most similar measured colour are labelled; "
        f"at odds: {SURE:.0%} of them agree on another colour than the label. Tick a row to open its photo."
    )
    return listed


def _from_chart(paths: dict[int, str]) -> None:
    """`paths`: of the photos that were drawn, by their row."""
    if point := clicked_point(keys.COLOUR_CHART):
        open_photo(paths[int(point[0])])
