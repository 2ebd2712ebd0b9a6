"""Train: recipe → start → live curves → stop, resume, compare. The run lives on disk, not in this page."""

from dataclasses import fields
from pathlib import Path

import streamlit as st

from fashion_core import UserError, home, runs
from fashion_core.photos.imaging import printable
from fashion_core.runs import config
from fashion_core.ui import live
from fashion_core.ui.boot import boot, guard

ARCHITECTURES = [
    "resnet50", "resnet18", "mobilenet_v3_large", "mobilenet_v3_small", "efficientnet_b0", "convnext_tiny", "vgg16",
    "googlenet",
]  # fmt: skip
FIRST = ("architecture", "pretrained", "image_size", "epochs", "batch_size", "learning_rate")
PATHS = {
    "extra": "A folder of photos to train on besides; empty is none",
    "decisions": "A CSV of photo and right label; auto is the one beside the photos, where there is one; empty is none",
}
TOLD = {
    "paper": "The paper's recipe: pretrained ResNet-50, 224 px, SGD, StepLR, 10 epochs. Made for a GPU.",
    "best": "Warm-up and cosine, crops and flips, label smoothing, moving average. Made for a GPU.",
    "quick": "ResNet-18 at 80 px from random weights: minutes on two CPU cores.",
}


def ask(name: str, preset: str):
    """The widget for one setting, starting at the preset's value."""
    value, key, title = getattr(config.PRESETS[preset], name), f"{preset}.{name}", name.replace("_", " ").capitalize()
    about = config.RANGES[name][2].capitalize() if name in config.RANGES else None
    if name == "architecture":
        return st.selectbox(
            title,
            ARCHITECTURES,
            ARCHITECTURES.index(value),
            key=key,
            accept_new_options=True,
            help="Any torchvision classifier: type its name",
        )
    if name == "pretrained":
        return st.selectbox(
            title,
            ["imagenet", "none"],
            ["imagenet", "none"].index(value),
            key=key,
            accept_new_options=True,
            help="imagenet, none, or type the path of a weights file",
        )
    if name in config.CHOICES:
        return st.selectbox(title, config.CHOICES[name], config.CHOICES[name].index(value), key=key)
    if name in PATHS:
        return st.text_input(title, value, key=key, help=PATHS[name])
    if isinstance(value, bool):
        return st.toggle(title, value, key=key)
    if isinstance(value, int):
        return st.number_input(title, value=value, step=1, key=key, help=about)
    return st.number_input(title, value=value, format="%g", step=value / 10 or 0.01, key=key, help=about)


def start(preset: str, folder: str, values: dict) -> None:
    """Check, create and launch; the address then names the run."""
    root = Path(folder.strip()).expanduser()
    recipe = config.preset(preset).changed(values)
    runs.refuse_if_busy()
    if not root.exists() and root == home() / "data" / "sample":
        from fashion_core.photos.sample import ensure

        bar = st.progress(0.0, "Rendering the sample set")
        ensure(lambda done, total, what: bar.progress(done / total, what))
    if not root.is_dir():
        raise UserError(f"There is no folder {root}: give the path of a folder that holds one folder per class.")
    run = runs.create(recipe, root)
    runs.launch(run)
    st.session_state["run"] = run.id


def open_row() -> None:
    """A row of the list was clicked: show that run."""
    if rows := st.session_state["runs-table"]["selection"]["rows"]:
        st.session_state["run"] = runs.find()[rows[0]].id


boot("Train")
st.title("Train")
everything = runs.find()

with st.expander("New run", expanded=not everything, icon=":material/add_circle:"):
    preset = st.segmented_control("Preset", list(config.PRESETS), default="quick", required=True, key="preset")
    st.caption(TOLD[preset])
    folder = st.text_input(
        "Folder of photos",
        str(home() / "data" / "sample"),
        key="folder",
        bind="query-params",
        help="One folder per class. The default is the rendered sample set.",
    )
    with st.form("recipe", border=False):
        grid = st.grid(3, min_column_width=180)
        values = {}
        for name in FIRST:
            with grid.cell():
                values[name] = ask(name, preset)
        with st.expander("Every other setting"):
            rest = st.grid(4, min_column_width=160)
            for field in fields(config.TrainConfig):
                if field.name not in (*FIRST, "preset"):
                    with rest.cell():
                        values[field.name] = ask(field.name, preset)
        begin = st.form_submit_button("Start training", type="primary", icon=":material/play_arrow:")
    if begin:
        with guard():
            start(preset, folder, values)
        st.rerun()

if not everything:
    st.info("No run yet. The quick preset on the sample set takes a few minutes on a laptop: press **Start training**.")
    st.stop()

names = [run.id for run in everything]
chosen, laid = st.columns([2, 3])
with chosen:
    name = st.selectbox("Run", names, key="run", bind="query-params")
with laid:
    beside = st.multiselect(
        "Laid over it", [other for other in names if other != name], key="beside", bind="query-params"
    )
with st.container(horizontal=True, vertical_alignment="bottom"):
    by = st.segmented_control("Per", ["step", "epoch"], default="step", required=True, key="by", bind="query-params")
    axis = st.segmented_control(
        "Axis", ["linear", "log"], default="linear", required=True, key="axis", bind="query-params"
    )
    smoothing = st.slider(
        "Smoothing", 0.0, 0.99, 0.6, key="smoothing", width=200, help="Of the training line, per step"
    )
    part = st.slider("Zoom", 0, 100, (0, 100), format="%d%%", key="zoom", width=260, help="The part of the run to show")
span = (part[0] / 100, max(part[1], part[0] + 1) / 100)
look = live.CurveOptions(by, smoothing, axis == "log", span)
live.watch(runs.get(name), [runs.get(other) for other in beside], look)

st.subheader("All runs")
rows = [
    {
        "run": run.id, "state": run.state, "architecture": run.config.architecture, "pixels": run.config.image_size,
        "epochs": run.config.epochs, "photos": printable(run.dataset.name),
        "result": run.result,
    }
    for run in everything
]  # fmt: skip
st.dataframe(rows, hide_index=True, on_select=open_row, selection_mode="single-row", key="runs-table")
st.caption("Click a row to see that run.")
