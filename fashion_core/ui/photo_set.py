"""A folder of photos on the Data page: read and split, its four numbers, its tables, and which of its photos show."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import streamlit as st

from fashion_core import UserError, home, paper
from fashion_core.class_names import in_words, names_in_words
from fashion_core.files import Progress, given_path
from fashion_core.photos import dataset, duplicates, examples, known, sample, scan, split
from fashion_core.photos.imaging import printable
from fashion_core.photos.left_out import leave_out, left_out, put_back
from fashion_core.ui import keys
from fashion_core.ui.class_list import follow_link
from fashion_core.ui.gallery import escape_markdown, photo_grid

SHOW = {
    "all": "All photos",
    "alike": "Near-duplicates",
    "crossing": "Near-duplicates in more than one split",
    "conflicting": "Near-duplicates in more than one class",
}


JUDGES = "These photos come with Busana to test models. No model is trained on them."
GROUPS = 6  # of near-duplicates on a page
TODO = {  # a word of the reason → what to do; the first that fits
    "not in a class folder": "Move it into the folder of its class.",
    "link back": "Nothing: its photos are counted once already.",
    "permission": "Allow reading it, then rescan.",
    "empty file": "Copy it again; it has no content.",
    "truncated": "Copy or download it again; it is incomplete.",
    "larger than": "Save it smaller.",
    "raw file": "Save it as JPEG or PNG.",
    "Git LFS": "Fetch it with git lfs pull.",
    "not a photo": "Remove it, or move it out of the class folder.",
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
    def judges(self) -> bool:
        """Whether these are the photos that ship."""
        return self.root == examples.folder()

    @property
    def sizes(self) -> pd.Series:
        """ "48×64" for each photo."""
        return self.photos["width"].astype(str) + "×" + self.photos["height"].astype(str)


def sample_folder() -> Path:
    """Of the rendered sample set."""
    return home() / "data" / "sample"


def _first_folder() -> Path:
    """What is shown before a folder is chosen: the sample set where it was drawn, else the photos that ship, as drawing
    takes a minute."""
    return sample_folder() if sample_folder().exists() else examples.folder() or sample_folder()


def folders_here() -> dict[str, Path]:
    """Short name → folder: the photos that ship, then those that are known."""
    return {each.name: each for each in [examples.folder()] if each} | known.folders()


def choose_folder() -> Path:
    """A list of the known folders, where a path can be typed too. Raises UserError where that is none."""
    folders = folders_here()
    _take_link({str(folder): name for name, folder in folders.items()})
    typed = st.session_state.get(keys.DATA_FOLDER)
    offered = [*folders, *([typed] if typed and typed not in folders else [])]
    chosen = st.selectbox("Folder of photos", offered, None, key=keys.DATA_FOLDER, accept_new_options=True,
                          placeholder=_first_folder().name, on_change=select,
                          help="Choose one, or type the path of another. One folder per class; or train/, validation/ "
                               "and test/ with one folder per class in each.")  # fmt: skip
    return folders.get(chosen or "") or given_path(chosen or _first_folder())


def open_folder(folder: Path) -> None:
    """Have the page show it when it is drawn next."""
    st.session_state[keys.DATA_FOLDER] = known.name(folder) or str(folder)
    select()


def _take_link(names: Mapping[str, str]) -> None:
    """The address names the folder: by its short name or, as old links do, by its path. `names`: path → short name."""
    linked = st.query_params.get(keys.DATA_FOLDER)
    if linked and linked != st.session_state.get(keys.DATA_LINKED):  # another address: a link, or one step back
        st.session_state[keys.DATA_FOLDER] = st.session_state[keys.DATA_LINKED] = linked
        if linked not in names.values():
            del st.query_params[keys.DATA_FOLDER]
    typed = st.session_state.get(keys.DATA_FOLDER)
    if typed and typed in names:
        st.session_state[keys.DATA_FOLDER] = names[typed]


def keep_link(found: PhotoSet) -> None:
    """Know the folder from now on, and have the address say its short name: a path is nobody else's."""
    folders = folders_here()
    if len(found.photos) and found.root not in folders.values():
        known.remember(found.root)
        folders = folders_here()
    chosen = found.root if st.session_state[keys.DATA_FOLDER] else None
    short = next((name for name, folder in folders.items() if folder == chosen), None)
    st.session_state[keys.DATA_LINKED] = short
    if short is None:
        st.query_params.pop(keys.DATA_FOLDER, None)
    elif short != st.query_params.get(keys.DATA_FOLDER):
        st.query_params[keys.DATA_FOLDER] = short


def read(root: Path, bar) -> PhotoSet:
    """Audit and split a folder; the sample set is drawn where it is not there. Raises UserError where there is
    nothing to show."""

    def progress(done: int, total: int, what: str) -> None:
        bar.progress(done / total, f"{what}: {done:,} of {total:,}")

    if root == sample_folder() and not root.exists():
        sample.ensure(progress)
    if root == examples.folder():
        return _untrainable(root, JUDGES, progress)
    try:
        data = dataset.load(root, progress=progress)
        return PhotoSet(root, data, data.classes, "")
    except UserError as mistake:
        return _untrainable(root, str(mistake), progress)


