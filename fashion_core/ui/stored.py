"""What models left on disk and what is made of it, once for all pages and visitors, and anew when a file changes."""

import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import streamlit as st

from fashion_core import UserError
from fashion_core.evaluation import colour_check, label_issues
from fashion_core.evaluation.evaluation import EPOCHS, Evaluation
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.photos import label_corrections, quality


class EvaluationKey(NamedTuple):
    """Which answers of a model are looked at, and of when: whatever is made of them is kept under this key.

    `photos` is "test", as stored; "all", cross-validated on the evidence; or "epochs": the validation photos after
    `epoch`.
    """

    file: Path
    when: float
    explanations_mtime: float
    photos: str = "test"
    epoch: int = 0


def mtime(file: Path) -> float:
    """When `file` was written; 0 where there is none."""
    return file.stat().st_mtime if file.is_file() else 0.0


def evaluation_of(file: Path) -> Evaluation:
    """The stored evaluation. Raises UserError as `Evaluation.load` does."""
    return _evaluation(file, mtime(file))


def explanations_of(model: Path) -> Explanations | None:
    """What lies behind the predictions of the model in this folder; None where it was made before that was kept."""
    return _evidence(model / FILE, explanations_mtime(model)) if explanations_mtime(model) else None


def explanations_mtime(model: Path) -> float:
    """When the evidence in the folder `model` was written: what is made of it and kept depends on this too."""
    return mtime(model / FILE)


def epochs_of(model: Path) -> dict[int, Path]:
    """Epoch → the file of its validation predictions; none where the model was made before these were kept."""
    return {int(file.stem): file for file in sorted((model / EPOCHS).glob("*.parquet")) if file.stem.isdecimal()}


def answers(asked: EvaluationKey) -> Evaluation:
    """The evaluation that `asked` means."""
    if asked.photos == "all":
        return _cross_validated(asked.file, asked.explanations_mtime)
    test = evaluation_of(asked.file)
    if asked.photos == "epochs":
        return replace(evaluation_of(epochs_of(asked.file.parent)[asked.epoch]), root=test.root)
    return test


def decided(file: Path) -> dict[str, str]:
    """The decisions that stand in `file`; none where it is not there yet."""
    return _decided(os.fsencode(file), file.stat().st_mtime_ns) if file.is_file() else {}


@st.cache_resource(max_entries=8, show_spinner=False)
def marginalised(asked: EvaluationKey, part: int) -> Evaluation:
    """The same by colour or by garment alone."""
    return answers(asked).marginalised(part)


@st.cache_data(max_entries=8, show_spinner="Looking for labels that look wrong…")
def label_issues_of(asked: EvaluationKey) -> pd.DataFrame:
    return label_issues.find_label_issues(answers(asked))


@st.cache_data(max_entries=4, show_spinner="Laying photos along their colour…")
def colour_check_of(asked: EvaluationKey) -> pd.DataFrame | None:
    evidence = explanations_of(asked.file.parent)
    return colour_check.table(answers(asked), evidence) if evidence else None


def outliers_and_quality(model: Path, gathered: float, photos: Path) -> dict[str, pd.DataFrame]:
    """Kind → photos, the worst first; kinds of which there are none are left out."""
    evidence, bar = explanations_of(model), st.empty()
    here = [path for path in evidence.photos["path"] if (photos / path).is_file()]
    looks = quality.assess_quality(photos, here, lambda n, of, what: bar.progress(n / of, f"{what}: {n:,} of {of:,}"))
    bar.empty()
    labels = dict(zip(evidence.photos["path"], evidence.photos["label"], strict=True))
    found = dict(_unlike_and_alike(model, explanations_mtime, looks[["path", "bits"]]))
    for issue, name in quality.ISSUES.items():
        bad = looks[looks[issue]].sort_values(f"{issue} score", kind="stable")
        found[name] = pd.DataFrame(
            {"path": bad["path"], "label": bad["path"].map(labels), "score": bad[f"{issue} score"]}
        )
    return {kind: rows for kind, rows in found.items() if len(rows)}


@st.cache_data(max_entries=4, show_spinner="Comparing photos with each other…")
def _unlike_and_alike(model: Path, gathered: float, hashes: pd.DataFrame) -> dict[str, pd.DataFrame]:
    evidence = explanations_of(model)
    groups = evidence.photos[evidence.photos["group"] >= 0].sort_values("group", kind="stable")
    return {
        "unlike the others": label_issues.outliers(evidence),
        "near-duplicates": groups[["path", "label", "split", "group"]],
        "perhaps one picture": label_issues.possible_duplicates(
            evidence, dict(zip(hashes["path"], hashes["bits"], strict=True))
        ),
    }


def learned(files: dict[int, Path], part: int | None) -> pd.DataFrame:
    """Recall (columns: classes, or what they fold to) after each epoch (rows); NaN where a class has no photo."""
    return _learned([(epoch, file, mtime(file)) for epoch, file in files.items()], part)


@st.cache_data(max_entries=8, show_spinner=False)
def _learned(files: list[tuple[int, Path, float]], part: int | None) -> pd.DataFrame:
    rows = {}
    for epoch, file, when in files:
        evaluation = _evaluation(file, when) if part is None else _evaluation(file, when).marginalised(part)
        report = evaluation.report().iloc[: len(evaluation.classes)]
        rows[epoch] = report["recall"].where(report["support"] > 0)
    return pd.DataFrame(rows).T


@st.cache_resource(max_entries=64, show_spinner=False)
def _evaluation(file: Path, changed: float) -> Evaluation:
    return Evaluation.load(file)


@st.cache_resource(max_entries=3, show_spinner=False)
def _evidence(file: Path, changed: float) -> Explanations:
    return Explanations.load(file)


@st.cache_resource(max_entries=3, show_spinner="Asking of each photo what its neighbours are…")
def _cross_validated(file: Path, gathered: float) -> Evaluation:
    return label_issues.out_of_fold(explanations_of(file.parent), evaluation_of(file).root)


@st.cache_data(max_entries=8, show_spinner=False)
def _decided(file: bytes, changed: int) -> dict[str, str]:
    """`file` is its name: bytes, as it need not be UTF-8. What cannot be read takes no page down: the panel of the
    decisions (label_review) says what is wrong with it."""
    try:
        return label_corrections.read(Path(os.fsdecode(file)))
    except UserError:
        return {}
