"""Evaluate: the confusion matrix and the report of a finished model, every number a door to its photos."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pandas as pd
import streamlit as st

from fashion_core import runs
from fashion_core.class_names import COLOUR
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.models import registry
from fashion_core.photos import label_corrections
from fashion_core.photos.imaging import printable
from fashion_core.reports import figures
from fashion_core.ui import label_review, photo, selection, stored, views
from fashion_core.ui.boot import boot, guard, link
from fashion_core.ui.gallery import ask_photo_folder, escape_markdown, gallery


def evaluated() -> dict[str, Path]:
    """Whatever has an evaluation, published models first, then runs, newest first: name → file."""
    files = {ref.name: ref.evaluation_file for ref in registry.models()}
    for run in runs.find():  # the run that trained a model, where that was not exported
        files.setdefault(run.id, run.folder / "evaluation.parquet")
    return {name: file for name, file in files.items() if file.is_file()}


def origin(name: str, evaluation: Evaluation) -> str:
    """Which model, epoch, photos and when, as far as the file says."""
    meta, when = evaluation.meta, evaluation.meta.created
    parts = [
        f"**{escape_markdown(name)}**" + (f" after epoch {meta.epoch}" if meta.epoch is not None else ""),
        f"{escape_markdown(meta.split)} photos of {escape_markdown(evaluation.root)}"
        if meta.split
        else escape_markdown(evaluation.root),
        f"evaluated {datetime.fromisoformat(when):%d %B %Y, %H:%M}" if when else "",
    ]
    return " · ".join(filter(None, parts)) + ". Stored once: looking never runs the model."


def predictions(evaluation: Evaluation) -> bytes:
    """CSV of every photo's probabilities; a name that is not UTF-8 is written with a replacement sign."""
    frame = evaluation.predictions()
    return frame.assign(path=frame["path"].map(printable)).to_csv(index=False).encode()


def page_of(model: Path, root: Path) -> bytes:
    from fashion_core.reports.html import of_model  # it loads Matplotlib and templates: when asked

    return of_model(model, root).encode()


def download(what: str, kind: str, data: Callable[[], bytes], mime: str, *view: str) -> None:
    """A button that makes its file only when it is pressed; its name says of which `view` it is."""
    parts = [st.session_state["model"], *(part for part in view if part not in ("test", "classes")), what.lower()]
    name = f"{printable('-'.join(parts))}.{kind}"
    st.download_button(f"{what} as {kind.upper()}", data, name, mime, icon=":material/download:", on_click="ignore")


boot("Evaluate")
st.title("Evaluate")
files = evaluated()
if not files:
    st.info("Nothing has been evaluated yet. Train a model to its end: its test photos then wait here, sorted by what "
            "went wrong.", icon=":material/grid_on:")  # fmt: skip
    link("train", "Train a model", ":material/model_training:")
    st.stop()

# What comes and goes lies in a container of its own: a widget that it pushed to another place in the page would be
# drawn anew, and the address would follow it no longer.
linked = st.query_params.get("model")
with st.container():
    if linked and linked not in files:
        st.warning(f"There is no evaluation of {escape_markdown(linked)} here; this is another model.",
                   icon=":material/link_off:")  # fmt: skip
name = st.selectbox("Model", files, index=list(files).index(linked) if linked in files else 0, key="model",
                    on_change=views.clear_area)  # fmt: skip
st.query_params["model"] = name  # by hand: a bound list leaves its default out, and a link to the newest would drift
model, epochs = files[name].parent, stored.epochs_of(files[name].parent)
with st.container(), guard():
    test = stored.evaluation_of(files[name])
    photos = ask_photo_folder(test)
asked = stored.EvaluationKey(files[name], stored.mtime(files[name]), stored.explanations_mtime(model))
with st.container(horizontal=True, gap="medium"):
    asked = asked._replace(photos=selection.which_photos(bool(asked.explanations_mtime), bool(epochs)))
    part = selection.part(test.classes)
