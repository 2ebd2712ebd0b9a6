"""What models left on disk and what is made of it: made once for all pages and visitors, anew when a file changes.

Each function is kept by what it depends on: names and times of files, never the contents. What comes back is shared
by all visitors, so nobody may change it.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from fashion_core import UserError, runs
from fashion_core.class_names import GARMENT, normalised_name
from fashion_core.evaluation import colour_check, label_issues, people
from fashion_core.evaluation.evaluation import EPOCHS, Evaluation
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.models import registry
from fashion_core.models.predictor import why_unexplained
from fashion_core.models.registry import ModelRef
from fashion_core.photos import examples, label_corrections
from fashion_core.ui import background
from fashion_core.ui.background import Job

# Probabilities, photos × classes, of which label issues are found while one waits: fewer take less than a second.
FEW_NUMBERS = 100_000


class EvaluationKey(NamedTuple):
    """Which answers of a model are looked at, and of when: whatever is made of them is kept under this key.

    `photos` is "test", as stored; "people", those in examples/, stored too; "all", cross-validated on the explanations;
    or "epochs": the validation photos after `epoch`. `when` and `explanations_mtime` are the times of the files.
    """

    file: Path
    when: float
    explanations_mtime: float
    photos: str = "test"
    epoch: int = 0
    epoch_mtime: float = 0.0

    @property
    def model(self) -> Path:
        """The folder of the model; of its answers to the photos that people took, the one within."""
        return self.file.parent


class Corrected(NamedTuple):
    """By the labels that people decided on: how many of the photos these are of, right answers, photos."""

    decided: int
    right: int
    n: int


# Files --------------------------------------------------------------------------------------------------------------


def mtime(file: Path) -> float:
    """When `file` was written; 0 where there is none."""
    return file.stat().st_mtime if file.is_file() else 0.0


def evaluations() -> dict[str, Path]:
    """Whatever has an evaluation, published models first, then runs, newest first: name → file."""
    files = {ref.name: ref.evaluation_file for ref in registry.models()}
    for run in runs.find():  # the run that trained a model, where that was not exported
        files.setdefault(run.id, run.folder / "evaluation.parquet")
    return {name: file for name, file in files.items() if file.is_file()}


def evaluation_key(file: Path) -> EvaluationKey:
    """Of the test photos of the model whose evaluation lies in `file`."""
    return EvaluationKey(file, mtime(file), explanations_mtime(file.parent))


def people_file(file: Path) -> Path:
    """Where the answers to the photos that people took are, of the model whose test lies in `file`; perhaps nowhere."""
    return file.parent / people.FOLDER / people.KNOWN


def opens_on(file: Path) -> str:
    """On which photos pages open the model whose test lies in `file`: "people" or "test".

    A model of drawn photos opens on its own: photos that people took say little of it.
    """
    if not people_file(file).is_file() or examples.folder() is None:
        return "test"
    with suppress(UserError):  # a test that is missing or cannot be read says nothing of its photos
        return "test" if evaluation_of(file).meta.sample else "people"
    return "people"


def opening_file(ref: ModelRef) -> Path:
    """The evaluation on those photos; perhaps it is not there."""
    file = ref.evaluation_file
    return people_file(file) if opens_on(file) == "people" else file


def people_key(file: Path, factor: int | None = None) -> EvaluationKey:
    """Of the photos that people took, of the model whose test lies in `file`: those of its classes; counted by garment
    those of its garments in any colour."""
    own = people_file(file)
    by_garment = own.with_name(people.GARMENTS)
    counted = by_garment if factor == GARMENT and by_garment.is_file() else own
    return evaluation_key(counted)._replace(photos="people")


def evaluation_of(file: Path) -> Evaluation:
    """The stored evaluation. Raises UserError as `Evaluation.load` does."""
    return _evaluation(file, mtime(file))


def explanations_of(model: Path) -> Explanations | None:
    """What lies behind the predictions of the model in this folder; None where it has none (`why_unexplained`)."""
    return _explanations(model / FILE, explanations_mtime(model)) if explanations_mtime(model) else None


def explanations_mtime(model: Path) -> float:
    """When the explanations in the folder `model` were written: what is made of them and kept depends on this too."""
    return mtime(model / FILE)


def epochs_of(model: Path) -> dict[int, Path]:
    """Epoch → the file of its validation predictions; none where the model was made before these were kept."""
    return {int(file.stem): file for file in sorted((model / EPOCHS).glob("*.parquet")) if file.stem.isdecimal()}


def decided(file: Path) -> dict[str, str]:
    """The decisions in `file`, path → label; none where it is not there yet."""
    return _decided(os.fsencode(file), file.stat().st_mtime_ns) if file.is_file() else {}


def photo_id(path: str) -> str:
    """Ten hexadecimal digits for the photo at this relative path, the same on every system and in every evaluation."""
    name = normalised_name(path.replace("\\", "/"))
    return hashlib.blake2b(os.fsencode(name), digest_size=5).hexdigest()


# What an evaluation key stands for ----------------------------------------------------------------------------------


def predictions_of(key: EvaluationKey) -> Evaluation:
    """The evaluation that `key` means. Of all photos it may take minutes: pages see first that `cross_validation_of`
    is ready."""
    if key.photos == "all":
        return cross_validation_of(key.file, key.explanations_mtime).result()
    if key.photos == "epochs":
        return _epoch(epochs_of(key.model)[key.epoch], key.epoch_mtime, evaluation_of(key.file).root)
    return evaluation_of(key.file)


@st.cache_resource(max_entries=8, show_spinner=False)
def marginalised(key: EvaluationKey, factor: int) -> Evaluation:
    """The same by colour or by garment alone."""
    return predictions_of(key).marginalised(factor)


def by_garment(key: EvaluationKey) -> Evaluation | None:
    """Of the photos that people took: the garment alone, in any colour; None where class names do not come apart."""
    garments = key.file.with_name(people.GARMENTS)
    return marginalised(key._replace(file=garments, when=mtime(garments)), GARMENT) if garments.is_file() else None


@st.cache_resource(max_entries=3, show_spinner=False)
def cross_validation_of(file: Path, explanations_mtime: float) -> Job[Evaluation]:
    """`label_issues.out_of_fold` of the model whose evaluation lies in `file`."""
    explanations, root = explanations_of(file.parent), evaluation_of(file).root
    if explanations is None:
        raise UserError(why_unexplained(file.parent))
    return Job("Judging each photo by its neighbours",
               lambda progress: label_issues.out_of_fold(explanations, root, progress))  # fmt: skip


@st.cache_resource(show_spinner=False)
def load_ahead() -> Job[None]:
    """Libraries that views need, loaded while another view is looked at; once for all visitors."""
    return Job("Loading what compares photos", lambda progress: label_issues.load_libraries())


@st.cache_resource(max_entries=8, show_spinner=False)
def label_issues_of(key: EvaluationKey) -> Job[pd.DataFrame]:
    """`label_issues.find_label_issues`."""
    evaluation = predictions_of(key)
    return Job("Looking for labels that look wrong", lambda _: label_issues.find_label_issues(evaluation))


def has_label_issue(key: EvaluationKey) -> np.ndarray | None:
    """bool (photos): whether the label of each is among `label_issues_of`; None where that is not known yet."""
    few = predictions_of(key).probabilities.size <= FEW_NUMBERS
    known = label_issues_of(key).wait(background.PATIENCE if few else 0.0)
    return _has_label_issue(key) if known else None


@st.cache_resource(max_entries=8, show_spinner=False)
def _has_label_issue(key: EvaluationKey) -> np.ndarray:
    found = np.zeros(len(predictions_of(key)), bool)
    found[label_issues_of(key).result()["index"].to_numpy(int)] = True
    return found


@st.cache_resource(max_entries=4, show_spinner=False)
def colour_check_of(key: EvaluationKey) -> Job[pd.DataFrame | None]:
    """The rows of `colour_check.table`; None where there are no explanations, or no two colours to compare."""
    explanations, evaluation = explanations_of(key.model), predictions_of(key)
    learned = explanations_of(key.model.parent) if key.photos == "people" else None
    if explanations and learned:
        explanations = explanations.beside_training(learned)
    return Job("Comparing labels with measured colours",
               lambda _: colour_check.table(evaluation, explanations) if explanations else None)  # fmt: skip


@st.cache_resource(max_entries=8, show_spinner=False)
def photo_rows(key: EvaluationKey) -> dict[str, int]:
    """The row of each photo, by its path as decisions write it."""
    paths = predictions_of(key).photos["path"]
    return {label_corrections.photo_key(path): row for row, path in enumerate(paths)}


@st.cache_resource(max_entries=8, show_spinner=False)
def rows_by_id(key: EvaluationKey) -> dict[str, int]:
    """The row of each photo, by its id in the address."""
    rows: dict[str, int] = {}
    for row, path in enumerate(predictions_of(key).photos["path"]):
        rows.setdefault(photo_id(path), row)
    return rows


@st.cache_resource(max_entries=8, show_spinner=False)
def explanation_rows(key: EvaluationKey) -> np.ndarray:
    """(photos,) the row of each photo in the explanations; -1 where they do not have it."""
    explanations = explanations_of(key.model)
    places: Mapping[str, int] = explanations.places if explanations else {}
    return np.array([places.get(path, -1) for path in predictions_of(key).photos["path"]], int)


def corrected(key: EvaluationKey, factor: int | None, file: Path) -> Corrected | None:
    """The accuracy by the labels decided on in `file`; None where they are of none of these photos.

    UserError where they leave no photo.
    """
    return _corrected(key, factor, os.fsencode(file), file.stat().st_mtime_ns) if file.is_file() else None


@st.cache_resource(max_entries=16, show_spinner=False)
def _corrected(key: EvaluationKey, factor: int | None, file: bytes, changed: int) -> Corrected | None:
    whole, rows = predictions_of(key), photo_rows(key)
    paths = whole.photos["path"]
    decided = label_corrections.in_spelling_of(whole.classes, _decided(file, changed))
    labels = {paths[rows[photo]]: label for photo, label in decided.items() if photo in rows}
    if not labels:
        return None
    by_labels = whole.decided(labels)
    right = (by_labels if factor is None else by_labels.marginalised(factor)).right
    return Corrected(len(labels), int(right.sum()), len(right))


# What explanations hold ----------------------------------------------------------------------------------------------


class SimilarPhotos(NamedTuple):
    """Of one photo: its near-duplicates in other splits, and the photos nearest to it `among` the training photos, or
    among the others here where those are not kept."""

    duplicates: pd.DataFrame
    nearest: pd.DataFrame
    among: str


@st.cache_resource(max_entries=512, show_spinner=False)
def similar_photos(model: Path, explanations_mtime: float, path: bytes, most: int) -> SimilarPhotos:
    """`path` is the photo's, in bytes: it need not be UTF-8. The explanations must have it."""
    explanations, name = _explanations(model / FILE, explanations_mtime), os.fsdecode(path)
    trained = "train" in set(explanations.photos["split"])
    nearest = explanations.nearest(name, most) if trained else explanations.nearest(name, most, "test")
    return SimilarPhotos(explanations.duplicates(name), nearest, "training photos" if trained else "photos here")


