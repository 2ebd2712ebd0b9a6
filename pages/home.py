"""The first page: a model, what it reaches beside the paper, and where to go next; or the first steps."""

import streamlit as st

from fashion_core import paper
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.models.registry import ModelRef, default_model, models, photo_folder
from fashion_core.reports import charts
from fashion_core.stats import accuracy_with_interval
from fashion_core.ui import keys
from fashion_core.ui.boot import PAGES, boot, guard, link
from fashion_core.ui.gallery import escape_markdown, gallery
from fashion_core.ui.model_card import notes, review, share_box
from fashion_core.ui.sample_set import show_sample
from fashion_core.ui.stored import evaluation_of, opening_file, opens_on

# The link of a box begins where its text does.
LINK_STYLE = '<style>[class*="st-key-link-"] [data-testid="stPageLink"] { margin-left: -.5rem; }</style>'

NEXT = (  # page, icon, label, what it is for
    ("predict", "center_focus_strong", "Predict", "Drop photos and read what the model takes them for."),
    ("evaluate", "grid_on", "Inspect", "The confusion matrix, down to the photos behind each number."),
    ("train", "model_training", "Train", "Choose photos and a recipe and watch it learn."),
)
SETS = {"people": "photos people took", "test": "test photos"}
FIRST_STEPS = (
    ("data", "photo_library", "1 · Photos", "Begin with the sample set: ten classes, drawn here, no download."),
    ("train", "model_training", "2 · Train", "The quick recipe takes minutes on a laptop; the curves are live."),
    ("evaluate", "grid_on", "3 · Evaluate", "See what it confuses, and the photos behind each number."),
    ("predict", "center_focus_strong", "4 · Predict", "Drop photos of your own."),
)


def rank(ref: ModelRef) -> tuple[bool, bool, float]:
    """The larger, the better: what is published, and what was tested on real photos, comes before the rest."""
    return ref.published, ref.card.dataset.sample is None, ref.card.metrics.test_accuracy or 0.0


def show_accuracy(ref: ModelRef) -> None:
    """Its accuracy on photos that people took and on its test, the paper's, and how the two tests compare."""
    card, metrics = ref.card, ref.card.metrics
    name, people = escape_markdown(ref.name), metrics.people
    grid = st.grid(3 if people else 2, min_column_width=220, border=True)
    if people:
        with grid.container(gap="xsmall"):
            share_box(f"{name} · photos people took", people.right, people.n, what="photos")
            if n := people.garment_n:
                alone = accuracy_with_interval(people.garment_right, n, "photos in any colour")
                st.caption(f"The garment alone: {alone}.")
    with grid.container(gap="xsmall"):
        share_box(f"{name} · its test photos", metrics.right, metrics.test_n, card.dataset.name)
    with grid.container(gap="xsmall"):
        share_box("The paper · ResNet-50, 10 epochs", paper.TEST_RIGHT, paper.TEST_PHOTOS)
    drawn = card.dataset.sample is not None
    if verdict := paper.verdict(card.classes, metrics.right, metrics.test_n, drawn):
        st.markdown(f"**{verdict}**")
    else:
        st.markdown(
            f"**The two test figures are not comparable:** this model tells {len(card.classes)} classes apart, not the "
            "paper's ten."
        )
    review(card)
    notes(card)


def show_links(pages: tuple[tuple[str, str, str, str], ...], **query: str) -> None:
    """A box for each page, with what it is for; `query` names the model, where the page shows one."""
    st.html(LINK_STYLE)
    grid = st.grid(len(pages), min_column_width=200, border=True)
    for page, icon, label, purpose in pages:
        with grid.container(gap="xxsmall", key=keys.page_link(page)):
            link(page, f"**{label}**", icon=f":material/{icon}:", **(query if page in ("predict", "evaluate") else {}))
            st.caption(purpose)


def show_matrix(ref: ModelRef, stored: Evaluation, photos: str) -> None:
    """The whole confusion matrix of these `photos`; a click opens the cell on the Evaluate page."""
    st.subheader(f"Confusion matrix · {SETS[photos]}")
    names = stored.classes
    chart = st.echarts_chart(
        charts.confusion_options(stored.confusion(), names, "count", dark=st.context.theme.type == "dark"),
        key=keys.HOME_MATRIX, height=charts.matrix_height(len(names)), on_select="rerun",
        alt=f"Confusion matrix of {len(names)} classes; Inspect opens it with lists that choose its cells",
    )  # fmt: skip
    st.caption("Click a cell to see its photos. Rows are true, columns predicted; blue is right, orange is wrong.")
    if chosen := chart.selection.selected:
        true, predicted = divmod(chosen[0]["data_indices"][0], len(names))
        query = {"model": ref.name, "of": photos, "true": names[true], "predicted": names[predicted]}
        st.switch_page(PAGES / "evaluate.py", query_params=query)


def show_mistakes(ref: ModelRef, stored: Evaluation, photos: str) -> None:
    """The largest confusions and, where the photos are here, the most confident mistakes."""
    st.subheader("Largest confusions")
    for true, predicted, count in stored.confusions():
        label = f"{count} × {escape_markdown(true)} called {escape_markdown(predicted)}"
        link("evaluate", label, ":material/photo_library:", model=ref.name, of=photos, true=true, predicted=predicted)
    wrong = stored.cell(which="wrong").head(6)
    if not len(wrong):
        st.caption("None: every photo is right.")
    elif folder := photo_folder(stored):
        st.subheader("Most confident mistakes")
        gallery(wrong, folder, key=keys.HOME_MISTAKES)
    else:
        st.caption("The test photos are not on this machine: Inspect says how to show them.")


boot("Home")
st.title("Busana")
st.caption("Train, inspect and share classifiers of apparel photos. Everything stays on this machine.")
tested = [ref for ref in models() if not ref.problem and ref.card.metrics.test_n]
if tested:
    named = {ref.name: ref for ref in sorted(tested, key=rank)}  # a published model hides a run of its name
    shown = named[default_model(reversed(named))]
    show_accuracy(shown)
    show_links(NEXT, model=shown.name)
    file, photos = opening_file(shown), opens_on(shown.evaluation_file)
    if file.is_file():
        with guard():
            stored = evaluation_of(file)
        left, right = st.columns([6, 5], gap="large")
        with left:
            show_matrix(shown, stored, photos)
        with right:
            show_mistakes(shown, stored, photos)
else:
    st.markdown("Four steps from here to a model of your own:")
    show_links(FIRST_STEPS)
    show_sample()
