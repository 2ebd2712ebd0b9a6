"""The Train page's one live fragment: read on in the log, draw the curves, offer stop and resume. What a tick seldom
changes, photos and the list of runs, lies below it: the fragment has the page drawn anew once there is news of them."""

import html
import time
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, Literal, NamedTuple

import streamlit as st

from fashion_core import runs
from fashion_core.reports import curves
from fashion_core.reports.palette import CATEGORIES
from fashion_core.runs import LogSnapshot, Run, Tail, shelf
from fashion_core.ui import boot, epoch_photos, keys, resume, run_list, stage_line
from fashion_core.ui.gallery import escape_markdown
from fashion_core.ui.stage_line import percent
from fashion_core.ui.stored import epochs_of

TICK_SECONDS = 1.5  # something is seen to move within two
REST_SECONDS = 6.0  # that photos and the list of runs stay as they were drawn, however short the epochs are
POLL_SECONDS = 4.0  # between two looks for a run that somebody started elsewhere, while none is live here
Charts = tuple[dict[str, Any], dict[str, Any]]
Colour = Literal["red", "orange", "blue", "green"]
BADGES: dict[str, tuple[Colour, str]] = {  # state: (colour, icon)
    "starting": ("blue", ":material/hourglass_top:"),
    "running": ("blue", ":material/play_circle:"),
    "stopping": ("orange", ":material/pending:"),
    runs.TESTED: ("green", ":material/check:"),
    "finished": ("green", ":material/check_circle:"),
    "stopped": ("orange", ":material/stop_circle:"),
    "failed": ("red", ":material/error:"),
    "crashed": ("red", ":material/error:"),
    runs.UNREADABLE: ("red", ":material/error:"),
}


class CurveOptions(NamedTuple):
    """How the curves are shown: per step or epoch, smoothed by how much, on a log axis, which share of the run."""

    by: curves.Axis = "step"
    smoothing: float = 0.6
    log: bool = False
    span: curves.Span = (0.0, 1.0)


@st.cache_resource(max_entries=32, show_spinner=False)
def _shared_tail(events_file: str) -> Tail:
    """One reader per run for all browsers: each new line is parsed once."""
    return Tail(Path(events_file))


def read(run: Run) -> LogSnapshot:
    """The run's log as it stands now; others may read it at the same time. Raises OSError where it cannot be read."""
    return _shared_tail(str(run.events_file)).read()


def tick(logs: Sequence[tuple[str, LogSnapshot]], options: CurveOptions) -> Charts:
    """What a tick computes: the options of the loss and of the accuracy chart. All browsers that look at these logs
    in this way share them: change nothing in them."""
    shown, memo = [log for _, log in logs], logs[0][1].memo
    which = "charts", options, tuple(name for name, _ in logs)
    before, charts = memo.get(which, ((), None))
    if charts is None or len(before) != len(shown) or any(a is not b for a, b in zip(before, shown, strict=True)):
        charts = (
            curves.options(logs, "loss", **options._asdict()),
            curves.options(logs, "accuracy", **options._asdict()),
        )
        memo[which] = shown, charts
    return charts


def zoomed(run: Run, overlays: Sequence[Run], options: CurveOptions, part: curves.Span) -> curves.Span:
    """The span that shows `part` of what the curves of `run` and `overlays` show now, see `curves.zoomed`."""
    logs = [log for _, log in _readable([run, *overlays])]
    return curves.zoomed(logs, options.by, options.span, part) if logs else options.span


def watch(run: Run, states: Mapping[str, str], overlays: Sequence[Run], options: CurveOptions) -> None:
    """Show `run`, the curves of `overlays` with it, and the list of all runs; `states` are all those of now, by id. It
    goes on by itself while any worker lives, and looks now and then whether one does."""
    listed, live = runs.find(), any(state in runs.LIVE for state in states.values())
    every = TICK_SECONDS if live else None
    drawn = _News.of(run, listed), time.monotonic()
    st.fragment(_draw, run_every=every, key=keys.LIVE)(run, dict(states), overlays, options, *drawn)
    if run.problem is None:
        st.fragment(epoch_photos.draw)(run, states[run.id] in runs.LIVE)
    st.subheader("All runs")
    run_list.table(listed, states)
    st.caption("Click a row to see that run.")
    if not live:
        poll(states)


