"""What models left on disk, read once for all pages and visitors, and read anew when its file changes."""

from pathlib import Path

import streamlit as st

from fashion_core.evaluation import Evaluation
from fashion_core.evidence import FILE, Evidence


def changed(file: Path) -> float:
    """When `file` was written; 0 where there is none."""
    return file.stat().st_mtime if file.is_file() else 0.0


def evaluation_of(file: Path) -> Evaluation:
    """The stored evaluation. Raises UserError as `Evaluation.load` does."""
    return _evaluation(file, changed(file))


def evidence_of(model: Path) -> Evidence | None:
    """What lies behind the predictions of the model in this folder; None where it was made before that was kept."""
    return _evidence(model / FILE, gathered(model)) if gathered(model) else None


def gathered(model: Path) -> float:
    """When the evidence in the folder `model` was written: what is made of it and kept depends on this too."""
    return changed(model / FILE)


@st.cache_resource(max_entries=4, show_spinner=False)
def _evaluation(file: Path, changed: float) -> Evaluation:
    return Evaluation.load(file)


@st.cache_resource(max_entries=3, show_spinner=False)
def _evidence(file: Path, changed: float) -> Evidence:
    return Evidence.load(file)
