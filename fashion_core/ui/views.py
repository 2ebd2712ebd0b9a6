"""An evaluation beside its matrix and report: confidences, suspect labels, the lane between two colours."""

import zlib

import numpy as np
import pandas as pd
import streamlit as st

from fashion_core import charts
from fashion_core.evaluation import Evaluation, reliability, risk_coverage, wilson
from fashion_core.lane import NEIGHBOURS, SURE
from fashion_core.question import percent
from fashion_core.ui.doors import choose_by_words, first_page
from fashion_core.ui.photo import open_photo


def confidence(evaluation: Evaluation) -> None:
    """How far confidences can be trusted, and what refusing the least sure would bring; both open their photos."""
    table = reliability(evaluation.confidence, evaluation.right, bins=10)
    st.markdown(
        f"**How honest is a confidence?** Its expected calibration error is {evaluation.calibration_error:.3f}."
    )
    st.plotly_chart(charts.reliability_figure(table), key="reliability", on_select=_from_bars,
                    selection_mode="points", config={"displayModeBar": False})  # fmt: skip
    st.caption("Bars on the dotted line are honest; strokes are 95% intervals. Click a bar to see its photos.")
    st.markdown("**What if it may say “I do not know”?**")
    share = st.slider("Refuse the least sure", 0, 50, 10, format="%d%%", key="refuse", bind="query-params") / 100
    curve = risk_coverage(evaluation.confidence, evaluation.right)
    at = curve.iloc[np.abs(curve["coverage"] - (1 - share)).argmin()]
    n, right = int(at["n"]), round(at["accuracy"] * at["n"])
    low, high = wilson(right, n)
    st.markdown(
        f"Refusing {1 - at['coverage']:.1%} leaves **{at['accuracy']:.2%}** of {n:,} photos right, 95% interval "
        f"{low:.1%} to {high:.1%}, instead of {evaluation.accuracy:.2%} of all."
    )
    words = f"below {percent(at['least'])}" if n < len(evaluation) else "below 0%"
    st.button(f"The {len(evaluation) - n:,} it would refuse", key="door-refused", icon=":material/photo_library:",
              type="tertiary", on_click=choose_by_words, args=(words,))  # fmt: skip
    st.plotly_chart(charts.coverage_figure(curve, share), key="coverage", config={"displayModeBar": False})


def _from_bars() -> None:
    if about := _clicked("reliability"):
        low, high, _ = about
        choose_by_words(f"at least {percent(low)}" + (f", below {percent(high)}" if high < 1 else ""))


def labels(suspect: pd.DataFrame) -> pd.DataFrame:
    """The table of suspect labels; returns the one that is ticked, or all of them."""
    st.markdown(f"**{len(suspect):,}** labels look wrong, the worst first.")
    chosen = _table(suspect, "suspects", {
        "path": "Photo", "label": "Label", "predicted": "Perhaps",
        "score": st.column_config.NumberColumn("Belief in the label", format="percent"),
    })  # fmt: skip
    st.caption(
        "By confident learning: the model is surer of another class than it usually is of that class's own photos. "
        "A place to look, not a verdict: it may be the model that errs. Tick a row to see its photo alone."
    )
    return chosen


def lane(along: pd.DataFrame, right: np.ndarray) -> pd.DataFrame:
    """The chart of all photos along lightness, and the table of those in `along`; returns the ticked one, or all.

    `along` are rows of `lane.table`; `right`, bool (photos), is the colour's part of right answers.
    """
    st.plotly_chart(charts.lane_figure(along, right[along["index"]]), key="strip", selection_mode="points",
                    on_select=_from_strip, config={"displayModeBar": False})  # fmt: skip
    st.caption("Measured lightness of the garment, by the colour of its label. Click a point to open its photo.")
    only = st.toggle("Only where pixels and label disagree", key="contradicted", bind="query-params")
    shown = along[along["contradicted"]] if only else along[~right[along["index"]] | along["contradicted"]]
    what = (
        "the label says one colour, the pixels another" if only else "colour mistakes, and labels at odds with pixels"
    )
    st.markdown(f"**{len(shown):,}** photos, the darkest first: {what}.")
    chosen = _table(shown, "lane", {
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
        f"at odds: {SURE:.0%} of them agree on another colour than the label. Tick a row to see its photo alone."
    )
    return chosen


def _from_strip() -> None:
    if about := _clicked("strip"):
        open_photo(int(about[0]))


def _clicked(chart: str) -> list | None:
    """The customdata of the point just clicked in this Plotly chart: it comes back as a dict of its places."""
    points = st.session_state[chart].selection.points
    return list(dict(points[0]["customdata"]).values()) if points else None


def _table(rows: pd.DataFrame, key: str, columns: dict) -> pd.DataFrame:
    """`rows` as a table of these columns; returns the row that is ticked, or all of them.

    A tick is a place, and Streamlit keeps it when other rows come: so other rows are another table.
    """
    name = f"{key}-{zlib.crc32(rows['index'].to_numpy(np.int64).tobytes())}"
    shows = st.dataframe(rows[list(columns)], hide_index=True, key=name, on_select=first_page, placeholder="",
                         selection_mode="single-row", height=min(35 * len(rows) + 38, 460),
                         column_config=columns)  # fmt: skip
    return rows.iloc[shows.selection.rows] if shows.selection.rows else rows
