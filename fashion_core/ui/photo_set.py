"""A folder of photos on the Data page: read and split, its four numbers, its tables, and which of its photos show."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import streamlit as st

from fashion_core import UserError, home, paper
from fashion_core.photos import dataset, duplicates, sample, scan, split
from fashion_core.photos.imaging import printable
from fashion_core.ui import keys

SHOW = {
    "all": "All photos",
    "alike": "Near-duplicates",
    "crossing": "Near-duplicates in more than one split",
    "conflicting": "Near-duplicates in more than one class",
}


class PhotoSet(NamedTuple):
    """A folder as it was read: `problem` says why it cannot be trained on ("" where it can)."""

    root: Path
    data: dataset.Dataset
    classes: tuple[str, ...]
    problem: str

    @property
    def photos(self) -> pd.DataFrame:
        return self.data.photos

    @property
    def sizes(self) -> pd.Series:
        """ "48×64" for each photo."""
        return self.photos["width"].astype(str) + "×" + self.photos["height"].astype(str)


def sample_folder() -> Path:
    """The default: the rendered sample set."""
    return home() / "data" / "sample"


def read(root: Path, bar) -> PhotoSet:
    """Audit and split a folder; the default sample set is drawn where it is not there. Raises UserError where there is
    nothing to show."""

    def progress(done: int, total: int, what: str) -> None:
        bar.progress(done / total, f"{what}: {done:,} of {total:,}")

    if root == sample_folder() and not root.exists():
        sample.ensure(progress)
    try:
        data = dataset.load(root, progress=progress)
        return PhotoSet(root, data, data.classes, "")
    except UserError as mistake:
        found = scan.audit(root, progress)  # raises the same where there is nothing to show
        data = dataset.Dataset(root, found.photos, found.unreadable, bool(found.splits), found.notes)
        return PhotoSet(root, data, found.classes, str(mistake))


def select(label: str | None = None, split: str | None = None, size: str | None = None, show: str = "all",
           table: str | None = None) -> None:  # fmt: skip
    """Show these photos; a table other than the one clicked has no cell selected any more."""
    st.session_state[keys.DATA_CLASS], st.session_state[keys.DATA_SPLIT] = label, split
    st.session_state[keys.DATA_SIZE], st.session_state[keys.DATA_SHOW] = size, show
    st.session_state[keys.page_number(keys.DATA_PHOTOS)] = 1
    for each in (keys.DATA_COUNTS, keys.DATA_SIZES):
        if each != table:
            st.session_state[each] = {"selection": {"rows": [], "columns": [], "cells": []}}


def forget_unknown_class(classes: tuple[str, ...]) -> None:
    """Where these photos have no such class, any class is shown."""
    if st.session_state.get(keys.DATA_CLASS) not in (None, *classes):
        st.session_state[keys.DATA_CLASS] = None


def headline(found: PhotoSet) -> None:
    """Four numbers, each with the button that shows its photos."""
    photos, bad = found.photos, len(found.data.unreadable)
    grouped, conflicts = photos["group"] >= 0, int(duplicates.conflicting(photos).sum())
    crossing = split.crossing_groups(photos)
    size = f"{photos['bytes'].sum() / 1e6:,.2f} MB"
    in_splits = f"{crossing or 'none'} in more than one split"
    in_classes = f"{conflicts:,} in more than one" if conflicts else None
    reasons = "listed below, with the reason" if bad else "every file is a photo"
    grid = st.grid(4, min_column_width=150, border=True)
    for label, value, note, button, show in (
        ("Photos", len(photos), size, "all of them", "all"),
        ("Classes", len(found.classes), "one folder each", in_classes, "conflicting"),
        ("Near-duplicate groups", photos["group"][grouped].nunique(), in_splits, f"{grouped.sum():,} photos",
         "crossing" if crossing else "alike"),
        ("Unusable files", bad, reasons, None, ""),
    ):  # fmt: skip
        with grid.container(gap="xsmall"):
            st.metric(label, f"{value:,}")
            st.caption(note)
            if button and value:
                st.button(button, key=keys.select(label), type="tertiary", icon=":material/photo_library:",
                          on_click=select, kwargs={"show": show})  # fmt: skip


def counts_table(found: PhotoSet) -> None:
    """Photos per class and split; a click on a number shows its photos."""
    table, classes = _counts(found.photos, found.classes), found.classes

    def clicked() -> None:
        if cells := st.session_state[keys.DATA_COUNTS].selection.cells:
            row, column = cells[0]
            label = classes[row] if row < len(classes) else None
            select(label, column if column in split.SPLITS else None, table=keys.DATA_COUNTS)

    st.dataframe(table, hide_index=True, key=keys.DATA_COUNTS, on_select=clicked, selection_mode="single-cell",
                 height=min(35 * (len(table) + 1) + 3, 700))  # fmt: skip
    st.caption("Click a number to see its photos.")
    if paper.matches(classes):
        st.caption(
            f"The paper states {paper.STATED_TOTAL:,} photos, but its ten counts sum to {paper.COUNTED_TOTAL:,}. "
            f"Only a tenth of the latter, {paper.TEST_PHOTOS} test photos, can give the {paper.TEST_ACCURACY:.2%} that "
            "it reports."
        )
        st.caption(paper.count_difference(Counter(found.photos["label"])))


def _counts(photos: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """A row for each class and one for all; the splits where there are any, the paper's counts where they are its."""
    whole = photos["label"].value_counts().reindex(list(classes), fill_value=0)
    table = pd.DataFrame({"Class": [printable(label) for label in classes], "Photos": whole.to_numpy()})
    by_split = pd.crosstab(photos["label"], photos["split"]).reindex(index=list(classes), fill_value=0)
    for name in split.SPLITS if by_split.columns.isin(split.SPLITS).any() else ():
        table[name] = by_split[name].to_numpy() if name in by_split else 0
    if paper.matches(classes):
        table["Paper"] = [paper.COUNTS[label] for label in classes]
    totals = {"Class": "all"} | {name: int(table[name].sum()) for name in table.columns[1:]}
    return pd.concat([table, pd.DataFrame([totals])], ignore_index=True)


