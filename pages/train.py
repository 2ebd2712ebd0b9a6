"""Train: recipe → start → live curves → stop, resume, compare. The run lives on disk, not in this page."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from fashion_core import UserError, home, runs
from fashion_core.files import given_path
from fashion_core.photos.imaging import printable
from fashion_core.runs import Run, config
from fashion_core.ui import keys, live
from fashion_core.ui.boot import boot, guard
from fashion_core.ui.recipe_form import recipe_form

PRESETS = {
    "paper": "The paper's recipe: pretrained ResNet-50, 224 px, SGD, StepLR, 10 epochs. Made for a GPU.",
    "best": "Warm-up and cosine, crops and flips, label smoothing, moving average. Made for a GPU.",
    "quick": "ResNet-18 at 80 px from random weights: minutes on two CPU cores.",
}


def new_run() -> None:
    """The form; sending it starts a run."""
    preset = st.segmented_control("Preset", list(config.PRESETS), default="quick", required=True, key=keys.TRAIN_PRESET)
    st.caption(PRESETS[preset])
    folder = st.text_input(
        "Folder of photos",
        str(home() / "data" / "sample"),
        key=keys.TRAIN_FOLDER,
        bind="query-params",
        help="One folder per class. The default is the rendered sample set.",
    )
    values = recipe_form(preset)
    if values is not None:
        with guard():
            start(preset, folder, values)
        st.rerun()


def start(preset: str, folder: str, values: Mapping[str, Any]) -> None:
    """Check, create and launch; the address then names the run."""
    root = given_path(folder)
    recipe = config.preset(preset).changed(dict(values))
    runs.refuse_if_busy()
    if not root.exists() and root == home() / "data" / "sample":
        from fashion_core.photos.sample import ensure

        bar = st.progress(0.0, "Rendering the sample set")

        def show(done: int, total: int, what: str) -> None:
            bar.progress(done / total, what)

        ensure(show)
    if not root.is_dir():
        raise UserError(f"There is no folder {root}: give the path of a folder that holds one folder per class.")
    run = runs.create(recipe, root)
    runs.launch(run)
    st.session_state[keys.TRAIN_RUN] = run.id


def curve_options() -> live.CurveOptions:
    """The row of controls under the choice of runs."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        per = st.segmented_control(
            "Per", ["step", "epoch"], default="step", required=True, key=keys.TRAIN_PER, bind="query-params"
        )
        axis = st.segmented_control(
            "Axis", ["linear", "log"], default="linear", required=True, key=keys.TRAIN_AXIS, bind="query-params"
        )
        smoothing = st.slider(
            "Smoothing", 0.0, 0.99, 0.6, key=keys.TRAIN_SMOOTHING, width=200, help="Of the training line, per step"
        )
        low, high = st.slider(
            "Zoom", 0, 100, (0, 100), format="%d%%", key=keys.TRAIN_ZOOM, width=260, help="The share of the run to show"
        )
    span = (low / 100, max(high, low + 1) / 100)
    return live.CurveOptions("epoch" if per == "epoch" else "step", smoothing, axis == "log", span)


def row(run: Run, state: str) -> dict[str, str | int | None]:
    """A line of the list; one of a run that cannot be read says why."""
    if problem := run.problem:
        return {"run": run.id, "state": runs.UNREADABLE, "result": problem}
    recipe, photos = run.config, printable(run.dataset.name)
    return {
        "run": run.id, "state": state, "architecture": recipe.architecture, "pixels": recipe.image_size,
        "epochs": recipe.epochs, "photos": photos, "result": run.result,
    }  # fmt: skip


def open_row(ids: Sequence[str]) -> None:
    """A row of the list was clicked: show that run. `ids` are those of the rows as they were drawn."""
    if rows := st.session_state[keys.TRAIN_TABLE]["selection"]["rows"]:
        st.session_state[keys.TRAIN_RUN] = ids[rows[0]]


boot("Train")
st.title("Train")
with guard():
    listed = {run.id: run for run in runs.find()}

with st.expander("New run", expanded=not listed, icon=":material/add_circle:"):
    new_run()
if not listed:
    st.info("No run yet. The quick preset on the sample set takes a few minutes on a laptop: press **Start training**.")
    st.stop()

states = {name: run.state for name, run in listed.items()}
left, right = st.columns([2, 3])
shown = left.selectbox("Run", list(listed), key=keys.TRAIN_RUN, bind="query-params")
overlays = right.multiselect(
    "Compare with", [n for n in listed if n != shown], key=keys.TRAIN_OVERLAYS, bind="query-params"
)
live.watch(listed[shown], states[shown], [listed[name] for name in overlays], curve_options())

st.subheader("All runs")
rows = [row(run, states[name]) for name, run in listed.items()]
st.dataframe(
    rows, hide_index=True, on_select=partial(open_row, list(listed)), selection_mode="single-row", key=keys.TRAIN_TABLE
)
st.caption("Click a row to see that run.")
