"""Nine validation photos of a run with what the network answered after each epoch: the same nine through all epochs.

draw(run, live=True)       # in the live fragment: it reads what the worker stored, and computes no answer
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from fashion_core import UserError
from fashion_core.class_names import in_words
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.photos.imaging import BadPhoto, printable
from fashion_core.runs import Run
from fashion_core.ui import keys
from fashion_core.ui.gallery import escape_markdown, gallery, thumbnail
from fashion_core.ui.stage_line import percent
from fashion_core.ui.stored import epochs_of, evaluation_of

COUNT = 9
WIDTH = 520  # pixels of the nine: three columns
LARGE = 1024  # pixels of that one
BEST = 3  # classes named beside it


def spread(labels: Sequence[str], seed: int, count: int = COUNT) -> list[int]:
    """Places of `count` photos, or all where there are fewer, drawn by `seed` alone: of every class one before any
    class has a second. In the order of their classes."""
    turns: Counter[str] = Counter()
    drawn: list[tuple[int, int, int]] = []
    for place in np.random.default_rng(seed).permutation(len(labels)):
        drawn.append((turns[labels[place]], len(drawn), int(place)))
        turns[labels[place]] += 1
    return sorted((place for _, _, place in sorted(drawn)[:count]), key=lambda place: (labels[place], place))


def draw(run: Run, live: bool) -> None:
    """The choice of the epoch, the nine photos, and one of them large. Nothing of a run that ended without an epoch."""
    files = epochs_of(run.folder)
    if not files and not live:
        return
    st.subheader("Validation photos after each epoch")
    if not files:
        st.caption(":material/hourglass_empty: Once the first epoch is validated, photos with the model's answers "
                   "show here.")  # fmt: skip
        return
    try:
        answers = evaluation_of(files[_chosen_epoch(run, list(files))])
        _photos(run, answers)
    except (UserError, OSError) as reason:  # a resumed run trains that epoch anew, or its file is damaged
        st.caption(
            f":material/hide_image: The answers after this epoch cannot be shown. {escape_markdown(str(reason))}"
        )


def _chosen_epoch(run: Run, epochs: list[int]) -> int:
    """The newest epoch and, as others come, the then newest; or the one that was chosen."""
    key, newest_key = keys.of_run(keys.EPOCH_CHOICE, run.id), keys.of_run(keys.EPOCH_NEWEST, run.id)
    chosen, newest = st.session_state.get(key), st.session_state.get(newest_key)
    if chosen not in epochs or chosen == newest:
        chosen = epochs[-1]
    st.session_state[newest_key] = epochs[-1]
    if len(epochs) == 1:
        st.caption(f"After epoch {chosen}")
        return chosen
    st.session_state[key] = chosen
    return st.select_slider("After epoch", epochs, key=key, width=360)


def _photos(run: Run, answers: Evaluation) -> None:
    rows = answers.cell().sort_values("index")
    rows = rows.iloc[spread(rows["label"].tolist(), run.config.seed)]
    left, right = st.columns(2, gap="medium")
    with left.container(width=WIDTH):
        key = keys.of_run(keys.EPOCH_PHOTOS, run.id)
        gallery(rows, run.dataset, key=key, page_size=COUNT, on_open=partial(_open, run.id))
    with right.container(width=WIDTH, gap="xsmall"):
        opened = rows[rows["path"] == st.session_state.get(keys.of_run(keys.EPOCH_OPEN, run.id))]
        _large(answers, run.dataset, (opened if len(opened) else rows).iloc[0])


def _large(answers: Evaluation, root: Path, row: pd.Series) -> None:
    """One photo, and the classes that the network thought likeliest."""
    try:
        st.image(thumbnail(root / row["path"], LARGE), width="stretch", alt=printable(Path(row["path"]).name))
    except (BadPhoto, OSError, ValueError):
        st.caption(":material/hide_image: This photo is not where the run read it.")
    likely = answers.probabilities[row["index"]]
    for place in np.argsort(likely)[::-1][:BEST]:
        name, true = answers.classes[place], answers.classes[place] == row["label"]
        words = escape_markdown(in_words(name))
        st.markdown(f"**{words}** {percent(likely[place])}, its label" if true else f"{words} {percent(likely[place])}")


def _open(run_id: str, path: str) -> None:
    st.session_state[keys.of_run(keys.EPOCH_OPEN, run_id)] = path