def sizes_table(found: PhotoSet) -> None:
    """The commonest sizes; a click shows their photos."""
    common = found.sizes.value_counts().head(8)

    def clicked() -> None:
        if cells := st.session_state[keys.DATA_SIZES].selection.cells:
            select(size=common.index[cells[0][0]], table=keys.DATA_SIZES)

    st.dataframe({"Size": common.index, "Photos": common.to_numpy()}, hide_index=True, key=keys.DATA_SIZES,
                 on_select=clicked, selection_mode="single-cell", width="content")  # fmt: skip


def chosen_photos(
    found: PhotoSet, label: str | None, split_name: str | None, size: str | None, show: str
) -> pd.DataFrame:
    """The rows to show: near-duplicates next to each other, else by class."""
    photos = found.photos
    kept = {
        "all": lambda: pd.Series(True, photos.index),
        "alike": lambda: photos["group"] >= 0,
        "crossing": lambda: split.crosses_split(photos),
        "conflicting": lambda: duplicates.conflicting(photos),
    }[show]()
    for value, column in ((label, photos["label"]), (split_name, photos["split"]), (size, found.sizes)):
        kept = kept & (column == value) if value else kept
    return photos[kept].sort_values(["group", "label"] if show != "all" else ["label"], kind="stable")


def captions(found: PhotoSet, rows: pd.DataFrame, show: str) -> list[str]:
    """Name, label, split and size of each photo; of near-duplicates the group, and the other label where it has one."""
    photos = found.photos[duplicates.conflicting(found.photos)]
    labels = photos.groupby("group")["label"].agg(set).to_dict()
    texts = []
    for row in rows.to_dict("records"):
        others = sorted(labels.get(row["group"], set()) - {row["label"]})
        texts.append(
            f"{Path(row['path']).name} · {row['label']}"
            + (f" (its near-duplicate: {', '.join(others)})" if others else "")
            + (f", {row['split']}" if row["split"] else "")
            + f" · {row['width']}×{row['height']}"
            + (f" · group {row['group'] + 1}" if show != "all" else "")
        )
    return texts


def problem_tables(found: PhotoSet) -> None:
    """Below the photos: those in more than one class, and the files that are no photos."""
    conflicts = found.photos[duplicates.conflicting(found.photos)].sort_values(["group", "label"], kind="stable")
    if len(conflicts):
        st.subheader("Photos in more than one class")
        st.caption("Photos of one group are the same or nearly so: at most one of their labels is right.")
        table = {"Group": conflicts["group"] + 1, "Class": conflicts["label"].map(printable),
                 "Photo": conflicts["path"].map(printable)}  # fmt: skip
        st.dataframe(table, hide_index=True, key=keys.DATA_CONFLICTS)
    if len(bad := found.data.unreadable):
        st.subheader("Unusable files")
        st.dataframe(bad.assign(path=bad["path"].map(printable)), hide_index=True, key=keys.DATA_UNREADABLE,
                     column_config={"path": "Path", "reason": "Reason"})  # fmt: skip
