"""One photo: what it was called and how surely, the evidence for it, the photos most like it, its colour.

`?photo=…` in the address opens one, over the page; keys go through the selection (`photo_keys`), Escape goes back.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import streamlit as st

from fashion_core.class_names import COLOUR, GARMENT, factors, in_words, marginalise
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import Explanations, overlay_heatmap
from fashion_core.models.predictor import why_unexplained
from fashion_core.photos import colour_words, imaging
from fashion_core.photos.garment_colour import UNSURE, hexadecimal
from fashion_core.ui import keys, stored
from fashion_core.ui.boot import guard
from fashion_core.ui.evaluate import photo_keys
from fashion_core.ui.evaluate.selection import close_photo, open_photo, opened
from fashion_core.ui.evaluate.state import Shown, State
from fashion_core.ui.gallery import escape_markdown, photo_grid, thumbnail
from fashion_core.ui.gallery import share as in_votes

TOP = 5  # classes with a bar
SIMILAR = 6  # training photos
SIDE = 900  # pixels of the open photo
SEEN = "The model has seen this picture in training, so it proves nothing."
DARK_GROUND = 0.3  # how bright white is under a heat map on a dark page

SWATCH = (
    '<span style="display:inline-block;width:1.2em;height:1.2em;vertical-align:-.25em;border-radius:.2em;'
    'border:1px solid rgb(128 128 128 / .5);background:{}"></span>'
)


def show(state: State, shown: Shown, decide: Callable[[int], None]) -> None:
    """Open the photo that the address names over the page; `decide` draws what one may decide of its label, by its row.

    What is pressed within draws this alone anew, so the next photo is there at once; the page follows at the end.
    """

    @st.dialog(" ", width="large", on_dismiss=close_photo)
    def overlay() -> None:
        with guard():
            row = opened(state)
            if row is None:
                st.rerun()
            _photo(state, row, shown, decide)

    overlay()


def _photo(state: State, row: int, shown: Shown, decide: Callable[[int], None]) -> None:
    """Draw photo `row`, one of those `shown` or not."""
    path, label = state.whole.photos["path"][row], state.whole.photos["label"][row]
    predicted = state.whole.classes[state.whole.predicted[row]]
    _navigation(path, shown)
    _verdict(state, row, label, predicted)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _picture(state, path, dict.fromkeys((predicted, label)))
        st.caption(escape_markdown(path))
    with right:
        decide(row)
        if problem := st.session_state.get(keys.LABEL_PROBLEM):  # the page behind says so too, once this is closed
            st.error(problem)
        _probabilities(state.whole, row, label, state.votes)
    _similar(state, path)


def _navigation(path: str, shown: Shown) -> None:
    """Previous and next, by button and by key."""
    paths = shown.rows["path"].to_numpy()
    found = np.flatnonzero(paths == path)
    place = int(found[0]) if len(found) else None

    def go(steps: int) -> None:
        if place is not None:
            open_photo(paths[min(max(place + steps, 0), len(paths) - 1)])

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button("Previous", icon=":material/arrow_back:", on_click=go, args=(-1,), disabled=not place,
                  key=keys.PHOTO_LEFT)  # fmt: skip
        st.button("Next", icon=":material/arrow_forward:", on_click=go, args=(1,),
                  disabled=place is None or place + 1 == len(paths), key=keys.PHOTO_RIGHT)  # fmt: skip
        if place is not None:
            st.caption(f"{place + 1:,} of {len(paths):,} in this selection · {photo_keys.WORDS}", width="content")
            photo_keys.mount(go, place, len(paths))


def _verdict(state: State, row: int, label: str, predicted: str) -> None:
    """Right or wrong as the factor folds it, and whether the label itself looks wrong."""
    verdict = (
        ":green[:material/check_circle: right]" if state.evaluation.right[row] else ":red[:material/cancel: wrong]"
    )
    who = "its neighbours say" if state.votes else "called"
    called = f"{who} **{escape_markdown(in_words(predicted))}**, is " if label != predicted else ""
    st.markdown(f"{verdict} · {called}**{escape_markdown(in_words(label))}**")
    suspect = stored.has_label_issue(state.key)
    if suspect is not None and suspect[row]:
        whom = "its neighbours" if state.votes else "the model"
        st.warning(f"This label looks wrong to {whom}: see the Labels view.", icon=":material/label_off:")


def _picture(state: State, path: str, labels: dict[str, None]) -> None:
    """The photo, large, under the heat map of one of its `labels` where there is any."""
    file = state.root / path
    heats, note = _heatmaps(state, path, labels)
    label, strength = None, 0.0
    with st.container(key=keys.PICTURE):
        place = st.empty()
    if heats:
        label, strength = _heat_controls(list(heats))
    elif note:
        st.caption(f":material/info: {note}")
    try:
        if label is None or not strength:
            picture = thumbnail(file, SIDE)
        else:
            scale = max(float(abs(each).max()) for each in heats.values())
            when = stored.mtime(file), state.key.model, stored.explanations_mtime(state.key.model)
            ground = DARK_GROUND if st.context.theme.type == "dark" else 1.0
            picture = _overlaid(os.fsencode(file), *when, os.fsencode(path), label, scale, strength, ground)
        place.image(picture, width="stretch", alt=imaging.printable(file.name))
    except (OSError, ValueError) as problem:  # BadPhoto is a ValueError; so is a name with a NUL byte
        reason = "there is no file" if isinstance(problem, FileNotFoundError) else str(problem)
        place.caption(f":material/hide_image: This photo cannot be shown: {escape_markdown(reason)}.")


def _heat_controls(labels: list[str]) -> tuple[str, float]:
    """Which class's heat map lies over the photo, and how strongly: 0 to 1."""
    label = labels[0]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        strength = st.slider("Heat map", 0, 100, 50, step=10, format="%d%%", key=keys.HEAT, width=200) / 100
        if len(labels) > 1:
            label = st.segmented_control("Evidence for", labels, key=keys.HEAT_CLASS, default=labels[0],
                                         required=True, format_func=in_words) or labels[0]  # fmt: skip
    st.caption(f"Evidence for **{escape_markdown(in_words(label))}**: orange for, blue against.")
    return label, strength


