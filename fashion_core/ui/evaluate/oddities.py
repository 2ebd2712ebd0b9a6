"""Photos that stand out: unlike the others, there twice, or hard to learn from by their pixels."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from fashion_core.photos import quality
from fashion_core.ui import background, keys, stored
from fashion_core.ui.background import Job
from fashion_core.ui.evaluate.photo_quality import QualityCheck
from fashion_core.ui.evaluate.selection import reset_page, select
from fashion_core.ui.evaluate.state import Shown, State
from fashion_core.ui.evaluate.tables import photo_table
from fashion_core.ui.stored import EvaluationKey

UNLIKE, DUPLICATES, POSSIBLE = "unlike the others", "near-duplicates", "perhaps one picture"
MEANING = {
    UNLIKE: "These look least like any other photo.",
    DUPLICATES: "Nearly the same picture. Training keeps a group on one side of the split.",
    POSSIBLE: "Perhaps one picture, cropped or edited; often two products that look alike.",
    **dict.fromkeys(quality.ISSUES.values(), "The lower the score, the worse."),
}
Kinds = Mapping[str, pd.DataFrame]  # kind → path, label, perhaps split and group or score, the worst first


def view(state: State) -> Shown:
    """Choose one kind, and see its table."""
    check = quality_check(os.fsencode(state.root))
    paths = _paths(state.key.model, state.key.explanations_mtime)
    check.start(paths)
    remaining = background.deadline()
    with st.container():
        _wait(check, paths, remaining())
    everywhere = _kinds(state.key, os.fsencode(state.root), check, remaining)
    kinds = {kind: rows for kind, found in everywhere.items() if len(rows := _among(found, state))}
    if not kinds:
        if len(everywhere) < len(MEANING):
            st.info("Nothing stands out so far; not everything is measured yet.", icon=":material/hourglass_empty:")
        else:
            st.info("No photo stands out: none is unlike the others, dark, blurred, of odd size or there twice.")
        return Shown(state.selected.rows.iloc[:0], "")
    kind = _choose_kind(kinds)
    rows = kinds[kind][state.keep[kinds[kind]["index"]]]
    elsewhere = 0 if state.key.photos == "people" else len(everywhere[kind]) - len(kinds[kind])
    more = f" {elsewhere:,} more in other splits: switch to “All photos”." if elsewhere else ""
    _heading(len(rows), len(kinds[kind]), f"{MEANING[kind]}{more}")
    if len(rows):
        _table(rows)
    return state.in_order(rows["index"].to_numpy(int), "group by group" if "group" in rows else "oddest first")


def _heading(n: int, everywhere: int, meaning: str) -> None:
    """How many there are, and the way to all where filters hide some."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        filtered = " (filtered)" if n < everywhere else ""
        st.markdown(f"**{n:,}** photo{'s' * (n != 1)}{filtered}. {meaning}", width="content")
        if n < everywhere:
            st.button(f"show all {everywhere:,}", key=keys.SHOW_ALL_ODD, type="tertiary", on_click=select,
                      icon=":material/filter_alt_off:")  # fmt: skip


@st.cache_resource(max_entries=4, show_spinner=False)
def quality_check(root: bytes) -> QualityCheck:
    """The one of this folder, for all visitors; its name as bytes, as it need not be UTF-8."""
    return QualityCheck(Path(os.fsdecode(root)))


@st.cache_resource(max_entries=4, show_spinner=False)
def _paths(model: Path, explanations_mtime: float) -> list[str]:
    explanations = stored.explanations_of(model)
    return [] if explanations is None else explanations.photos["path"].tolist()


def _wait(check: QualityCheck, paths: list[str], seconds: float) -> None:
    """Where photos take longer to measure, their progress; where that was stopped, a way to go on."""
    if not check.wait(seconds):
        st.fragment(_progress, run_every=1.0, key=keys.QUALITY_PROGRESS)(check)
    elif check.problem:
        st.error(check.problem, icon=":material/error:")
    elif check.stopped:
        done, total = check.progress
        st.button(f"Go on measuring: {done:,} of {total:,} photos are done", key=keys.START_QUALITY,
                  icon=":material/resume:", on_click=check.start, args=(paths, True))  # fmt: skip


