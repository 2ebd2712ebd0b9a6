"""What may be taken along: the matrix, a page, the report and the predictions, as the address shows them.

A file is made only when its button is pressed, and its name says what it is of.
"""

from collections.abc import Callable

import streamlit as st

from fashion_core.photos.imaging import printable
from fashion_core.ui.evaluate.source import factor_name
from fashion_core.ui.evaluate.state import Source, State


def buttons(state: State) -> None:
    photos, factor = state.key.photos, factor_name(state.factor)
    with st.container(horizontal=True):
        _button("Matrix", "png", lambda: matrix_png(state), "image/png", state.name, photos, factor)
        if (state.key.model / "card.json").is_file():
            _button("Page", "html", lambda: model_page(state), "text/html", state.name)
        _button("Report", "csv", lambda: report_csv(state), "text/csv", state.name, photos, factor)
        _button("Predictions", "csv", lambda: predictions_csv(state), "text/csv", state.name, photos)


def _button(what: str, kind: str, data: Callable[[], bytes], mime: str, model: str, *of: str) -> None:
    parts = [model, *(part for part in of if part not in ("test", "classes")), what.lower()]
    name = f"{printable('-'.join(parts))}.{kind}"
    st.download_button(f"{what} as {kind.upper()}", data, name, mime, icon=":material/download:", on_click="ignore")


def matrix_png(state: State) -> bytes:
    from fashion_core.reports.figures import confusion_png

    return confusion_png(state.evaluation, state.cells)


def model_page(source: Source) -> bytes:
    from fashion_core.reports.html import of_model  # it loads Matplotlib and templates: when asked

    return of_model(source.key.model, source.root).encode()


def report_csv(source: Source) -> bytes:
    return source.metrics.to_csv(index=False).encode()


def predictions_csv(source: Source) -> bytes:
    """Every photo's probabilities, votes called so; a name that is not UTF-8 is written with a replacement sign."""
    frame = source.whole.predictions()
    if source.votes:
        frame = frame.rename(columns={"confidence": "votes"} | {f"p: {c}": f"votes: {c}" for c in source.whole.classes})
    return frame.assign(path=frame["path"].map(printable)).to_csv(index=False).encode()
