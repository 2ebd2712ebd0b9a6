"""The front door: the best model, its number beside the paper's, and where to go next; or the first steps."""

import streamlit as st

from fashion_core import paper
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.models.registry import ModelRef, models
from fashion_core.photos import imaging, sample
from fashion_core.reports import charts
from fashion_core.stats import between
from fashion_core.ui.boot import PAGES, boot, guard, link
from fashion_core.ui.gallery import STYLE, escape_markdown, gallery
from fashion_core.ui.stored import evaluation_of

# A door's link begins where its text does.
DOOR = '<style>[class*="st-key-door-"] [data-testid="stPageLink"] { margin-left: -.5rem; }</style>'

DRAWN = "These are drawn photos, not real ones: the figure shows that the workbench works, and compares with no paper."

Counted = tuple[int, int]  # right answers, photos
PAPERS: Counted = (paper.TEST_RIGHT, paper.TEST_PHOTOS)
DOORS = (  # page, icon, label, what it is for
    ("predict", "center_focus_strong", "Predict", "Drop photos and read what the model takes them for."),
    ("evaluate", "grid_on", "Inspect", "The confusion matrix, down to the photos behind each number."),
    ("train", "model_training", "Train", "Choose photos and a recipe and watch it learn."),
)
STEPS = (
    ("data", "photo_library", "1 · Photos", "Begin with the sample set: ten classes, drawn here, no download."),
    ("train", "model_training", "2 · Train", "The quick recipe takes minutes on a laptop; the curves are live."),
    ("evaluate", "grid_on", "3 · Evaluate", "See what it confuses, and the photos behind each number."),
    ("predict", "center_focus_strong", "4 · Predict", "Drop photos of your own."),
)


def counted(ref: ModelRef) -> Counted:
    """How many of the test photos the model got right, by its card; none of none where it was not tested."""
    metrics = ref.card.get("metrics") or {}
    n = metrics.get("test_n") or 0
    return round((metrics.get("test_accuracy") or 0) * n), n


def drawn(ref: ModelRef) -> bool:
    """Whether it was tested on the rendered sample set."""
    return bool((ref.card.get("dataset") or {}).get("sample"))


def share(numbers: Counted) -> float:
    return numbers[0] / numbers[1]


def show_best(ref: ModelRef) -> None:
    ours, classes = counted(ref), ref.card["classes"]
    left, right = st.columns(2)
    with left.container(border=True, gap="xsmall"):
        show_share(f"Best model here · {escape_markdown(ref.name)}", ours, (ref.card.get("dataset") or {}).get("name"))
    with right.container(border=True, gap="xsmall"):
        show_share("The paper · ResNet-50, 10 epochs", PAPERS)
    if drawn(ref):
        st.markdown(f"**{DRAWN}**")
    elif paper.matches(classes):
        st.markdown(f"**{paper.compared(*ours)}** The classes are the same; the test photos are not.")
        show_review(ref)
    else:
        st.markdown(f"**The two figures are not comparable:** this model tells {len(classes)} other classes apart.")
    if notes := ref.card.get("notes"):
        st.caption("  \n".join(f":material/info: {escape_markdown(note)}" for note in notes))


def show_review(ref: ModelRef) -> None:
    """What remains of the mistakes where a person found the labels clear."""
    if clear := ((ref.card.get("metrics") or {}).get("review") or {}).get("clear"):
        numbers = round(clear["accuracy"] * clear["n"]), clear["n"]
        st.markdown(
            f"Shop labels are noisy. On the {numbers[1]:,} test photos whose label is clear by eye it is right on "
            f"{share(numbers):.1%} (95% interval {between(*numbers)})."
        )


def show_share(title: str, numbers: Counted, dataset: str | None = None) -> None:
    st.metric(title, f"{share(numbers):.2%}")
    of = f" of {escape_markdown(dataset)}" if dataset else ""
    st.caption(f"of {numbers[1]:,} test photos{of} right · 95% interval {between(*numbers)}")


def show_doors(doors: tuple[tuple[str, str, str, str], ...], **query: str) -> None:
    st.html(DOOR)
    grid = st.grid(len(doors), min_column_width=200, border=True)
    for page, icon, label, purpose in doors:
        with grid.container(gap="xxsmall", key=f"door-{page}"):
            link(page, f"**{label}**", icon=f":material/{icon}:", **(query if page in ("predict", "evaluate") else {}))
            st.caption(purpose)


def show_matrix(ref: ModelRef, stored: Evaluation) -> None:
    """The whole confusion matrix; a click opens the cell on the Evaluate page."""
    st.subheader("What it takes for what")
    names = stored.classes
    chart = st.echarts_chart(
        charts.confusion_options(stored.confusion(), names, "count", dark=st.context.theme.type == "dark"),
        key="matrix", height=charts.matrix_height(len(names)), on_select="rerun",
        alt=f"Confusion matrix of {len(names)} classes; Inspect opens it with lists that choose its cells",
    )  # fmt: skip
    st.caption("Click a cell to see its photos. Rows are true, columns predicted; blue is right, orange is wrong.")
    if chosen := chart.selection.selected:
        true, predicted = divmod(chosen[0]["data_indices"][0], len(names))
        query = {"model": ref.name, "true": names[true], "predicted": names[predicted]}
        st.switch_page(PAGES / "evaluate.py", query_params=query)


def show_mistakes(ref: ModelRef, stored: Evaluation) -> None:
    """What the number leaves out: the largest confusions and, where they are here, the most confident mistakes."""
    st.subheader("Where it errs most")
    for true, predicted, count in stored.confusions():
        label = f"{count} × {escape_markdown(true)} called {escape_markdown(predicted)}"
        link("evaluate", label, ":material/photo_library:", model=ref.name, true=true, predicted=predicted)
    wrong = stored.cell(which="wrong").head(6)
    if not len(wrong):
        st.caption("Nowhere: every test photo is right.")
    elif folder := stored.located():
        st.subheader("Its most confident mistakes")
        gallery(wrong, folder, key="mistakes")
    else:
        st.caption("The test photos are not on this machine: Inspect says how to show them.")


@st.cache_data(max_entries=1, show_spinner=False)
def sketches() -> dict[str, bytes]:
    """A photo of each class of the sample set."""
    return {label: imaging.thumbnail_bytes(sample.draw(label, 0, 0), 224) for label in paper.CLASSES}


def show_sample() -> None:
    st.subheader("The sample set")
    grid = st.grid(5, min_column_width=100)
    for label, picture in sketches().items():
        with grid.container(key=f"tile-{label}", gap="xsmall"):
            st.image(picture, width="stretch", alt=label)
            st.caption(escape_markdown(label))


boot("Home")
st.title("Busana")
st.caption("Train, inspect and share classifiers of apparel photos. Everything stays on this machine.")
tested = [ref for ref in models() if not ref.problem and counted(ref)[1]]
if tested:
    best = max(tested, key=lambda ref: (ref.published, not drawn(ref), share(counted(ref))))
    show_best(best)
    show_doors(DOORS, model=best.name)
    if best.evaluation_file.is_file():
        with guard():
            stored = evaluation_of(best.evaluation_file)
        left, right = st.columns([6, 5], gap="large")
        with left:
            show_matrix(best, stored)
        with right:
            show_mistakes(best, stored)
else:
    st.markdown("Four steps from here to a model of your own:")
    show_doors(STEPS)
    st.html(STYLE)
    show_sample()
