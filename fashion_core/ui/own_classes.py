"""Make your own classes: name a set and its classes, drop photos into each; they are on the disk at once."""

from pathlib import Path

import streamlit as st

from fashion_core import UserError
from fashion_core.class_names import answer_in_words
from fashion_core.photos import own_classes
from fashion_core.ui import keys
from fashion_core.ui.boot import link
from fashion_core.ui.gallery import escape_markdown, photo_grid


def make_classes() -> None:
    """The names, a drop zone for each class, what is missing, and the way to Train."""
    name = st.text_input("Name of the set", key=keys.OWN_SET, placeholder="my shoes")
    typed = st.text_input("Classes, separated by commas", key=keys.OWN_LABELS, placeholder="boots, sandals")
    if not name.strip():
        return
    try:
        root = own_classes.folder(name)
        named = [own_classes.name_of(each) for each in typed.split(",") if each.strip()]
        labels = list(dict.fromkeys([*own_classes.labels(root), *named]))
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
    st.caption(f"{words}: {len(kept):,} {'photo' if len(kept) == 1 else 'photos'}")
    photo_grid(kept, [""] * len(kept), key=keys.own_photos(root.name, label), page_size=12)
