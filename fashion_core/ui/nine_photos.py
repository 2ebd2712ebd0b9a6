"""Nine photos side by side, as in the paper, of those a model opens on: chosen by a seed alone, right or wrong."""

from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from fashion_core.models.registry import ModelRef
from fashion_core.ui import keys
from fashion_core.ui.boot import link
from fashion_core.ui.gallery import escape_markdown, gallery, locate_photos
from fashion_core.ui.stored import evaluation_of, opening_file, opens_on

COLUMNS = [2, 3]  # inputs, photos
SEEDS = 2**31  # as many as a number input can tell apart


def show_nine(ref: ModelRef) -> None:
    """The seed and what it chose, nine photos with their answers, and the same as a PNG."""
    answers, photos = opening_file(ref), opens_on(ref.evaluation_file)
    if not answers.is_file():
        st.info("This model came without its evaluation: evaluate it, and nine of its test photos show here.")
        return
    stored = evaluation_of(answers)
    left, right = st.columns(COLUMNS, gap="medium")
    with left:
        seed = st.number_input("Seed", 0, SEEDS - 1, key=keys.NINE_SEED, bind="query-params")
        rows, root = stored.drawn(int(seed)), locate_photos(stored) or Path(stored.root)
        with st.container(horizontal=True):
            if len(stored) > len(rows):
                st.button("Another nine", icon=":material/shuffle:", on_click=_next_seed)
            saved_as = f"{ref.name}-seed-{seed}.png"
            png = partial(_png, rows, root)  # drawn when it is asked for
            st.download_button("Save as PNG", png, saved_as, "image/png", on_click="ignore", icon=":material/download:")
        st.markdown(f"**{(rows['label'] == rows['predicted']).sum()} of {len(rows)}** right, chosen by the seed alone.")
        which = "photos people took" if photos == "people" else "test photos"
        link("evaluate", f"All {len(stored):,} {which}", icon=":material/grid_on:", model=ref.name, of=photos)
        if absent := sum(not (root / path).is_file() for path in rows["path"]):
            st.info(f"{absent} of these photos are not on this machine: they were in {escape_markdown(root)}.")
    with right.container(width=520):  # three columns
        gallery(rows, root, key=keys.NINE_PHOTOS, page_size=9)


def _next_seed() -> None:
    st.session_state[keys.NINE_SEED] = (st.session_state[keys.NINE_SEED] + 1) % SEEDS


def _png(rows: pd.DataFrame, root: Path) -> bytes:
    from fashion_core.reports.figures import photos_png

    return photos_png(rows, root)
