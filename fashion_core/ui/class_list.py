"""A list of classes: in words on the page and in the address, with the folders' names behind.

follow_link(keys.DATA_CLASS, classes)                     # before the list: a link may have the folder's name
label = class_list("Class", classes, key=keys.DATA_CLASS, placeholder="any")
"""

from collections.abc import Callable, Collection, Sequence

import streamlit as st

from fashion_core.class_names import in_words, names_in_words
from fashion_core.ui import keys


def class_list(
    label: str, classes: Sequence[str], *, key: str, placeholder: str, on_change: Callable[[], None] | None = None
) -> str | None:
    """The class that is chosen, None: any; a name that is no class of this list is written in words too."""
    words = names_in_words(classes)
    return st.selectbox(label, classes, index=None, placeholder=placeholder, key=key, bind="query-params",
                        on_change=on_change, format_func=lambda name: words.get(name, in_words(name)))  # fmt: skip


def follow_link(key: str, classes: Collection[str]) -> None:
    """Where the address names one of `classes` by its folder, as links did once, that class is chosen."""
    linked, followed = st.query_params.get(key), st.session_state.setdefault(keys.LINKED_CLASSES, {})
    if linked == followed.get(key):
        return
    followed[key] = linked
    if linked and linked in classes and in_words(linked) != linked:
        st.session_state[key] = linked
