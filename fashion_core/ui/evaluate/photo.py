"""One photo: what it was called and how surely, the places that spoke for it, the photos most like it, its colour.

`?photo=…` in the address opens one; Left and Right go through the selection, Escape goes back.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import streamlit as st

from fashion_core.class_names import COLOUR, GARMENT, factors, marginalise
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import Explanations, overlay_heatmap
from fashion_core.models.predictor import why_unexplained
from fashion_core.photos import colour_words, imaging
from fashion_core.photos.garment_colour import UNSURE
from fashion_core.ui import keys, stored
from fashion_core.ui.evaluate.selection import close_photo, open_photo
from fashion_core.ui.evaluate.state import Shown, State
from fashion_core.ui.gallery import escape_markdown, photo_grid, thumbnail
from fashion_core.ui.gallery import share as in_votes

TOP = 5  # classes with a bar
SIMILAR = 6  # training photos
SIDE = 640  # pixels of the open photo
SWATCH = (
    '<span style="display:inline-block;width:1.2em;height:1.2em;vertical-align:-.25em;border-radius:.2em;'
    'border:1px solid rgb(128 128 128 / .5);background:{}"></span>'
)


def show(state: State, row: int, shown: Shown, decide: Callable[[], None]) -> None:
    """Draw photo `row`, one of those `shown` or not; `decide` draws what one may decide of its label."""
    path, label = state.whole.photos["path"][row], state.whole.photos["label"][row]
    predicted = state.whole.classes[state.whole.predicted[row]]
    _navigation(path, shown)
    _verdict(state, row, label, predicted)
    decide()
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _picture(state.root / path)
        st.caption(escape_markdown(path))
    with right:
        _probabilities(state.whole, row, label, state.votes)
    _explanations(state, path, dict.fromkeys((predicted, label)))


def _navigation(path: str, shown: Shown) -> None:
    """Previous, next and back, by button and by key."""
    paths = shown.rows["path"].to_numpy()
    found = np.flatnonzero(paths == path)
    place = int(found[0]) if len(found) else None
    before = paths[place - 1] if place else None
    after = paths[place + 1] if place is not None and place + 1 < len(paths) else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Back", icon=":material/grid_view:", on_click=close_photo, shortcut="Esc", key=keys.PHOTO_BACK)
        st.button("Previous", icon=":material/arrow_back:", on_click=open_photo, args=(before,),
                  disabled=before is None, shortcut="Left", key=keys.PHOTO_LEFT)  # fmt: skip
        st.button("Next", icon=":material/arrow_forward:", on_click=open_photo, args=(after,),
                  disabled=after is None, shortcut="Right", key=keys.PHOTO_RIGHT)  # fmt: skip
    if place is not None:
        st.caption(f"{place + 1:,} of {len(paths):,} in this selection")


def _verdict(state: State, row: int, label: str, predicted: str) -> None:
    """Right or wrong as the factor folds it, and whether the label itself looks wrong."""
    verdict = (
        ":green[:material/check_circle: right]" if state.evaluation.right[row] else ":red[:material/cancel: wrong]"
    )
    who = "its neighbours say" if state.votes else "called"
    called = f"{who} **{escape_markdown(predicted)}**, is " if label != predicted else ""
    st.markdown(f"{verdict} · {called}**{escape_markdown(label)}**")
    suspect = stored.has_label_issue(state.key)
    if suspect is not None and suspect[row]:
        whom = "its neighbours" if state.votes else "the model"
        st.warning(f"This label looks wrong to {whom}: see the Labels view.", icon=":material/label_off:")


def _picture(file: Path) -> None:
    try:
        st.image(thumbnail(file, SIDE), width="stretch", alt=imaging.printable(file.name))
    except (OSError, ValueError) as problem:  # BadPhoto is a ValueError; so is a name with a NUL byte
        reason = "there is no file" if isinstance(problem, FileNotFoundError) else str(problem)
        st.caption(f":material/hide_image: This photo cannot be shown: {escape_markdown(reason)}.")


def _probabilities(evaluation: Evaluation, row: int, label: str, votes: bool) -> None:
    shares = evaluation.probabilities[row]
    for place in np.argsort(-shares, kind="stable")[:TOP]:
        name, share = evaluation.classes[place], float(shares[place])
        text = f"{escape_markdown(name)} · {in_votes(share, votes)}"
        st.progress(min(share, 1.0), f"**{text}**" if name == label else text)
    what = "Votes of its nearest photos, the nearer the weightier" if votes else "Confidence"
    st.caption(f"{what}; the true class is bold." + _by_factor(evaluation, row))


def _by_factor(evaluation: Evaluation, row: int) -> str:
    """Markdown: what the probabilities add up to by colour and by garment, where class names come apart."""
    if factors(evaluation.classes) is None:
        return ""
    lines = []
    for factor in (COLOUR, GARMENT):
        names, sums = marginalise(evaluation.probabilities[row : row + 1], evaluation.classes, factor)
        ranked = sorted(zip(names, sums[0], strict=True), key=lambda pair: -pair[1])[:2]
        lines.append(", ".join(f"{escape_markdown(name)} {share:.1%}" for name, share in ranked))
    return "  \nSummed: " + "; ".join(lines) + "."


# Explanations --------------------------------------------------------------------------------------------------------


def _explanations(state: State, path: str, labels: dict[str, None]) -> None:
    model, explanations = state.key.model, stored.explanations_of(state.key.model)
    if explanations is None:
        st.caption(f":material/info: {escape_markdown(why_unexplained(model))}")
        return
    if path not in explanations:
        st.caption(
            ":material/info: There are no explanations of this photo: train or publish the model again "
            "for look-alikes, heat maps and measured colours."
        )
        return
    known = dict.fromkeys(label for label in labels if label in explanations.classes)
    _heatmaps(explanations, model, state.root / path, path, known)
    _colour(explanations, path)
    similar = stored.similar_photos(model, state.key.explanations_mtime, os.fsencode(path), SIMILAR)
    if len(found := similar.duplicates):
        st.markdown(f"**Near-duplicates in other splits: {len(found)}.** A photo that training has seen is no test.")
        photo_grid([state.root / each for each in found["path"]],
                   [f"{each.label}, {each.split}" for each in found.itertuples()], key=keys.DUPLICATES)  # fmt: skip
    st.markdown(f"**The {similar.among} most like it**, as the network sees them")
    captions = [f"{each.label} · {each.similarity:.2f}" for each in similar.nearest.itertuples()]
    photo_grid([state.root / each for each in similar.nearest["path"]], captions, key=keys.SIMILAR)


def _heatmaps(explanations: Explanations, model: Path, photo: Path, path: str, labels: dict[str, None]) -> None:
    """What spoke for the predicted class and, where it is another, for the true one."""
    if explanations.maps is not None and not explanations.tested(path):
        st.caption(":material/info: Heat maps are kept of test photos.")
        return
    maps = [explanations.map(path, label) for label in labels]
    known = [each for each in maps if each is not None]
    if len(known) < len(maps):
        st.caption(":material/info: No heat map for this network: its head does not simply average the feature map.")
        return
    if not photo.is_file():
        return
    scale = max(float(abs(each).max()) for each in known)
    when = stored.mtime(photo), model, stored.explanations_mtime(model)
    for column, label in zip(st.columns(2), labels, strict=False):
        try:
            picture = _overlaid(os.fsencode(photo), *when, os.fsencode(path), label, scale)
        except imaging.BadPhoto:  # the picture above has said why
            return
        column.image(picture, width="stretch", alt=f"what spoke for {label}")
        column.caption(f"spoke for **{escape_markdown(label)}**")
    st.caption("Warm places raised this class's score above the others', cool ones lowered it.")


@st.cache_data(max_entries=200, show_spinner=False)
def _overlaid(
    name: bytes, changed: float, model: Path, explanations_mtime: float, path: bytes, label: str, scale: float
) -> bytes:
    """JPEG of the photo under its heat map for `label`; names as bytes, as they need not be UTF-8."""
    explanations = stored.explanations_of(model)
    heat = None if explanations is None else explanations.map(os.fsdecode(path), label)
    image = imaging.read(Path(os.fsdecode(name)))
    return imaging.thumbnail_bytes(image if heat is None else overlay_heatmap(image, heat, scale), 480)


def _colour(explanations: Explanations, path: str) -> None:
    found = explanations.colour(path)
    measured = found.lightness, found.chroma, found.hue
    st.html(
        f"{SWATCH.format(colour_words.hexadecimal(*measured))} <b>Measured colour</b>: "
        f"{colour_words.in_words(*measured)}, {found.share:.0%} of the photo."
        + (" It may not be this garment's: the measurement is unsure." if found.uncertainty >= UNSURE else "")
    )
