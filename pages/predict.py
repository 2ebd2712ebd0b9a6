"""Drop photos, read what a model takes them for; and nine of its test photos side by side, as in the paper."""

import os
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from fashion_core import home
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.models.predictor import Predictor
from fashion_core.models.registry import ModelRef, models
from fashion_core.photos import imaging, sample
from fashion_core.stats import between
from fashion_core.ui.boot import boot, guard, link
from fashion_core.ui.gallery import STYLE, escape_markdown, gallery, locate_photos
from fashion_core.ui.stored import evaluation_of, explanations_mtime, explanations_of, mtime

PAGE = 12  # answers a page
EXAMPLES = 6
COLUMNS = [2, 3]  # inputs, results

# What outlives a rerun; `when` is the time of a file, so that a new file takes the place of an old one --------------


@st.cache_resource(max_entries=2, show_spinner="Loading the model…")
def predictor_of(folder: Path, when: float) -> Predictor:
    return Predictor(folder)


@st.cache_data(max_entries=2048, show_spinner=False)
def answer(folder: Path, when: tuple[float, float], data: bytes) -> tuple[bytes, list[tuple[str, float]], str] | str:
    """A thumbnail, all classes, likeliest first, and in what it is strange, if it is; or why it is no photo."""
    try:
        image = imaging.read(data)
    except imaging.BadPhoto as reason:
        return str(reason)
    predictor, evidence = predictor_of(folder, when[0]), explanations_of(folder)
    probabilities, embeddings = predictor.predict_with_embeddings([image])
    strange = predictor.warning(image, embeddings[0], evidence) or ""
    return imaging.thumbnail_bytes(image, 480), predictor.ranked(probabilities[0], len(predictor.classes)), strange


@st.cache_data(max_entries=64, show_spinner=False)
def example_thumbnail(name: bytes, when: float) -> bytes:
    """`name` is the file's, in bytes: it need not be UTF-8."""
    return imaging.thumbnail_bytes(imaging.read(Path(os.fsdecode(name))), 240)


# Inputs -------------------------------------------------------------------------------------------------------------


def choose_model() -> tuple[ModelRef, int]:
    """The model, and how many classes to show."""
    refs: dict[str, ModelRef] = {}
    for ref in models():
        refs.setdefault(ref.name, ref)  # a published model hides a run of the same name
    if not refs:
        st.info("There is no model yet: train one. The quick recipe takes minutes, on photos drawn here.")
        link("train", "Train a model", icon=":material/model_training:")
        st.stop()
    asked = st.query_params.get("model")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Model", refs, key="model", bind="query-params")
        k = st.number_input("Classes to show", 1, 10, 3, key="k", bind="query-params", width=150)
    if asked and asked not in refs:
        st.warning(
            f"There is no model called {escape_markdown(asked)} here: this is {escape_markdown(name)}.",
            icon=":material/warning:",
        )
    return refs[name], int(k)


def show_card(ref: ModelRef) -> None:
    metrics, facts = ref.card.get("metrics") or {}, []
    if n := metrics.get("test_n"):
        share = metrics["test_accuracy"]
        of = f" of {escape_markdown(name)}" if (name := (ref.card.get("dataset") or {}).get("name")) else ""
        facts.append(f"**{share:.1%}** of {n:,} test photos{of} right (95% interval {between(round(share * n), n)})")
    facts.append(f"{len(ref.card['classes'])} classes")
    facts.append(f"{escape_markdown(ref.card.get('architecture', 'network'))} at {ref.card['image_size']} px")
    facts.append("published" if ref.published else "from a finished run")
    st.markdown(" · ".join(facts))
    if notes := ref.card.get("notes"):
        st.caption("  \n".join(f":material/info: {escape_markdown(note)}" for note in notes))


def example_photos(ref: ModelRef) -> dict[str, tuple[Path, bytes]]:
    """A photo, and its thumbnail, of each of a few classes: the model's test photos, else the sample set's."""
    pairs = [(file.parent.name, file) for file in sorted((home() / "data" / "sample").glob("*/*.jpg"))]
    if ref.evaluation_file.is_file():
        stored = evaluation_of(ref.evaluation_file)
        if folder := stored.located():
            pairs = [(label, folder / path) for path, label in stored.photos[["path", "label"]].values]
    found: dict[str, tuple[Path, bytes]] = {}
    for place in np.random.default_rng(0).permutation(len(pairs)):
        label, file = pairs[place]
        if label not in found and file.is_file():
            with suppress(imaging.BadPhoto):  # another of its class will do
                found[label] = file, example_thumbnail(os.fsencode(file), mtime(file))
        if len(found) == EXAMPLES:
            break
    return found


def choose_example(ref: ModelRef) -> None:
    st.caption("Or an example:")
    if not (found := example_photos(ref)):
        if st.button("Draw the sample photos", icon=":material/draw:", help="Ten classes, a few seconds, no download."):
            bar = st.progress(0.0, "Drawing…")
            sample.ensure(lambda done, total, what: bar.progress(done / total, f"{done} of {total} {what}"))
            st.rerun()
        return
    grid = st.grid(3, min_column_width=90, gap="small")
    for place, (label, (file, picture)) in enumerate(found.items()):
        with grid.container(key=f"tile-example-{place}", gap="xsmall"):
            st.image(picture, width="stretch", alt=imaging.printable(file.name))
            if st.button(escape_markdown(label), key=f"example-{place}", width="stretch"):
                st.session_state.example = file


