"""How far confidences can be trusted, and what refusing the least sure would bring; both select their photos."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fashion_core.evaluation.query import percent
from fashion_core.reports import charts
from fashion_core.stats import between, reliability, risk_coverage
from fashion_core.ui import keys
from fashion_core.ui.evaluate.selection import select_by_words
from fashion_core.ui.evaluate.state import Shown, State
from fashion_core.ui.evaluate.tables import clicked_point

VOTES = "These are votes, not confidences: the share of the nearest photos with that label; closer photos count more."
UNCALIBRATED = "These confidences are as the network gave them: they are calibrated after the last epoch."
LINE_POINTS = 2000


def view(state: State) -> Shown:
    _calibration(state)
    _refusal(state)
    return state.selected


def _calibration(state: State) -> None:
    evaluation = state.evaluation
    table = reliability(evaluation.confidence, evaluation.right, bins=10)
    what = "votes, taken as confidences" if state.votes else "confidences"
    st.markdown(f"**Calibration of the {what}.** Expected calibration error: {evaluation.calibration_error:.3f}.")
    with st.container():
        if state.votes or state.uncalibrated:
            st.caption(f":material/info: {VOTES if state.votes else UNCALIBRATED}")
    figure = charts.reliability_figure(table)
    st.plotly_chart(_of_votes(figure) if state.votes else figure, key=keys.RELIABILITY, height=charts.HEIGHT,
                    on_select=_from_bars, selection_mode="points", config={"displayModeBar": False})  # fmt: skip
    st.caption(
        "A bar on the dotted line is calibrated: that share of its photos is right. Lines are 95% intervals. Click a "
        "bar to see its photos."
    )


def _of_votes(figure: go.Figure) -> go.Figure:
    figure.update_xaxes(title="share of the votes")
    return figure.for_each_trace(
        lambda trace: trace.update(hovertemplate=(trace.hovertemplate or "").replace("confidence", "votes"))
    )


def _refusal(state: State) -> None:
    evaluation = state.evaluation
    st.markdown("**Refusing the least sure answers**")
    least = "Refuse those with the fewest votes" if state.votes else "Refuse the least sure"
    share = st.slider(least, 0, 50, 10, format="%d%%", key=keys.REFUSED_SHARE, bind="query-params") / 100
    curve = risk_coverage(evaluation.confidence, evaluation.right)
    at = curve.iloc[np.abs(curve["coverage"] - (1 - share)).argmin()]
    n, right = int(at["n"]), round(at["accuracy"] * at["n"])
    st.markdown(
        f"Refusing {1 - at['coverage']:.1%} leaves **{at['accuracy']:.2%}** of {n:,} photos right, 95% interval "
        f"{between(right, n)}, instead of {evaluation.accuracy:.2%} of all."
    )
    words = f"below {percent(at['least'])}" if n < len(evaluation) else "below 0%"
    st.button(f"The {len(evaluation) - n:,} it would refuse", key=keys.select("refused"), type="tertiary",
              icon=":material/photo_library:", on_click=select_by_words, args=(words,),
              disabled=n == len(evaluation))  # fmt: skip
    st.plotly_chart(charts.coverage_figure(_thinned(curve), share), key=keys.COVERAGE, height=charts.HEIGHT,
                    config={"displayModeBar": False})  # fmt: skip


def _thinned(curve: pd.DataFrame) -> pd.DataFrame:
    """At most LINE_POINTS rows of a curve, its ends among them: a line on a screen shows no more."""
    return curve.iloc[np.unique(np.linspace(0, len(curve) - 1, min(len(curve), LINE_POINTS)).astype(int))]


def _from_bars() -> None:
    if point := clicked_point(keys.RELIABILITY):
        low, high, _ = point
        select_by_words(f"at least {percent(low)}" + (f", below {percent(high)}" if high < 1 else ""))
