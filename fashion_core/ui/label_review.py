"""Correct the labels: keep, relabel or leave out the open photo or several, undo it, and carry decisions elsewhere.

They are kept in one file beside the photos, which themselves are never touched; the next training learns from it.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import streamlit as st

from fashion_core import UserError, access
from fashion_core.class_names import in_words
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.photos import label_corrections
from fashion_core.photos.imaging import printable
from fashion_core.ui import keys, stored
from fashion_core.ui.evaluate import labels
from fashion_core.ui.evaluate.selection import last_selected, open_photo
from fashion_core.ui.evaluate.state import Shown, State
from fashion_core.ui.evaluate.tables import shown as shown_rows
from fashion_core.ui.gallery import DECISION_ICON, escape_markdown

LEFT_OUT = "left out"
IMPORT_TYPES = ["csv", "tsv", "txt"]


def buttons(state: State, row: int, shown: Shown) -> None:
    """What one may decide of photo `row`, by button and by key, and what was decided. In a queue a decision opens the
    next photo, and the last one can be taken back from there."""
    if not access.may(access.Action.DECIDE):
        return
    evaluation, file = state.whole, state.corrections_file
    path, label = label_corrections.photo_key(evaluation.photos["path"][row]), evaluation.photos["label"][row]
    predicted, decided = evaluation.classes[evaluation.predicted[row]], stored.decided(file).get(path)
    following = _following(shown, evaluation.photos["path"][row], stored.decided(file)) if shown.queue else None
    offers: list[tuple[label_corrections.Decision, str, str, str, str]] = [
        ("keep", label, "Label is right", "check", "Y")
    ]
    if predicted != label:
        offers.append(("relabel", predicted, f"It is {escape_markdown(in_words(predicted))}", "edit", "L"))
    offers.append(("leave out", "", "Leave out", "block", "X"))
    if decided is not None:
        offers.append(("undo", "", "Undo", "undo", "U"))
    with st.container(horizontal=True, gap="small"):
        for action, name, text, icon, key in offers:
            st.button(text, key=keys.decide(action), icon=f":material/{icon}:", shortcut=key, type="tertiary",
                      on_click=_decide, args=(file, path, action, name, following))  # fmt: skip
        if decided is None and shown.queue:
            _offer_last(file)
    others = [name for name in label_corrections.known_labels(evaluation.classes) if name not in (label, predicted)]
    st.selectbox("Another label", others, index=None, key=keys.another_label(row), placeholder="or another label",
                 label_visibility="collapsed", on_change=_relabel, format_func=in_words,
                 args=(file, path, keys.another_label(row), following))  # fmt: skip
    if shown.queue:
        st.caption(f":material/checklist: {labels.checked(state)}")
    if decided is not None:
        st.caption(f"{DECISION_ICON} Decided: {_in_words(decided, label, state.is_test_photo(row))}")


def _following(shown: Shown, path: str, decided: Mapping[str, str]) -> str | None:
    """The photo after this one in the queue that nobody decided on, from its end on the first; None where none is."""
    paths = shown.rows["path"].tolist()
    place = paths.index(path) if path in paths else -1
    others = (*paths[place + 1 :], *paths[: max(place, 0)])
    return next((other for other in others if label_corrections.photo_key(other) not in decided), None)


def _offer_last(file: Path) -> None:
    """The decision after which this photo was opened, and the button that takes it back."""
    of, path, words = st.session_state.get(keys.LABEL_LAST, (None, "", ""))
    if of == file:
        st.button(f"Undo the last: {words}", key=keys.decide("undo"), icon=":material/undo:", shortcut="U",
                  type="tertiary", on_click=_undo_last, args=(file, path))  # fmt: skip


def _undo_last(file: Path, path: str) -> None:
    _decide(file, label_corrections.photo_key(path), "undo", "")
    open_photo(path)


def _in_words(decided: str, label: str, tested: bool) -> str:
    if decided == label:
        what = "the label is right"
    else:
        what = f"it is {escape_markdown(in_words(decided))}" if decided else LEFT_OUT
    if tested:
        return f"**{what}**. Test photos are never trained on: this counts in the accuracy with your corrections."
    next_one = "uses this label" if decided else "leaves it out"
    return f"**{what}**. The next training {next_one}. The file is not moved."


def _relabel(file: Path, photo: str, key: str, following: str | None) -> None:
    if label := st.session_state[key]:
        _decide(file, photo, "relabel", label, following)
        st.session_state[key] = None


def _decide(
    file: Path, photo: str, action: label_corrections.Decision, label: str, following: str | None = None
) -> None:
    """Keep the decision, and open the photo that is `following`."""
    if _record(file, [(photo, action, label)]) and following is not None and action != "undo":
        st.session_state[keys.LABEL_LAST] = file, photo, _said(action, label)
        open_photo(following)


def _record(file: Path, decisions: list[tuple[str, label_corrections.Decision, str]]) -> bool:
    """Keep the decisions, of which the last can no longer be taken back by its button; or why that cannot be."""
    st.session_state.pop(keys.LABEL_LAST, None)
    st.session_state.pop(keys.LABEL_STEP, None)
    try:
        label_corrections.record_all(file, decisions)
    except UserError as problem:
        st.session_state[keys.LABEL_PROBLEM] = escape_markdown(str(problem))
        return False
    return True


def _said(action: label_corrections.Decision, label: str) -> str:
    words = {"keep": "label is right", "leave out": LEFT_OUT}.get(action, f"it is {in_words(label)}")
    return escape_markdown(words)


def decide_several(file: Path, labels: Mapping[str, str], action: label_corrections.Decision) -> None:
    """Keep a decision on each photo of `labels`, photo → decided label, in one step that one Undo takes back."""
    if labels and _record(file, [(photo, action, label) for photo, label in labels.items()]):
        n, label = len(labels), next(iter(labels.values()))
        words = f"{n:,} photo{'s' * (n != 1)}: {_said(action, label)}"
        st.session_state[keys.LABEL_STEP] = file, dict(labels), words


def offer_to_undo_several(file: Path) -> None:
    """The last step, and the button that takes it back."""
    of, labels, words = st.session_state.get(keys.LABEL_STEP, (None, {}, ""))
    if of == file:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"{DECISION_ICON} {words}", width="content")
            st.button("Undo", key=keys.several("undo"), icon=":material/undo:", type="tertiary",
                      on_click=_undo_several, args=(file, labels))  # fmt: skip


def _undo_several(file: Path, labels: Mapping[str, str]) -> None:
    """Take back what still stands of a step: what others decided since is theirs."""
    decided = stored.decided(file)
    _record(file, [(photo, "undo", "") for photo, label in labels.items() if decided.get(photo) == label])


def panel(evaluation: Evaluation, rows: Mapping[str, int], file: Path, photos: Path) -> None:
    """All decisions on these photos: a table whose rows open them, to take along, to bring back, to train with. `rows`
    of the evaluation are by the photos' names as decisions write them."""
    if not access.may(access.Action.DECIDE):
        return
    with st.container():  # so that the panel below keeps its place, and stays open
        _messages(file, photos, evaluation.classes)
    decided = stored.decided(file)
    with st.expander(f"Decisions on these photos: {len(decided) or 'none yet'}", icon=DECISION_ICON):
        st.caption(
            f"Saved in {escape_markdown(file)}. Photos are not changed; the next training on this folder uses your "
            "corrections. To decide, open a photo or go to **Labels**."
        )
        if decided:
            _table(evaluation, rows, decided)
            st.download_button("Export", label_corrections.text(decided).encode(), printable(file.name), "text/csv",
                               icon=":material/download:", on_click="ignore")  # fmt: skip
        about = "Import decisions: a table of photo and label, as CSV; an empty label leaves the photo out"
        st.file_uploader(about, IMPORT_TYPES, key=keys.LABELS_FILE, on_change=_import,
                         args=(file, photos, evaluation.classes))  # fmt: skip


