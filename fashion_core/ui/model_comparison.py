"""What the Compare page shows of tested models: the chart, the table of every number, two models photo by photo."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from fashion_core.class_names import GARMENT as BY_GARMENT
from fashion_core.evaluation import paired
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.reports import trade_off
from fashion_core.reports.comparison import NONE
from fashion_core.reports.tested_models import COSTS, GARMENT, MEASURES, PEOPLE, TEST, TestedModel
from fashion_core.stats import mcnemar
from fashion_core.ui import keys, stored
from fashion_core.ui.boot import PAGES
from fashion_core.ui.gallery import ask_photo_folder, escape_markdown, gallery

COLUMNS = {
    "title": st.column_config.TextColumn("Model", pinned=True),
    PEOPLE: st.column_config.NumberColumn("People's photos", format="percent"),
    GARMENT: st.column_config.NumberColumn("Garment alone", format="percent"),
    TEST: st.column_config.NumberColumn("Own test", format="percent"),
    "photos": st.column_config.TextColumn("Test photos"),
    "test_n": st.column_config.NumberColumn("How many", format="localized"),
    "classes": st.column_config.NumberColumn("Classes"),
    "macro_f1": st.column_config.NumberColumn("Macro F1", format="%.3f"),
    "parameters": st.column_config.NumberColumn("Parameters", format="compact"),
    "flops": st.column_config.NumberColumn("FLOPs a photo", format="compact"),
    "megabytes": st.column_config.NumberColumn("MB", format="%.1f"),
    "training_seconds": st.column_config.NumberColumn("Training s", format="localized"),
    "images_per_second": st.column_config.NumberColumn("Training photos/s", format="localized"),
    "hardware": st.column_config.TextColumn("Trained on"),
    "recipe": st.column_config.TextColumn("Recipe"),
    "name": st.column_config.TextColumn("Folder"),
}
QUERIES = {  # what of Evaluate opens behind a number
    PEOPLE: {keys.PHOTO_SET: "people", keys.WHICH: "wrong"},
    GARMENT: {keys.PHOTO_SET: "people", keys.FACTOR: "garment", keys.WHICH: "wrong"},
    TEST: {keys.PHOTO_SET: "test", keys.WHICH: "wrong"},
}


def open_photos(name: str, measure: str) -> None:
    """Evaluate, on the mistakes behind a number of this model; on the whole of it where that is no accuracy."""
    st.switch_page(PAGES / "evaluate.py", query_params={keys.MODEL: name, **QUERIES.get(measure, {})})


def choose(label: str, options: Mapping[str, str], first: str, key: str) -> str:
    """One of `options`, name → words. The address holds the name, by hand: bound, it would hold the words."""
    linked = st.query_params.get(key)
    start = list(options).index(linked if linked is not None and linked in options else first)
    chosen = st.selectbox(label, list(options), start, options.__getitem__, key=key)
    if chosen != (linked or first):
        st.query_params[key] = chosen
    return chosen


def show_chart(tested: Sequence[TestedModel], measure: str, cost: str) -> None:
    """Accuracy against `cost`, every model that has both; the others are named. A click opens a model's mistakes."""
    points = [point for model in tested if (point := model.point(measure, cost))]
    accuracy = MEASURES[measure][1] if measure in MEASURES else f"accuracy on the test photos of {measure}, %"
    if points:
        chart = st.echarts_chart(
            trade_off.options(points, COSTS[cost][2], accuracy, st.context.theme.type == "dark"),
            key=keys.COMPARE_CHART, height=trade_off.height(points), on_select="rerun",
            alt=f"{accuracy}, of {len(points)} models against {COSTS[cost][2]}; the table below holds the same numbers",
        )  # fmt: skip
        if pressed := trade_off.clicked(points, chart.selection.selected):
            open_photos(pressed["name"], measure if measure in MEASURES else TEST)
    drawn = {point["name"] for point in points}
    untested = [model for model in tested if model.share(measure) is None]
    unknown = [model for model in tested if model.name not in drawn and model not in untested]
    whys = ((untested, "not tested on these photos"), (unknown, f"{cost} not on record"))
    if missing := [f"{_titles(models)} ({why})" for models, why in whys if models]:
        st.caption(f"Not in this chart: {'; '.join(missing)}.")


