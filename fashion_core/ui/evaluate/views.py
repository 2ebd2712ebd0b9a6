"""The views of Evaluate: name → function, which draws the view of a state and returns the photos beside it."""

from collections.abc import Callable

import streamlit as st

from fashion_core.models.predictor import why_unexplained
from fashion_core.ui.evaluate import colours, confidence, embedding_map, labels, matrix, oddities, report
from fashion_core.ui.evaluate.state import Shown, State
from fashion_core.ui.gallery import escape_markdown

View = Callable[[State], Shown]


def _explained(view: View) -> View:
    """`view`, or a sentence where the model came without explanations."""

    def drawn(state: State) -> Shown:
        if state.key.explanations_mtime:
            return view(state)
        st.info(escape_markdown(why_unexplained(state.key.model)), icon=":material/hub:")
        return state.selected

    return drawn


VIEWS: dict[str, View] = {
    "Matrix": matrix.view,
    "Report": report.view,
    "Confidence": confidence.view,
    "Labels": labels.view,
    "Colours": colours.view,
    "Oddities": _explained(oddities.view),
    "Map": _explained(embedding_map.view),
}