def poll(drawn: Mapping[str, str]) -> None:
    """Draw the page anew once the runs or their states are others than `drawn`, by id; until then, draw nothing."""
    looks: list[None] = []

    def look() -> None:
        if looks and {one.id: one.state for one in runs.find()} != drawn:
            st.rerun()
        looks.append(None)  # the first time it runs with the page, which has just asked

    st.fragment(look, run_every=POLL_SECONDS, key=keys.POLL)()


class _News(NamedTuple):
    """What lies below the live fragment depends on this: the results and names of the runs, the epochs of this one."""

    results: list[tuple[str, str]]
    epochs: list[int]

    @classmethod
    def of(cls, run: Run, listed: Sequence[Run]) -> "_News":
        return cls([(one.result, one.name) for one in listed], list(epochs_of(run.folder)))


def _draw(
    run: Run, drawn: Mapping[str, str], overlays: Sequence[Run], options: CurveOptions, news: _News, since: float
) -> None:
    """A tick. `drawn` are the states, by id, and `news` what was known as the page was drawn at `since`."""
    listed = runs.find()
    states = {one.id: one.state for one in listed}
    if states != drawn or (time.monotonic() - since > REST_SECONDS and _News.of(run, listed) != news):
        st.rerun()  # the timer, and what lies outside, can only be set from outside
    _run(run, states[run.id], overlays, options)


def _run(run: Run, state: str, overlays: Sequence[Run], options: CurveOptions) -> None:
    if problem := run.problem:
        st.error(f"{escape_markdown(run.id)} cannot be shown. {escape_markdown(problem)}", icon=":material/error:")
        return
    log = read(run)
    _headline(run, log, state)
    names = shelf.names([run, *overlays])
    if overlays:
        _legend(list(names.values()))
    if len(log.columns["step"]) or state in runs.LIVE:  # one that never began has no curves
        _charts(run, tick([(names[one.id], found) for one, found in [(run, log), *_readable(overlays)]], options))
    for note in log.notes:
        st.caption(f":material/info: {note}")


def _readable(overlays: Sequence[Run]) -> list[tuple[Run, LogSnapshot]]:
    """The logs of `overlays`; those that cannot be read are named."""
    logs = []
    for run in overlays:
        try:
            logs.append((run, read(run)))
        except OSError as error:
            st.warning(f"The curves of {escape_markdown(run.id)} cannot be read ({error.strerror}).")
    return logs


def _legend(names: Sequence[str]) -> None:
    """Which colour is which run, and what a line's style says."""
    runs_of = "".join(
        f'<span style="white-space:nowrap"><span aria-hidden="true" style="color:{colour}">⬤</span> '
        f"{html.escape(name)}</span>"
        for name, colour in zip(names, cycle(CATEGORIES), strict=False)
    )
    style = "display:flex;flex-wrap:wrap;gap:4px 18px;font-size:14px"
    st.html(f'<div style="{style}">{runs_of}<span>solid: validation, dotted: train</span></div>')


def _charts(run: Run, charts: Charts) -> None:
    columns = st.container(key=keys.CURVES).columns(2)
    for column, title, spec in zip(columns, ("Loss", "Accuracy"), charts, strict=True):
        with column:
            st.markdown(f"**{title}**")
            st.echarts_chart(
                spec,
                height=340,
                key=keys.of_run(title.lower(), run.id),
                alt=f"{title} of {run.name}, train against validation",
            )


def _headline(run: Run, log: LogSnapshot, state: str) -> None:
    """State and buttons, what the run is, how far it came and its figures."""
    with st.container(horizontal=True, vertical_alignment="center"):
        _buttons(run, log, state)
    st.caption(escape_markdown(run.title))
    for change in run.record.changes():
        st.caption(f":material/edit: {escape_markdown(change)}")
    resume.show_problem()
    _problem(run, log, state)
    if state in runs.LIVE:
        stage_line.draw(log, run.launched)
    elif state == runs.TESTED:
        _explaining(log)
    _mistakes(run, log)
    start = log.latest.get("start", {})
    if start.get("device") or state in runs.LIVE:  # from the first moment on, so that nothing moves down later
        _figures(start, log, run.model_folder is not None or state not in runs.LIVE)