def _messages(file: Path, photos: Path, classes: tuple[str, ...]) -> None:
    """What became of the last decision or import, what is wrong with the file, and what may be meant."""
    for key, show in ((keys.LABEL_PROBLEM, st.error), (keys.LABEL_NEWS, st.success)):
        if text := st.session_state.pop(key, None):
            show(text, icon=DECISION_ICON)
    asked_for, handed = st.session_state.get(keys.LABEL_QUESTION, (None, {}))
    if asked_for == file:
        _ask_about_zeros(handed, file, photos, classes)
    elif file.is_file():
        try:
            # What is stored stays empty for a file that cannot be read: here it is said why.
            decided = stored.decided(file) or label_corrections.read(file)
            label_corrections.refuse_unknown_labels(decided, classes)
        except UserError as problem:
            st.warning(escape_markdown(str(problem)), icon=DECISION_ICON)
            _ask_about_zeros(stored.decided(file), file, photos, classes)


def _ask_about_zeros(decided: Mapping[str, str], file: Path, photos: Path, classes: tuple[str, ...]) -> None:
    """Whether labels that are no class mean those with zeros before them: only a person knows."""
    if not (lost := label_corrections.lost_zeros(decided, classes)):
        return
    each = ", ".join(f"**{escape_markdown(label)}** as **{escape_markdown(name)}**" for label, name in lost.items())
    st.warning(f"Some labels probably lost their zeros. Read {each}? Nothing of this file is used until you answer.",
               icon=DECISION_ICON)  # fmt: skip
    meant = {photo: lost.get(label, label) for photo, label in decided.items()}
    with st.container(horizontal=True):
        st.button("Yes, with the zeros", key=keys.TAKE_ZEROS, on_click=_keep, args=(meant, file, photos, classes))
        st.button("No", key=keys.REFUSE_ZEROS, on_click=_close_question)


