"""The photos beside a view, a page at a time: each opens, or several are selected and decided on in one step.

photos.show(state, shown)
"""

from collections.abc import Collection

import pandas as pd
import streamlit as st

from fashion_core import access
from fashion_core.class_names import in_words
from fashion_core.photos import label_corrections
from fashion_core.ui import keys, label_review, stored
from fashion_core.ui.evaluate import filters, photo, photo_keys, selection
from fashion_core.ui.evaluate.state import Shown, State
from fashion_core.ui.gallery import Ticks, gallery

PAGE = 12  # photos


def show(state: State, shown: Shown) -> None:
    """The photos shown, and over them the one that is open."""
    n = len(shown.rows)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(f"**{n:,}** of {len(state.evaluation):,} photos{shown.order if n > 1 else ''}", width="content")
        may = access.may(access.Action.DECIDE) and n > 0
        selecting = may and st.toggle("Select", key=keys.SELECTING,
                                      help="Select several photos, and decide on their labels in one step")  # fmt: skip
    if not n:
        filters.offer_to_clear(state)
    if selecting:
        st.fragment(_several)(state, shown)  # a tick draws the tiles anew, not the page
    else:
        gallery(shown.rows, state.root, key=keys.EVALUATE_PHOTOS, page_size=PAGE, on_open=selection.open_photo,
                decided=state.corrections, votes=state.votes)  # fmt: skip
    photo_keys.load()
    if state.open_row is None:
        photo_keys.forget()
    else:
        photo.show(state, shown, lambda row: label_review.buttons(state, row, shown))


def _several(state: State, shown: Shown) -> None:
    """The tiles to select, and above them what can be decided of those that are. The page follows a decision."""
    if stored.decided(state.corrections_file) != state.corrections:
        st.rerun()
    paths = _selected()
    chosen = shown.rows[shown.rows["path"].isin(paths)]
    with st.container(key=keys.SEVERAL):
        _bar(state, shown, chosen)
    gallery(shown.rows, state.root, key=keys.EVALUATE_PHOTOS, page_size=PAGE, decided=state.corrections,
            votes=state.votes, ticks=Ticks(paths, _tick))  # fmt: skip


def _bar(state: State, shown: Shown, chosen: pd.DataFrame) -> None:
    n, everything = len(chosen), len(shown.rows)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{n:,}** selected", width="content")
        st.button(f"Select all {everything:,}", key=keys.several("all"), type="tertiary", disabled=n == everything,
                  on_click=_select, args=(shown.rows["path"],))  # fmt: skip
        st.button(
            "Select none", key=keys.several("none"), type="tertiary", disabled=not n, on_click=_select, args=((),)
        )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button("Label is right", key=keys.several("keep"), icon=":material/check:", disabled=not n,
                  on_click=_decide, args=(state, chosen, "keep"))  # fmt: skip
        st.button("Leave out", key=keys.several("leave out"), icon=":material/block:", disabled=not n,
                  on_click=_decide, args=(state, chosen, "leave out"))  # fmt: skip
        st.selectbox("Relabel as", label_corrections.known_labels(state.whole.classes), index=None, disabled=not n,
                     key=keys.several("relabel"), placeholder="Relabel as…", label_visibility="collapsed",
                     format_func=in_words, on_change=_relabel, args=(state, chosen), width=200)  # fmt: skip
    if problem := st.session_state.get(keys.LABEL_PROBLEM):  # the page says so too, once it is drawn anew
        st.error(problem)
    label_review.offer_to_undo_several(state.corrections_file)


def _selected() -> frozenset[str]:
    return st.session_state.get(keys.SELECTED, frozenset())


def _select(paths: Collection[str]) -> None:
    st.session_state[keys.SELECTED] = frozenset(paths)


def _tick(path: str, selected: bool) -> None:
    _select(_selected() | {path} if selected else _selected() - {path})


def _relabel(state: State, chosen: pd.DataFrame) -> None:
    if label := st.session_state[keys.several("relabel")]:
        _decide(state, chosen, "relabel", label)
        st.session_state[keys.several("relabel")] = None


def _decide(state: State, chosen: pd.DataFrame, action: label_corrections.Decision, label: str = "") -> None:
    """Decide on the labels of all the `chosen`, which are then selected no more."""
    own = state.whole.photos["label"]  # folded, a row's label is its colour or garment alone
    labels = {
        label_corrections.photo_key(path): own[row] if action == "keep" else label
        for path, row in zip(chosen["path"], chosen["index"], strict=True)
    }
    label_review.decide_several(state.corrections_file, labels, action)
    _select(())