def _titles(models: Sequence[TestedModel]) -> str:
    """The published ones by name first, so that these are never among "more"."""
    first = sorted(models, key=lambda model: not model.published)[:6]
    more = f" and {len(models) - 6} more" if len(models) > 6 else ""
    return ", ".join(escape_markdown(model.title) for model in first) + more


def show_table(tested: Sequence[TestedModel]) -> None:
    """Every number, in this order of models; a click on an accuracy opens its mistakes, on another cell the model."""
    rows = [
        {name: getattr(model, name) for name in COLUMNS if name not in MEASURES and name != "test_n"}
        | {measure: model.accuracy(measure) for measure in MEASURES} | {"test_n": model.test.n}
        for model in tested
    ]  # fmt: skip
    shows = st.dataframe(pd.DataFrame(rows, columns=list(COLUMNS)), hide_index=True, column_config=COLUMNS,
                         placeholder=NONE, key=keys.COMPARE_TABLE, on_select="rerun",
                         height=min(35 * (len(rows) + 1) + 3, 400), selection_mode="single-cell")  # fmt: skip
    st.caption("Click a point in the chart or an accuracy in the table to see its mistakes as photos.")
    if shows.selection.cells:
        row, column = shows.selection.cells[0]
        open_photos(tested[row].name, str(column))


def show_difference(ours: TestedModel, theirs: TestedModel, measure: str) -> None:
    """On the photos that both answered: whether they differ by more than chance, and the photos on which they do.

    UserError where one of the evaluations cannot be read.
    """
    pair = _pair(ours, theirs, measure)
    if pair is None:
        st.info("These two were tested on different photos. Choose photos people took above to compare them on the "
                "same ones.", icon=":material/compare_arrows:")  # fmt: skip
        return
    mine, other = pair
    first, second, p = mcnemar(mine.right, other.right)
    names = [escape_markdown(model.title) for model in (ours, theirs)]
    verdict = (
        f"**{names[0] if first > second else names[1]} is better** here" if p < 0.05 else "**No clear difference**"
    )
    st.markdown(
        f"{verdict}: on the {len(mine):,} photos that both were tested on, {names[0]} is right on "
        f"{int(mine.right.sum()):,} and {names[1]} on {int(other.right.sum()):,} (exact McNemar test, p = {p:.2g})."
    )
    keep = {"first": mine.right & ~other.right, "second": other.right & ~mine.right, "none": ~mine.right & ~other.right}
    options = {"first": f"Only {ours.title} is right ({first})", "second": f"Only {theirs.title} is right ({second})",
               "none": f"Both are wrong ({keep['none'].sum()})"}  # fmt: skip
    chosen = st.segmented_control("Photos", options, format_func=options.__getitem__, key=keys.COMPARE_ONLY,
                                  default=next((one for one in keep if keep[one].any()), "first"), required=True,
                                  wrap=True, label_visibility="collapsed")  # fmt: skip
    rows = (other if chosen == "first" else mine).rows(keep[chosen])
    if rows.empty:
        st.caption("There is no such photo.")
        return
    st.caption(f"Answers of {names[1] if chosen == 'first' else names[0]}.")
    gallery(rows, ask_photo_folder(mine), key=keys.COMPARE_PHOTOS, page_size=12)


def _pair(ours: TestedModel, theirs: TestedModel, measure: str) -> tuple[Evaluation, Evaluation] | None:
    if measure not in (PEOPLE, GARMENT) and ours.fingerprint != theirs.fingerprint:
        return None  # files of two sets may share a name
    files = [model.evaluation_file(measure) for model in (ours, theirs)]
    if not all(file.is_file() for file in files):
        return None
    pair = paired.common(*(stored.evaluation_of(file) for file in files))
    if pair and measure == GARMENT:
        return pair[0].marginalised(BY_GARMENT), pair[1].marginalised(BY_GARMENT)
    return pair
