"""Train's form for a new run: a preset, which photos, the recipe; sending it starts a worker."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from fashion_core import UserError, access, home, runs
from fashion_core.files import given_path
from fashion_core.photos import known
from fashion_core.photos.imaging import printable
from fashion_core.runs import config
from fashion_core.ui import boot, keys, run_list
from fashion_core.ui.gallery import escape_markdown
from fashion_core.ui.recipe_form import recipe_form

PRESETS = {
    "paper": "The paper's recipe: pretrained ResNet-50, 224 px, SGD, StepLR, 10 epochs. Made for a GPU.",
    "best": "Warm-up and cosine, crops and flips, label smoothing, moving average. Made for a GPU.",
    "quick": "ResNet-18 at 80 px from random weights: minutes on two CPU cores.",
    "frozen": "EfficientNet-Lite0 from ImageNet computes each photo once, then its last layer alone learns: minutes.",
}


def new_run(first: bool) -> None:
    """The form, open where it is the `first` run; it folds away once a run was started."""
    if st.session_state.pop(keys.TRAIN_STARTED, False):
        st.session_state[keys.TRAIN_NEW] = False
    if keys.TRAIN_FOLDER in st.query_params:
        _take_link()
    if keys.TRAIN_NEW not in st.session_state:  # from then on its own: another `expanded` would fold it anew
        st.session_state[keys.TRAIN_NEW] = first
    with st.expander("New run", icon=":material/add_circle:", key=keys.TRAIN_NEW, on_change="rerun"):
        preset = st.segmented_control(
            "Preset", list(config.PRESETS), default="quick", required=True, key=keys.TRAIN_PRESET
        )
        st.caption(PRESETS[preset])
        folders = known.folders()
        folder = st.selectbox("Photos", list(folders), key=keys.TRAIN_FOLDER, accept_new_options=True,
                              help="One folder per class. Choose one of Busana's folders, or type the path of "
                                   "another.")  # fmt: skip
        boot.link("data", "Make your own classes from photos", ":material/category:", **{keys.OWN_LINK: "own"})
        values = recipe_form(preset)
        if values is None:
            return
        try:
            start(preset, folders.get(folder) or given_path(folder), values)
        except UserError as mistake:
            st.error(escape_markdown(str(mistake)), icon=":material/error:")
            return
    st.rerun()


def start(preset: str, root: Path, values: Mapping[str, Any]) -> None:
    """Check, create and launch; the page then shows the run and folds the form."""
    recipe = config.preset(preset).changed(dict(values))
    runs.refuse_if_busy()
    if not root.exists() and root == home() / "data" / "sample":
        _draw_sample()
    if not root.is_dir():
        raise UserError(f"There is no folder {printable(root)}: give a folder that holds one folder per class.")
    known.remember(root)
    run = runs.create(recipe, access.inside(root))
    runs.launch(run)
    run_list.show(run.id)
    st.session_state[keys.TRAIN_STARTED] = True


def _draw_sample() -> None:
    from fashion_core.photos.sample import ensure

    bar = st.progress(0.0, "Rendering the sample set")

    def show(done: int, total: int, what: str) -> None:
        bar.progress(done / total, what)

    ensure(show)


def _take_link() -> None:
    """A link names the photos, by short name or, as old ones do, by path: take that out of the address."""
    linked = st.query_params.get(keys.TRAIN_FOLDER, "")
    del st.query_params[keys.TRAIN_FOLDER]
    names = {str(folder): name for name, folder in known.folders().items()}
    st.session_state[keys.TRAIN_FOLDER] = names.get(linked, linked)
    st.session_state[keys.TRAIN_NEW] = True
