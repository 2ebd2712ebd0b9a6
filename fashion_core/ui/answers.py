"""What a model says of dropped photos, in words: the answer, how far it can be believed, and what else it may be."""

import html
import io
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from fashion_core.class_names import COLOUR, GARMENT, answer_in_words, factors, in_words, marginalise
from fashion_core.evaluation.states import NAMES, RIGHT, State, States
from fashion_core.photos import imaging
from fashion_core.ui import keys
from fashion_core.ui.gallery import escape_markdown

PAGE = 12  # photos a page

# White on these has a contrast above 7 : 1, so the badges are the same on a light and on a dark page.
BADGES = {State.SURE: ("#14532d", "✓"), State.CHECK: ("#6b3f00", "?"), State.OUTSIDE: ("#7a1f2b", "✕")}
BADGE = '<span style="background:{};color:#fff;border-radius:1rem;padding:.2rem .7rem;font-size:.875rem">{} {}</span>'
HEADLINE = (
    '<p style="font-size:{}rem;font-weight:600;line-height:1.25;margin:0;overflow-wrap:anywhere" title="{}">{}</p>'
)


class Answer(NamedTuple):
    """`thumbnail` is WebP; `ranked` has every class with its confidence, the likeliest first; `state` and `words` are
    those of a `Judgement`."""

    thumbnail: bytes
    ranked: list[tuple[str, float]]
    state: State
    words: str = ""


def show_answers(
    answers: Iterable[tuple[str, Answer | str]],
    n: int,
    k: int,
    limits: States | None = None,
    why: Callable[[int], None] | None = None,
) -> None:
    """Of `n` photos (file name, answer or reason why there is none): each is shown as soon as it comes, a page at a
    time, with its `k` likeliest classes. `limits` are the model's; `why` draws what lies behind an answer, by place."""
    if not n:
        st.caption("The answer shows here.")
        return
    bar = st.progress(0.0, f"Reading {n} photos…") if n > 1 else None
    problems = st.container()
    pages = -(-n // PAGE)
    number = min(st.pagination(pages, key=keys.ANSWERS), pages) if pages > 1 else 1
    grid = st.grid(1 if n == 1 else "auto", min_column_width=300, border=True)
    seen = []
    for place, (name, found) in enumerate(answers):
        seen.append((name, found))
        if isinstance(found, str):
            problems.error(bad_photo(name, found), icon=":material/broken_image:")
        elif place // PAGE == number - 1:
            with grid.container(key=keys.answer(place % PAGE)):
                _tile(name, found, k, alone=n == 1, place=place % PAGE, told=_tells(found.state, limits))
                if why:
                    with st.expander("Why?", key=keys.answer_why(place), on_change="rerun") as behind:
                        if behind.open:
                            why(place)
        if bar:
            bar.progress((place + 1) / n, f"{place + 1} of {n} photos read")
    if bar:
        bar.empty()
        st.download_button("Download as CSV", as_csv(seen), "answers.csv", "text/csv", on_click="ignore",
                           icon=":material/download:")  # fmt: skip
    if any(isinstance(found, Answer) for _, found in seen):
        st.caption(_about(limits))


def bad_photo(name: str, reason: str) -> str:
    """Markdown: a file that is no photo, or no whole one, in a sentence."""
    return f"**{escape_markdown(name)}** {escape_markdown(imaging.refusal(reason))}."


def as_csv(answers: Iterable[tuple[str, Answer | str]]) -> bytes:
    """A line for each photo: file, class, confidence (0 to 1), state, note, and why there is no answer."""
    rows = [
        (name, "", None, "", "", imaging.refusal(found)) if isinstance(found, str)
        else (name, *found.ranked[0], str(found.state), found.words, "")
        for name, found in answers
    ]  # fmt: skip
    out = io.StringIO()
    columns = ["file", "class", "confidence", "state", "note", "problem"]
    pd.DataFrame(rows, columns=columns).assign(file=[_as_text(row[0]) for row in rows]).to_csv(
        out, index=False, float_format="%.4f"
    )
    return out.getvalue().encode("utf-8-sig")


def _as_text(name: str) -> str:
    """So that no spreadsheet takes a file's name for a formula."""
    name = imaging.printable(name)
    return f"'{name}" if name[:1] in "=+-@" else name


def headline(found: Answer) -> str:
    """The answer in words: "Blue dress, 95% sure", "sure" only where it may be believed; where it is outside what the
    model knows, that."""
    label, share = found.ranked[0]
    percent = f"{min(share, 0.99):.0%}" + (" sure" if found.state == State.SURE else "")
    return found.words or f"{answer_in_words(label)}, {percent}"


def _tells(state: State, limits: States | None) -> bool:
    """Whether the state says something: where nothing is ever called sure, "Check this" would stand on every photo."""
    return state != State.CHECK or (limits is not None and limits.sure is not None)


def _tile(name: str, found: Answer, k: int, *, alone: bool, place: int, told: bool) -> None:
    with st.container(horizontal=True):
        with st.container(width=240 if alone else 128, key=keys.tile(keys.ANSWER_TILES, place)):
            st.image(found.thumbnail, width="stretch", alt=imaging.printable(name))
        with st.container(gap="xsmall"):
            colour, sign = BADGES[found.state]
            folder = html.escape(found.ranked[0][0], quote=True)
            badge = BADGE.format(colour, sign, NAMES[found.state]) if told else ""
            st.html(HEADLINE.format(1.75 if alone else 1.25, folder, html.escape(headline(found))) + badge)
            st.caption(escape_markdown(name))
            for label, share in found.ranked[:k]:
                st.progress(min(share, 1.0), f"{escape_markdown(in_words(label))} · {share:.1%}")
            for what, word, share in _parts(found.ranked):
                st.progress(min(share, 1.0), f"{what}: **{escape_markdown(in_words(word))}** · {share:.1%}")


def _parts(ranked: list[tuple[str, float]]) -> list[tuple[str, str, float]]:
    """The likeliest colour and the likeliest garment, each over all classes; none where names do not come apart."""
    classes = [label for label, _ in ranked]
    if factors(classes) is None:
        return []
    found = []
    for what, factor in (("Colour", COLOUR), ("Garment", GARMENT)):
        names, shares = marginalise(np.array([[share for _, share in ranked]]), classes, factor)
        best = int(shares[0].argmax())
        found.append((what, names[best], float(shares[0, best])))
    return found


def _about(limits: States | None) -> str:
    """What the states mean for this model, in a sentence or two."""
    if limits and limits.sure is not None:
        needs, such = f"{limits.sure:.1%} or more", "answers"
        if limits.sure_colour:
            needs, such = f"a garment of {limits.sure:.1%} and a colour of {limits.sure_colour:.1%} or more", "garments"
        sure = (
            f"“Sure” means {needs}. Of photos people took and not used in training, at least {RIGHT:.0%} of such "
            f"{such} were right."
        )
    elif limits:
        sure = f"No answer is called sure: at no confidence is {RIGHT:.0%} known to be right."
    else:
        sure = ""
    return f"{sure} The percentages are confidence, calibrated on validation photos.".strip()