def _probabilities(evaluation: Evaluation, row: int, label: str, votes: bool) -> None:
    shares = evaluation.probabilities[row]
    for place in np.argsort(-shares, kind="stable")[:TOP]:
        name, share = evaluation.classes[place], float(shares[place])
        text = f"{escape_markdown(in_words(name))} · {in_votes(share, votes)}"
        st.progress(min(share, 1.0), f"**{text}**" if name == label else text)
    what = "Votes of its nearest photos; closer photos count more" if votes else "Confidence"
    st.caption(f"{what}; the true class is bold." + _by_factor(evaluation, row))


def _by_factor(evaluation: Evaluation, row: int) -> str:
    """Markdown: what the probabilities add up to by colour and by garment, where class names come apart."""
    if factors(evaluation.classes) is None:
        return ""
    lines = []
    for factor in (COLOUR, GARMENT):
        names, sums = marginalise(evaluation.probabilities[row : row + 1], evaluation.classes, factor)
        ranked = sorted(zip(names, sums[0], strict=True), key=lambda pair: -pair[1])[:2]
        lines.append(", ".join(f"{escape_markdown(in_words(name))} {share:.1%}" for name, share in ranked))
    return "  \nSummed: " + "; ".join(lines) + "."


# Explanations --------------------------------------------------------------------------------------------------------


def _heatmaps(state: State, path: str, labels: dict[str, None]) -> tuple[dict[str, np.ndarray], str]:
    """The heat maps (h, w) of the photo for `labels`; or a sentence why there is none."""
    explanations = stored.explanations_of(state.key.model)
    if explanations is None or path not in explanations:
        return {}, ""  # `_similar` says why there are no explanations at all
    if explanations.maps is not None and not explanations.tested(path):
        return {}, "Heat maps are kept for test photos only. *Why?* on Predict can draw one."
    maps = {label: explanations.map(path, label) for label in labels if label in explanations.classes}
    known = {label: each for label, each in maps.items() if each is not None}
    none = "No heat maps for these photos. *Why?* on Predict can draw one."
    return known, "" if known else none


def _similar(state: State, path: str) -> None:
    """The photo's measured colour, its near-duplicates, and the photos most like it."""
    model, explanations = state.key.model, stored.explanations_of(state.key.model)
    if explanations is None:
        st.caption(f":material/info: {escape_markdown(why_unexplained(model))}")
        return
    if path not in explanations:
        st.caption(":material/info: There are no explanations of this photo: train or publish the model again "
                   "for similar photos, heat maps and measured colours.")  # fmt: skip
        return
    similar = stored.similar_photos(model, state.key.explanations_mtime, os.fsencode(path), SIMILAR)
    if len(found := similar.duplicates):
        seen = SEEN if "train" in set(found["split"]) else ""
        st.markdown(f"**Near-duplicates in other splits: {len(found)}.** {seen}")
        photo_grid([state.root / each for each in found["path"]],
                   [f"{in_words(str(each.label))}, {each.split}" for each in found.itertuples()],
                   key=keys.DUPLICATES)  # fmt: skip
    st.markdown(f"**The {similar.among} most similar to it**, as the network sees them")
    captions = [in_words(str(label)) for label in similar.nearest["label"]]
    photo_grid([state.root / each for each in similar.nearest["path"]], captions, key=keys.SIMILAR)
    _colour(explanations, path)


@st.cache_data(max_entries=200, show_spinner=False)
def _overlaid(
    name: bytes, changed: float, model: Path, explanations_mtime: float, path: bytes, label: str, scale: float,
    strength: float, ground: float,
) -> bytes:  # fmt: skip
    """WebP of the photo under its heat map for `label`; names as bytes, as they need not be UTF-8."""
    explanations = stored.explanations_of(model)
    heat = None if explanations is None else explanations.map(os.fsdecode(path), label)
    image = imaging.read(Path(os.fsdecode(name)))
    return imaging.thumbnail_bytes(
        image if heat is None else overlay_heatmap(image, heat, scale, strength, ground), SIDE
    )


def _colour(explanations: Explanations, path: str) -> None:
    found = explanations.colour(path)
    measured = found.lightness, found.chroma, found.hue
    st.html(
        f"{SWATCH.format(*hexadecimal([measured]))} <b>Measured colour</b>: "
        f"{colour_words.in_words(*measured)}, {found.share:.0%} of the photo."
        + (" It may not be this garment's: the measurement is unsure." if found.uncertainty >= UNSURE else "")
    )