with st.container(), guard():
    if asked.photos == "epochs":
        asked = asked._replace(epoch=views.replay(list(epochs), stored.learned(epochs, part)))
    whole = evaluation = stored.answers(asked)
    st.caption(origin(name, whole))
    if part is not None:
        evaluation = stored.marginalised(asked, part)
    numbers, file = evaluation.report(), label_corrections.default_file(photos)
    selection.headline(evaluation, numbers)
    standing = stored.decided(file)
    selection.beside_the_headline(whole, evaluation, standing, part)
    if unreadable := whole.meta.unreadable:
        with st.expander(f"Could not be read, and not counted: {len(unreadable)}", icon=":material/broken_image:"):
            st.dataframe(pd.DataFrame(unreadable, dtype=object).map(printable), hide_index=True)

left, right = st.columns([6, 5], gap="large")
with left:
    names = ["Matrix", "Report", "Confidence", "Labels", "Colours", "Oddities", "Map"]
    tabs = st.tabs(names, key="view", bind="query-params")
matrix, report, confidence, labels, colours, odd, embedding = tabs
with right:
    keep = selection.asked(whole, evaluation)
    true, predicted, which = selection.selection(evaluation)
    keep &= evaluation.mask(true, predicted, which)
    row = photo.opened(whole)
    rows = evaluation.rows(keep)
    order = ", least sure first" if evaluation.right[keep].all() else ", most confidently wrong first"


def only(chosen: pd.DataFrame, how: str) -> tuple[pd.DataFrame, str]:
    """The photos of a table, in its order."""
    return evaluation.rows(keep).set_index("index").loc[chosen["index"]].reset_index(), how


if matrix.open:
    with matrix:
        selection.matrix(evaluation, true, predicted)
if report.open:
    with report:
        selection.report(evaluation, numbers)
if confidence.open:
    with confidence:
        views.confidence(evaluation)
if labels.open:
    with labels:
        suspect = stored.label_issues_of(asked)
        rows, order = only(views.labels(suspect[keep[suspect["index"]]], standing, row), ", worst label first")
if colours.open:
    with colours, guard():
        along = stored.colour_check_of(asked)
        if along is None:
            st.info("Colours are compared where class names are of the form colour_garment and the model was made with "
                    "its evidence: train or publish it again.", icon=":material/palette:")  # fmt: skip
        else:
            chosen = views.lane(along[keep[along["index"]]], stored.marginalised(asked, COLOUR).right)
            rows, order = only(chosen, ", darkest first")
if (odd.open or embedding.open) and not asked.explanations_mtime:
    (odd if odd.open else embedding).info(
        "This model came without the evidence behind its predictions: train or publish it again.", icon=":material/hub:"
    )
elif odd.open:
    with odd, guard():
        found = stored.outliers_and_quality(model, asked.explanations_mtime, photos)
        chosen = views.oddities(found, whole.places, keep)
        rows, order = only(chosen, ", group by group" if "group" in chosen else ", oddest first")
elif embedding.open:
    with embedding, guard():
        keep &= views.embedding_map(evaluation, stored.explanations_of(model))
        rows = evaluation.rows(keep)
with right, guard():
    if row is not None:
        photo.show(whole, evaluation, row, rows, photos, model, row in set(stored.label_issues_of(asked)["index"]),
                   lambda: label_review.buttons(whole, row, file,
                                                whole.photos["path"][row] in test.places))  # fmt: skip
    else:
        st.markdown(f"**{len(rows):,}** of {len(evaluation):,} photos{order if len(rows) > 1 else ''}")
        gallery(rows, photos, key="photos", page_size=12, on_open=photo.open_photo, decided=standing)
with left:
    with guard():
        label_review.panel(whole, file, photos)
    cells = selection.CELLS[st.session_state.get("cells", "counts")]
    view = asked.photos, st.session_state.get("by", "classes")
    with st.container(horizontal=True):
        download("Matrix", "png", lambda: figures.confusion_png(evaluation, cells), "image/png", *view)
        if (model / "card.json").is_file():
            download("Page", "html", lambda: page_of(model, photos), "text/html")
        download("Report", "csv", lambda: numbers.to_csv(index=False).encode(), "text/csv", *view)
        download("Predictions", "csv", lambda: predictions(whole), "text/csv", asked.photos)
