"""The buttons that stop and resume a run, with another learning rate or photos that moved where that is needed."""

from typing import Any

import streamlit as st

from fashion_core import UserError, runs
from fashion_core.photos.imaging import printable
from fashion_core.runs import Run, config
from fashion_core.ui import keys

RESUMABLE = ("stopped", "crashed", "failed", runs.TESTED)


def offer(run: Run, state: str, diverged: bool) -> None:
    """What can be done with a run that has ended before its last epoch, or before every photo was explained; another
    learning rate where its loss was no number."""
    if not run.dataset.is_dir():
        _ask_for_photos(run)
        return
    st.button("Resume", icon=":material/resume:", on_click=_resume, args=(run,), key=keys.of_run("resume", run.id))
    if diverged:
        _offer_learning_rate(run)
    if run.best_file and state != runs.TESTED:
        st.button(
            "Keep the best epoch",
            on_click=_resume,
            args=(run, None, True),
            key=keys.of_run("finish", run.id),
            help="Train no further: test the best epoch so far and make a model of it.",
        )


def stop(run: Run) -> None:
    """Ask the worker to stop; what keeps it from that is shown."""
    try:
        run.stop()
    except UserError as mistake:
        st.session_state[keys.RESUME_PROBLEM] = str(mistake)


def show_problem() -> None:
    """Show, once, what kept a run from being stopped or resumed."""
    if problem := st.session_state.pop(keys.RESUME_PROBLEM, None):
        st.error(problem, icon=":material/error:")


def _offer_learning_rate(run: Run) -> None:
    key, (low, high, _) = keys.of_run("learning-rate", run.id), config.RANGES["learning_rate"]
    st.number_input(
        "Learning rate",
        float(low),
        float(high),
        max(low, run.config.learning_rate / 10),
        format="%g",
        step=run.config.learning_rate / 10,
        key=key,
        width=160,
        help=f"It was {run.config.learning_rate:g}. Lower it where the loss is not a number.",
    )
    st.button(
        "Resume with this learning rate", on_click=_resume, args=(run, key), key=keys.of_run("resume-slower", run.id)
    )


def _ask_for_photos(run: Run) -> None:
    """The photos are not where the run read them: ask where they are now."""
    key = keys.of_run("moved", run.id)
    st.text_input(
        f"The photos are no longer in {printable(run.dataset)}. Their folder now:",
        key=key,
        placeholder="/path/to/photos",
    )
    st.button(
        "Resume with these photos", on_click=_resume_moved, args=(run, key), key=keys.of_run("resume-moved", run.id)
    )


def _resume(run: Run, learning_rate_key: str | None = None, finish: bool = False) -> None:
    changes: dict[str, Any] = {"learning_rate": st.session_state[learning_rate_key]} if learning_rate_key else {}
    try:
        runs.refuse_if_busy(run.folder.parent)
        if changes:
            run.amended(changes)
        runs.launch(run, finish)
    except UserError as mistake:
        st.session_state[keys.RESUME_PROBLEM] = str(mistake)


def _resume_moved(run: Run, key: str) -> None:
    try:
        runs.refuse_if_busy(run.folder.parent)
        run.move_photos(st.session_state[key])
        runs.launch(run)
    except UserError as mistake:
        st.session_state[keys.RESUME_PROBLEM] = str(mistake)
