"""The sample set, as pages show it and draw it."""

import streamlit as st

from fashion_core import paper
from fashion_core.class_names import in_words
from fashion_core.photos import imaging, sample
from fashion_core.ui import keys
from fashion_core.ui.gallery import escape_markdown


@st.cache_data(max_entries=1, show_spinner=False)
def _photos() -> dict[str, bytes]:
    """A photo of each class, as WebP."""
    return {label: imaging.thumbnail_bytes(sample.draw(label, 0, 0), 224) for label in paper.CLASSES}


def show_sample() -> None:
    """A photo of each class with its name."""
    st.header("The sample set")
    grid = st.grid(5, min_column_width=100)
    for label, picture in _photos().items():
        with grid.container(key=keys.sample_tile(label), gap="xsmall"):
            st.image(picture, width="stretch", alt=in_words(label))
            st.caption(escape_markdown(in_words(label)))


def offer_sample() -> None:
    """A button that draws the whole set into data/sample, with a bar."""
    if st.button("Draw the sample photos", icon=":material/draw:", help="Ten classes, a few seconds, no download."):
        bar = st.progress(0.0, "Drawing…")
        sample.ensure(lambda done, total, what: bar.progress(done / total, f"{done} of {total} {what}"))
        st.rerun()
