"""Photos to try a model on with one click: photos that people took, its own test photos, or the sample set's.

The whole picture is the button: its label lies below, and what can be pressed is stretched over both.
"""

from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import streamlit as st

from fashion_core import home
from fashion_core.class_names import answer_in_words, split_names
from fashion_core.models.registry import ModelRef, photo_folder
from fashion_core.photos import examples, imaging
from fashion_core.ui import keys
from fashion_core.ui.gallery import escape_markdown, thumbnail
from fashion_core.ui.sample_set import offer_sample
from fashion_core.ui.stored import evaluation_of, opening_file

EXAMPLES = 6  # classes with a photo
SIZE = 240  # pixels of a picture: twice its width, sharp on a dense screen


def choose_example(ref: ModelRef) -> Path | None:
    """A row of examples; returns the file of the one that was pressed last, if any."""
    if found := _examples(ref):
        st.caption("No photo at hand? Press one of these:")
    else:
        offer_sample()
    grid = st.grid(3, min_column_width=80, gap="small", key=keys.grid(keys.EXAMPLES))
    for place, (label, (file, picture)) in enumerate(found.items()):
        with grid.container(key=keys.tile(keys.EXAMPLES, place), gap="xxsmall"):
            st.image(picture, width="stretch", alt=imaging.printable(file.name))
            name = escape_markdown(answer_in_words(label))
            st.button(name, key=keys.example(place), type="tertiary", width="stretch", on_click=_choose, args=(file,))
    return chosen_example()


def chosen_example() -> Path | None:
    """The file of the example that was pressed last, if it is there."""
    file = st.session_state.get(keys.EXAMPLE_FILE)
    return file if file and file.is_file() else None


def _choose(file: Path) -> None:
    st.session_state[keys.EXAMPLE_FILE] = file


def forget_example() -> None:
    """None is chosen any more."""
    st.session_state.pop(keys.EXAMPLE_FILE, None)


def _examples(ref: ModelRef) -> dict[str, tuple[Path, bytes]]:
    """A photo, and its thumbnail, of each of a few classes; drawn by lot, with as many colours and garments as there
    are, whatever the model says of them."""
    pairs = _candidates(ref)
    pairs = [pairs[place] for place in np.random.default_rng(0).permutation(len(pairs))]
    words = dict(zip((label for label, _ in pairs), split_names([label for label, _ in pairs]) or (), strict=False))
    found: dict[str, tuple[Path, bytes]] = {}
    seen: Counter[str] = Counter()
    while pairs and len(found) < EXAMPLES:
        label, file = min(pairs, key=lambda pair: sum(seen[word] for word in words.get(pair[0], ())))
        pairs.remove((label, file))
        if file.is_file():
            with suppress(imaging.BadPhoto):  # another of its class will do
                found[label] = file, thumbnail(file, SIZE)
                seen.update(words.get(label, ()))
                pairs = [pair for pair in pairs if pair[0] != label]
    return found


def _candidates(ref: ModelRef) -> list[tuple[str, Path]]:
    """(label, file): the photos on which the model opens, of classes that it has learned from photos; where these are
    not here, photos that people took, of its classes; for a model of drawn photos, or of other classes, the sample
    set's."""
    file = opening_file(ref)
    if file.is_file():
        stored = evaluation_of(file)
        if folder := photo_folder(stored):
            learned = set(evaluation_of(ref.evaluation_file).photos["label"])  # a class may be a name without a photo
            rows = stored.photos.loc[stored.photos["label"].isin(learned), ["path", "label"]]
            return [(label, folder / path) for path, label in rows.values]
    drawn = [(file.parent.name, file) for file in sorted((home() / "data" / "sample").glob("*/*.jpg"))]
    taken, root = examples.table(), examples.folder()
    taken = taken[examples.known(taken["label"], ref.card.classes)]
    if ref.card.dataset.sample or root is None or not len(taken):
        return drawn
    return [(label, root / path) for path, label in taken[["path", "label"]].values]
