"""The classification report, with the paper's Table 1 where the classes match."""

from functools import partial

import pandas as pd
import streamlit as st

from fashion_core import paper
from fashion_core.class_names import in_words
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.ui import keys
from fashion_core.ui.evaluate.selection import last_selected, select
from fashion_core.ui.evaluate.state import Shown, State
from fashion_core.ui.evaluate.tables import shown

COLUMNS = {"precision": "Prec.", "recall": "Recall", "f1-score": "F1", "support": "Photos"}
PAPER_COLUMNS = {"precision": "Paper P", "recall": "Paper R", "f1-score": "Paper F1"}
WIDTHS = {"precision": 50, "recall": 56, "f1-score": 50, "support": 58}  # pixels: with the paper's they fit a laptop
PAPER = "paper "  # begins the name of a column of the paper's numbers
ROWS_UP_TO = 43  # more scroll within the table


def view(state: State) -> Shown:
    """A row for each class and average; a number selects its photos."""
    evaluation = state.evaluation
    table, columns = _table(state)
    variant = shown(evaluation.classes)
    st.dataframe(table, hide_index=True, column_config=columns, placeholder="", selection_mode="single-cell",
                 height=35 * (min(len(table), ROWS_UP_TO) + 1) + 3, key=keys.variant(keys.REPORT, variant),
                 on_select=partial(_from_report, variant, evaluation))  # fmt: skip
    if len(table) > ROWS_UP_TO:
        st.caption("Click a column's head to sort by it: the lowest F1 first are the classes with the most trouble.")
    st.caption(
        "Click a number to see its photos: precision, all that were called the class; recall and photos, all that are "
        "of the class; F1, those of the class that were missed; the averages, every mistake."
    )
    return state.selected


def _table(state: State) -> tuple[pd.DataFrame, dict]:
    """The table, and how its columns are shown."""
    metrics = state.metrics
    names = metrics["class"].map(in_words).where(metrics["kind"] == "class", metrics["kind"])  # or the average's name
    table = metrics.drop(columns="kind").assign(**{"class": names})
    table.insert(3, "interval", [*state.evaluation.recall_intervals(), None, None])
    columns = {"class": st.column_config.TextColumn("Class", pinned=True, width=100)}
    columns |= {
        key: st.column_config.NumberColumn(name, format="%.3f", width=WIDTHS[key]) for key, name in COLUMNS.items()
    }
    columns["interval"] = st.column_config.TextColumn("95% of recall", width=98)
    columns["support"] = st.column_config.NumberColumn("Photos", width=WIDTHS["support"])
    if paper.matches(state.evaluation.classes):
        for key, name in PAPER_COLUMNS.items():
            table[PAPER + key] = [paper.TABLE_1.get(label, {}).get(key) for label in metrics["class"]]
            columns[PAPER + key] = st.column_config.NumberColumn(name, format="%.2f", width=58)
    return table, columns


def _from_report(variant: int, evaluation: Evaluation) -> None:
    """`evaluation` is the one whose report was shown."""
    place = last_selected(keys.REPORT, variant, st.session_state[keys.variant(keys.REPORT, variant)].selection.cells)
    if isinstance(place, tuple | list):
        row, column = place
        select(*evaluation.selection_for_metric(row, column.removeprefix(PAPER)))
