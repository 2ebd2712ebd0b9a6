"""Photos to try a model on with one click: its own test photos, or else the sample set's."""

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import streamlit as st

from fashion_core import home
from fashion_core.models.registry import ModelRef, photo_folder
from fashion_core.photos import imaging
from fashion_core.ui import keys
from fashion_core.ui.gallery import escape_markdown
from fashion_core.ui.sample_set import offer_sample
from fashion_core.ui.stored import evaluation_of, mtime

EXAMPLES = 6  # classes with a photo


def choose_example(ref: ModelRef) -> Path | None:
    """A grid of examples; returns the file of the one that was pressed last, if any."""
    st.caption("Or an example:")
    found = _examples(ref)
    if not found:
        offer_sample()
    grid = st.grid(3, min_column_width=90, gap="small")
    for place, (label, (file, picture)) in enumerate(found.items()):
        with grid.container(key=keys.tile(keys.EXAMPLES, place), gap="xsmall"):
            st.image(picture, width="stretch", alt=imaging.printable(file.name))
            if st.button(escape_markdown(label), key=keys.example(place), width="stretch"):
                st.session_state[keys.EXAMPLE_FILE] = file
    return st.session_state.get(keys.EXAMPLE_FILE)


def forget_example() -> None:
    """None is chosen any more."""
    st.session_state.pop(keys.EXAMPLE_FILE, None)


def _examples(ref: ModelRef) -> dict[str, tuple[Path, bytes]]:
    """A photo, and its thumbnail, of each of a few classes: the model's test photos, else the sample set's."""
    pairs = [(file.parent.name, file) for file in sorted((home() / "data" / "sample").glob("*/*.jpg"))]
    if ref.evaluation_file.is_file():
        stored = evaluation_of(ref.evaluation_file)
        if folder := photo_folder(stored):
            pairs = [(label, folder / path) for path, label in stored.photos[["path", "label"]].values]
    found: dict[str, tuple[Path, bytes]] = {}
    for place in np.random.default_rng(0).permutation(len(pairs)):
        label, file = pairs[place]
        if label not in found and file.is_file():
            with suppress(imaging.BadPhoto):  # another of its class will do
                found[label] = file, _thumbnail(os.fsencode(file), mtime(file))
        if len(found) == EXAMPLES:
            break
    return found


@st.cache_data(max_entries=64, show_spinner=False)
def _thumbnail(name: bytes, when: float) -> bytes:
    """`name` is the file's, in bytes: it need not be UTF-8."""
    return imaging.thumbnail_bytes(imaging.read(Path(os.fsdecode(name))), 240)
