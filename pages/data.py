"""Data: choose or get photos; counts beside the paper's, unusable files, near-duplicates, sizes, the split."""

from pathlib import Path

import pandas as pd
import streamlit as st

from fashion_core import UserError, home, paper
from fashion_core.photos import dataset, scan, sources, split
from fashion_core.photos.imaging import printable
from fashion_core.ui.boot import boot, guard, link
from fashion_core.ui.gallery import escape_markdown, photo_grid

SAMPLE = home() / "data" / "sample"
SHOW = {"all": "All photos", "alike": "Near-duplicates", "crossing": "Near-duplicates across the split"}


def choose(label: str | None = None, part: str | None = None, size: str | None = None, show: str = "all",
           table: str | None = None) -> None:  # fmt: skip
    """Show these photos, from whichever door; a table that was not the door has no cell selected any more."""
    st.session_state.update({"class": label, "part": part, "size": size, "show": show, "photos-page": 1})
    for other in {"counts", "sizes"} - {table}:
        st.session_state[other] = {"selection": {"rows": [], "columns": [], "cells": []}}


def open_folder(folder: Path) -> None:
    st.session_state["folder"] = str(folder)
    choose()


def look(root: Path, bar) -> tuple[dataset.Dataset, tuple[str, ...], str]:
    """The photos split, the classes, and why they cannot be trained on ("" where they can)."""

    def progress(done: int, total: int, what: str) -> None:
        bar.progress(done / total, f"{what}: {done:,} of {total:,}")

    if root == SAMPLE and not root.exists():
        from fashion_core.photos.sample import ensure

        ensure(progress)
    try:
        data = dataset.load(root, progress=progress)
        return data, data.classes, ""
    except UserError as mistake:
        found = scan.audit(root, progress)  # raises the same where there is nothing to show
        photos = found.photos.rename(columns={"part": "split"})
        data = dataset.Dataset(root, photos, found.unreadable, bool(found.parts), found.notes)
        return data, found.classes, str(mistake)


def get_photos() -> None:
    """Download a set that others publish, or take a folder or zip in its place; then open it."""
    with st.form("get", border=False):
        name = st.radio("Set", sources.SOURCES, format_func=lambda name: sources.SOURCES[name].title, key="source")
        local = st.text_input(
            "Folder or zip you have", key="local", placeholder="leave empty to download",
            help="A path on the machine that runs Busana",
        )  # fmt: skip
        pressed = st.form_submit_button("Get photos", icon=":material/download:")
    if not pressed:
        return
    bar, out = st.progress(0.0, "Starting"), home() / "data" / name
    try:
        if not local.strip() and (out.exists() and any(out.iterdir())):
            raise UserError(f"{out} is here already: open it, or remove that folder to get the photos anew.")
        sources.fetch(
            name, out, Path(local.strip()).expanduser() if local.strip() else None,
            lambda done, total, what: bar.progress(min(1.0, done / max(total, 1)), f"{what}: {done:,} of {total:,}"),
        )  # fmt: skip
    except UserError as mistake:  # the photos that are open stay on the page
        bar.empty()
        st.error(str(mistake), icon=":material/error:")
        return
    st.session_state["got"] = out
    st.rerun()


def headline(data: dataset.Dataset, classes: tuple[str, ...], crossing: int) -> None:
    """Four numbers, each with the button that opens its photos."""
    grouped = data.photos["group"] >= 0
    groups = data.photos["group"][grouped].nunique()
    side, bad = f"{crossing or 'none'} across the split", len(data.unreadable)
    grid = st.grid(4, min_column_width=150, border=True)
    for label, value, note, button, show in (
        ("Photos", len(data.photos), f"{data.photos['bytes'].sum() / 1e6:,.2f} MB", "all of them", "all"),
        ("Classes", len(classes), "one folder each", None, None),
        ("Near-duplicate groups", groups, side, f"{grouped.sum():,} photos", "crossing" if crossing else "alike"),
        ("Unusable files", bad, "listed below, with the reason" if bad else "every file is a photo", None, None),
    ):
        with grid.container(gap="xsmall"):
            st.metric(label, f"{value:,}")
            st.caption(note)
            if button and value:
                st.button(button, key=f"door-{label}", type="tertiary", icon=":material/photo_library:",
                          on_click=choose, kwargs={"show": show})  # fmt: skip


def counts_table(data: dataset.Dataset, classes: tuple[str, ...]) -> None:
    """Photos per class and split; a click on a number shows its photos."""
    table = pd.DataFrame({"Class": classes, "Photos": [int((data.photos["label"] == c).sum()) for c in classes]})
    by_split = pd.crosstab(data.photos["label"], data.photos["split"]).reindex(index=classes, fill_value=0)
    for part in split.SPLITS if by_split.columns.isin(split.SPLITS).any() else ():
        table[part] = by_split[part].to_numpy() if part in by_split else 0
    if paper.matches(classes):
        table["Paper"] = [paper.COUNTS[c] for c in classes]
    totals = {"Class": "all"} | {name: int(table[name].sum()) for name in table.columns[1:]}
    table = pd.concat([table, pd.DataFrame([totals])], ignore_index=True)

    def clicked() -> None:
        if cells := st.session_state["counts"].selection.cells:
            row, column = cells[0]
            label = classes[row] if row < len(classes) else None
            choose(label, column if column in split.SPLITS else None, table="counts")

    st.dataframe(table, hide_index=True, key="counts", on_select=clicked, selection_mode="single-cell",
                 height=min(35 * (len(table) + 1) + 3, 700))  # fmt: skip
    st.caption("Click a number to see its photos.")
    if paper.matches(classes):
        st.caption(
            f"The paper states {paper.STATED_TOTAL:,} photos, but its ten counts sum to {paper.COUNTED_TOTAL:,}. "
            f"Only a tenth of the latter, {paper.TEST_PHOTOS} test photos, can give the {paper.TEST_ACCURACY:.2%} that "
            "it reports."
        )


