"""What a model says of dropped photos: a bar for each likely class, and a warning where it should not be believed."""

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from fashion_core.photos import imaging
from fashion_core.ui import keys
from fashion_core.ui.gallery import escape_markdown

PAGE = 12  # answers a page


class Answer(NamedTuple):
    """`thumbnail` is a JPEG; `ranked` has every class with its confidence, the likeliest first; `warning` says in what
    the photo is unlike those that were learned, if it is."""

    thumbnail: bytes
    ranked: list[tuple[str, float]]
    warning: str


def show_answers(answers: Sequence[tuple[str, Answer | str]], k: int) -> None:
    """Of (file name, answer or reason): bad photos with their reasons; then a tile for each good one with its `k`
    likeliest classes, a page at a time."""
    if not answers:
        st.caption("The answer shows here: a bar for each likely class, the likeliest first.")
        return
    for name, reason in answers:
        if isinstance(reason, str):
            st.error(f"**{escape_markdown(name)}**: {escape_markdown(reason)}", icon=":material/broken_image:")
    good = [(name, found) for name, found in answers if not isinstance(found, str)]
    if not good:
        return
    st.caption("Confidence, the likeliest class first")
    pages = -(-len(good) // PAGE)
    number = min(st.pagination(pages, key=keys.ANSWERS), pages) if pages > 1 else 1
    alone = len(good) == 1
    grid = st.grid(1 if alone else "auto", min_column_width=300, border=True)
    for place, (name, found) in enumerate(good[(number - 1) * PAGE : number * PAGE]):
        with grid.container(horizontal=True, key=keys.answer(place)):
            with st.container(width=240 if alone else 128, key=keys.tile(keys.ANSWER_TILES, place)):
                st.image(found.thumbnail, width="stretch", alt=imaging.printable(name))
            with st.container(gap="xsmall"):
                st.caption(escape_markdown(name))
                if found.warning:
                    st.warning(escape_markdown(found.warning), icon=":material/help:")
                for rank, (label, share) in enumerate(found.ranked[:k]):
                    text = f"{escape_markdown(label)} · {share:.1%}"
                    st.progress(min(share, 1.0), f"**{text}**" if rank == 0 else text)
    st.caption(
        "Confidence is how sure the model is, calibrated on its validation photos: of the answers given with 80%, "
        "about 80 in 100 should be right. It knows only its own classes, and names one of them for any photo."
    )
