"""Data: choose or get photos; counts next to the paper's, unusable files, near-duplicates, sizes, the split."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from fashion_core import UserError
from fashion_core.files import given_path
from fashion_core.photos import examples
from fashion_core.photos.split import SPLITS
from fashion_core.ui import keys
from fashion_core.ui.boot import boot, guard, link
from fashion_core.ui.class_list import class_list
from fashion_core.ui.gallery import escape_markdown, photo_grid
from fashion_core.ui.get_photos import get_photos, received
from fashion_core.ui.new_run import known_folders, short_name
from fashion_core.ui.own_classes import make_classes
from fashion_core.ui.photo_set import (
    SHOW,
    blockers,
    captions,
    chosen_photos,
    counts_table,
    duplicate_groups,
    first_folder,
    forget_unknown_class,
    headline,
    read,
    select,
    sizes_table,
)


def open_folder(folder: str) -> None:
    st.session_state[keys.DATA_FOLDER] = folder
    select()


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
    open_folder(short_name(folder))
first = first_folder()
known = {each.name: each for each in [examples.folder()] if each} | known_folders()
typed = st.text_input("Folder of photos", key=keys.DATA_FOLDER, placeholder=first.name, bind="query-params",
                      on_change=select, help="One of those below by its name, or a path. One folder per class; or "
                                             "train/, validation/ and test/ with one folder per class in each."
                      )  # fmt: skip
with guard():
    root = known.get(typed.strip()) or given_path(typed.strip() or first)
with st.container(horizontal=True, vertical_alignment="center"):
    for name, folder in known.items():
        if folder != root:
            st.button(f"Open {name}", key=keys.open_folder(name), on_click=open_folder, args=(name,),
                      icon=":material/folder_open:")  # fmt: skip
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
        link("train", "Train on these photos", ":material/model_training:", folder=short_name(root))
    elif found.judges:
        link("evaluate", "See what models answer to them", ":material/grid_on:", of="people")
