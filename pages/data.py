"""Data: choose or get photos; counts next to the paper's, unusable files, near-duplicates, sizes, the split."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from fashion_core import UserError
from fashion_core.photos import known
from fashion_core.photos.split import SPLITS
from fashion_core.ui import keys
from fashion_core.ui.boot import boot, guard, link
from fashion_core.ui.class_list import class_list
from fashion_core.ui.gallery import escape_markdown, photo_grid
from fashion_core.ui.get_photos import get_photos, received
from fashion_core.ui.own_classes import make_classes
from fashion_core.ui.photo_set import (
    SHOW,
    blockers,
    captions,
    choose_folder,
    chosen_photos,
    counts_table,
    duplicate_groups,
    forget_unknown_class,
    headline,
    keep_link,
    open_folder,
    read,
    sizes_table,
)


def move(how: Callable[[Path, str], None], root: Path, label: str) -> None:
    """Leave out or put back a class; the folder is read anew."""
    try:
        how(root, label)
    except UserError as mistake:
        st.session_state[keys.DATA_PROBLEM] = str(mistake)
    st.session_state.pop(keys.DATA_SCAN, None)


boot("Data")
st.title("Data")
if folder := received():
    open_folder(folder)
with st.container(horizontal=True, vertical_alignment="bottom"):
    with guard():
        root = choose_folder()
    st.button("Rescan folder", icon=":material/refresh:", on_click=lambda: st.session_state.pop(keys.DATA_SCAN, None))
with st.expander("Get photos", icon=":material/download:"):
    get_photos()

with st.expander("Make your own classes", keys.OWN_LINK in st.query_params, icon=":material/category:"):
    make_classes()

# What comes and goes has a place of its own, so that the lists below keep theirs and the address follows them.
bar = st.empty()
if keys.DATA_SCAN not in st.session_state or st.session_state[keys.DATA_SCAN].root != root:
    with guard():  # read once per visit: a click need not wait for the disk
        st.session_state[keys.DATA_SCAN] = read(root, bar)
    bar.empty()
found = st.session_state[keys.DATA_SCAN]
keep_link(found)
with st.container():
    problem = st.session_state.pop(keys.DATA_PROBLEM, None)
    if found.judges and not problem:
        st.info(found.problem, icon=":material/info:")
    elif problem := problem or found.problem:
        st.error(problem, icon=":material/error:")
    blockers(found, move)
    for note in found.data.notes:
        st.info(escape_markdown(note), icon=":material/info:")
headline(found)

numbers, gallery = st.columns([5, 6], gap="large")
with gallery:
    forget_unknown_class(found.classes)
    with st.grid(2, min_column_width=150, gap="small"):
        label = class_list("Class", found.classes, key=keys.DATA_CLASS, placeholder="any")
        split = st.selectbox("Split", SPLITS, index=None, key=keys.DATA_SPLIT, placeholder="any", bind="query-params")
        size = st.selectbox("Size", found.sizes.value_counts().index, index=None, key=keys.DATA_SIZE, placeholder="any",
                            bind="query-params")  # fmt: skip
        show = st.selectbox("Show", SHOW, format_func=SHOW.__getitem__, key=keys.DATA_SHOW, bind="query-params")
    rows = chosen_photos(found, label, split, size, show)
    st.markdown(f"**{len(rows):,}** of {len(found.photos):,} photos")
    if show == "all":
        photo_grid([found.data.file(path) for path in rows["path"]], captions(found, rows, show), key=keys.DATA_PHOTOS,
                   page_size=12)  # fmt: skip
    else:
        duplicate_groups(found, rows)
with numbers:
    st.header("Classes" if found.problem else "Classes and split")
    counts_table(found)
    if found.data.own_split:
        st.caption("The folder came with its split; what it lacks is drawn by seed 0.")
    elif not found.problem:
        st.caption("80/10/10 of every class, drawn by seed 0 as on the Train page; near-duplicates stay on one side.")
    st.header("Sizes")
    sizes_table(found)
    if not found.problem:
        link("train", "Train on these photos", ":material/model_training:", folder=known.name(root) or root.name)
    elif found.judges:
        link("evaluate", "See what models answer to them", ":material/grid_on:", of="people")
