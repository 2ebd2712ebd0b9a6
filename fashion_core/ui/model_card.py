"""What pages say of a model: its accuracy on the test, what it is, and the notes of its training."""

import streamlit as st

from fashion_core.models.card import ModelCard
from fashion_core.models.registry import ModelRef
from fashion_core.stats import accuracy_with_interval, between
from fashion_core.ui.gallery import escape_markdown


def facts(ref: ModelRef) -> None:
    """One line: test accuracy, classes, network, where it is from; below it the notes."""
    card, parts = ref.card, []
    if n := card.metrics.test_n:
        of = f"test photos of {escape_markdown(card.dataset.name)}" if card.dataset.name else "test photos"
        parts.append(f"right on **{accuracy_with_interval(card.metrics.right, n, of)}**")
    if people := card.metrics.people:
        parts.append(f"on **{accuracy_with_interval(people.right, people.n, 'photos people took')}**")
    parts.append(f"{len(card.classes)} classes")
    parts.append(f"{escape_markdown(card.architecture or 'network')} at {card.image_size} px")
    parts.append("published" if ref.published else "from a finished run")
    st.markdown(" · ".join(parts))
    notes(card)


def share_box(title: str, right: int, n: int, dataset: str = "", what: str = "test photos") -> None:
    """An accuracy in large figures, with what it was measured on."""
    st.metric(title, f"{right / n:.2%}")
    of = f" of {escape_markdown(dataset)}" if dataset else ""
    st.caption(f"of {n:,} {what}{of} right · 95% interval {between(right, n)}")


def review(card: ModelCard) -> None:
    """What it reaches where a person found the labels clear; nothing where nobody looked."""
    if clear := card.metrics.review.get("clear"):
        st.markdown(
            "Shop labels are noisy. Where the label is clear by eye, it is right on "
            f"{accuracy_with_interval(clear.right, clear.n, 'test photos')}."
        )


def notes(card: ModelCard) -> None:
    """The notes of its training, a line each."""
    if card.notes:
        with st.expander("How it was trained"):
            st.caption("  \n".join(f":material/info: {escape_markdown(note)}" for note in card.notes))
