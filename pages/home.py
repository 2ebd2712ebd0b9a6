"""The first page: try the model on a photo; then what it reaches, and where it errs. Without one: the first steps."""

from pathlib import Path

import streamlit as st

from fashion_core.class_names import confusion_in_words, names_in_words
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.models.registry import ModelRef, default_model, models, photo_folder
from fashion_core.reports import charts
from fashion_core.ui import keys, matrix_names
from fashion_core.ui.boot import PAGES, boot, guard, link
from fashion_core.ui.gallery import escape_markdown, photo_link_grid
from fashion_core.ui.model_card import knows, results
from fashion_core.ui.sample_set import show_sample
from fashion_core.ui.stored import evaluation_of, opening_file, opens_on
from fashion_core.ui.try_photos import try_photos

SETS = {"people": "photos people took", "test": "test photos"}
MISTAKES = 6  # kinds of mistakes with a photo each
FIRST_STEPS = (  # page, icon, label, what it is for
    ("data", "photo_library", "1 · Photos", "Begin with the sample set: ten classes, drawn here, no download."),
    ("train", "model_training", "2 · Train", "The quick recipe takes minutes on a laptop; the curves are live."),
    ("evaluate", "grid_on", "3 · Evaluate", "See what it confuses, and the photos behind each number."),
    ("predict", "center_focus_strong", "4 · Predict", "Drop photos of your own."),
)


def rank(ref: ModelRef) -> tuple[bool, bool, float]:
    """The larger, the better: what is published, and what was tested on real photos, comes before the rest."""
    return ref.published, ref.card.dataset.sample is None, ref.card.metrics.test_accuracy or 0.0


def show_first_steps() -> None:
    """A box for each page, in the order of their use."""
    st.markdown("Four steps from here to a model of your own:")
    grid = st.grid(len(FIRST_STEPS), min_column_width=200, border=True)
    for page, icon, label, purpose in FIRST_STEPS:
        with grid.container(gap="xxsmall", key=keys.page_link(page)):
            link(page, f"**{label}**", f":material/{icon}:", **({"folder": "sample"} if page == "data" else {}))
            st.caption(purpose)
    show_sample()


def show_matrix(ref: ModelRef, stored: Evaluation, photos: str) -> None:
    """The whole confusion matrix of these `photos`; a click opens the cell on the Evaluate page."""
    st.header("Confusion matrix")
    names = stored.classes
    words = list(names_in_words(names).values())
    options = charts.confusion_options(stored.confusion(), words, "count", dark=st.context.theme.type == "dark")
    chart = st.echarts_chart(
        options, key=keys.HOME_MATRIX, height=charts.matrix_height(len(names)), on_select="rerun",
        alt=f"Confusion matrix of {len(names)} classes; Evaluate has lists that choose its cells",
    )  # fmt: skip
    st.caption(
        f"{len(stored):,} {SETS[photos]}. Rows are true, columns predicted; blue is right, orange is wrong. Click a "
        "cell or a name to see its photos."
    )
    query = {"model": ref.name, "of": photos}
    if chosen := chart.selection.selected:
        true, predicted = divmod(chosen[0]["data_indices"][0], len(names))
        query |= {"true": words[true], "predicted": words[predicted]}
        st.switch_page(PAGES / "evaluate.py", query_params=query)
    if name := matrix_names.mount(keys.HOME_MATRIX, words, options):
        st.switch_page(PAGES / "evaluate.py", query_params={**query, name[0]: name[1]})


def show_mistakes(ref: ModelRef, stored: Evaluation, photos: str) -> None:
    """Of each of the most common confusions its most confident mistake, which opens all of them on Evaluate."""
    st.header("Most common mistakes")
    cells = stored.confusions(MISTAKES)
    if not cells:
        st.caption("None: every photo is right.")
        return
    folder, named = photo_folder(stored), names_in_words(stored.classes)
    shown = []
    for true, predicted, count in cells:
        first = stored.cell(true, predicted)["path"].iloc[0]
        words = escape_markdown(confusion_in_words(count, true, predicted, stored.classes))
        query = {"model": ref.name, "of": photos, "true": named[true], "predicted": named[predicted]}
        shown.append(((folder or Path(stored.root)) / first, words, query))
    photo_link_grid(shown, key=keys.HOME_MISTAKES, page="evaluate")
    if folder is None:
        st.caption("The results are complete; only the pictures are missing. Evaluate says how to get them.")


def show_model(ref: ModelRef) -> None:
    """Try it; the ways onward; what it reaches; where it errs."""
    try_photos(ref)
    with st.container(horizontal=True, key=keys.HOME_ONWARD):
        link("evaluate", "Inspect the model", ":material/grid_on:", model=ref.name)
        link("train", "Train your own", ":material/model_training:")
    st.header("How often it is right")
    measured = results(ref)
    grid = st.grid(len(measured), min_column_width=220, border=True, key=keys.figures("home"))
    for result in measured:
        with grid.container(gap="xsmall"):
            st.metric(result.on, result.share)
            st.markdown(result.sentence)
    file, photos = opening_file(ref), opens_on(ref.evaluation_file)
    if file.is_file():
        with guard():
            stored = evaluation_of(file)
        left, right = st.columns([6, 5], gap="large")
        with left:
            show_matrix(ref, stored, photos)
        with right:
            show_mistakes(ref, stored, photos)


boot("Home")
st.title("Busana")
tested = [ref for ref in models() if not ref.problem and ref.card.metrics.test_n]
if tested:
    named = {ref.name: ref for ref in sorted(tested, key=rank)}  # a published model hides a run of its name
    shown = named[default_model(reversed(named))]
    st.markdown(escape_markdown(knows(shown.card.classes)))
    show_model(shown)
else:
    st.markdown("Train, inspect and share classifiers of apparel photos. Everything stays on this machine.")
    show_first_steps()
