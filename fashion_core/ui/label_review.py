"""Mend the labels: keep, relabel or leave out the photo that is open, undo it, and carry the decisions elsewhere.

They stand in one file beside the photos, which themselves are never touched; the next training learns from it.
"""

from pathlib import Path

import pandas as pd
import streamlit as st

from fashion_core import UserError
from fashion_core.class_names import factors
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.photos import label_corrections
from fashion_core.photos.imaging import printable
from fashion_core.ui import keys
from fashion_core.ui.boot import link
from fashion_core.ui.evaluate.selection import last_selected, open_photo
from fashion_core.ui.evaluate.tables import shown
from fashion_core.ui.gallery import escape_markdown
from fashion_core.ui.stored import decided

LEFT_OUT = "left out"


def buttons(evaluation: Evaluation, row: int, file: Path, tested: bool) -> None:
    """What one may decide of photo `row`, by button and by key, and what was decided. `tested`: it is a test photo."""
    path, label = label_corrections.photo_key(evaluation.photos["path"][row]), evaluation.photos["label"][row]
    said, standing = evaluation.classes[evaluation.predicted[row]], decided(file).get(path)
    offers = [("keep", label, "Label is right", "check", "K")]
    if said != label:
        offers.append(("relabel", said, f"It is {escape_markdown(said)}", "edit", "L"))
    offers.append(("leave out", "", "Leave out", "block", "X"))
    if standing is not None:
        offers.append(("undo", "", "Undo", "undo", "U"))
    with st.container(horizontal=True, gap="small"):
        for action, name, text, icon, key in offers:
            st.button(text, key=keys.decide(action), icon=f":material/{icon}:", shortcut=key, type="tertiary",
                      on_click=_decide, args=(file, path, action, name))  # fmt: skip
    others = [name for name in _labels(evaluation.classes) if name not in (label, said)]
    st.selectbox("Another label", others, index=None, key=keys.another_label(row), placeholder="or another label",
                 label_visibility="collapsed", on_change=_relabel,
                 args=(file, path, keys.another_label(row)))  # fmt: skip
    if standing is not None:
        what = (
            "the label is right"
            if standing == label
            else f"it is {escape_markdown(standing)}"
            if standing
            else LEFT_OUT
        )
        use = "The next training learns so; the photo stays where it is."
        if tested:
            use = "A test photo is never learned from: this counts in the accuracy by decided labels above."
        st.caption(f":material/gavel: Decided: **{what}**. {use}")


def _labels(classes: tuple[str, ...]) -> list[str]:
    """Every class, then every colour and garment alone, for photos that fit two classes."""
    parts = sorted({part for pair in factors(classes) or () for part in pair})
    return [*classes, *parts]


def _relabel(file: Path, photo: str, key: str) -> None:
    if label := st.session_state[key]:
        _decide(file, photo, "relabel", label)
        st.session_state[key] = None


def _decide(file: Path, photo: str, action: label_corrections.Action, label: str) -> None:
    try:
        label_corrections.record(file, photo, action, label)
    except UserError as mistake:
        st.session_state[keys.LABEL_PROBLEM] = str(mistake)


def panel(evaluation: Evaluation, file: Path, photos: Path) -> None:
    """All decisions on these photos: a table whose rows open them, to take along, to bring back, to train with."""
    standing = decided(file)
    with st.container():  # so that the panel below keeps its place, and stays open
        for key, show in ((keys.LABEL_PROBLEM, st.error), (keys.LABEL_NEWS, st.success)):
            if said := st.session_state.pop(key, None):
                show(said, icon=":material/gavel:")
    with st.expander(f"Decisions on these photos: {len(standing) or 'none yet'}", icon=":material/gavel:"):
        st.caption(
            f"Kept in {escape_markdown(file)}. The photos and their folders stay as they are, and so does the test; "
            "the next "
            "training on this folder learns from the decisions and says so. To decide, open a photo with **Why?**"
        )
        if standing:
            _table(evaluation, standing)
            with st.container(horizontal=True, vertical_alignment="center"):
                table = label_corrections.text(standing).encode("utf-8", "surrogateescape")
                st.download_button("Export", table, printable(file.name), "text/csv", icon=":material/download:",
                                   on_click="ignore")  # fmt: skip
                link("train", "Train with them", ":material/model_training:", folder=printable(photos))
        about = "Import decisions: a CSV of photo and label; an empty label leaves the photo out"
        st.file_uploader(about, "csv", key=keys.LABELS_FILE, on_change=_import,
                         args=(file, photos, evaluation.classes))  # fmt: skip


def _table(evaluation: Evaluation, standing: dict[str, str]) -> None:
    places = {label_corrections.photo_key(path): row for path, row in evaluation.places.items()}
    rows = [(photo, label or LEFT_OUT, places.get(photo)) for photo, label in standing.items()]
    table = pd.DataFrame(rows, columns=["Photo", "Decided", "row"], dtype=object)[::-1].reset_index(drop=True)

    variant = shown(table["Photo"].tolist())
    key = keys.variant(keys.LABELS_TABLE, variant)

    def clicked() -> None:
        place = last_selected(keys.LABELS_TABLE, variant, st.session_state[key].selection.rows)
        if not isinstance(place, int):
            return
        if pd.isna(row := table["row"][place]):
            photo = table["Photo"][place]
            st.toast(f"{escape_markdown(photo)} is not among the photos looked at here: switch Photos to all.")
        else:
            open_photo(evaluation.photos["path"][int(row)])

    st.dataframe(table[["Photo", "Decided"]], hide_index=True, key=key, on_select=clicked,
                 selection_mode="single-row", height=min(35 * len(table) + 38, 300))  # fmt: skip


def _import(file: Path, photos: Path, classes: tuple[str, ...]) -> None:
    if (handed := st.session_state[keys.LABELS_FILE]) is None:
        return
    try:
        found = label_corrections.parse(handed.getvalue(), handed.name)
        label_corrections.refuse_unknown_labels(found, classes)
        new = label_corrections.merge(file, found)
        absent = sum(not (photos / photo).is_file() for photo in found)
        others = f" {absent} are of photos that are not in {escape_markdown(photos)}." if absent else ""
        st.session_state[keys.LABEL_NEWS] = f"{new} of {len(found)} decisions are new, and kept.{others}"
    except UserError as mistake:
        st.session_state[keys.LABEL_PROBLEM] = str(mistake)