@st.cache_resource(max_entries=4, show_spinner=False)
def outliers_of(model: Path, explanations_mtime: float) -> Job[pd.DataFrame]:
    """`label_issues.outliers`."""
    explanations = _explanations(model / FILE, explanations_mtime)
    return Job("Looking for photos unlike the others", lambda progress: label_issues.outliers(explanations, progress))


@st.cache_resource(max_entries=4, show_spinner=False)
def near_duplicates_of(model: Path, explanations_mtime: float) -> pd.DataFrame:
    """Groups by pixels, across and within splits: path, label, split, group."""
    photos = _explanations(model / FILE, explanations_mtime).photos
    return photos[photos["group"] >= 0].sort_values("group", kind="stable")[["path", "label", "split", "group"]]


@st.cache_resource(max_entries=4, show_spinner=False)
def possible_duplicates_of(model: Path, explanations_mtime: float, root: bytes, version: int,
                           _hashes: Mapping[str, int]) -> Job[pd.DataFrame]:  # fmt: skip
    """`label_issues.possible_duplicates`, by `_hashes` of the photos in `root` (bytes), of which this is the
    `version`."""
    explanations, hashes = _explanations(model / FILE, explanations_mtime), dict(_hashes)
    return Job("Looking for photos that may be one picture",
               lambda _: label_issues.possible_duplicates(explanations, hashes))  # fmt: skip


