"""Make your own classes: name a set and its classes, drop photos into each; they are on the disk at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from fashion_core import UserError
from fashion_core.class_names import answer_in_words, in_words
from fashion_core.photos import left_out, own_classes
from fashion_core.ui import keys
from fashion_core.ui.boot import link
from fashion_core.ui.gallery import escape_markdown, photo_grid


def make_classes() -> None:
    """The names, a drop zone for each class, what is missing, what can be undone, and the way to Train."""
    name = st.text_input("Name of the set", key=keys.OWN_SET, placeholder="my shoes")
    typed = st.text_input("Classes, separated by commas", key=keys.OWN_LABELS, placeholder="boots, sandals")
    if not name.strip():
        return
    try:
        root = own_classes.folder(name)
        named = [own_classes.name_of(each) for each in typed.split(",") if each.strip()]
        _news(root)
        labels = own_classes.together(own_classes.labels(root), named)
        for label in labels:
            _class(root, label)
        counts = {label: len(own_classes.photos(root, label)) for label in labels}
    except UserError as mistake:
        st.error(escape_markdown(str(mistake)), icon=":material/error:")
        return
    if lacking := own_classes.missing(counts):
        st.info(escape_markdown(lacking), icon=":material/info:")
    else:
        link("train", "Train on these", ":material/model_training:", folder=root.name)


def _class(root: Path, label: str) -> None:
    """A drop zone, what was refused, and the photos kept so far."""
    words = escape_markdown(answer_in_words(label))
    dropped = st.file_uploader(words, accept_multiple_files=True, key=keys.own_class(root.name, label))
    for file in dropped:
        try:
            own_classes.add(root, label, file.name, file.getvalue())
        except UserError as mistake:
            st.error(escape_markdown(str(mistake)), icon=":material/error:")
    kept = own_classes.photos(root, label)
    with st.container(horizontal=True, vertical_alignment="center"):
        _said_and_menu(root, label, kept)
    photo_grid(kept, [""] * len(kept), key=keys.of_own_class("photos", root.name, label), page_size=12,
               on_remove=partial(_remove_photo, root, label))  # fmt: skip


def _said_and_menu(root: Path, label: str, kept: list[Path]) -> None:
    words = escape_markdown(answer_in_words(label))
    st.caption(f"{words}: {len(kept):,} {'photo' if len(kept) == 1 else 'photos'}", width="content")
    if gone := len(own_classes.removed(root, label)):
        st.button(f"Bring back {gone:,} removed {'photo' if gone == 1 else 'photos'}", icon=":material/undo:",
                  key=keys.of_own_class("back", root.name, label), on_click=_bring_back, args=(root, label)
                  )  # fmt: skip
    with st.popover("Rename or remove", icon=":material/edit:", key=keys.of_own_class("menu", root.name, label)):
        key = keys.of_own_class("name", root.name, label)
        st.text_input("Name", label, key=key, on_change=_rename, args=(root, label, key))
        st.button("Remove this class", icon=":material/delete:", key=keys.of_own_class("remove", root.name, label),
                  on_click=_remove, args=(root, label), help="Its photos are kept, and it can be brought back."
                  )  # fmt: skip


def _news(root: Path) -> None:
    """What kept a class from being changed, once; what was changed, each with a way back."""
    if problem := st.session_state.pop(keys.OWN_PROBLEM, None):
        st.error(escape_markdown(problem), icon=":material/error:")
    removed = left_out.left_out(root) if root.is_dir() else []
    changes: list[tuple[str, Callable[..., None], tuple[Any, ...]]] = [
        (f"The class {in_words(label)} was removed", _put_back, (root, label)) for label in removed
    ]
    name, old, new = st.session_state.get(keys.OWN_RENAMED, ("", "", ""))
    if name == root.name and new in own_classes.labels(root):
        changes.append((f"The class {in_words(old)} is called {in_words(new)} now", _rename_back, (root, old, new)))
    for place, (said, undo, given) in enumerate(changes):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{escape_markdown(said)}.", width="content")
            st.button("Undo", icon=":material/undo:", key=keys.own_undo(place), on_click=undo, args=given)


def _rename(root: Path, label: str, key: str) -> None:
    with _told():
        new = own_classes.rename(root, label, st.session_state[key])
        _forget(label, new)
        st.session_state[keys.OWN_RENAMED] = root.name, label, new


def _rename_back(root: Path, old: str, new: str) -> None:
    with _told():
        own_classes.rename(root, new, old)
        _forget(new)
        st.session_state.pop(keys.OWN_RENAMED)


def _remove(root: Path, label: str) -> None:
    with _told():
        if root.is_dir():
            left_out.leave_out(root, label)
        _forget(label)


def _remove_photo(root: Path, label: str, file: str) -> None:
    with _told():
        own_classes.remove(root, label, Path(file).name)


def _bring_back(root: Path, label: str) -> None:
    with _told():
        own_classes.bring_back(root, label)


def _put_back(root: Path, label: str) -> None:
    with _told():
        left_out.put_back(root, label)


def _forget(label: str, new: str = "") -> None:
    """Take a class out of what was typed, or call it `new` there: its drop zone would keep its photos anew."""
    typed = [each.strip() for each in st.session_state[keys.OWN_LABELS].split(",") if each.strip()]
    named = [new if own_classes.name_of(each) == label else each for each in typed]
    st.session_state[keys.OWN_LABELS] = ", ".join(filter(None, named))


@contextmanager
def _told() -> Iterator[None]:
    """Keep a person's mistake until the page is drawn."""
    try:
        yield
    except UserError as mistake:
        st.session_state[keys.OWN_PROBLEM] = str(mistake)
