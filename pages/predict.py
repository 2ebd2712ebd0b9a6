"""Drop photos, read what a model takes them for; and nine photos it was asked about side by side, as in the paper."""

import streamlit as st

from fashion_core.models.registry import ModelRef, default_model, models_by_name
from fashion_core.photos import imaging
from fashion_core.ui import keys
from fashion_core.ui.answers import show_answers
from fashion_core.ui.boot import boot, guard, link
from fashion_core.ui.example_photos import choose_example, forget_example
from fashion_core.ui.gallery import STYLE, escape_markdown
from fashion_core.ui.model_card import facts
from fashion_core.ui.nine_photos import show_nine
from fashion_core.ui.stored import explanations_mtime, mtime
from fashion_core.ui.try_photos import answer_of

COLUMNS = [2, 3]  # inputs, results


def choose_model() -> tuple[ModelRef, int]:
    """The model, and how many classes to show."""
    refs = models_by_name()
    if not refs:
        st.info("There is no model yet: train one. The quick recipe takes minutes, on photos drawn here.")
        link("train", "Train a model", icon=":material/model_training:")
        st.stop()
    asked = st.query_params.get(keys.PREDICT_MODEL)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = default_model([each for each in refs if not refs[each].problem] or refs)
        name = st.selectbox("Model", refs, list(refs).index(first), key=keys.PREDICT_MODEL, bind="query-params")
        k = st.number_input("Classes to show", 1, 10, 3, key=keys.PREDICT_TOP, bind="query-params", width=150)
    if asked and asked not in refs:
        st.warning(
            f"There is no model called {escape_markdown(asked)} here: this is {escape_markdown(name)}.",
            icon=":material/warning:",
        )
    return refs[name], int(k)


def choose_photos(ref: ModelRef) -> list[tuple[str, bytes]]:
    """File name and bytes of every photo to answer."""
    dropped = st.file_uploader(
        "Drop photos, or paste one: Tab to Upload, then Ctrl+V",
        accept_multiple_files=True,
        key=keys.PREDICT_FILES,
        on_change=forget_example,
    )
    taken = st.camera_input("Camera") if st.toggle("Use the camera", key=keys.PREDICT_CAMERA) else None
    example = choose_example(ref)
    chosen = [(example.name, imaging.read_bytes(example))] if example and example.is_file() else []
    return chosen + [(file.name, file.getvalue()) for file in [taken, *dropped] if file]


boot("Predict")
st.title("Predict")
with guard():
    model, k = choose_model()
    if model.problem:
        st.error(model.problem, icon=":material/error:")
        st.stop()
    facts(model)
    st.html(STYLE)
    if st.query_params.get(keys.PREDICT_VIEW) == "Nine test photos":  # as links once had it
        st.session_state.setdefault(keys.PREDICT_VIEW, "Nine photos")
    yours, nine = st.tabs(["Your photos", "Nine photos"], key=keys.PREDICT_VIEW, bind="query-params")
    with yours:
        left, right = st.columns(COLUMNS, gap="medium")
        with left:
            photos = choose_photos(model)
        with right:
            with st.spinner("Predicting…", show_time=True):
                when = mtime(model.folder / "model.xml"), explanations_mtime(model.folder)
                answers = [(name, answer_of(model.folder, when, data)) for name, data in photos]
            show_answers(answers, k)
    if nine.open:
        with nine:
            show_nine(model)