def _untrainable(root: Path, problem: str, progress: Progress) -> PhotoSet:
    """UserError where there is nothing to show."""
    found = scan.audit(root, progress)
    data = dataset.Dataset(root, found.photos, found.unreadable, bool(found.splits), found.notes)
    return PhotoSet(root, data, found.classes, problem)


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
    follow_link(keys.DATA_CLASS, classes)
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
    reasons = "listed above, with what to do" if bad else "every file is a photo"
    grid = st.grid(4, min_column_width=150, border=True, key=keys.figures("data"))
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
            f"Its {paper.TEST_ACCURACY:.2%} fits only the larger number."
        )
        if sample.made(found.root) is None:  # a set drawn here has as many as were asked for
            st.caption(paper.count_difference(Counter(found.photos["label"])))


def _counts(photos: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """A row for each class and one for all; the splits where there are any, the paper's counts where they are its."""
    whole = photos["label"].value_counts().reindex(list(classes), fill_value=0)
    table = pd.DataFrame({"Class": list(map(printable, names_in_words(classes).values())), "Photos": whole.to_numpy()})
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
                 height=35 * (len(common) + 1) + 3,
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
            f"{Path(row['path']).name} · {in_words(row['label'])}"
            + (f" (its near-duplicate: {', '.join(map(in_words, others))})" if others else "")
            + (f", {row['split']}" if row["split"] else "")
            + f" · {row['width']}×{row['height']}"
            + (f" · group {row['group'] + 1}" if show != "all" else "")
        )
    return texts


def duplicate_groups(found: PhotoSet, rows: pd.DataFrame) -> None:
    """Near-duplicates of `rows`, a group at a time with its photos side by side, and what is wrong with it."""
    groups = [photos for _, photos in rows[rows["group"] >= 0].groupby("group")]
    pages = max(1, -(-len(groups) // GROUPS))
    number = st.pagination(pages, key=keys.page_number(keys.DATA_PHOTOS), bind="query-params") if pages > 1 else 1
    for photos in groups[(min(number, pages) - 1) * GROUPS : min(number, pages) * GROUPS]:
        group = int(photos["group"].iloc[0])
        with st.container(border=True, key=keys.duplicate_group(group)):
            st.markdown(f"**Group {group + 1}** · {len(photos)} photos {' '.join(_verdicts(photos))}")
            of = [f"{in_words(row['label'])}{', ' + row['split'] if row['split'] else ''} · {Path(row['path']).name}"
                  for row in photos.to_dict("records")]  # fmt: skip
            photo_grid([found.data.file(path) for path in photos["path"]], of, key=keys.group_photos(group),
                       page_size=12)  # fmt: skip


def _verdicts(photos: pd.DataFrame) -> list[str]:
    """What is wrong with a group of near-duplicates, as badges."""
    splits, labels = sorted(set(photos["split"]) - {""}, key=split.SPLITS.index), sorted(set(photos["label"]))
    said = [f":orange-badge[:material/call_split: crosses the split: {' and '.join(splits)}]"] if splits[1:] else []
    words = escape_markdown(" and ".join(in_words(label) for label in labels))
    return said + ([f":red-badge[:material/label_off: more than one class: {words}]"] if labels[1:] else [])


def blockers(found: PhotoSet, move: Callable[[Callable[[Path, str], None], Path, str], None]) -> None:
    """At the top: classes with too few photos to train on, and files that are no photos, each with what to do.

    `move(how, root, label)` leaves out or puts back a class and has the folder read anew."""
    if found.judges:
        return
    counts = Counter(found.photos["label"])
    for label in (label for label in found.classes if counts[label] < 3) if len(found.classes) > 1 else ():
        with st.container(horizontal=True, vertical_alignment="center", key=keys.few(label)):
            n, words = counts[label], escape_markdown(in_words(label))
            what = "has no photos" if n == 0 else f"has {n} photo{'s' if n > 1 else ''}; training needs 3"
            st.markdown(f":material/folder_off: **{words}** {what}. Add photos to its folder, or leave it out.",
                        width="content")  # fmt: skip
            st.button("Leave it out", key=keys.leave_out(label), on_click=move, args=(leave_out, found.root, label),
                      help="The folder is renamed and ignored; no photo is deleted.")  # fmt: skip
    for label in left_out(found.root):
        with st.container(horizontal=True, vertical_alignment="center", key=keys.hidden(label)):
            st.markdown(f":material/visibility_off: {escape_markdown(in_words(label))} is left out.", width="content")
            st.button("Put it back", key=keys.put_back(label), on_click=move, args=(put_back, found.root, label))
    if n := len(found.data.unreadable):
        unusable_files(found.data.unreadable, n)


def unusable_files(bad: pd.DataFrame, n: int) -> None:
    """The files that are no photos, by reason, with what to do about each."""
    with st.expander(f"{n:,} unusable file{'s' if n > 1 else ''}: skipped in training", icon=":material/broken_image:",
                     expanded=n <= 10):  # fmt: skip
        table = {"path": bad["path"].map(printable), "reason": bad["reason"], "todo": bad["reason"].map(what_to_do)}
        st.dataframe(table, hide_index=True, key=keys.DATA_UNREADABLE,
                     column_config={"path": "File", "reason": "What is wrong", "todo": "What to do"})  # fmt: skip


def what_to_do(reason: str) -> str:
    """What a person can do about a file that cannot be used for this `reason`."""
    for word, todo in TODO.items():
        if word in reason:
            return todo
    return "Open it in a photo program and save it as JPEG or PNG, or remove it."