def choose_photos(ref: ModelRef) -> list[tuple[str, bytes]]:
    """File name and bytes of every photo to answer."""
    dropped = st.file_uploader(
        "Drop photos, or paste one: Tab to Upload, then Ctrl+V",
        accept_multiple_files=True,
        key="photos",
        on_change=lambda: st.session_state.pop("example", None),
    )
    taken = st.camera_input("Camera") if st.toggle("Use the camera", key="camera") else None
    choose_example(ref)
    example = st.session_state.get("example")
    chosen = [(example.name, imaging.read_bytes(example))] if example and example.is_file() else []
    return chosen + [(file.name, file.getvalue()) for file in [taken, *dropped] if file]


# Results ------------------------------------------------------------------------------------------------------------


def show_answers(ref: ModelRef, photos: list[tuple[str, bytes]], k: int) -> None:
    """Bad photos with their reasons; then a tile for each good one, a page at a time."""
    if not photos:
        st.caption("The answer shows here: a bar for each likely class, the likeliest first.")
        return
    with st.spinner("Looking…", show_time=True):
        when = mtime(ref.folder / "model.xml"), explanations_mtime(ref.folder)
        answers = [(name, answer(ref.folder, when, data)) for name, data in photos]
    for name, reason in answers:
        if isinstance(reason, str):
            st.error(f"**{escape_markdown(name)}**: {escape_markdown(reason)}", icon=":material/broken_image:")
    good = [(name, *found) for name, found in answers if not isinstance(found, str)]
    if not good:
        return
    st.caption("Confidence, the likeliest class first")
    pages = -(-len(good) // PAGE)
    number = min(st.pagination(pages, key="answers"), pages) if pages > 1 else 1
    alone = len(good) == 1
    grid = st.grid(1 if alone else "auto", min_column_width=300, border=True)
    for place, (name, picture, ranked, strange) in enumerate(good[(number - 1) * PAGE : number * PAGE]):
        with grid.container(horizontal=True, key=f"answer-{place}"):
            with st.container(width=240 if alone else 128, key=f"tile-answer-{place}"):
                st.image(picture, width="stretch", alt=imaging.printable(name))
            with st.container(gap="xsmall"):
                st.caption(escape_markdown(name))
                if strange:
                    st.warning(escape_markdown(strange), icon=":material/help:")
                show_bars(ranked[:k])
    st.caption(
        "Confidence is how sure the model is, set right on its validation photos: of the answers given with 80%, "
        "about 80 in 100 should hold. It knows only its own classes, and names one of them for any photo."
    )


def show_bars(ranked: list[tuple[str, float]]) -> None:
    for rank, (label, share) in enumerate(ranked):
        text = f"{escape_markdown(label)} · {share:.1%}"
        st.progress(min(share, 1.0), f"**{text}**" if rank == 0 else text)


def show_nine(ref: ModelRef) -> None:
    if not ref.evaluation_file.is_file():
        st.info("This model came without its evaluation: evaluate it, and nine of its test photos show here.")
        return
    stored = evaluation_of(ref.evaluation_file)
    left, right = st.columns(COLUMNS, gap="medium")
    with left:
        seed = st.number_input("Seed", 0, 2**31 - 1, key="seed", bind="query-params")
        rows, root = nine(stored, int(seed)), locate_photos(stored) or Path(stored.root)
        with st.container(horizontal=True):
            st.button("Another nine", icon=":material/shuffle:", on_click=next_seed)
            file = f"{ref.name}-seed-{seed}.png"
            png = partial(nine_png, rows, root)  # drawn when it is asked for
            st.download_button("Save as PNG", png, file, "image/png", on_click="ignore", icon=":material/download:")
        st.markdown(f"**{(rows['label'] == rows['predicted']).sum()} of {len(rows)}** right, chosen by the seed alone.")
        link("evaluate", f"All {len(stored):,} test photos", icon=":material/grid_on:", model=ref.name)
        if absent := sum(not (root / path).is_file() for path in rows["path"]):
            st.info(f"{absent} of these photos are not on this machine: they lay in {escape_markdown(root)}.")
    with right.container(width=520):  # three columns
        gallery(rows, root, key="nine", page_size=9)


def next_seed() -> None:
    st.session_state.seed += 1


def nine(stored: Evaluation, seed: int) -> pd.DataFrame:
    """Nine rows of the evaluation, the same for the same seed."""
    rows = stored.cell().sort_values("index")
    return rows.iloc[np.random.default_rng(seed).choice(len(rows), min(9, len(rows)), replace=False)]


def nine_png(rows: pd.DataFrame, root: Path) -> bytes:
    from fashion_core.reports.figures import grid_png

    tiles = []
    for row in rows.itertuples():
        try:
            image = imaging.read(root / row.path)
        except imaging.BadPhoto:
            image = Image.new("RGB", (64, 64), "lightgrey")  # the page says which photos are not here
        tiles.append((image, row.label, row.predicted, float(row.p_predicted)))
    return grid_png(tiles)


# The page -----------------------------------------------------------------------------------------------------------

boot("Predict")
st.title("Predict")
with guard():
    model, k = choose_model()
    if model.problem:
        st.error(model.problem, icon=":material/error:")
        st.stop()
    show_card(model)
    st.html(STYLE)
    yours, test = st.tabs(["Your photos", "Nine test photos"], key="view", bind="query-params")
    with yours:
        left, right = st.columns(COLUMNS, gap="medium")
        with left:
            photos = choose_photos(model)
        with right:
            show_answers(model, photos, k)
    if test.open:
        with test:
            show_nine(model)