def _buttons(run: Run, log: LogSnapshot, state: str) -> None:
    colour, icon = BADGES[state]
    st.badge(state, icon=icon, color=colour)
    if state in runs.LIVE:
        st.button(
            "Stop",
            icon=":material/stop:",
            on_click=resume.stop,
            args=(run,),
            disabled=state == "stopping",
            key=keys.of_run("stop", run.id),
        )
        if log.age is not None:
            st.caption(f"updated {log.age:.0f} s ago")
    elif state in resume.RESUMABLE:
        resume.offer(run, state, _failed_last(log) and "diverged" in log.latest["error"])
    if state == "finished" or run.model_folder:
        boot.link("evaluate", "See results", ":material/grid_on:", model=run.id)
        boot.link("predict", "Try it on photos", ":material/center_focus_strong:", model=run.id)


def _explaining(log: LogSnapshot) -> None:
    """A model that is tested, whose worker ended before the explanations of all photos."""
    accuracy = log.latest.get("evaluate", {}).get("accuracy")
    said = f"Trained and tested: {percent(accuracy)}." if accuracy is not None else "Trained and tested."
    st.info(
        f"{said} The model can be used. Its heat "
        "maps and similar photos were not gathered to the end: **Resume** gathers them and trains nothing anew.",
        icon=":material/hub:",
    )


def _mistakes(run: Run, log: LogSnapshot) -> None:
    """What the test came to, and the way to the photos that it got wrong."""
    test = log.latest.get("evaluate", {})
    if run.evaluation_file is None or not test.get("n") or test.get("accuracy") is None:
        return
    n = test["n"]
    wrong = n - round(test["accuracy"] * n)
    if wrong:
        words = f"{percent(test['accuracy'])}: see its {f'{wrong:,} mistakes' if wrong > 1 else 'one mistake'}"
        boot.link("evaluate", words, ":material/photo_library:", model=run.id, of="test", which="wrong")
    else:
        boot.link("evaluate", f"{percent(1)}: all {n:,} test photos right", ":material/photo_library:", model=run.id,
                  of="test")  # fmt: skip


def _figures(start: dict[str, Any], log: LogSnapshot, ended: bool) -> None:
    speed = log.latest.get("heartbeat") or log.latest.get("epoch") or {}
    best = max((epoch.get("validation_accuracy") or 0 for epoch in log.epochs), default=None)
    test = log.latest.get("evaluate", {}).get("accuracy")
    rate, memory = speed.get("images_per_second"), speed.get("gpu_memory_gib")
    grid = st.grid(5, min_column_width=150, gap="small")
    grid.metric("Speed", f"{rate:.0f} img/s" if rate is not None else "–")
    grid.metric("Time left", "–" if ended else duration(speed.get("seconds_left")))
    grid.metric("Best validation accuracy", percent(best) if best is not None else "–")
    grid.metric("Test accuracy", percent(test) if test is not None else "–")
    device = start.get("device") or "–"
    grid.metric("Device", device.split(" (")[0] + (f", {memory:.1f} GiB" if memory else ""), help=device)


def _problem(run: Run, log: LogSnapshot, state: str) -> None:
    """Why it failed or crashed, with the last of the worker's own output."""
    if state in ("failed", runs.TESTED) and _failed_last(log):
        st.error(log.latest["error"]["text"], icon=":material/error:")
    if state == "crashed":
        st.error(
            "Training stopped unexpectedly. The last checkpoint is kept: **Resume** goes on from it.",
            icon=":material/error:",
        )
        if output := run.log_tail():
            with st.expander("The end of worker.log"):
                st.code(output, language=None)


def _failed_last(log: LogSnapshot) -> bool:
    """Whether the worker's last word is an error."""
    error, end = log.latest.get("error"), log.latest.get("end")
    return error is not None and (end is None or error["seq"] > end["seq"])


def duration(seconds: float | None) -> str:
    """Seconds in words: 45 s, 3 min 20 s, 2 h 5 min."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
