"""What may be shared: a link, the one-page report, pictures and tables of what the address shows.

A file is made only when its button is pressed, and its name says what it is of.
"""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from fashion_core.photos.imaging import printable
from fashion_core.ui import keys
from fashion_core.ui.evaluate.source import factor_name
from fashion_core.ui.evaluate.state import Source, State

PICTURED = 12  # photos of a picture


def share(state: State, rows: pd.DataFrame) -> None:
    """The menu: a link to this view, the one-page report, pictures of the matrix and of the photos `rows`, tables."""
    photos, factor = state.key.photos, factor_name(state.factor)
    with st.popover("Share", icon=":material/share:"):
        st.markdown("**Link to this view**")
        st.code(link_here(), language=None, wrap_lines=True)
        if (_model_folder(state) / "card.json").is_file():
            _button("One-page report", "page", "html", lambda: model_page(state), "text/html", state.name)
        _button("Picture of the matrix", "matrix", "png", lambda: matrix_png(state), "image/png", state.name, photos,
                factor)  # fmt: skip
        if len(rows):
            _button("Picture of these photos", "photos", "png", lambda: photos_png(state, rows), "image/png",
                    state.name, photos, factor)  # fmt: skip
        _button("Table of the classes", "report", "csv", lambda: report_csv(state), "text/csv", state.name, photos,
                factor)  # fmt: skip
        _button("Table of the predictions", "predictions", "csv", lambda: predictions_csv(state), "text/csv",
                state.name, photos)  # fmt: skip


def link_here() -> str:
    """The address of what is shown, for a colleague: without the folder of this machine that holds the photos."""
    shown = dict(st.query_params)  # each name stands once in an address of ours
    shown.pop(keys.PHOTO_FOLDER, None)
    asked = urlencode(shown)
    return f"{st.context.url or ''}?{asked}"


def _button(label: str, what: str, kind: str, data: Callable[[], bytes], mime: str, model: str, *of: str) -> None:
    parts = [model, *(part for part in of if part not in ("test", "classes")), what]
    name = f"{printable('-'.join(parts))}.{kind}"
    st.download_button(f"{label} ({kind.upper()})", data, name, mime, icon=":material/download:", on_click="ignore",
                       type="tertiary")  # fmt: skip


def matrix_png(state: State) -> bytes:
    from fashion_core.reports.figures import confusion_png

    return confusion_png(state.evaluation, state.cells)


def photos_png(state: State, rows: pd.DataFrame) -> bytes:
    """The first of the photos `rows`, as many as a page of the gallery has."""
    from fashion_core.reports import figures

    return figures.photos_png(rows.head(PICTURED), state.root)


def model_page(source: Source) -> bytes:
    from fashion_core.reports.html import of_model  # it loads Matplotlib and templates: when asked

    own = source.key.photos == "people"  # their photos lie elsewhere than those of the test, which the page is of
    return of_model(_model_folder(source), None if own else source.root).encode()


def _model_folder(source: Source) -> Path:
    """Of the model itself, whichever of its evaluations is looked at."""
    return source.key.model.parent if source.key.photos == "people" else source.key.model


def report_csv(source: Source) -> bytes:
    return source.metrics.to_csv(index=False).encode()


def predictions_csv(source: Source) -> bytes:
    """Every photo's probabilities, votes called so; a name that is not UTF-8 is written with a replacement sign."""
    frame = source.whole.predictions()
    if source.votes:
        frame = frame.rename(columns={"confidence": "votes"} | {f"p: {c}": f"votes: {c}" for c in source.whole.classes})
    return frame.assign(path=frame["path"].map(printable)).to_csv(index=False).encode()
