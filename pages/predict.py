"""Drop photos and see what they are; and nine photos it was asked about side by side, as in the paper."""

import streamlit as st

from fashion_core.models.registry import ModelRef, default_model, models_by_name, titles
from fashion_core.ui import keys
from fashion_core.ui.boot import boot, guard, link
from fashion_core.ui.gallery import escape_markdown
from fashion_core.ui.model_card import facts
from fashion_core.ui.nine_photos import show_nine
from fashion_core.ui.try_photos import try_photos, warm


def choose_model() -> tuple[ModelRef, int]:
    """The model, and how many classes to show."""
    refs = models_by_name()
    if not refs:
        st.info("There is no model yet: train one. The quick recipe takes minutes, on photos drawn here.")
        link("train", "Train a model", icon=":material/model_training:")
        st.stop()
    asked = st.query_params.get(keys.PREDICT_MODEL)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        usual = default_model([each for each in refs if not refs[each].problem] or refs)
        first = list(refs).index(asked if asked in refs else usual)
        name = st.selectbox("Model", refs, first, key=keys.PREDICT_MODEL, format_func=titles(refs).__getitem__)
        st.query_params[keys.PREDICT_MODEL] = name  # by hand: bound, the address would hold the title
        k = st.number_input("Classes to show", 1, 10, 3, key=keys.PREDICT_TOP, bind="query-params", width=150)
    if asked and asked not in refs:
        st.warning(
            f"There is no model called {escape_markdown(asked)} here: this is {escape_markdown(name)}.",
            icon=":material/warning:",
        )
    return refs[name], int(k)


boot("Predict")
st.title("Predict")
with guard():
    model, k = choose_model()
    if model.problem:
        st.error(model.problem, icon=":material/error:")
        st.stop()
    if st.query_params.get(keys.PREDICT_VIEW) == "Nine test photos":  # as links once had it
        st.session_state.setdefault(keys.PREDICT_VIEW, "Nine photos")
    yours, nine = st.tabs(["Your photos", "Nine photos"], key=keys.PREDICT_VIEW, bind="query-params")
    with yours:
        try_photos(model, k, camera=True)
    if nine.open:
        with nine:
            show_nine(model)
    facts(model)
    warm(model)
