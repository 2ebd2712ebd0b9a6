"""Train: recipe → start → live curves → stop, resume, compare. The run lives on disk, not in this page."""

from functools import partial

import streamlit as st

from fashion_core import runs
from fashion_core.reports import curves
from fashion_core.runs import shelf
from fashion_core.ui import curve_zoom, keys, live, run_list
from fashion_core.ui.boot import boot, guard
from fashion_core.ui.new_run import new_run


def curve_options() -> live.CurveOptions:
    """The row of controls under the choice of runs."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        per = st.segmented_control(
            "X axis", ["step", "epoch"], default="step", required=True, key=keys.TRAIN_PER, bind="query-params"
        )
        axis = st.segmented_control(
            "Y scale", ["linear", "log"], default="linear", required=True, key=keys.TRAIN_AXIS, bind="query-params"
        )
        smoothing = st.slider(
            "Smoothing", 0.0, 0.99, 0.6, key=keys.TRAIN_SMOOTHING, width=200, help="Of the training line, per step"
        )
        st.session_state.setdefault(keys.TRAIN_ZOOM, (0, 100))  # no `value`: both would be logged as a conflict
        st.slider(
            "Zoom", 0, 100, format="%d%%", key=keys.TRAIN_ZOOM, width=260,
            help=f"The share of the run to show. {curve_zoom.WORDS}.",
        )  # fmt: skip
    low, high = st.session_state[keys.TRAIN_ZOOM]
    span = (low / 100, max(high, low + 1) / 100)
    return live.CurveOptions("epoch" if per == "epoch" else "step", smoothing, axis == "log", span)


def zoom(run: runs.Run, beside: list[runs.Run], options: live.CurveOptions, part: curves.Span | None) -> None:
    """Set the slider to `part` of what is shown, or to the whole run."""
    low, high = live.zoomed(run, beside, options, part) if part else (0, 1)
    start = min(round(100 * low), 99)
    st.session_state[keys.TRAIN_ZOOM] = (start, max(round(100 * high), start + 1))


boot("Train")
st.title("Train")
with guard():
    listed = {run.id: run for run in runs.find()}

new_run(first=not listed)
with st.container():  # what comes and goes
    run_list.news()
if not listed:
    st.info("No run yet. The quick preset on the sample set takes a few minutes on a laptop: press **Start training**.")
    live.poll({})
    st.stop()

states, names = {name: run.state for name, run in listed.items()}, shelf.names(list(listed.values()))
left, right, menu = st.columns([3, 4, 2], vertical_alignment="bottom")
with left:
    shown = run_list.choose(listed, names)
overlays = right.multiselect(
    "Compare with", [n for n in listed if n != shown], key=keys.TRAIN_OVERLAYS, format_func=lambda one: names[one]
)
with menu:
    run_list.manage(listed[shown], states[shown])
beside, options = [listed[name] for name in overlays], curve_options()
curve_zoom.mount(partial(zoom, listed[shown], beside, options), options.span == (0, 1))
live.watch(listed[shown], states, beside, options)
