"""What pages say of a model: what it is, what it reaches, and the notes of its training."""

import streamlit as st

from fashion_core import paper
from fashion_core.models.card import ModelCard
from fashion_core.models.registry import ModelRef
from fashion_core.stats import accuracy_with_interval, between
from fashion_core.ui.gallery import escape_markdown
from fashion_core.ui.stored import evaluation_of


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


def results(ref: ModelRef) -> list[tuple[str, str]]:
    """What the model reaches: of what, and one sentence. On its own test photos, on photos that people took, and
    against the paper; what was not measured is left out."""
    card, metrics = ref.card, ref.card.metrics
    own = f"{accuracy(metrics.right, metrics.test_n)}, on test photos that it never learned from."
    if clear := metrics.review.get("clear"):
        own += f" Where the label is clear by eye: {accuracy(clear.right, clear.n)}."
    said = [(_kind(card), own)]
    if people := metrics.people:
        garment = f" The garment alone: {accuracy(people.garment_right, people.garment_n)}." if people.garment_n else ""
        said.append(("On photos people took", f"{accuracy(people.right, people.n)}, labelled by eye.{garment}"))
    return [*said, ("Against the paper", _against_paper(ref))]


def accuracy(right: int, n: int) -> str:
    """Right answers as a share, with its photos and its interval."""
    return f"**{right / n:.1%} right** ({right:,} of {n:,}; 95% interval {between(right, n)})"


def _kind(card: ModelCard) -> str:
    if card.dataset.sample:
        return "On drawn photos"
    return "On the paper's kind of photos" if card.dataset.name.startswith("paper") else "On its own test photos"


def _against_paper(ref: ModelRef) -> str:
    """The paper's accuracy, and this model's on photos of the same ten classes, where it was tested on these."""
    card, stated = ref.card, f"The paper reports {paper.TEST_ACCURACY:.1%} ({paper.TEST_RIGHT} of {paper.TEST_PHOTOS})"
    right, n = card.metrics.right, card.metrics.test_n
    if not paper.matches(card.classes):
        right, n = _on_papers_classes(ref)
    if not n:
        return f"{stated} on its own ten classes. This model has other classes, so the two do not compare."
    verdict = paper.verdict(paper.CLASSES, right, n, drawn=card.dataset.sample is not None)
    here = "" if card.dataset.sample else f" This model, on photos of the same ten classes: {accuracy(right, n)}."
    return f"{stated} on its own photos.{here} {verdict}"


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