# Epochs -------------------------------------------------------------------------------------------------------------


def learned(files: Mapping[int, Path], factor: int | None) -> pd.DataFrame:
    """Recall (columns: classes, or what they fold to) after each epoch (rows); NaN where a class has no photo."""
    return _learned(tuple((epoch, file, mtime(file)) for epoch, file in files.items()), factor)


@st.cache_resource(max_entries=8, show_spinner=False)
def _learned(files: Sequence[tuple[int, Path, float]], factor: int | None) -> pd.DataFrame:
    rows = {}
    for epoch, file, when in files:
        evaluation = _evaluation(file, when) if factor is None else _evaluation(file, when).marginalised(factor)
        report = evaluation.class_report()
        rows[epoch] = report["recall"].where(report["support"] > 0)
    return pd.DataFrame(rows).T


@st.cache_resource(max_entries=64, show_spinner=False)
def _evaluation(file: Path, changed: float) -> Evaluation:
    return Evaluation.load(file)


@st.cache_resource(max_entries=16, show_spinner=False)
def _epoch(file: Path, changed: float, root: str) -> Evaluation:
    """With the photos' folder as the test has it. What is worked out of it once stays with it, so it is kept."""
    return replace(_evaluation(file, changed), root=root)


@st.cache_resource(max_entries=3, show_spinner=False)
def _explanations(file: Path, changed: float) -> Explanations:
    return Explanations.load(file)


@st.cache_resource(max_entries=8, show_spinner=False)
def _decided(file: bytes, changed: int) -> dict[str, str]:
    """`file` is its name: bytes, as it need not be UTF-8. What cannot be read takes no page down: the panel of the
    decisions (label_review) says what is wrong with it."""
    try:
        return label_corrections.read(Path(os.fsdecode(file)))
    except UserError:
        return {}
