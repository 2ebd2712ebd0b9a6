"""A run's log → loss and accuracy curves: smoothed, thinned, as ECharts options. Draws nothing.

The browser gets at most 2 × `thinning.POINTS` points a line, however long the run.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from fashion_core.reports.palette import CATEGORIES
from fashion_core.reports.thinning import thin
from fashion_core.runs.events import Event, LogSnapshot

Metric = Literal["loss", "accuracy"]
Axis = Literal["step", "epoch"]
Span = tuple[float, float]  # shares of the planned run, 0 to 1
GRID = {"left": 60, "right": 20, "top": 44, "bottom": 46}  # pixels around the plot
LEAST = 0.01  # of the planned run: what can be zoomed to
KEPT = 128  # lines and charts of a run that are kept, to go on from when it has grown


def lines(
    log: LogSnapshot, metric: Metric, by: Axis, smoothing: float, window: tuple[float, float] = (0.0, math.inf)
) -> dict[str, list[list[float]]]:
    """{"train": [[x, y], …], "validation": [[x, y], …]}: x is the iteration or the epoch, both from 1.

    `window` is the first and the last x. Thinning comes after it, so a narrow window shows finer detail.
    """
    low, high = window
    epochs = [epoch for epoch in log.epochs if low <= epoch[by] <= high]
    validation = _per_epoch(epochs, by, f"validation_{metric}")
    if by == "epoch":
        return {"train": _per_epoch(epochs, by, f"train_{metric}"), "validation": validation}
    return {"train": _per_step(log, metric, smoothing, low, high), "validation": validation}


def _per_step(log: LogSnapshot, metric: Metric, smoothing: float, low: float, high: float) -> list[list[float]]:
    """[x, y] of the iterations between `low` and `high`; of a run that has grown only what is new is worked out."""
    steps = log.columns["step"]
    first, last = (int(row) for row in np.searchsorted(steps, [low, high + 1]))
    which = "thinned", metric, smoothing, low, high
    thinned = thin(log.columns[metric][:last], first, smoothing, before=log.memo.get(which))
    if len(log.memo) >= KEPT:
        log.memo.clear()
    log.memo[which] = thinned
    points = np.column_stack([steps[thinned.rows], thinned.means])
    return points[np.isfinite(points[:, 1])].round(5).tolist()


def _per_epoch(epochs: Sequence[Event], by: Axis, name: str) -> list[list[float]]:
    """[x, y] of each epoch whose value `name` is known."""
    return [[epoch[by], epoch[name]] for epoch in epochs if epoch.get(name) is not None]


def window(logs: Sequence[LogSnapshot], by: Axis, span: Span) -> tuple[float, float]:
    """`span` of the longest run that is planned, as iterations or epochs; the whole run has no upper end."""
    planned = _planned(logs, by)
    return span[0] * planned, (span[1] * planned if span[1] < 1 else math.inf)


def extent(logs: Sequence[LogSnapshot], by: Axis, span: Span) -> tuple[float, float]:
    """The first and the last x of the axis: `window`, but no further than the runs have come."""
    low, high = window(logs, by, span)
    return max(low, 1.0 if by == "epoch" else 0.0), min(high, _reached(logs, by))


def zoomed(logs: Sequence[LogSnapshot], by: Axis, span: Span, part: Span) -> Span:
    """The span that shows `part` of what `span` shows: 0 is the left end of the axis, 1 the right one, and what lies
    beyond them is zoomed out. A part up to the newest point has no end, so that a live run stays in sight."""
    left, right = extent(logs, by, span)
    planned = _planned(logs, by)
    low, high = ((left + share * (right - left)) / planned for share in part)
    low = min(max(low, 0.0), 1 - LEAST)
    to_the_end = high >= 1 or (span[1] == 1 and part[1] >= 1)
    return low, 1.0 if to_the_end else max(high, low + LEAST)


def _planned(logs: Sequence[LogSnapshot], by: Axis) -> float:
    name = "total_steps" if by == "step" else "epochs"
    return max(log.latest.get("start", {}).get(name) or len(log.columns["step"]) or 1 for log in logs)


def _reached(logs: Sequence[LogSnapshot], by: Axis) -> float:
    if by == "epoch":
        return max((epoch["epoch"] for log in logs for epoch in log.epochs), default=0)
    return max((float(log.columns["step"][-1]) for log in logs if len(log.columns["step"])), default=0.0)


def options(
    logs: Sequence[tuple[str, LogSnapshot]],
    metric: Metric,
    by: Axis = "step",
    smoothing: float = 0.0,
    log: bool = False,
    span: Span = (0.0, 1.0),
) -> dict[str, Any]:
    """ECharts options of one picture: a train and a validation line per run.

    There is no `dataZoom`: Streamlit 1.67 hands new data to ECharts by `setOption(…, {notMerge: true})`, which drops
    what a wheel or a drag had set, and it sends no `datazoom` event with which that could be set again. So what is
    shown is decided here, by `span`, and a wheel or a drag changes that: `zoomed`.
    """
    alone = len(logs) == 1
    shown = [snapshot for _, snapshot in logs]
    series = _all_series(logs, metric, by, smoothing, log, window(shown, by, span))
    return {
        "animation": False,  # a point that slides in from elsewhere reads as a value that was never measured
        "grid": {**GRID, "outerBoundsMode": "none"},  # as it says, whatever the labels
        # Of several runs the names alone, by colour: what a line's style says is said once, beside the chart.
        "legend": {"top": 6, "show": alone, "itemWidth": 32},
        "tooltip": {"trigger": "axis", "valueFormatter": "%.1f %%" if metric == "accuracy" else "%.4f"},
        "xAxis": _x_axis(by, *extent(shown, by, span)),
        "yAxis": {
            "type": "log" if log else "value",
            "scale": True,
            **({"max": 100, "axisLabel": {"formatter": "{value}%"}} if metric == "accuracy" else {}),
        },
        "series": series,
    }


def _x_axis(by: Axis, left: float, right: float) -> dict[str, Any]:
    """The ends are those of `extent`, which a part is taken of; rounded ones would be others."""
    return {
        "type": "value",
        "name": by,
        "nameLocation": "middle",
        "nameGap": 26,
        "minInterval": 1,
        "scale": True,
        **({"min": left, "max": right} if left < right else {}),
        "axisLabel": {"showMinLabel": left == int(left), "showMaxLabel": by == "epoch", "hideOverlap": True},
    }


def _all_series(
    logs: Sequence[tuple[str, LogSnapshot]],
    metric: Metric,
    by: Axis,
    smoothing: float,
    log: bool,
    shown: tuple[float, float],
) -> list[dict[str, Any]]:
    """A train and a validation line per run, between the two x of `shown`; accuracies in percent."""
    series, alone = [], len(logs) == 1
    for number, (name, snapshot) in enumerate(logs):
        for split, points in lines(snapshot, metric, by, smoothing, shown).items():
            drawn = [[x, y] for x, y in points if y > 0] if log else points  # a log axis has no zero
            if metric == "accuracy":
                drawn = [[x, round(100 * y, 3)] for x, y in drawn]
            colour = CATEGORIES[number % len(CATEGORIES)]
            series.append(_series(split if alone else f"{name}, {split}", split, drawn, colour))
    return series


def _series(name: str, split: str, points: list[list[float]], colour: str) -> dict[str, Any]:
    """One line: that of validation is solid and has marks, that of training is thin and dotted."""
    validation = split == "validation"
    return {
        "id": name,
        "name": name,
        "type": "line",
        "data": points,
        "showSymbol": validation or len(points) < 3,
        "symbolSize": 7,
        "itemStyle": {"color": colour},
        "lineStyle": {
            "color": colour,
            "width": 2 if validation else 1.5,
            "type": "solid" if validation else "dotted",
        },
    }
