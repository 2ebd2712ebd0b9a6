"""The line of stages of a training: what is done, what is being done and how far that is, what is to come."""

import html
import time
from typing import Any

import streamlit as st

from fashion_core.runs import LogSnapshot, stages
from fashion_core.runs.stages import Stage
from fashion_core.ui.gallery import escape_markdown

NAMES = {
    stages.STARTING: "Start",
    stages.READING: "Read photos",
    stages.DECODING: "Decode",
    stages.WARMING: "Warm up",
    stages.TRAINING: "Train",
    stages.TESTING: "Test",
    stages.EXPLAINING: "Heat maps",
}
UNCOUNTED = {  # what is said where nothing is counted
    stages.STARTING: "Starting the worker, loading PyTorch",
    stages.READING: "Reading photos",
    stages.DECODING: "Decoding photos",
    stages.WARMING: "Warming up: building the network and taking the first step",
    stages.TRAINING: "Training",
    stages.TESTING: "Testing",
    stages.EXPLAINING: stages.GATHERING,
}


def draw(log: LogSnapshot, launched: float) -> None:
    """The line, and the bar of the stage that the worker is in; `launched` is when it was started, in seconds since
    1970, 0 where that is not known."""
    stage, start = stages.current(log.latest), log.latest.get("start", {})
    st.html(line(stage, start))
    share, text = progress(stage, start, log.latest.get("evaluate", {}))
    if share is None:
        seconds = max(0.0, time.time() - launched) if launched else log.age
        since = "" if seconds is None else f" ({seconds:.0f} s)"
        st.html(f'<div role="status">{html.escape(text)}{since}<div class="stage-moves"><i></i></div></div>')
    else:
        st.progress(share, text)


def line(stage: Stage, start: dict[str, Any]) -> str:
    """HTML of the stages; the one of now is marked, those before it have a tick."""
    at, items = stages.STAGES.index(stage.name), []
    for place, name in enumerate(stages.STAGES):
        words = NAMES[name]
        if name == stages.TRAINING and start.get("epochs"):
            words = f"Epoch {stage.epoch} of {start['epochs']}" if stage.epoch else f"{start['epochs']} epochs"
        mark, current = ("✓", "") if place < at else ("●", ' aria-current="step"') if place == at else ("○", "")
        items.append(f'<li{current}><span aria-hidden="true">{mark}</span> {html.escape(words)}</li>')
    return f'<ol class="stages" aria-label="Stages">{"".join(items)}</ol>'


def progress(stage: Stage, start: dict[str, Any], tested: dict[str, Any]) -> tuple[float | None, str]:
    """How far the stage is, from 0 to 1 or None where nothing is counted, and that in words.

    Training counts over all epochs, so that its bar never runs back.
    """
    if stage.name == stages.TRAINING and stage.epoch:
        step = (stage.epoch - 1) * start["steps_per_epoch"] + stage.done
        after = ": checking the validation photos" if stage.detail else ""
        text = f"Epoch {stage.epoch} of {start['epochs']}, step {step:,} of {start['total_steps']:,}{after}"
        return min(1.0, step / start["total_steps"]), text
    if stage.name == stages.EXPLAINING and stage.total:
        said = f"Tested: {percent(tested['accuracy'])} right. " if tested.get("accuracy") is not None else ""
        return stage.share, f"{said}{stages.GATHERING}: {stage.done:,} of {stage.total:,} photos"
    if stage.total:
        return stage.share, f"{escape_markdown(stage.detail)}: {stage.done:,} of {stage.total:,}"
    detail = f": {stage.detail}" if stage.detail and stage.detail != UNCOUNTED[stage.name] else ""
    return None, UNCOUNTED[stage.name] + detail


def percent(share: float) -> str:
    """A share as Train writes it everywhere: 0.972 is "97.2%"."""
    return f"{share:.1%}"