def _close_question() -> None:
    st.session_state.pop(keys.LABEL_QUESTION, None)


def _table(evaluation: Evaluation, rows: Mapping[str, int], decided: Mapping[str, str]) -> None:
    lines = [(photo, in_words(label) if label else LEFT_OUT, rows.get(photo)) for photo, label in decided.items()]
    table = pd.DataFrame(lines, columns=["Photo", "Decided", "row"], dtype=object)[::-1].reset_index(drop=True)

    variant = shown_rows(table["Photo"].tolist())
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
    _close_question()
    if (handed := st.session_state[keys.LABELS_FILE]) is None:
        return
    try:
        found = label_corrections.parse(handed.getvalue(), handed.name)
    except UserError as problem:
        st.session_state[keys.LABEL_PROBLEM] = escape_markdown(str(problem))
        return
    if label_corrections.lost_zeros(found, classes):
        st.session_state[keys.LABEL_QUESTION] = file, found
    else:
        _keep(found, file, photos, classes)


def _keep(decided: Mapping[str, str], file: Path, photos: Path, classes: tuple[str, ...]) -> None:
    """Add those that are new to the file."""
    _close_question()
    try:
        label_corrections.refuse_unknown_labels(decided, classes)
        new = label_corrections.merge(file, decided)
    except UserError as problem:
        st.session_state[keys.LABEL_PROBLEM] = escape_markdown(str(problem))
        return
    absent = _absent(decided, photos)
    of_photos = "is of a photo that is" if absent == 1 else "are of photos that are"
    others = f" {absent} {of_photos} not in {escape_markdown(photos)}." if absent else ""
    are = f"decision{'s' if len(decided) != 1 else ''} {'is' if new == 1 else 'are'}"
    st.session_state[keys.LABEL_NEWS] = f"{new} of {len(decided)} {are} new, and kept.{others}"


def _absent(decided: Mapping[str, str], photos: Path) -> int:
    """How many of the decisions are of photos that are not in the folder `photos`, however their names are spelled."""
    absent = {photo for photo in decided if not (photos / photo).is_file()}
    if absent:
        absent -= {label_corrections.photo_key(str(path.relative_to(photos))) for path in photos.rglob("*")}
    return len(absent)
