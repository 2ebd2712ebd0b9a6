"""Evaluate: the confusion matrix and the report of a finished model, every number a door to its photos."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pandas as pd
import streamlit as st

from fashion_core import lane, pictures, predictor, runs, suspects
from fashion_core.evaluation import Evaluation
from fashion_core.factors import COLOUR
from fashion_core.imaging import shown
from fashion_core.ui import doors, photo, views
from fashion_core.ui.boot import boot, guard, link
from fashion_core.ui.gallery import gallery, plain, whereabouts
from fashion_core.ui.stored import changed, evaluation_of, evidence_of, gathered


@st.cache_resource(max_entries=8, show_spinner=False)
def folded(file: Path, when: float, part: int) -> Evaluation:
    """The stored evaluation by colour or by garment alone; `when` is its time, so that a new one is folded anew."""
    return evaluation_of(file).folded(part)


@st.cache_data(max_entries=4, show_spinner="Looking for labels that look wrong…")
def suspected(file: Path, when: float) -> pd.DataFrame:
    return suspects.find(evaluation_of(file))


@st.cache_data(max_entries=4, show_spinner="Laying photos along their colour…")
def colour_lane(file: Path, when: float, gathered: float) -> pd.DataFrame | None:
    evidence = evidence_of(file.parent)
    return lane.table(evaluation_of(file), evidence) if evidence else None


def evaluated() -> dict[str, Path]:
    """Whatever has an evaluation, published models first, then runs, newest first: name → file."""
    files = {ref.name: ref.evaluation_file for ref in predictor.models()}
    for run in runs.find():  # the run that trained a model, where that was not exported
        files.setdefault(run.id, run.folder / "evaluation.parquet")
    return {name: file for name, file in files.items() if file.is_file()}


def origin(name: str, evaluation: Evaluation) -> str:
    """Which model, epoch, photos and when, as far as the file says."""
    meta = evaluation.meta
    when = meta.get("created")
    parts = [
        f"**{plain(name)}**" + (f" after epoch {meta['epoch']}" if meta.get("epoch") is not None else ""),
        f"{plain(meta['split'])} photos of {plain(evaluation.root)}" if meta.get("split") else plain(evaluation.root),
        f"evaluated {datetime.fromisoformat(when):%d %B %Y, %H:%M}" if when else "",
    ]
    return " · ".join(filter(None, parts)) + ". Stored once: looking never runs the model."


def predictions(evaluation: Evaluation) -> bytes:
    """CSV of every photo's probabilities; a name that is not UTF-8 is written with a replacement sign."""
    frame = evaluation.predictions()
    return frame.assign(path=frame["path"].map(shown)).to_csv(index=False).encode()


def page_of(model: Path, root: Path) -> bytes:
    from fashion_core.report import of_model  # it loads Matplotlib and templates: when asked

    return of_model(model, root).encode()


def download(what: str, kind: str, data: Callable[[], bytes], mime: str) -> None:
    """A button that makes its file only when it is pressed."""
    name = f"{shown(st.session_state['model'])}-{what.lower()}.{kind}"
    st.download_button(f"{what} as {kind.upper()}", data, name, mime, icon=":material/download:", on_click="ignore")


boot("Evaluate")
st.title("Evaluate")
files = evaluated()
if not files:
    st.info("Nothing has been evaluated yet. Train a model to its end: its test photos then wait here, sorted by what "
            "went wrong.", icon=":material/grid_on:")  # fmt: skip
    link("train", "Train a model", ":material/model_training:")
    st.stop()

asked = st.query_params.get("model")
if asked and asked not in files:
    st.warning(f"There is no evaluation of {plain(asked)} here; this is another model.", icon=":material/link_off:")
name = st.selectbox("Model", files, index=list(files).index(asked) if asked in files else 0, key="model",
                    on_change=doors.first_page)  # fmt: skip
st.query_params["model"] = name  # by hand: a bound list leaves its default out, and a link to the newest would drift
with guard():
    stored, model = (files[name], changed(files[name])), files[name].parent
    whole = evaluation = evaluation_of(files[name])
st.caption(origin(name, whole))
if (part := doors.part(whole.classes)) is not None:
    evaluation = folded(*stored, part)
numbers = evaluation.report()
doors.headline(evaluation, numbers)
with guard():
    photos = whereabouts(evaluation)
if unreadable := evaluation.meta.get("unreadable"):
    with st.expander(f"Could not be read, and not counted: {len(unreadable)}", icon=":material/broken_image:"):
        st.dataframe(pd.DataFrame(unreadable, dtype=object).map(shown), hide_index=True)

left, right = st.columns([6, 5], gap="large")
with left:
    tabs = st.tabs(["Matrix", "Report", "Confidence", "Labels", "Colours"], key="view", bind="query-params")
matrix, report, confidence, labels, colours = tabs
with right:
    keep = doors.asked(whole, evaluation)
    true, predicted, which = doors.selection(evaluation)
    keep &= evaluation.chosen(true, predicted, which)
    rows, order = evaluation.rows(keep), ", least sure first" if which == "right" else ", most confidently wrong first"
if matrix.open:
    with matrix:
        doors.matrix(evaluation, true, predicted)
if report.open:
    with report:
        doors.report(evaluation, numbers)
if confidence.open:
    with confidence:
        views.confidence(evaluation)
if labels.open:
    with labels:
        suspect = suspected(*stored)
        chosen = views.labels(suspect[keep[suspect["index"]]])
    rows, order = whole.rows(keep).set_index("index").loc[chosen["index"]].reset_index(), ", worst label first"
if colours.open:
    with colours, guard():
        along = colour_lane(*stored, gathered(model))
        if along is None:
            st.info("Colours are compared where class names are of the form colour_garment and the model was made with "
                    "its evidence: train or publish it again.", icon=":material/palette:")  # fmt: skip
        else:
            chosen = views.lane(along[keep[along["index"]]], folded(*stored, COLOUR).right)
            rows, order = whole.rows(keep).set_index("index").loc[chosen["index"]].reset_index(), ", darkest first"
with right, guard():
    if (row := photo.opened(whole)) is not None:
        photo.show(whole, row, rows, photos, model, row in set(suspected(*stored)["index"]))
    else:
        st.markdown(f"**{len(rows):,}** of {len(evaluation):,} photos{order if len(rows) > 1 else ''}")
        gallery(rows, photos, key="photos", page_size=12, on_open=photo.open_photo)
with left:
    cells = doors.CELLS[st.session_state.get("cells", "counts")]
    with st.container(horizontal=True):
        download("Matrix", "png", lambda: pictures.confusion_png(evaluation, cells), "image/png")
        if (model / "card.json").is_file():
            download("Page", "html", lambda: page_of(model, photos), "text/html")
        download("Report", "csv", lambda: numbers.to_csv(index_label="class").encode(), "text/csv")
        download("Predictions", "csv", lambda: predictions(whole), "text/csv")
