"""Every number of an evaluation is a door to its photos: headline, confusion matrix and report open one selection.

The selection lives in two lists and a filter, which the URL mirrors: `?true=…&predicted=…&which=…`. Where labels are
colour × garment, a switch folds all of it to one of the two: `?by=colour`.
"""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from fashion_core import UserError, paper
from fashion_core.class_names import COLOUR, GARMENT, factors
from fashion_core.evaluation import query
from fashion_core.evaluation.evaluation import Evaluation, Which
from fashion_core.evaluation.label_issues import CROSS_VALIDATED
from fashion_core.photos import label_corrections
from fashion_core.reports import charts
from fashion_core.stats import accuracy_with_interval, between
from fashion_core.ui import photo
from fashion_core.ui.gallery import escape_markdown

CELLS: dict[str, charts.Normalise] = {"counts": "count", "by true": "true", "by predicted": "predicted"}
PARTS = {"classes": None, "colour": COLOUR, "garment": GARMENT}
HEADINGS = {"precision": "Precision", "recall": "Recall", "f1-score": "F1", "support": "Photos"}


def choose(true: str | None = None, predicted: str | None = None, which: Which = "all") -> None:
    """Select these photos, from whichever door; a question that would hide some of them goes."""
    st.session_state.update({"true": true, "predicted": predicted, "which": which, "q": ""})
    first_page()


def first_page() -> None:
    """For what narrows or widens the selection: its photos begin again, and the one that was open closes."""
    st.session_state["photos-page"] = 1
    photo.close()


def pressed(key: str, places: list) -> int | tuple | None:
    """The place just pressed in chart or table `key`. Pressing it again deselects it there; here it counts again."""
    if places:
        st.session_state[f"{key}-last"] = places[0]
    return st.session_state.get(f"{key}-last")


