"""Photos to try a model on with one click: photos that people took, its own test photos, or the sample set's."""

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import streamlit as st

from fashion_core import home
from fashion_core.models.registry import ModelRef, photo_folder
from fashion_core.photos import examples, imaging
from fashion_core.ui import keys
from fashion_core.ui.gallery import escape_markdown
from fashion_core.ui.sample_set import offer_sample
from fashion_core.ui.stored import evaluation_of, mtime, opening_file

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
    """A photo, and its thumbnail, of each of a few classes."""
    pairs = _candidates(ref)
    found: dict[str, tuple[Path, bytes]] = {}
    for place in np.random.default_rng(0).permutation(len(pairs)):
        label, file = pairs[place]
        if label not in found and file.is_file():
            with suppress(imaging.BadPhoto):  # another of its class will do
                found[label] = file, _thumbnail(os.fsencode(file), mtime(file))
        if len(found) == EXAMPLES:
            break
    return found


def _candidates(ref: ModelRef) -> list[tuple[str, Path]]:
    """(label, file): the photos on which the model opens; where these are not here, photos that people took, of its
    classes; for a model of drawn photos, or of other classes, the sample set's."""
    file = opening_file(ref)
    if file.is_file():
        stored = evaluation_of(file)
        if folder := photo_folder(stored):
            return [(label, folder / path) for path, label in stored.photos[["path", "label"]].values]
    drawn = [(file.parent.name, file) for file in sorted((home() / "data" / "sample").glob("*/*.jpg"))]
    taken, root = examples.table(), examples.folder()
    taken = taken[examples.known(taken["label"], ref.card.classes)]
    if ref.card.dataset.sample or root is None or not len(taken):
        return drawn
    return [(label, root / path) for path, label in taken[["path", "label"]].values]


@st.cache_data(max_entries=64, show_spinner=False)
def _thumbnail(name: bytes, when: float) -> bytes:
    """`name` is the file's, in bytes: it need not be UTF-8."""
    return imaging.thumbnail_bytes(imaging.read(Path(os.fsdecode(name))), 240)
