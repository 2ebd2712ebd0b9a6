"""The Train page's one live fragment: read on from the log, draw the curves, offer stop and resume."""

import threading
import time
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from fashion_core import UserError, runs
from fashion_core.reports import curves
from fashion_core.runs import Run
from fashion_core.runs.events import Tail
from fashion_core.ui import boot
from fashion_core.ui.gallery import escape_markdown

TICK_SECONDS = 1.5
LOOKS = {  # state: (colour, icon)
    "starting": ("blue", ":material/hourglass_top:"),
    "running": ("blue", ":material/play_circle:"),
    "stopping": ("orange", ":material/pending:"),
    "finished": ("green", ":material/check_circle:"),
    "stopped": ("orange", ":material/stop_circle:"),
    "failed": ("red", ":material/error:"),
    "crashed": ("red", ":material/error:"),
}


class CurveOptions(NamedTuple):
    """How the curves are shown: per step or epoch, smoothed by how much, on a log axis, which part of the run."""

    by: curves.Axis = "step"
    smoothing: float = 0.6
    log: bool = False
    span: tuple[float, float] = (0.0, 1.0)


@st.cache_resource(max_entries=32, show_spinner=False)
def _shared_tail(folder: str) -> tuple[Tail, threading.Lock]:
    """One reader per run for all browsers: each new line is parsed once."""
    return Tail(Run(Path(folder))), threading.Lock()


def read(run: Run) -> Tail:
    """The run's log up to now."""
    tail, lock = _shared_tail(str(run.folder))
    with lock:
        tail.update()
    return tail


def tick(tails: list[tuple[str, Tail]], look: CurveOptions) -> tuple[dict, dict]:
    """What a tick computes: the options of the loss and of the accuracy chart."""
    return (
        curves.options(tails, "loss", **look._asdict()),
        curves.options(tails, "accuracy", **look._asdict()),
    )


def watch(run: Run, beside: list[Run], look: CurveOptions) -> None:
    """Show `run`, with others laid over it; goes on by itself while the worker lives."""
    every = TICK_SECONDS if run.state in runs.LIVE else None
    st.fragment(_draw, run_every=every, key="live")(run, beside, look, every is not None)


def _draw(run: Run, beside: list[Run], look: CurveOptions, live: bool) -> None:
    state = run.state
    if live != (state in runs.LIVE):
        st.rerun()  # the timer can only be set from outside
    tail = read(run)
    _headline(run, tail, state)
    tails = [(run.id, tail)] + [(other.id, read(other)) for other in beside]
    loss, accuracy = tick(tails, look)
    left, right = st.columns(2)
    for column, title, spec, key in ((left, "Loss", loss, "loss"), (right, "Accuracy", accuracy, "accuracy")):
        with column:
            st.markdown(f"**{title}**")
            st.echarts_chart(
                spec, height=340, key=f"{key}-{run.id}", alt=f"{title} of {run.id}, train against validation"
            )
    _story(run, tail, state)


def _headline(run: Run, tail: Tail, state: str) -> None:
    colour, icon = LOOKS[state]
    start, pulse = tail.latest.get("start"), tail.latest.get("heartbeat") or tail.latest.get("epoch") or {}
    step = int(tail.columns["step"][-1]) if len(tail.columns["step"]) else 0
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(state, icon=icon, color=colour)
        if state in runs.LIVE:
            st.button(
                "Stop", icon=":material/stop:", on_click=run.stop, disabled=state == "stopping", key=f"stop-{run.id}"
            )
        elif state in ("stopped", "crashed", "failed"):
            st.button("Resume", icon=":material/resume:", on_click=_resume, args=(run,), key=f"resume-{run.id}")
        if state == "finished":
            boot.link("evaluate", "Look into it", ":material/grid_on:", model=run.id)
            boot.link("predict", "Predict with it", ":material/center_focus_strong:", model=run.id)
        if state in runs.LIVE and tail.seen:
            st.caption(f"last word {max(0, time.time() - tail.seen):.0f} s ago")
    st.caption(escape_markdown(run.title))
    if problem := st.session_state.pop("resume-problem", None):
        st.error(problem)
    if start is None:
        before = tail.latest.get("progress")
        st.progress(
            before["done"] / max(before["total"], 1) if before else 0.0,
            before["what"] if before else "Starting the worker…",
        )
        return
    epoch = min(start["epochs"], step // start["steps_per_epoch"] + 1)
    st.progress(
        min(1.0, step / start["total_steps"]),
        f"Epoch {epoch} of {start['epochs']}, step {step:,} of {start['total_steps']:,}",
    )
    best = max(tail.epochs, key=lambda event: event["validation_accuracy"], default=None)
    test = tail.latest.get("evaluate")
    grid = st.grid(5, min_column_width=150, gap="small")
    grid.metric("Speed", f"{pulse.get('images_per_second', 0):.0f} img/s" if pulse else "–")
    grid.metric("Time left", duration(pulse.get("seconds_left")) if state in runs.LIVE else "–")
    grid.metric("Best validation accuracy", f"{best['validation_accuracy']:.1%}" if best else "–")
    grid.metric("Test accuracy", f"{test['accuracy']:.1%}" if test else "–")
    memory = pulse.get("gpu_memory_gib")
    grid.metric(
        "Device", start["device"].split(" (")[0] + (f", {memory:.1f} GiB" if memory else ""), help=start["device"]
    )


def _story(run: Run, tail: Tail, state: str) -> None:
    """What the worker said, and the last of its own output when it died."""
    if state == "failed" and "error" in tail.latest:
        st.error(tail.latest["error"]["text"], icon=":material/error:")
    if state == "crashed":
        st.error(
            "The worker died without a word. The last good checkpoint is kept: resume goes on from it.",
            icon=":material/error:",
        )
        if output := run.log_tail():
            with st.expander("The end of worker.log"):
                st.code(output, language=None)
    for note in tail.notes:
        st.caption(f":material/info: {note}")


def _resume(run: Run) -> None:
    try:
        runs.launch(run)
    except UserError as mistake:
        st.session_state["resume-problem"] = str(mistake)


def duration(seconds: float | None) -> str:
    """Seconds as a person says them: 45 s, 3 min 20 s, 2 h 5 min."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
