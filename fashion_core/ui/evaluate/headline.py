"""The four numbers of an evaluation, and in a popover what they are of and what its accuracy is worth."""

from datetime import datetime

import numpy as np
import pandas as pd
import streamlit as st

from fashion_core import UserError, paper
from fashion_core.class_names import GARMENT, in_words
from fashion_core.evaluation.meta import PEOPLE
from fashion_core.photos.imaging import printable
from fashion_core.stats import accuracy_with_interval, between
from fashion_core.ui import keys, stored
from fashion_core.ui.evaluate.selection import select, select_by_words
from fashion_core.ui.evaluate.source import count_by_garment
from fashion_core.ui.evaluate.state import Source
from fashion_core.ui.gallery import DECISION_ICON, escape_markdown


def show(source: Source) -> None:
    """The numbers, each a button that selects its photos; what they are of and worth is one click away."""
    hardest = _hardest(source)
    _numbers(source, hardest)
    with st.popover("About these figures", icon=":material/info:", type="tertiary"):
        st.caption(_origin(source))
        _interval(source, hardest)
        _paper(source)
        _people(source)
        _accuracy_notes(source)
        if unreadable := source.unreadable:
            st.markdown(f":material/broken_image: Could not be read, and not counted: {len(unreadable)}")
            st.dataframe(pd.DataFrame(unreadable, dtype=object).map(printable), hide_index=True)


def _origin(source: Source) -> str:
    """Which model, epoch, photos and when, as far as the file says."""
    root = escape_markdown(source.whole.root)
    photos = "photos people took, in" if source.split == PEOPLE else f"{escape_markdown(source.split)} photos of"
    parts = [
        f"**{escape_markdown(source.name)}**" + (f" after epoch {source.epoch}" if source.epoch is not None else ""),
        f"{photos} {root}" if source.split else root,
        f"evaluated {datetime.fromisoformat(source.created):%d %B %Y, %H:%M}" if source.created else "",
    ]
    return " · ".join(filter(None, parts)) + "."


def _numbers(source: Source, hardest: str) -> None:
    """Four numbers, each the button that selects its photos."""
    evaluation = source.evaluation
    right, n = int(evaluation.right.sum()), len(evaluation)
    wrong, first = n - right, "most votes first" if source.votes else "most confident first"
    by = " by votes" if source.votes else ""
    numbers: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        ("Accuracy", f"**{right / n:.2%}** right{by}", f"{right:,} of {n:,} photos", {"which": "right"}),
        ("Wrong", f"**{wrong:,}** wrong", f"The mistakes, {first}", {"which": "wrong"}),
        ("Macro F1", f"**{source.macro_f1:.3f}** macro F1", f"Hardest: {in_words(hardest)}", {"true": hardest}),
        ("Photos", f"**{n:,}** photos", "All of them", {}),
    )
    for name, label, about, selected in numbers:
        st.button(label, key=keys.select(name), type="tertiary", help=escape_markdown(about), on_click=select,
                  kwargs=selected)  # fmt: skip


def _hardest(source: Source) -> str:
    """The class with the lowest F1 of those with photos."""
    classes = source.class_metrics
    return source.evaluation.classes[int(np.where(classes["support"] > 0, classes["f1-score"], np.inf).argmin())]


def _interval(source: Source, hardest: str) -> None:
    evaluation = source.evaluation
    right, n = int(evaluation.right.sum()), len(evaluation)
    classes = "1 class" if len(evaluation.classes) == 1 else f"{len(evaluation.classes)} classes"
    st.caption(
        f"{right:,} of {n:,} photos in {classes} are right: 95% interval {between(right, n)}. The hardest class is "
        f"**{escape_markdown(in_words(hardest))}**."
    )


def _paper(source: Source) -> None:
    """The paper's accuracy, where classes are its own and the photos a test."""
    if source.key.photos != "test":
        return
    evaluation = source.evaluation
    right, n = int(evaluation.right.sum()), len(evaluation)
    if verdict := paper.verdict(evaluation.classes, right, n, source.drawn):
        st.caption(f"{paper.stated()} {verdict}")


def _people(source: Source) -> None:
    """Which of the photos that people took are counted; and by garment alone, with the button that counts so."""
    if source.key.photos != "people":
        return
    if source.factor == GARMENT:
        st.caption("Photos in any colour, of the garments this model has. Only the garment counts.")
        return
    about = "A small, hard set, labelled by eye; only this model's classes count."
    garments = stored.by_garment(source.key)
    if garments is None:
        st.caption(about)
        return
    right = accuracy_with_interval(int(garments.right.sum()), len(garments), "photos in any colour")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"{about} The garment alone is right on **{right}**.", width="content")
        st.button("count by garment", key=keys.select("garment"), type="tertiary", icon=":material/photo_library:",
                  on_click=count_by_garment)  # fmt: skip


def _accuracy_notes(source: Source) -> None:
    """What the accuracy is worth: by votes, without the photos that leak, and by the labels that people decided on."""
    if source.votes:
        st.caption(
            "Each photo is judged by the labels of its ten most similar photos, its near-duplicates left out. "
            "Percentages are votes. The model has seen the training photos, so on them the votes are too good."
        )
    _leaks(source)
    try:
        found = stored.corrected(source.key, source.factor, source.corrections_file)
    except UserError as none_left:
        st.caption(f"{DECISION_ICON} {none_left}")
        return
    if found:
        st.caption(
            f"{DECISION_ICON} With your corrections, {found.decided:,} labels checked: "
            f"**{accuracy_with_interval(found.right, found.n)}**."
        )


def _leaks(source: Source) -> None:
    if source.leaked:
        right, n = source.evaluation.without_leaks()
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(
                ":material/water_drop: Without photos that have a near-duplicate in training: "
                f"**{accuracy_with_interval(right, n)}**.", width="content"
            )  # fmt: skip
            that = f"Show these {len(source.leaked):,}" if len(source.leaked) > 1 else "Show the one"
            st.button(that, key=keys.select("leaked"), type="tertiary",
                      icon=":material/photo_library:", on_click=select_by_words, args=("leaked",))  # fmt: skip
    elif source.leaked is not None:
        st.caption(":material/water_drop: None of these photos has a near-duplicate in training.")
