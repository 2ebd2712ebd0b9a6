"""What lies behind the answer to a photo that somebody dropped: where it looked, what it is like, its colour."""

import html
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from fashion_core.class_names import in_words
from fashion_core.evaluation.explanations import Explanations, overlay_heatmap
from fashion_core.evaluation.states import limits_in_words
from fashion_core.models.class_maps import ClassMaps
from fashion_core.models.predictor import Predictor
from fashion_core.models.registry import ModelRef, photo_folder
from fashion_core.photos import colour_words, examples, imaging
from fashion_core.photos.garment_colour import UNSURE, Colour, hexadecimal, measure
from fashion_core.ui import keys
from fashion_core.ui.evaluate.photo import DARK_GROUND, SWATCH
from fashion_core.ui.gallery import escape_markdown, photo_grid
from fashion_core.ui.stored import evaluation_of, explanations_of, people_file

SIMILAR = 6  # photos
SIDE = 320  # pixels of the heat map
ITSELF = 0.045  # distance below which a photo is the one that was asked about


def show_why(ref: ModelRef, predictor: Predictor, when: float, data: bytes, place: int) -> None:
    """Draw it for the photo in `data`, the answer at `place`; `when` is the time of the model's file."""
    image = imaging.read(data)
    square = imaging.square(image, predictor.card.image_size)
    logits, embeddings, features = predictor.with_features(square[None])
    label = predictor.ranked(logits[0], 1)[0][0]
    heats = _maps(ref.folder, when, predictor).of(features, label)
    heat = None if heats is None else heats[0]
    _heat_map(image, heat, label)
    if words := limits_in_words(predictor.limits, predictor.classes, predictor.calibrated(logits)[0]):
        st.caption(words)
    _colour(measure(square, heat))
    _alike(ref, embeddings[0], place)


@st.cache_resource(max_entries=2, show_spinner=False)
def _maps(folder: Path, when: float, _predictor: Predictor) -> ClassMaps:
    return ClassMaps(_predictor)


def _heat_map(image: Image.Image, heat: np.ndarray | None, label: str) -> None:
    if heat is None:
        st.caption("Heat maps are not available for this network.")
        return
    small = image.copy()
    small.thumbnail((SIDE, SIDE))
    ground = DARK_GROUND if st.context.theme.type == "dark" else 1.0
    over = overlay_heatmap(small, heat, float(np.abs(heat).max()), ground=ground)
    st.image(imaging.thumbnail_bytes(over, SIDE), alt=f"Evidence for {in_words(label)}")
    st.caption(f"Evidence for {escape_markdown(in_words(label))}. Orange: for. Blue: against.")


def _colour(found: Colour) -> None:
    measured = found.lightness, found.chroma, found.hue
    unsure = " It may not be this garment's." if found.uncertainty >= UNSURE else ""
    st.html(f"{SWATCH.format(*hexadecimal([measured]))} <b>Measured colour</b>: "
            f"{html.escape(colour_words.in_words(*measured))}.{unsure}")  # fmt: skip


def _alike(ref: ModelRef, embedding: np.ndarray, place: int) -> None:
    """The most similar training photos; where these are not here, the most similar of the photos that ship."""
    among: Explanations | None = explanations_of(ref.folder)
    root, what = None, "training photos"
    if among is not None and ref.evaluation_file.is_file():
        root = photo_folder(evaluation_of(ref.evaluation_file))
    if root is None:
        among = explanations_of(people_file(ref.evaluation_file).parent)
        root, what = examples.folder(), "example photos"
    if among is None or root is None or not embedding.size:
        st.caption("There are no photos here to compare it with.")
        return
    near: pd.DataFrame = among.nearest_to(embedding, SIMILAR + 1, "train" if what == "training photos" else "test")
    near = near[near["distance"] > ITSELF][:SIMILAR]
    st.markdown(f"**The {len(near)} most similar {what}**")
    photo_grid([root / path for path in near["path"]], [in_words(label) for label in near["label"]],
               key=keys.alike(place))  # fmt: skip
