"""Try a model on photos, in place: a drop zone, examples to press, and the answer under the drop zone.

    try_photos(ref)                        # on Home
    try_photos(ref, k=5, camera=True)      # on Predict

A fragment: a photo that is dropped or pressed draws this part of the page anew, and nothing else.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

from fashion_core import UserError, access
from fashion_core.evaluation.states import State
from fashion_core.models.answering import Busy
from fashion_core.models.predictor import Predictor
from fashion_core.models.registry import ModelRef
from fashion_core.photos import imaging
from fashion_core.ui import keys, shared
from fashion_core.ui.answers import Answer, show_answers
from fashion_core.ui.example_photos import choose_example, chosen_example, forget_example
from fashion_core.ui.stored import explanations_mtime, explanations_of, mtime
from fashion_core.ui.why import show_why

MOST_KEPT = 100  # photos at a time, with their answers, of a session on a shared server
HELP = (
    "Several at once are fine. To paste a copied picture, click Upload, close the window that opens, then press Ctrl+V "
    "(⌘V on a Mac)."
)


@st.fragment
def try_photos(ref: ModelRef, k: int = 3, camera: bool = False) -> None:
    """The drop zone, the answers of this model with its `k` likeliest classes, and the examples; with a `camera`, a
    switch for it."""
    with st.container(key=keys.TRY):
        with st.container(key=keys.TRY_DROP):
            photos = _chosen_photos(camera)
        with st.container(key=keys.answers(len(photos))):
            _answer_or_say_why_not(ref, photos, k)
        with st.container(key=keys.TRY_EXAMPLES):
            choose_example(ref)


def _chosen_photos(camera: bool) -> list[tuple[str, bytes]]:
    """File name and bytes of every photo: the example that was pressed, those dropped, pasted or taken."""
    dropped = st.file_uploader(
        "Drop a photo and see what it is",
        accept_multiple_files=True,
        key=keys.PREDICT_FILES,
        on_change=forget_example,
        help=HELP,
    )
    if problem := shared.not_taken(dropped):
        st.warning(problem, icon=":material/inventory_2:")
    use_camera = camera and st.toggle("Use the camera", key=keys.PREDICT_CAMERA)
    taken = st.camera_input("Camera", key=keys.PREDICT_TAKEN) if use_camera else None
    example = chosen_example()
    chosen = [(example.name, imaging.read_bytes(example))] if example else []
    return chosen + [(file.name, file.getvalue()) for file in [taken, *dropped] if file]


# What outlives a rerun; `when` is the time of a file, so that a new file takes the place of an old one --------------


@st.cache_resource(max_entries=2, show_spinner=False)
def predictor_of(folder: Path, when: float) -> Predictor:
    return Predictor(folder)


def warm(ref: ModelRef) -> None:
    """Load the model before a photo comes, so that the first answer does not wait for it."""
    if access.shared():
        shared.warm(ref.folder)
    else:
        with suppress(UserError):  # which the first photo tells
            predictor_of(ref.folder, mtime(ref.folder / "model.xml"))


@st.cache_data(max_entries=2048, show_spinner=False)
def answer(folder: Path, when: tuple[float, float], data: bytes) -> Answer | str:
    """What the model says of the photo in `data`; or why that is no photo."""
    try:
        image = imaging.read(data)
    except imaging.BadPhoto as reason:
        return str(reason)
    predictor, explanations = predictor_of(folder, when[0]), explanations_of(folder)
    seen = predictor.look([image], explanations)[0]
    ranked = predictor.ranked(seen.probabilities, len(predictor.classes))
    return Answer(imaging.thumbnail_bytes(image, 480), ranked, *predictor.judge(seen, explanations))


def answer_of(folder: Path, when: tuple[float, float], data: bytes) -> Answer | str:
    """As `answer`; on a shared server by a process of its own, and kept in the visitor's own session alone."""
    if not access.shared():
        return answer(folder, when, data)
    kept = _kept_apart()
    mark = str(folder), _digest(data)

    def keep(found: dict[str, Any], thumbnail: bytes) -> None:
        ranked = [(top["label"], top["probability"]) for top in found["top"]]
        kept[mark] = found["error"] or Answer(thumbnail, ranked, State(found["state"]), found["warning"] or "")

    if mark not in kept:
        shared.answer_apart(folder, data, 480, keep)
    return kept[mark]


def _kept_apart() -> dict[tuple[str, str], Answer | str]:
    """Model and digest of a photo → the answer, of this session."""
    return st.session_state.setdefault(keys.ANSWERED_APART, {})


def _digest(photo: bytes) -> str:
    return hashlib.sha256(photo).hexdigest()


def _answer_or_say_why_not(ref: ModelRef, photos: Sequence[tuple[str, bytes]], k: int) -> None:
    """Unlike `guard` it lets the page go on below: a model that cannot answer has results to show all the same."""
    try:
        _answer(ref, photos, k)
    except Busy as busy:  # answers so far are kept, so the next try goes on behind them
        st.warning(str(busy), icon=":material/hourglass:")
        st.button("Try again", key=keys.TRY_AGAIN, icon=":material/refresh:")
    except UserError as mistake:
        st.error(str(mistake), icon=":material/error:")


def _answer(ref: ModelRef, photos: Sequence[tuple[str, bytes]], k: int) -> None:
    """The answers to (file name, bytes), each as soon as it is there; on a shared server without what lies behind it,
    as no visitor's photo is read in the web process there."""
    if access.shared():
        if len(photos) > MOST_KEPT:
            raise UserError(f"At most {MOST_KEPT} photos are read at a time here: drop fewer.")
        here, kept = {_digest(data) for _, data in photos}, _kept_apart()
        for mark in [mark for mark in kept if mark[1] not in here]:  # answers to photos that were removed
            del kept[mark]
    if not photos:
        return
    when = mtime(ref.folder / "model.xml"), explanations_mtime(ref.folder)
    answers = ((name, answer_of(ref.folder, when, data)) for name, data in photos)

    def why(place: int) -> None:
        show_why(ref, predictor_of(ref.folder, when[0]), when[0], photos[place][1], place)

    show_answers(answers, len(photos), k, ref.card.states, None if access.shared() else why)