def sizes_table(sizes: pd.Series) -> None:
    """The commonest sizes; a click shows their photos."""
    common = sizes.value_counts().head(8)

    def clicked() -> None:
        if cells := st.session_state["sizes"].selection.cells:
            choose(size=common.index[cells[0][0]], table="sizes")

    st.dataframe({"Size": common.index, "Photos": common.to_numpy()}, hide_index=True, key="sizes", on_select=clicked,
                 selection_mode="single-cell", width="content")  # fmt: skip


boot("Data")
st.title("Data")
if "got" in st.session_state:
    open_folder(st.session_state.pop("got"))
folder = st.text_input("Folder of photos", key="folder", placeholder=str(SAMPLE), bind="query-params", on_change=choose,
                       help="One folder per class; or train/, validation/ and test/ with one folder per class in each. "
                            "The default is the rendered sample set.")  # fmt: skip
root = Path(folder.strip() or SAMPLE).expanduser()
with st.container(horizontal=True, vertical_alignment="center"):
    for known in (SAMPLE, *(home() / "data" / name for name in sources.SOURCES)):
        if (known == SAMPLE or known.is_dir()) and known != root:
            st.button(f"Open {known.name}", key=f"open-{known.name}", on_click=open_folder, args=(known,),
                      icon=":material/folder_open:")  # fmt: skip
    st.button("Look again", icon=":material/refresh:", on_click=lambda: st.session_state.pop("looked", None))
with st.expander("Get photos", icon=":material/download:"):
    get_photos()

# What comes and goes has a place of its own, so that the lists below keep theirs and the address follows them.
bar = st.empty()
if st.session_state.get("looked", [None])[0] != root:  # looked at once per visit: a click need not wait for the disk
    with guard():
        st.session_state["looked"] = (root, *look(root, bar))
    bar.empty()
_, data, classes, problem = st.session_state["looked"]
photos = data.photos
sizes = photos["width"].astype(str) + "×" + photos["height"].astype(str)
crosses = (photos["group"] >= 0) & (photos.groupby("group")["split"].transform("nunique") > 1)
with st.container():
    if problem:
        st.error(problem, icon=":material/error:")
    for note in data.notes:
        st.info(escape_markdown(note), icon=":material/info:")
headline(data, classes, int(photos["group"][crosses].nunique()))

numbers, gallery = st.columns([5, 6], gap="large")
with gallery:
    if (given := st.session_state.get("class")) and given not in classes:
        st.session_state["class"] = None
    with st.grid(2, min_column_width=150, gap="small"):
        label = st.selectbox("Class", classes, index=None, key="class", placeholder="any", bind="query-params")
        part = st.selectbox("Split", split.SPLITS, index=None, key="part", placeholder="any", bind="query-params")
        every_size = sizes.value_counts().index
        size = st.selectbox("Size", every_size, index=None, key="size", placeholder="any", bind="query-params")
        show = st.selectbox("Show", SHOW, format_func=SHOW.get, key="show", bind="query-params")
    chosen = {"all": pd.Series(True, photos.index), "alike": photos["group"] >= 0, "crossing": crosses}[show]
    for value, column in ((label, photos["label"]), (part, photos["split"]), (size, sizes)):
        chosen = chosen & (column == value) if value else chosen
    rows = photos[chosen].sort_values(["group", "label"] if show != "all" else ["label"], kind="stable")
    st.markdown(f"**{len(rows):,}** of {len(photos):,} photos")
    captions = [
        f"{Path(row.path).name} · {row.label}{', ' + row.split if row.split else ''} · {row.width}×{row.height}"
        + (f" · group {row.group + 1}" if show != "all" else "")
        for row in rows.itertuples()
    ]
    photo_grid([data.file(path) for path in rows["path"]], captions, key="photos", page_size=12)
with numbers:
    st.subheader("Classes and split")
    counts_table(data, classes)
    if data.own_split:
        st.caption("The folder came with its split; what it lacks is drawn by seed 0.")
    elif not problem:
        st.caption("80/10/10 of every class, drawn by seed 0 as on the Train page; near-duplicates stay on one side.")
    st.subheader("Sizes")
    sizes_table(sizes)
    if not problem:
        link("train", "Train on these photos", ":material/model_training:", folder=str(root))

if len(data.unreadable):
    st.subheader("Unusable files")
    st.dataframe(data.unreadable.assign(path=data.unreadable["path"].map(printable)), hide_index=True, key="unreadable",
                 column_config={"path": "Path", "reason": "Reason"})  # fmt: skip
