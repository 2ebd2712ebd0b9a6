"""The filter bar above the views: the question, right or wrong, the classes; and a chip for each filter that is on.

state = filters.state_of(source)
"""

from collections.abc import Callable

import streamlit as st

from fashion_core.class_names import factors, in_words
from fashion_core.evaluation import query
from fashion_core.evaluation.evaluation import Which
from fashion_core.ui import keys
from fashion_core.ui.class_list import class_list
from fashion_core.ui.evaluate import ask, selection
from fashion_core.ui.evaluate.state import Source, State
from fashion_core.ui.gallery import escape_markdown

# What the filter `which` is called where its name does not say it.
KINDS = {"colour": "wrong colour", "garment": "wrong garment", "both": "wrong in both"}


def state_of(source: Source) -> State:
    """Draw the bar and its chips; the state that they and the address make of `source`, its cells with counts."""
    kinds: list[Which] = ["all", "wrong", "right"]
    kinds += ["colour", "garment", "both"] if source.evaluation.error_type_counts else []
    dropped = selection.follow_classes(source.evaluation.classes, _folded(source), kinds)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=keys.FILTER_BAR):
        found = ask.question(source, selection.reset_page)
        which = st.segmented_control("Show", kinds, key=keys.WHICH, default="all", required=True, bind="query-params",
                                     on_change=selection.reset_page, label_visibility="collapsed",
                                     format_func=lambda kind: KINDS.get(kind, kind))  # fmt: skip
        with st.popover("Classes", icon=":material/filter_list:", help="Choose the true and the predicted class"):
            true = _classes("True", source, keys.TRUE)
            predicted = _classes("Predicted", source, keys.PREDICTED)
            _causes(source)
    chips = st.container(horizontal=True, vertical_alignment="center", gap="small", key=keys.CHIPS)
    keep = ask.mask(source, found, source.evaluation.mask(true, predicted, which))
    row = selection.opened(source)
    state = State(source.name, source.key, source.factor, source.root, true, predicted, which, keep, "count", row)
    with chips:
        _draw_chips(state, found, dropped)
    return state


def offer_to_clear(state: State) -> None:
    """Under a view that shows no photo: the filters are why, and one button clears them."""
    if names := _active(state):
        st.caption("No photo of this view passes the filters.")
        st.button("Clear the filters", key=keys.CLEAR_EMPTY, icon=":material/filter_alt_off:",
                  on_click=selection.drop, args=names)  # fmt: skip


def _folded(source: Source) -> dict[str, str]:
    """Class → what it is called by the factor that is looked at; nothing where classes are whole."""
    whole = source.whole.classes
    pairs = factors(whole) if source.factor is not None else None
    return {name: pair[source.factor] for name, pair in zip(whole, pairs or (), strict=False)}  # type: ignore[index]


def _classes(label: str, source: Source, key: str) -> str | None:
    return class_list(label, source.evaluation.classes, key=key, placeholder="any class",
                      on_change=selection.reset_page)  # fmt: skip


def _causes(source: Source) -> None:
    if counts := source.evaluation.error_type_counts:
        colour, garment, both = counts.values()
        st.caption(f"Wrong: {colour:,} by the colour alone, {garment:,} by the garment alone, {both:,} by both.")


def _active(state: State) -> tuple[str, ...]:
    """The keys of the filters that are on."""
    on = {
        keys.TRUE: state.true is not None,
        keys.PREDICTED: state.predicted is not None,
        keys.WHICH: state.which != "all",
        keys.QUERY: bool(st.session_state.get(keys.QUERY, "").strip()),
    }
    return tuple(key for key, is_on in on.items() if is_on)


def _draw_chips(state: State, found: query.Query, dropped: list[str]) -> None:
    """A chip for each filter, how many photos pass them all, and *Clear all*; without filters, questions to ask."""
    active = _active(state)
    for name in dropped:
        st.caption(f":material/filter_alt_off: “{escape_markdown(in_words(name))}” is no class here: filter removed.")
    if not active:
        ask.questions(state, selection.ask_within)
        return
    words = {
        keys.TRUE: f"true: {in_words(state.true or '')}",
        keys.PREDICTED: f"predicted: {in_words(state.predicted or '')}",
        keys.WHICH: KINDS.get(state.which, state.which),
    }
    n = int(state.keep.sum())
    st.markdown(f"**{n:,}** {'photo' if n == 1 else 'photos'}", width="content")
    for name in active:
        if name == keys.QUERY:
            ask.chips(state, found, selection.ask_within)
        else:
            _chip(words[name], name, selection.drop)
    st.button("Clear all", key=keys.CLEAR_ALL, type="tertiary", on_click=selection.drop, args=active)


def _chip(words: str, name: str, drop: Callable[..., None]) -> None:
    st.button(escape_markdown(words), key=keys.active_filter(name), icon=":material/close:", help="Remove this filter",
              on_click=drop, args=(name,))  # fmt: skip
