"""Compare: models side by side, test accuracy against what each costs; every point and row opens its evaluation."""

import pandas as pd
import streamlit as st

from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.models.registry import models_by_name
from fashion_core.reports import charts
from fashion_core.reports.comparison import NONE
from fashion_core.reports.tested_models import COSTS, TestedModel, by_photos, tested_models
from fashion_core.stats import mcnemar
from fashion_core.ui import keys
from fashion_core.ui.boot import PAGES, boot, guard, link
from fashion_core.ui.gallery import ask_photo_folder, escape_markdown, gallery
from fashion_core.ui.stored import evaluation_of

COLUMNS = {
    "name": st.column_config.TextColumn("Model", pinned=True),
    "recipe": st.column_config.TextColumn("Recipe"),
    "accuracy": st.column_config.NumberColumn("Accuracy", format="percent"),
    "interval": st.column_config.TextColumn("95% interval"),
    "macro_f1": st.column_config.NumberColumn("Macro F1", format="%.3f"),
    "parameters": st.column_config.NumberColumn("Parameters", format="compact"),
    "flops": st.column_config.NumberColumn("FLOPs a photo", format="compact"),
    "megabytes": st.column_config.NumberColumn("MB", format="%.1f"),
    "training_seconds": st.column_config.NumberColumn("Training s", format="localized"),
    "images_per_second": st.column_config.NumberColumn("Training photos/s", format="localized"),
    "hardware": st.column_config.TextColumn("Trained on"),
}


def open_evaluation(name: str) -> None:
    st.switch_page(PAGES / "evaluate.py", query_params={"model": name})


def show_chart(tested: list[TestedModel], cost: str) -> None:
    """Accuracy against `cost`; a click on a point opens its evaluation."""
    points = [point for model in tested if (point := model.point(cost))]
    if points:
        chart = st.echarts_chart(
            charts.trade_off_options(points, COSTS[cost][2], st.context.theme.type == "dark"),
            key=keys.COMPARE_CHART, height=420, on_select="rerun",
            alt=f"Test accuracy of {len(points)} models against {COSTS[cost][2]}; the table below holds the same "
            "numbers",
        )  # fmt: skip
        if chosen := chart.selection.selected:
            open_evaluation(points[chosen[0]["data_indices"][0]]["name"])
    if missing := len(tested) - len(points):
        st.caption(f"{missing} of them {'have' if missing > 1 else 'has'} no “{cost}” on record: an older run.")


def show_table(tested: list[TestedModel]) -> None:
    """Every number, the best first; a ticked row opens its evaluation."""
    table = pd.DataFrame(tested)
    shows = st.dataframe(table[list(COLUMNS)], hide_index=True, column_config=COLUMNS, placeholder=NONE,
                         key=keys.COMPARE_TABLE, on_select="rerun", selection_mode="single-row")  # fmt: skip
    if shows.selection.rows:
        open_evaluation(tested[shows.selection.rows[0]].name)
    st.caption(
        "Click a point, or tick a row, to open its evaluation. A multiplication and an addition are two FLOPs. Times "
        "compare on one device only. `python -m fashion_core compare DIR` trains whole series and prints them as a "
        "table."
    )


def show_difference(name: str, other: str, ours: Evaluation, theirs: Evaluation) -> None:
    """Whether two models on the same photos differ by more than chance, and the photos on which they do."""
    theirs = ours.aligned(theirs)
    first, second, p = mcnemar(ours.right, theirs.right)
    better = f"**{escape_markdown(name if first > second else other)} is better**"
    st.markdown(
        f"{better if p < 0.05 else '**Indistinguishable**'}: {first} photos are right with {escape_markdown(name)} "
        f"alone, {second} with {escape_markdown(other)} alone, {int((ours.right & theirs.right).sum()):,} with both. "
        f"Exact McNemar test: p = {p:.2g}."
    )
    only = st.segmented_control("Photos", [f"right with {name} alone", f"right with {other} alone"],
                                key=keys.COMPARE_ONLY, label_visibility="collapsed")  # fmt: skip
    if only:
        mine = only == f"right with {name} alone"
        keep = ours.right & ~theirs.right if mine else theirs.right & ~ours.right
        gallery((theirs if mine else ours).rows(keep), ask_photo_folder(ours), key=keys.COMPARE_PHOTOS, page_size=12)


boot("Compare")
st.title("Compare")
models = models_by_name()
groups = by_photos(tested_models(models.values()))
if not groups:
    st.info("Nothing to compare yet. Train two models on the same photos: what each costs and how well it does are "
            "then shown here side by side.", icon=":material/compare_arrows:")  # fmt: skip
    link("train", "Train a model", ":material/model_training:")
    st.stop()

left, right = st.columns([2, 3], vertical_alignment="bottom")
photos = left.selectbox("Tested on", list(groups), key=keys.COMPARE_TESTED_ON, bind="query-params")
cost = right.segmented_control("Against", list(COSTS), key=keys.COMPARE_COST, default="Parameters",
                               required=True, bind="query-params")  # fmt: skip
tested = groups[photos]
others = sum(map(len, groups.values())) - len(tested)
st.caption(
    f"{len(tested)} model{'s' if len(tested) > 1 else ''}, each tested on the same {tested[0].test_n:,} photos of "
    f"{escape_markdown(tested[0].dataset)}: a line is a 95% interval; where two overlap widely, chance may be the "
    "difference."
    + (f" {others} more {'was' if others == 1 else 'were'} tested on other photos or another split." if others else "")
)
with st.container():  # what comes and goes: the lists below keep their place, and the address follows them
    show_chart(tested, cost)
best_first = sorted(tested, key=lambda model: -model.accuracy)
show_table(best_first)
names = [model.name for model in best_first]
left, right = st.columns([2, 3], vertical_alignment="bottom")  # by keyboard, what a click on the chart does
name = left.selectbox("Model", names, key=keys.COMPARE_MODEL, bind="query-params")
with right:
    link("evaluate", "Open its evaluation", ":material/grid_on:", model=name)
if len(names) > 1:
    other = left.selectbox("Compared with", [each for each in names if each != name], key=keys.COMPARE_AGAINST,
                           bind="query-params")  # fmt: skip
    with guard():
        show_difference(name, other, *(evaluation_of(models[each].evaluation_file) for each in (name, other)))
