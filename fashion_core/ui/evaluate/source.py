"""Which evaluation is looked at: of which model, on which photos, after which epoch, by which factor of its classes.

`?model=…&of=…&epoch=…&by=…`; only this module writes them.
"""

from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fashion_core.class_names import COLOUR, GARMENT, factors
from fashion_core.models.registry import default_model, titles
from fashion_core.reports import charts
from fashion_core.ui import keys, stored
from fashion_core.ui.evaluate import selection
from fashion_core.ui.evaluate.tables import clicked_point
from fashion_core.ui.gallery import escape_markdown
from fashion_core.ui.stored import EvaluationKey

FACTORS = {"classes": None, "colour": COLOUR, "garment": GARMENT}
MODEL_WIDTH = 230  # pixels: the switches stand beside it in one line
PHOTO_SETS = {"people": "Photos people took", "test": "Test photos", "all": "All photos", "epochs": "After each epoch"}


def choose_model(files: dict[str, Path], notes: DeltaGenerator) -> str:
    """The model whose evaluation is looked at, out of `files`: name → file. In `notes` it is said where the address
    names one that is not here."""
    linked = st.query_params.get(keys.MODEL)
    if linked and linked not in files:
        notes.warning(f"There is no evaluation of {escape_markdown(linked)} here; this is another model.",
                      icon=":material/link_off:")  # fmt: skip
    first = linked if linked in files else default_model(files)
    name = st.selectbox("Model", files, index=list(files).index(first), key=keys.MODEL, width=MODEL_WIDTH,
                        on_change=_open_model, args=(files,), format_func=titles(files).__getitem__)  # fmt: skip
    st.query_params[keys.MODEL] = name  # by hand: a bound list leaves its default out, and a link to the newest drifts
    return name


def choose_photo_set(file: Path) -> EvaluationKey:
    """The key of the chosen photos, of the model whose test lies in `file`: those that people took, the test photos;
    all, where there are explanations; the validation photos after each epoch, where these were kept."""
    key = stored.evaluation_key(file)
    here = {"people": stored.people_file(file).is_file(), "test": True, "all": bool(key.explanations_mtime),
            "epochs": bool(stored.epochs_of(key.model))}  # fmt: skip
    offered = [photos for photos in PHOTO_SETS if here[photos]]
    linked = st.query_params.get(keys.PHOTO_SET, stored.opens_on(file))
    if st.session_state.get(keys.LINKED_PHOTO_SET) != linked:  # another address: a link, or one step back
        st.session_state[keys.PHOTO_SET] = linked
    if st.session_state.get(keys.PHOTO_SET) not in offered:
        st.session_state[keys.PHOTO_SET] = stored.opens_on(file)
    about = "Photos that people took and that ship; those the model was tested on; all it was made with, each judged "
    chosen = st.segmented_control("Photos", offered, key=keys.PHOTO_SET, required=True, wrap=True,
                                  help=f"{about}by those nearest to it; or the validation photos after each epoch",
                                  on_change=selection.reset_page, format_func=lambda one: PHOTO_SETS[one])  # fmt: skip
    photos = st.session_state[keys.LINKED_PHOTO_SET] = chosen or offered[0]
    # By hand: bound, the address would hold the words instead of these names. Only where it changes, since each writing
    # is a step that Back would have to undo.
    if photos != linked:
        st.query_params[keys.PHOTO_SET] = photos
    return stored.people_key(file) if photos == "people" else key._replace(photos=photos)


def _open_model(files: dict[str, Path]) -> None:
    """Another model was chosen: it opens on its own photos, and the same place on its map is another."""
    if st.session_state.get(keys.PHOTO_SET) in ("people", "test"):
        st.session_state[keys.PHOTO_SET] = stored.opens_on(files[st.session_state[keys.MODEL]])
    selection.clear_area()


def choose_factor(classes: tuple[str, ...]) -> int | None:
    """COLOUR, GARMENT or, as at first, neither. Class names that do not come apart have no choice."""
    if factors(classes) is None:
        return None
    chosen = st.segmented_control("Count by", list(FACTORS), key=keys.FACTOR, default="classes", required=True,
                                  on_change=selection.reset_page, bind="query-params")  # fmt: skip
    return FACTORS[chosen]


def count_by_garment() -> None:
    """By garment alone, all of the photos."""
    st.session_state[keys.FACTOR] = "garment"
    selection.select()


def factor_name(factor: int | None) -> str:
    return next(name for name, value in FACTORS.items() if value == factor)


def choose_epoch(key: EvaluationKey, factor: int | None) -> EvaluationKey:
    """Where the photos are those of epochs: when each class was learned, and `key` of the chosen epoch."""
    if key.photos != "epochs":
        return key
    files = stored.epochs_of(key.model)
    epoch = _epoch(list(files), stored.learned(files, factor))
    return key._replace(epoch=epoch, epoch_mtime=stored.mtime(files[epoch]))


def _epoch(epochs: list[int], curves: pd.DataFrame) -> int:
    """A slider over the epochs, and each class's recall on the validation photos after each: epochs × classes."""
    if len(epochs) == 1:
        return epochs[0]
    epoch = st.select_slider("After epoch", epochs, value=epochs[-1], key=keys.EPOCH, bind="query-params",
                             on_change=selection.reset_page)  # fmt: skip
    hardest = curves.iloc[-1].to_numpy().argsort(kind="stable")[: charts.CLASSES_UP_TO]
    drawn = curves.iloc[:, sorted(hardest)]
    st.plotly_chart(charts.learned_figure(drawn, epoch), key=keys.LEARNED, height=charts.LEARNED_HEIGHT,
                    on_select=partial(_from_learned, drawn.columns.tolist()), selection_mode="points",
                    config={"displayModeBar": False})  # fmt: skip
    few = f" Of {curves.shape[1]} classes the {charts.CLASSES_UP_TO} with the lowest share at the end are drawn."
    about = (
        "Share of each class's validation photos that were right after each epoch. Move the slider, or click a point "
    )
    st.caption(f"{about}to see the photos behind it.{few if drawn.shape[1] < curves.shape[1] else ''}")
    return epoch


def _from_learned(names: list[str]) -> None:
    if point := clicked_point(keys.LEARNED):
        st.session_state[keys.EPOCH] = int(point[0])
        selection.select(true=names[int(point[1])])