def _progress(check: QualityCheck) -> None:
    if not check.running:
        st.rerun()
    done, total = check.progress
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(done / total if total else 0.0, f"Measuring photos: {done:,} of {total:,}, each once")
        st.button("Stop", key=keys.STOP_QUALITY, icon=":material/stop:", on_click=check.stop)


def _kinds(key: EvaluationKey, root: bytes, check: QualityCheck, remaining: Callable[[], float]) -> Kinds:
    """What is odd among all photos of the explanations, as far as it is known after the seconds `remaining`; a kind
    that is not known yet is not in it."""
    of, version = (key.model, key.explanations_mtime), check.version
    found = {DUPLICATES: stored.near_duplicates_of(*of)}
    comparisons: dict[str, Job[pd.DataFrame]] = {UNLIKE: stored.outliers_of(*of)}
    if not check.running:  # it depends on all of them
        measures = _by_quality(key, root, version, check)
        comparisons[POSSIBLE] = stored.possible_duplicates_of(*of, root, version, measures.hashes)
        found |= measures.kinds
    with st.container():
        for kind, comparison in comparisons.items():
            if background.ready(comparison, kind.replace(" ", "-"), remaining()):
                found[kind] = comparison.result()
    return {kind: found[kind] for kind in MEANING if kind in found}


class _Measures(NamedTuple):
    """Kinds by the measures of quality, and the perceptual hash of each photo, by its path."""

    kinds: Kinds
    hashes: Mapping[str, int]


@st.cache_resource(max_entries=4, show_spinner=False)
def _by_quality(key: EvaluationKey, root: bytes, version: int, _check: QualityCheck) -> _Measures:
    """By what is measured so far of the photos in `root`; `version` is the measures'."""
    explanations = stored.explanations_of(key.model)
    assert explanations is not None  # the view is drawn only where there are some
    labels = dict(zip(explanations.photos["path"], explanations.photos["label"], strict=True))
    measures = _check.table(list(labels))
    kinds = {}
    for issue, name in quality.ISSUES.items():
        bad = measures[measures[issue]].sort_values(f"{issue} score", kind="stable")
        scores = {"path": bad["path"], "label": bad["path"].map(labels), "score": bad[f"{issue} score"]}
        kinds[name] = pd.DataFrame(scores)
    return _Measures(kinds, dict(zip(measures["path"], measures["bits"], strict=True)))


def _among(found: pd.DataFrame, state: State) -> pd.DataFrame:
    """The rows that are of the photos looked at, with their `index` there; the others are of other splits."""
    return found.assign(index=found["path"].map(state.whole.places)).dropna(subset=["index"]).astype({"index": int})


def _choose_kind(kinds: Kinds) -> str:
    if st.session_state.get(keys.OUTLIER_KIND) not in kinds:  # none yet, or of the photos looked at before
        linked = st.query_params.get(keys.OUTLIER_KIND, "")
        st.session_state[keys.OUTLIER_KIND] = linked if linked in kinds else next(iter(kinds))
    kind = st.selectbox("What is odd", kinds, key=keys.OUTLIER_KIND, on_change=reset_page,
                        format_func=lambda kind: f"{kind}: {_count(kinds[kind])}")  # fmt: skip
    st.query_params[keys.OUTLIER_KIND] = kind  # by hand: bound, the address would hold the count as well
    return kind


def _table(rows: pd.DataFrame) -> None:
    names = {"path": "Photo", "label": "Label", "split": "Split", "group": "Group", "score": "Score"}
    columns: dict[str, Any] = {name: title for name, title in names.items() if name in rows}
    if "score" in columns:
        columns["score"] = st.column_config.NumberColumn("Score", format="%.2f")
    photo_table(rows.assign(group=rows["group"] + 1) if "group" in rows else rows, keys.OUTLIERS_TABLE, columns)
    st.caption("Tick a row to open its photo.")


def _count(rows: pd.DataFrame) -> str:
    if "group" not in rows:
        return f"{len(rows):,}"
    n = rows["group"].nunique()
    return f"{n:,} group" + "s" * (n != 1)
