"""A list of classes: in words on the page and in the address, with the folders' names behind.

follow_link(keys.DATA_CLASS, classes)                     # before the list: a link may have the folder's name
label = class_list("Class", classes, key=keys.DATA_CLASS, placeholder="any")
"""

from collections.abc import Callable, Sequence

import streamlit as st

from fashion_core.class_names import in_words, names_in_words


def class_list(
    label: str, classes: Sequence[str], *, key: str, placeholder: str, on_change: Callable[[], None] | None = None
) -> str | None:
    """The class that is chosen, None: any; a name that is no class of this list is written in words too."""
    words = names_in_words(classes)
    return st.selectbox(label, classes, index=None, placeholder=placeholder, key=key, bind="query-params",
                        on_change=on_change, format_func=lambda name: words.get(name, in_words(name)))  # fmt: skip


def follow_link(key: str, classes: Sequence[str]) -> None:
    """Where a link that opened the page names one of `classes` by its folder, as links did once, the address says it
    in words from now on."""
    if key in st.session_state:
        return
    linked = st.query_params.get(key, "")
    if (words := names_in_words(classes).get(linked, linked)) != linked:
        st.query_params[key] = words
        st.rerun()
