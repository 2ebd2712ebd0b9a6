"""What pages say of a model: what it is, what it reaches, and the notes of its training."""

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from fashion_core import paper
from fashion_core.class_names import COLOUR, GARMENT, factors, in_words, listed
from fashion_core.models.card import ModelCard
from fashion_core.models.registry import ModelRef
from fashion_core.stats import accuracy_with_interval, between
from fashion_core.ui.gallery import escape_markdown
from fashion_core.ui.stored import evaluation_of

LISTED = 8  # names; of more the rest is counted


def facts(ref: ModelRef) -> None:
    """One line: test accuracy, classes, network, where it is from; below it the notes."""
    card, parts = ref.card, []
    if n := card.metrics.test_n:
        of = f"test photos of {escape_markdown(card.dataset.name)}" if card.dataset.name else "test photos"
        parts.append(f"Right on {accuracy_with_interval(card.metrics.right, n, of)}")
    if people := card.metrics.people:
        parts.append(f"on {accuracy_with_interval(people.right, people.n, 'photos people took')}")
    parts.append(f"{len(card.classes)} classes")
    parts.append(f"{escape_markdown(card.architecture or 'network')} at {card.image_size} px")
    parts.append("published" if ref.published else "from a finished run")
    st.caption(" · ".join(parts))
    notes(card)


def knows(classes: Sequence[str]) -> str:
    """What a model tells apart, a sentence: its garments and their colours, or its classes."""
    pairs = factors(classes)
    if pairs is None:
        return f"Tells {len(classes)} classes apart: {_listed(list(classes), 'and')}."
    colours, garments = (list(dict.fromkeys(pair[factor] for pair in pairs)) for factor in (COLOUR, GARMENT))
    return f"Names the garment and its colour in a photo: {_listed(garments, 'or')}, in {_listed(colours, 'or')}."


def _listed(names: list[str], last: str) -> str:
    words = [in_words(name) for name in names]
    if len(words) > LISTED:
        words = [*words[:LISTED], f"{len(words) - LISTED} more"]
    return listed(words, last)


class Result(NamedTuple):
    """What a model reaches on some photos: `share` in large figures, and one `sentence`."""

    on: str
    share: str
    sentence: str


def results(ref: ModelRef) -> list[Result]:
    """On its own test photos, on photos that people took, and against the paper; what was not measured is left out."""
    card, metrics = ref.card, ref.card.metrics
    own = f"{_counted(metrics.right, metrics.test_n, 'test photos')}; it was trained on none of them."
    if clear := metrics.review.get("clear"):
        own += f" Where the label is clear by eye, it is right on {accuracy_with_interval(clear.right, clear.n)}."
    found = [Result(_kind(card), f"{metrics.right / metrics.test_n:.1%}", own)]
    if people := metrics.people:
        words = f"{_counted(people.right, people.n, 'photos')}, labelled by eye."
        if n := people.garment_n:
            words += f" The garment alone: {people.garment_right / n:.1%} ({people.garment_right:,} of {n:,})."
        found.append(Result("On photos people took", f"{people.right / people.n:.1%}", words))
    return [*found, _against_paper(ref)]


def _counted(right: int, n: int, what: str) -> str:
    return f"Right on {right:,} of {n:,} {what} (95% interval {between(right, n)})"


def _kind(card: ModelCard) -> str:
    if card.dataset.sample:
        return "On drawn photos"
    return "On the paper's kind of photos" if card.dataset.name.startswith("paper") else "On its own test photos"


def _against_paper(ref: ModelRef) -> Result:
    """The paper's accuracy, and this model's on photos of the same ten classes, where it was tested on these."""
    card, papers = ref.card, f"{paper.TEST_ACCURACY:.1%}"
    reported = f"The paper reports {paper.TEST_RIGHT} of {paper.TEST_PHOTOS} on its own photos"
    right, n = card.metrics.right, card.metrics.test_n
    if not paper.matches(card.classes):
        right, n = _on_papers_classes(ref)
    if not n:
        words = f"{reported} of its ten classes. This model has other classes, so the two do not compare."
        return Result("The paper", papers, words)
    verdict = paper.verdict(paper.CLASSES, right, n, drawn=card.dataset.sample is not None)
    if card.dataset.sample:
        return Result("The paper", papers, f"{reported}. {verdict}")
    own = f"Right on {right:,} of {n:,} photos of the paper's ten classes"
    return Result("Against the paper", f"{right / n:.1%} against {papers}", f"{own}. {reported}. {verdict}")


def _on_papers_classes(ref: ModelRef) -> tuple[int, int]:
    """Right answers and photos, of its test photos that bear one of the paper's ten labels; (0, 0) where it does not
    have all ten."""
    if not set(paper.CLASSES) <= set(ref.card.classes) or not ref.evaluation_file.is_file():
        return 0, 0
    stored = evaluation_of(ref.evaluation_file)
    ten = stored.photos["label"].isin(paper.CLASSES).to_numpy()
    return int(stored.right[ten].sum()), int(ten.sum())


def notes(card: ModelCard) -> None:
    """The notes of its training, a line each."""
    if card.notes:
        with st.expander("How it was trained"):
            st.caption("  \n".join(f":material/info: {escape_markdown(note)}" for note in card.notes))
