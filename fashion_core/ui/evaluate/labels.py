"""Labels that look wrong, by confident learning, those that people decided on left out."""

import pandas as pd
import streamlit as st

from fashion_core.photos.label_corrections import photo_key
from fashion_core.ui import background, keys, stored
from fashion_core.ui.evaluate.state import Shown, State
from fashion_core.ui.evaluate.tables import photo_table


def view(state: State) -> Shown:
    """The table of label issues, the worst first. The open photo stays in it when it is decided on: from there one
    goes on."""
    job = stored.label_issues_of(state.key)
    if not background.ready(job, "label-issues"):
        return state.selected
    issues = job.result()
    issues = issues[state.keep[issues["index"]]]
    done = issues["path"].map(photo_key).isin(state.corrections.keys())
    listed = issues[~done | (issues["index"] == state.open_row)]
    more = f" {done.sum():,} more were decided on." if done.any() else ""
    n = int((~done).sum())
    st.markdown(f"**{n:,}** label{' looks' if n == 1 else 's look'} wrong, the worst first.{more}")
    _table(listed, state.votes)
    return state.in_order(listed["index"].to_numpy(int), "worst label first")


def _table(issues: pd.DataFrame, votes: bool) -> None:
    score = "Votes for the label" if votes else "Belief in the label"
    photo_table(issues, keys.LABEL_ISSUES_TABLE, {
        "path": "Photo", "label": "Label", "predicted": "Perhaps",
        "score": st.column_config.NumberColumn(score, format="percent"),
    })  # fmt: skip
    usual = "how many votes each class usually gets" if votes else "how sure the model usually is of each class"
    least = "with the fewest votes" if votes else "the least believed"
    errs = "the neighbours that err" if votes else "the model that errs"
    st.caption(
        f"By confident learning: from {usual} it is estimated how many labels are wrong, and so many, {least}, are "
        f"listed. A place to look, not a verdict: it may be {errs}. Tick a row to open its photo."
    )