def _from_matrix(names: tuple[str, ...]) -> None:
    selected = st.session_state["matrix"].selection.selected
    place = pressed("matrix", selected[0]["data_indices"] if selected else [])
    if place is not None and place < len(names) ** 2:
        choose(names[place // len(names)], names[place % len(names)])


def _from_report(evaluation: Evaluation) -> None:
    place = pressed("report", st.session_state["report"].selection.cells)
    if place is not None and place[0] < len(evaluation.classes) + 3:
        choose(*evaluation.selection_for_metric(place[0], place[1].removeprefix("paper ")))


def part(classes: tuple[str, ...]) -> int | None:
    """The switch: COLOUR, GARMENT or, as at first, neither. Class names that do not come apart have none."""
    if factors(classes) is None:
        return None
    chosen = st.segmented_control("Count by", list(PARTS), key="by", default="classes", required=True,
                                  on_change=first_page, bind="query-params")  # fmt: skip
    return PARTS[chosen]


def which_photos(evidence: bool, epochs: bool) -> str:
    """Which photos are looked at: "test", "all" where there is evidence of them, or "epochs" where these were kept."""
    offered = [kind for kind, there in (("test", True), ("all", evidence), ("epochs", epochs)) if there]
    if st.session_state.get("of", "test") not in offered:
        st.session_state["of"] = "test"
    about = "The test photos; all photos, each asked of its neighbours; or the validation photos after each epoch"
    return st.segmented_control("Photos", offered, key="of", default="test", required=True, help=about,
                                on_change=first_page, bind="query-params")  # fmt: skip


def selection(evaluation: Evaluation) -> tuple[str | None, str | None, Which]:
    """The two lists and the filter that every door writes: the keyboard's way, and what the URL keeps."""
    classes, counts = evaluation.classes, evaluation.error_type_counts
    for key in ("true", "predicted"):  # chosen for a model of other classes
        if st.session_state.get(key) not in (None, *classes):
            st.session_state[key] = None
    one, two = st.columns(2)
    lists = {"options": classes, "index": None, "placeholder": "any class", "on_change": first_page}
    true = one.selectbox("True", key="true", bind="query-params", **lists)
    predicted = two.selectbox("Predicted", key="predicted", bind="query-params", **lists)
    kinds = ["all", "wrong", "right", *(counts or ())]
    if st.session_state.get("which", "all") not in kinds:
        st.session_state["which"] = "wrong"

    which = st.segmented_control("Show", kinds, key="which", default="all", required=True,
                                 on_change=first_page, bind="query-params", label_visibility="collapsed")  # fmt: skip
    if counts:
        colour, garment, both = counts.values()
        st.caption(f"Wrong: {colour:,} by the colour alone, {garment:,} by the garment alone, {both:,} by both.")
    return true, predicted, which


def asked(evaluation: Evaluation, folded: Evaluation) -> np.ndarray:
    """The question box and what it understood, each filter a chip that goes at a click. bool (photos): who passes.

    Words are the classes of `evaluation`; right and sure are as the switch shows them, in `folded`.
    """
    words = st.text_input("Ask", key="q", bind="query-params", on_change=first_page, icon=":material/search:",
                          placeholder="misclassified blue dresses, or: confident mistakes, or: shoes below 60 %"
                          if factors(evaluation.classes) else "confident mistakes, or: right, below 60 %")  # fmt: skip
    found = query.parse(words, evaluation.classes)
    with st.container(horizontal=True, gap="small"):  # also where it is empty: what follows keeps its place
        for place, each in enumerate(found.filters):
            rest = [other for other in found.filters if other != each]
            st.button(escape_markdown(each.words), key=f"chip-{place}", icon=":material/close:",
                      help="Remove this filter", on_click=_ask, args=(query.text(rest),))  # fmt: skip
        if found.unknown:
            st.caption(_not_understood(found.unknown, evaluation.classes))
    return query.mask(evaluation, found.filters, folded)


def _not_understood(words: tuple[str, ...], classes: tuple[str, ...]) -> str:
    names = ", ".join(f"“{escape_markdown(word)}”" for word in words)
    return (
        f":material/help: {names} is not understood and left out. Known are the class names, "
        + ("colours and garments alone, " if factors(classes) else "")
        + "wrong, right, confident, unsure, leaked, “below 60 %”, “above 90 %”, “predicted …” and “not …”."
    )


def _ask(words: str) -> None:
    st.session_state["q"] = words
    first_page()


def choose_by_words(words: str) -> None:
    """Of all photos those that the question box finds for `words`."""
    choose()
    _ask(words)


def headline(evaluation: Evaluation, numbers: pd.DataFrame) -> None:
    """Four numbers, each with the button that opens its photos."""
    right, n = int(evaluation.right.sum()), len(evaluation)
    classes = evaluation.class_report()
    hardest = classes[classes["support"] > 0]["f1-score"].idxmin()
    doors = (
        ("Accuracy", f"{right / n:.2%}", f"95% interval {between(right, n)}", f"{right:,} right",
         (None, None, "right")),
        ("Macro F1", f"{evaluation.macro_f1:.3f}", f"hardest: {escape_markdown(hardest)}",
         "its photos", (hardest,)),
        ("Wrong", f"{n - right:,}", "most confident first", "see them", (None, None, "wrong")),
        ("Photos", f"{n:,}", f"{len(classes)} classes", "all of them", ()),
    )  # fmt: skip
    grid = st.grid(4, min_column_width=150, border=True)
    for label, value, note, button, selection in doors:
        with grid.container(gap="xsmall"):
            st.metric(label, value)
            st.caption(note)
            st.button(button, key=f"door-{label}", type="tertiary", icon=":material/photo_library:",
                      on_click=choose, args=selection)  # fmt: skip
    tested = evaluation.meta.split not in (CROSS_VALIDATED, "validation")
    if tested and (verdict := paper.verdict(evaluation.classes, right, n, evaluation.meta.sample is not None)):
        st.caption(f"{paper.stated()} {verdict}")


def beside_the_headline(whole: Evaluation, evaluation: Evaluation, decided: dict[str, str], part: int | None) -> None:
    """What the accuracy is worth: without the photos that leak, and by the labels that people decided on."""
    if whole.meta.split == CROSS_VALIDATED:
        st.caption(
            f"{CROSS_VALIDATED.capitalize()}: of each photo, what the ten nearest to it are labelled, its "
            "near-duplicates and a fifth of the others left aside. Nearness is by this model's embeddings, which have "
            "seen the training photos, so of these it is too sure."
        )
    if leaked := whole.meta.leaked:
        right, n = evaluation.without_leaks()
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(
                f":material/water_drop: Leakage-free: **{accuracy_with_interval(right, n)}**, without photos that have "
                "a near-duplicate in training.", width="content"
            )  # fmt: skip
            st.button(f"The {len(leaked):,} that leak", key="door-leaked", type="tertiary",
                      icon=":material/photo_library:", on_click=choose_by_words, args=("leaked",))  # fmt: skip
    elif whole.meta.leaked is not None:
        st.caption(":material/water_drop: Leakage-free: none of these photos has a near-duplicate in training.")
    labels = {
        path: decided[key] for path in whole.photos["path"] if (key := label_corrections.photo_key(path)) in decided
    }
    if labels:
        st.caption(f":material/gavel: {_by_decisions(whole, labels, part)}")


def _by_decisions(whole: Evaluation, labels: dict[str, str], part: int | None) -> str:
    try:
        by_word = whole.decided(labels)
    except UserError as none_left:
        return str(none_left)
    right, n = int((by_word if part is None else by_word.marginalised(part)).right.sum()), len(by_word)
    return f"By the labels decided on {len(labels):,} of these photos: **{accuracy_with_interval(right, n)}**."


def matrix(evaluation: Evaluation, true: str | None, predicted: str | None) -> None:
    """The confusion matrix with this selection framed."""
    show = st.segmented_control("Cells show", list(CELLS), key="cells", default="counts", required=True,
                                bind="query-params", label_visibility="collapsed")  # fmt: skip
    by = CELLS[show]
    names = evaluation.classes
    dark = st.context.theme.type == "dark"
    st.echarts_chart(
        charts.confusion_options(evaluation.confusion(), names, by, (true, predicted), dark),
        key="matrix", height=charts.matrix_height(len(names)), on_select=partial(_from_matrix, names),
        alt=f"Confusion matrix of {len(names)} classes; the lists True and Predicted choose its cells too",
    )  # fmt: skip
    st.caption("Click a cell to see its photos. Blue is right, orange is wrong; deeper is a larger share.")


def report(evaluation: Evaluation, numbers: pd.DataFrame) -> None:
    """The classification report, beside the paper's Table 1 where the classes match."""
    names = numbers["class"].where(numbers["kind"] == "class", numbers["kind"])  # an average's row is called after it
    table = numbers.drop(columns="kind").assign(**{"class": names})
    table.insert(3, "interval", [*evaluation.recall_intervals(), None, None])
    columns = {"class": st.column_config.TextColumn("Class", pinned=True)}
    columns |= {key: st.column_config.NumberColumn(name, format="%.3f") for key, name in HEADINGS.items()}
    columns["interval"] = st.column_config.TextColumn("Recall, 95% interval", width=140)
    columns["support"] = st.column_config.NumberColumn("Photos")
    if paper.matches(evaluation.classes):
        for key, short in {"precision": "P", "recall": "R", "f1-score": "F1"}.items():
            table[f"paper {key}"] = [paper.TABLE_1.get(name, {}).get(key) for name in table["class"]]
            columns[f"paper {key}"] = st.column_config.NumberColumn(f"Paper {short}", format="%.2f")
    st.dataframe(table, hide_index=True, column_config=columns, height=35 * (len(table) + 1) + 3, placeholder="",
                 key="report", selection_mode="single-cell", on_select=partial(_from_report, evaluation))  # fmt: skip
    st.caption(
        "Click a number to see its photos: precision, all that were called the class; recall and photos, all that are "
        "of the class; F1, those of the class that were missed; the averages, every mistake."
    )
