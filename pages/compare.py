"""Compare: models side by side, test accuracy against what each costs; every point and row opens its evaluation."""

from typing import Any

import pandas as pd
import streamlit as st

from fashion_core.models.registry import ModelRef, models
from fashion_core.photos.imaging import printable
from fashion_core.reports import charts, comparison
from fashion_core.runs import experiment
from fashion_core.stats import between, mcnemar, wilson
from fashion_core.ui.boot import PAGES, boot, guard, link
from fashion_core.ui.gallery import ask_photo_folder, escape_markdown, gallery
from fashion_core.ui.stored import evaluation_of

COSTS = {  # what the person chooses: (number of a model, how many make one on the axis, the axis's name)
    "Parameters": ("parameters", 1e6, "million parameters"),
    "FLOPs": ("flops", 1e9, "billion FLOPs a photo"),
    "Model size": ("megabytes", 1, "MB"),
    "Training time": ("training_seconds", 60, "minutes of training"),
    "Training speed": ("images_per_second", 1, "photos a second in training"),
}
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


def tested() -> list[dict[str, Any]]:
    """A row for every model with a test behind it; a run that was published counts once, under its published name."""
    refs = [ref for ref in models() if not ref.problem]
    published = {ref.card.get("run") for ref in refs if ref.published}
    rows = [row(ref) for ref in refs if (ref.published or ref.name not in published) and ref.evaluation_file.is_file()]
    return [row for row in rows if row["test_n"] and row["accuracy"] is not None and row["fingerprint"]]


def row(ref: ModelRef) -> dict[str, Any]:
    """What its card and files tell of one model."""
    card, numbers = ref.card, comparison.measured(ref.folder, ref.card)
    dataset, n = card.get("dataset") or {}, numbers["test_n"] or 0
    low, high = wilson((numbers["accuracy"] or 0) * n, n)
    return numbers | {
        "name": ref.name,
        "recipe": experiment.title(card["config"]) if card.get("config") else None,
        "interval": between((numbers["accuracy"] or 0) * n, n),
        "low": low,
        "high": high,
        "hardware": card.get("hardware"),
        "created": card.get("created") or "",
        "dataset": printable(dataset.get("name") or "photos"),
        "fingerprint": dataset.get("fingerprint"),
        "published": ref.published,
    }


def by_photos(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Rows by what they were tested on, the newest test first: only the same photos and split compare."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row["created"], reverse=True):
        groups.setdefault(f"{row['dataset']} · {row['fingerprint'][:6]}", []).append(row)
    return groups


def points(rows: list[dict[str, Any]], cost: str) -> list[dict[str, Any]]:
    """Those with this cost on record, as the chart wants them."""
    key, unit, _ = COSTS[cost]
    return [
        row | {"x": float(f"{row[key] / unit:.4g}"), "label": row["name"] if row["published"] else row["recipe"] or "–"}
        for row in rows
        if row[key] is not None
    ]


def open_evaluation(name: str) -> None:
    st.switch_page(PAGES / "evaluate.py", query_params={"model": name})


def against(name: str, other: str) -> None:
    """Whether two models on the same photos differ by more than chance, and the photos on which they do."""
    files = {ref.name: ref.evaluation_file for ref in reversed(models())}  # a published model hides a run of its name
    ours, theirs = evaluation_of(files[name]), evaluation_of(files[other])
    theirs = ours.aligned(theirs)
    first, second, p = mcnemar(ours.right, theirs.right)
    both = int((ours.right & theirs.right).sum())
    verdict = (
        f"**{escape_markdown(name if first > second else other)} is better**" if p < 0.05 else "**Indistinguishable**"
    )
    st.markdown(
        f"{verdict}: {first} photos are right with {escape_markdown(name)} alone, {second} with "
        f"{escape_markdown(other)} alone, {both:,} "
        f"with both. Exact McNemar test: p = {p:.2g}."
    )
    only = st.segmented_control("Photos", [f"right with {name} alone", f"right with {other} alone"], key="only",
                                label_visibility="collapsed")  # fmt: skip
    if only:
        mine = only == f"right with {name} alone"
        keep = ours.right & ~theirs.right if mine else theirs.right & ~ours.right
        gallery((theirs if mine else ours).rows(keep), ask_photo_folder(ours), key="photos", page_size=12)


boot("Compare")
st.title("Compare")
groups = by_photos(tested())
if not groups:
    st.info("Nothing to compare yet. Train two models on the same photos: what each costs and how well it does then "
            "stand here side by side.", icon=":material/compare_arrows:")  # fmt: skip
    link("train", "Train a model", ":material/model_training:")
    st.stop()

left, right = st.columns([2, 3], vertical_alignment="bottom")
photos = left.selectbox("Tested on", list(groups), key="photos", bind="query-params")
cost = right.segmented_control("Against", list(COSTS), key="cost", default="Parameters", required=True,
                               bind="query-params")  # fmt: skip
rows = groups[photos]
others = sum(map(len, groups.values())) - len(rows)
st.caption(
    f"{len(rows)} model{'s' if len(rows) > 1 else ''}, each tested on the same {rows[0]['test_n']:,} photos of "
    f"{escape_markdown(rows[0]['dataset'])}: a stroke is a 95% interval; where two overlap widely, chance may be the "
    "difference."
    + (f" {others} more {'was' if others == 1 else 'were'} tested on other photos or another split." if others else "")
)
placed = points(rows, cost)
with st.container():  # what comes and goes: the lists below keep their place, and the address follows them
    if placed:
        chart = st.echarts_chart(
            charts.trade_off_options(placed, COSTS[cost][2], st.context.theme.type == "dark"), key="trade-off",
            height=420, on_select="rerun", alt=f"Test accuracy of {len(placed)} models against {COSTS[cost][2]}; the "
            "table below holds the same numbers",
        )  # fmt: skip
        if chosen := chart.selection.selected:
            open_evaluation(placed[chosen[0]["data_indices"][0]]["name"])
    if missing := len(rows) - len(placed):
        st.caption(f"{missing} of them {'have' if missing > 1 else 'has'} no “{cost}” on record: an older run.")

table = pd.DataFrame(sorted(rows, key=lambda row: -row["accuracy"]))
shows = st.dataframe(table[list(COLUMNS)], hide_index=True, column_config=COLUMNS, placeholder=comparison.NONE,
                     key="models", on_select="rerun", selection_mode="single-row")  # fmt: skip
if shows.selection.rows:
    open_evaluation(table["name"][shows.selection.rows[0]])
st.caption(
    "Click a point, or tick a row, to open its evaluation. A multiplication and an addition are two FLOPs. Times "
    "compare on one device only. `python -m fashion_core compare DIR` trains whole series and prints them as a table."
)
left, right = st.columns([2, 3], vertical_alignment="bottom")  # the keyboard's way to the same door
name = left.selectbox("Model", table["name"], key="named", bind="query-params")
with right:
    link("evaluate", "Open its evaluation", ":material/grid_on:", model=name)
if len(table) > 1:
    with guard():
        against(name, left.selectbox("Against", [other for other in table["name"] if other != name], key="against",
                                     bind="query-params"))  # fmt: skip
