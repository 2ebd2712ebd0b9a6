"""Labels that look wrong, checked one by one by keyboard; the score; and retraining with what was decided."""

import pandas as pd
import streamlit as st

from fashion_core import UserError
from fashion_core.class_names import in_words
from fashion_core.photos.label_corrections import photo_key
from fashion_core.stats import between
from fashion_core.ui import background, keys, stored
from fashion_core.ui.evaluate import retrain
from fashion_core.ui.evaluate.selection import open_photo, select
from fashion_core.ui.evaluate.state import Shown, State
from fashion_core.ui.evaluate.tables import photo_table

WEAK = 0.8  # of a model that is right less often, many doubts are its own mistakes


def view(state: State) -> Shown:
    """How many labels were checked, the table of those to check, the most doubted first. The open photo stays in it
    when it is decided on."""
    job = stored.label_issues_of(state.key)
    if not background.ready(job, "label-issues"):
        return state.selected
    everywhere = job.result()
    issues = everywhere[state.keep[everywhere["index"]]]
    done = issues["path"].map(photo_key).isin(state.corrections.keys())
    listed = issues[~done | (issues["index"] == state.open_row)]
    to_check = issues[~done]
    _heading(len(to_check), len(issues), len(everywhere))
    _score(state)
    with st.container():  # what comes and goes
        if len(to_check) and state.open_row is None:
            st.button("Go on checking" if done.any() else "Start checking", key=keys.START_REVIEW, type="primary",
                      icon=":material/play_arrow:", on_click=open_photo, args=(to_check["path"].iloc[0],),
                      help="By keyboard: Y keeps the label, L takes the model's, X leaves the photo out, U takes the "
                           "last decision back")  # fmt: skip
        if state.corrections:
            retrain.panel(state)
    _table(state, listed)
    return state.in_order(listed["index"].to_numpy(int), "most doubted first")._replace(queue=True)


def checked(state: State) -> str:
    """How many of the labels in the queue were decided on by now: "12 of 33 checked"; nothing before it is known."""
    job = stored.label_issues_of(state.key)
    if not job.wait(0.0):
        return ""
    issues = job.result()
    paths = issues["path"][state.keep[issues["index"]]].map(photo_key)
    return f"{paths.isin(stored.decided(state.corrections_file).keys()).sum():,} of {len(paths):,} checked"


def _heading(left: int, here: int, everywhere: int) -> None:
    """How many labels look wrong, how many of them were checked; and the way to all where filters hide some."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        filtered = " (filtered)" if here < everywhere else ""
        st.markdown(f"**{here:,}** label{' looks' if here == 1 else 's look'} wrong{filtered}", width="content")
        if here < everywhere:
            st.button(f"show all {everywhere:,}", key=keys.SHOW_ALL_ISSUES, type="tertiary", on_click=select,
                      icon=":material/filter_alt_off:")  # fmt: skip
    if here:
        st.progress((here - left) / here, f"{here - left:,} of {here:,} checked")


def _score(state: State) -> None:
    """The accuracy as it stands, and by the labels decided on, each with its photos."""
    right, n = int(state.evaluation.right.sum()), len(state.evaluation)
    try:
        decided = stored.corrected(state.key, state.factor, state.corrections_file)
    except UserError:  # the headline says that no photo is left
        decided = None
    plain, mended = st.columns(2)
    plain.metric("Accuracy", f"{right / n:.2%}", help=f"95% interval {between(right, n)}")
    plain.caption(f"{right:,} of {n:,} photos, labels as they are")
    if decided and decided.n:
        change = 100 * (decided.right / decided.n - right / n)
        mended.metric("With your corrections", f"{decided.right / decided.n:.2%}", f"{change:+.2f} points",
                      help=f"95% interval {between(decided.right, decided.n)}")  # fmt: skip
        checked = f"{decided.decided:,} label{'s' * (decided.decided != 1)} checked"
        mended.caption(f"{decided.right:,} of {decided.n:,} photos; {checked}")
    if right / n < WEAK:
        st.caption(f":material/warning: Right on {right / n:.1%} of these photos only: many of these labels will be "
                   "right, and the model wrong.")  # fmt: skip


def _table(state: State, issues: pd.DataFrame) -> None:
    score = "Votes for the label" if state.votes else "Confidence in the label"
    rows = issues.assign(label=issues["label"].map(in_words), predicted=issues["predicted"].map(in_words))
    photo_table(rows, keys.LABEL_ISSUES_TABLE, {
        "path": "Photo", "label": "Label", "predicted": "Perhaps",
        "score": st.column_config.NumberColumn(score, format="percent"),
    })  # fmt: skip
    who = "that the most similar photos doubt" if state.votes else "the model doubts"
    errs = (
        "the similar photos may be the ones that mislead" if state.votes else "the model may be the one that is wrong"
    )
    st.caption(f"The labels {who} most. Check by eye: {errs}. Tick a row to open its photo.")
