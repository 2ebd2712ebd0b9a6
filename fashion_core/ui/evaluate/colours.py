"""Measured colours against labels: all photos along lightness, and a table of those to look at."""

from functools import partial
from urllib.parse import quote

import numpy as np
import pandas as pd
import streamlit as st

from fashion_core.class_names import COLOUR
from fashion_core.evaluation.colour_check import NEIGHBOURS, SURE
from fashion_core.models.predictor import why_unexplained
from fashion_core.photos import colour_words, garment_colour
from fashion_core.reports import charts
from fashion_core.ui import background, keys, stored
from fashion_core.ui.evaluate.selection import open_photo
from fashion_core.ui.evaluate.state import Shown, State
from fashion_core.ui.evaluate.tables import clicked_point, photo_table
from fashion_core.ui.gallery import escape_markdown

POINTS_UP_TO = 2000  # drawn of right colours, and of wrong ones: more lie on each other, and all go to the browser
ROWS_UP_TO = 1000  # of the table
SWATCH = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='24' height='24'%3E"
    "%3Crect width='24' height='24' fill='{}'/%3E%3C/svg%3E"
)
UNSURE = "unsure"  # in the table, instead of a colour whose measurement may be of something else


def view(state: State) -> Shown:
    """The photos that pass, where labels have colours and these were measured."""
    if not state.key.explanations_mtime:
        st.info(escape_markdown(why_unexplained(state.key.model)), icon=":material/palette:")
        return state.selected
    job = stored.colour_check_of(state.key)
    if not background.ready(job, "colours"):
        return state.selected
    check = job.result()
    if check is None:
        st.info("Colours are compared where class names are of the form colour_garment, in two colours or more.",
                icon=":material/palette:")  # fmt: skip
        return state.selected
    rows = check[state.keep[check["index"]]]
    right = stored.marginalised(state.key, COLOUR).right[rows["index"]]
    _chart(rows, right)
    listed = _table(rows, right)
    return state.in_order(listed["index"].to_numpy(int), "darkest first")


def _chart(rows: pd.DataFrame, right: np.ndarray) -> None:
    drawn = drawn_points(right)
    figure = charts.colour_figure(rows[drawn], right[drawn])
    st.plotly_chart(figure, key=keys.COLOUR_CHART, height=charts.HEIGHT, selection_mode="points",
                    on_select=partial(_from_chart, dict(rows.loc[drawn, ["index", "path"]].to_numpy())),
                    config={"displayModeBar": False})  # fmt: skip
    few = "" if drawn.all() else f" {drawn.sum():,} of {len(drawn):,} photos are drawn, the dark and the light alike."
    unsure = " A hollow point is a colour whose measurement is unsure." if rows["unsure"].any() else ""
    about = "Measured lightness of the garment, by the colour of its label. Click a point to open its photo."
    st.caption(f"{about}{unsure}{few}")


def drawn_points(right: np.ndarray) -> np.ndarray:
    """bool (rows): which rows are drawn: of those right in colour, and of those wrong, POINTS_UP_TO at most, evenly
    chosen along the rows."""
    drawn = np.zeros(len(right), bool)
    for places in (np.flatnonzero(right), np.flatnonzero(~right)):
        few = np.linspace(0, len(places) - 1, min(len(places), POINTS_UP_TO))
        drawn[places[few.astype(int)]] = True
    return drawn


def _table(rows: pd.DataFrame, right: np.ndarray) -> pd.DataFrame:
    """The table of those to look at; returns its rows."""
    only = st.toggle("Only where pixels and label disagree", key=keys.CONTRADICTED, bind="query-params")
    listed = rows[rows["contradicted"]] if only else rows[~right | rows["contradicted"]]
    what = (
        "the label says one colour, the pixels another" if only else "colour mistakes, and labels at odds with pixels"
    )
    first = f" The table has the first {ROWS_UP_TO:,}." if len(listed) > ROWS_UP_TO else ""
    count = "1 photo" if len(listed) == 1 else f"{len(listed):,} photos"
    st.markdown(f"**{count}**, the darkest first: {what}.{first}")
    table = listed.head(ROWS_UP_TO)
    photo_table(_measured(table).assign(pixels=table["pixels"].where(~table["unsure"], UNSURE)), keys.COLOURS_TABLE, {
        "label": st.column_config.TextColumn("Label", width=95),
        "predicted": st.column_config.TextColumn("Predicted", width=95),
        "pixels": st.column_config.TextColumn("Pixels say", width=74),
        "contradicted": st.column_config.CheckboxColumn("At odds", width=58),
        "swatch": st.column_config.ImageColumn("Seen", width=42),
        "measured": st.column_config.TextColumn("Measured colour", width=160),
        "path": st.column_config.TextColumn("File", width=300),  # last: the photos themselves stand beside the table
    })  # fmt: skip
    st.caption(
        f"“Pixels say”: the usual label of the {NEIGHBOURS} training photos nearest in colour. “At odds”: {SURE:.0%} "
        "or more of them agree on another. “unsure”: the measured colour may not be the garment's. Tick a row to "
        "open its photo."
    )
    return listed


def _measured(table: pd.DataFrame) -> pd.DataFrame:
    """The table with each measured colour as a swatch, an SVG in its own address, and in words."""
    colours = table[["lightness", "chroma", "hue"]].to_numpy(float)
    swatches = [SWATCH.format(quote(each)) for each in garment_colour.hexadecimal(colours)]
    return table.assign(swatch=swatches, measured=[colour_words.in_words(*colour) for colour in colours])


def _from_chart(paths: dict[int, str]) -> None:
    """`paths`: of the photos that were drawn, by their row. The browser may spell a path otherwise."""
    if point := clicked_point(keys.COLOUR_CHART):
        open_photo(paths[int(point[0])])
