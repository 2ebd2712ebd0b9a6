"""Evaluate: the confusion matrix and the report of a finished model; every number selects its photos."""

from dataclasses import replace

import streamlit as st

from fashion_core import access
from fashion_core.ui import background, keys, label_review, stored
from fashion_core.ui.boot import boot, guard, link
from fashion_core.ui.evaluate import downloads, filters, headline, matrix, photos, source
from fashion_core.ui.evaluate.state import Source
from fashion_core.ui.evaluate.views import VIEWS
from fashion_core.ui.gallery import ask_photo_folder


def choose_source() -> Source:
    """Which evaluation is looked at. Where there is none, the page ends with a way to train."""
    files = stored.evaluations()
    if not files:
        st.info("No model has been evaluated yet: train one to its end.", icon=":material/grid_on:")
        link("train", "Train a model", ":material/model_training:")
        st.stop()
    # What comes and goes lies in a container of its own: a widget that it pushed to another place in the page would be
    # drawn anew, and the address would follow it no longer.
    notes = st.container()
    with st.container(horizontal=True, gap="medium", key=keys.SWITCHES):
        name = source.choose_model(files, notes)
        with notes, guard():
            test = stored.evaluation_of(files[name])
        key = source.choose_photo_set(files[name])
        factor = source.choose_factor(test.classes)
    if key.photos == "people":
        key = stored.people_key(files[name], factor)
    with notes, guard():
        root = ask_photo_folder(stored.evaluation_of(key.file))
        if key.photos == "all" and not background.ready(
            stored.cross_validation_of(key.file, key.explanations_mtime), "cross-validation"
        ):
            st.stop()
    with st.container(), guard():
        return Source(name, source.choose_epoch(key, factor), factor, root)


boot("Evaluate")
with st.container(horizontal=True, vertical_alignment="center", gap="medium", key=keys.HEADLINE):
    st.title("Evaluate", width="content")
    figures = st.container(horizontal=True, vertical_alignment="center", gap="small", key=keys.FIGURES)
chosen = choose_source()
with figures, guard():
    headline.show(chosen)
    menu = st.container(width="content")
with st.container(key=keys.BAR), guard():
    state = filters.state_of(chosen)
left, right = st.columns([6, 5], gap="large")
with left:
    tabs = dict(zip(VIEWS, st.tabs(list(VIEWS), key=keys.VIEW, bind="query-params"), strict=True))
with tabs["Matrix"]:
    state = replace(state, cells=matrix.choose_cells())
shown = state.selected
for name, tab in tabs.items():
    if tab.open:
        with tab, guard():
            shown = VIEWS[name](state)
with right, guard():
    photos.show(state, shown)
with menu, guard():
    downloads.share(state, shown.rows)
with guard():
    label_review.panel(state.whole, stored.photo_rows(state.key), state.corrections_file, state.root)
if not access.shared():  # a server of many keeps its memory, 85 MB, until somebody looks
    stored.load_ahead()  # once all is drawn, so that the first look at labels or oddities does not wait
