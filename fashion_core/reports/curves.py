"""A run's log → loss and accuracy curves: smoothed, thinned, as ECharts options. Draws nothing.

The browser gets at most 2 × `POINTS` points a line, however long the run.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from fashion_core.reports.palette import CATEGORIES
from fashion_core.runs.events import Event, LogSnapshot

Metric = Literal["loss", "accuracy"]
Axis = Literal["step", "epoch"]
POINTS = 500


def thin(values: np.ndarray, points: int = POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Means of equal buckets: (row of each bucket's last value, mean). At most `points` to 2 × `points` of them.

    A bucket's width is a power of two, so that a growing run keeps the points it has already drawn.
    """
    if len(values) == 0:
        return np.array([], int), np.array([])
    width = 1 << max(0, int(np.ceil(np.log2(len(values) / (2 * points)))))
    starts = np.arange(0, len(values), width)
    lengths = np.diff(np.append(starts, len(values)))
    return starts + lengths - 1, np.add.reduceat(values, starts) / lengths


def smooth(values: np.ndarray, weight: float) -> np.ndarray:
    """Exponential moving average; `weight` 0 leaves the values, 0.99 keeps 99% of the past. Debiased at the start."""
    return pd.Series(values).ewm(alpha=1 - weight).mean().to_numpy() if weight else values


def lines(
    log: LogSnapshot, metric: Metric, by: Axis, smoothing: float, span: tuple[float, float] = (0.0, 1.0)
) -> dict[str, list[list[float]]]:
    """{"train": [[x, y], …], "validation": [[x, y], …]}: x is the iteration or the epoch, both from 1.

    `span` is the share of the planned run to show. Thinning comes after it, so a narrow span shows finer detail.
    """
    low, high = window(log, by, span)
    epochs = [epoch for epoch in log.epochs if low <= epoch[by] <= high]
    validation = _per_epoch(epochs, by, f"validation_{metric}")
    if by == "epoch":
        return {"train": _per_epoch(epochs, by, f"train_{metric}"), "validation": validation}
    steps, values = log.columns["step"], smooth(log.columns[metric], smoothing)
    shown = slice(*np.searchsorted(steps, [low, high + 1]))
    rows, values = thin(values[shown])
    points = np.column_stack([steps[shown][rows], values])
    return {"train": points[np.isfinite(points[:, 1])].round(5).tolist(), "validation": validation}


def _per_epoch(epochs: Sequence[Event], by: Axis, name: str) -> list[list[float]]:
    """[x, y] of each epoch whose value `name` is known."""
    return [[epoch[by], epoch[name]] for epoch in epochs if epoch.get(name) is not None]


def window(log: LogSnapshot, by: Axis, span: tuple[float, float]) -> tuple[float, float]:
    """`span`, two shares of the planned run, as iterations or epochs; the whole run has no upper end."""
    start = log.latest.get("start", {})
    planned = start.get("total_steps" if by == "step" else "epochs", len(log.columns["step"]))
    return span[0] * planned, (span[1] * planned if span[1] < 1 else float("inf"))


def options(
    logs: Sequence[tuple[str, LogSnapshot]],
    metric: Metric,
    by: Axis = "step",
    smoothing: float = 0.0,
    log: bool = False,
    span: tuple[float, float] = (0.0, 1.0),
) -> dict[str, Any]:
    """ECharts options of one picture: a train and a validation line per run.

    Streamlit replaces a chart's whole state with its new data, so a zoom in the browser would last until the next
    tick: what is shown is decided here, by `span`.
    """
    alone = len(logs) == 1
    series = _all_series(logs, metric, by, smoothing, log, span)
    return {
        "animation": False,  # a point that slides in from elsewhere reads as a value that was never measured
        "grid": {"left": 60, "right": 20, "top": 44, "bottom": 46},
        # Of several runs the names alone, by colour: what a line's style says is said once, beside the chart.
        "legend": {"top": 6, "show": alone, "itemWidth": 32},
        "tooltip": {"trigger": "axis", "valueFormatter": "%.1f %%" if metric == "accuracy" else "%.4f"},
        "xAxis": {
            "type": "value",
            "name": by,
            "nameLocation": "middle",
            "nameGap": 26,
            "minInterval": 1,
            "scale": True,
        },
        "yAxis": {
            "type": "log" if log else "value",
            "scale": True,
            **({"max": 100, "axisLabel": {"formatter": "{value}%"}} if metric == "accuracy" else {}),
        },
        "series": series,
    }


def _all_series(
    logs: Sequence[tuple[str, LogSnapshot]],
    metric: Metric,
    by: Axis,
    smoothing: float,
    log: bool,
    span: tuple[float, float],
) -> list[dict[str, Any]]:
    """A train and a validation line per run, accuracies in percent."""
    series, alone = [], len(logs) == 1
    for number, (name, snapshot) in enumerate(logs):
        for split, points in lines(snapshot, metric, by, smoothing, span).items():
            shown = [[x, y] for x, y in points if y > 0] if log else points  # a log axis has no zero
            if metric == "accuracy":
                shown = [[x, round(100 * y, 3)] for x, y in shown]
            colour = CATEGORIES[number % len(CATEGORIES)]
            series.append(_series(split if alone else f"{name}, {split}", split, shown, colour))
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
