"""One photo of an evaluation, with the evidence beside it: confidences, heat maps, look-alikes, measured colour.

`?photo=12` in the address opens the photo of row 12; Left and Right go through the selection, Escape goes back.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import streamlit as st

from fashion_core.class_names import COLOUR, GARMENT, factors, marginalise
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import Explanations, overlay_heatmap
from fashion_core.evaluation.label_issues import CROSS_VALIDATED
from fashion_core.photos import imaging
from fashion_core.photos.garment_colour import UNSURE
from fashion_core.ui.gallery import escape_markdown, photo_grid
from fashion_core.ui.stored import explanations_mtime, explanations_of, mtime

TOP = 5  # classes with a bar
ALIKE = 6  # training photos


@st.cache_data(max_entries=200, show_spinner=False)
def _heated(name: bytes, changed: float, model: Path, gathered: float, path: bytes, label: str, scale: float) -> bytes:
    """JPEG of the photo under its heat map for `label`; names as bytes, as they need not be UTF-8."""
    image, heat = imaging.read(Path(os.fsdecode(name))), explanations_of(model).map(os.fsdecode(path), label)
    return imaging.thumbnail_bytes(overlay_heatmap(image, heat, scale), 480)


def opened(evaluation: Evaluation) -> int | None:
    """The row that the address asks for, where there is one."""
    asked = st.query_params.get("photo", "")
    return int(asked) if asked.isdecimal() and int(asked) < len(evaluation) else None


def open_photo(row: int) -> None:
    st.query_params["photo"] = str(row)


def close() -> None:
    st.query_params.pop("photo", None)


def show(
    evaluation: Evaluation, counted: Evaluation, row: int, rows: pd.DataFrame, root: Path, model: Path, suspect: bool,
    decide: Callable[[], None],
) -> None:  # fmt: skip
    """Draw photo `row`, a row of `evaluation`, of the selection `rows`; its evidence lies in the folder `model`.

    `counted` is the evaluation as the switch folds it. `decide` draws what one may decide of the photo's label.
    """
    _ways(row, rows["index"].tolist())
    path, truth = evaluation.photos["path"][row], evaluation.photos["label"][row]
    said, voted = evaluation.classes[evaluation.predicted[row]], evaluation.meta.get("split") == CROSS_VALIDATED
    verdict = ":green[:material/check_circle: right]" if counted.right[row] else ":red[:material/cancel: wrong]"
    called = f"{'its neighbours say' if voted else 'called'} **{escape_markdown(said)}**, is " if truth != said else ""
    st.markdown(f"{verdict} · {called}**{escape_markdown(truth)}**")
    if suspect:
        st.warning("This label looks wrong to the model: see the Labels view.", icon=":material/label_off:")
    decide()
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _picture(root / path)
        st.caption(escape_markdown(path))
    with right:
        ranked = sorted(zip(evaluation.classes, evaluation.probabilities[row], strict=True), key=lambda pair: -pair[1])
        for name, share in ranked[:TOP]:
            text = f"{escape_markdown(name)} · {share:.1%}"
            st.progress(float(min(share, 1.0)), f"**{text}**" if name == truth else text)
        what = "Share of its nearest photos" if voted else "Confidence"
        st.caption(f"{what}; the true class is bold." + _parts(evaluation, row))
    evidence = explanations_of(model)
    if evidence is None or path not in evidence:
        st.caption(
            ":material/info: This model came without the evidence behind its predictions: train or publish it again "
            "for look-alikes, heat maps and measured colours."
        )
        return
    _maps(evidence, model, root / path, path, dict.fromkeys((said, truth)))
    _colour(evidence, path)
    if len(found := evidence.duplicates(path)):
        st.markdown(f"**Near-duplicates in other splits: {len(found)}.** A photo that training has seen is no test.")
        photo_grid([root / p for p in found["path"]],
                   [f"{r.label}, {r.split}" for r in found.itertuples()], key="duplicates")  # fmt: skip
    st.markdown("**The training photos most like it**, as the network sees them")
    alike = evidence.nearest(path, ALIKE)
    captions = [f"{r.label} · {r.similarity:.2f}" for r in alike.itertuples()]
    photo_grid([root / p for p in alike["path"]], captions, key="alike")


def _parts(evaluation: Evaluation, row: int) -> str:
    """Markdown: what the confidences add up to by colour and by garment, where class names come apart."""
    if factors(evaluation.classes) is None:
        return ""
    lines = []
    for part in (COLOUR, GARMENT):
        names, sums = marginalise(evaluation.probabilities[row : row + 1], evaluation.classes, part)
        ranked = sorted(zip(names, sums[0], strict=True), key=lambda pair: -pair[1])[:2]
        lines.append(", ".join(f"{escape_markdown(name)} {share:.1%}" for name, share in ranked))
    return "  \nSummed: " + "; ".join(lines) + "."


def _ways(row: int, order: list[int]) -> None:
    """Previous, next and back, by button and by key."""
    place = order.index(row) if row in order else None
    before = order[place - 1] if place else None
    after = order[place + 1] if place is not None and place + 1 < len(order) else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Back", icon=":material/grid_view:", on_click=close, shortcut="Esc", key="photo-back")
        for label, icon, target, key in (
            ("Previous", "arrow_back", before, "Left"), ("Next", "arrow_forward", after, "Right")
        ):  # fmt: skip
            st.button(label, icon=f":material/{icon}:", on_click=open_photo, args=(target,), disabled=target is None,
                      shortcut=key, key=f"photo-{key.lower()}")  # fmt: skip
    if place is not None:
        st.caption(f"{place + 1:,} of {len(order):,} in this selection")


def _picture(file: Path) -> None:
    try:
        st.image(imaging.thumbnail_bytes(imaging.read(file), 640), width="stretch", alt=imaging.printable(file.name))
    except imaging.BadPhoto as reason:
        st.caption(f":material/hide_image: This photo cannot be shown: {escape_markdown(str(reason))}.")


def _maps(evidence: Explanations, model: Path, photo: Path, path: str, labels: dict[str, None]) -> None:
    """What spoke for the predicted class and, where it is another, for the true one."""
    if evidence.maps is not None and not evidence.tested(path):
        st.caption(":material/info: Heat maps are kept of test photos.")
        return
    maps = {label: evidence.map(path, label) for label in labels}
    if any(heat is None for heat in maps.values()):
        st.caption(":material/info: No heat map for this network: its head does not simply average the feature map.")
        return
    if not photo.is_file():
        return
    scale, when = (
        max(float(abs(heat).max()) for heat in maps.values()),
        (mtime(photo), model, explanations_mtime(model)),
    )
    for column, label in zip(st.columns(2), maps, strict=False):
        try:
            picture = _heated(os.fsencode(photo), *when, os.fsencode(path), label, scale)
        except imaging.BadPhoto:  # the picture above has said why
            return
        column.image(picture, width="stretch", alt=f"what spoke for {label}")
        column.caption(f"spoke for **{escape_markdown(label)}**")
    st.caption("Warm places raised this class's score above the others', cool ones lowered it.")


def _colour(evidence: Explanations, path: str) -> None:
    found = evidence.colour(path)
    st.markdown(
        f"**Measured colour**: lightness {found.lightness:.0f} of 100, chroma {found.chroma:.0f}"
        + (f", hue {found.hue:.0f}°" if found.chroma >= 5 else " (grey)")
        + f", over {found.share:.0%} of the photo."
        + (" It may not be this garment's: the measurement is unsure." if found.uncertainty >= UNSURE else "")
    )
