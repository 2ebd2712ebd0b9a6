"""Accuracy against cost as an ECharts scatter: a colour for each set of test photos, an interval for each model.

    points = [point for model in tested if (point := model.point("people", "Parameters"))]
    st.echarts_chart(options(points, "million parameters", "accuracy on photos people took, %"))

The n-th series with a name holds the n-th set's points, in the order of `series_points`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fashion_core.reports.palette import CHOSEN, INKS, NEUTRAL, POINTS

Point = Mapping[str, Any]

# Beside the theme's first colour; told apart by most who see few colours, and each has a sign of its own.
COLOURS = {
    False: (POINTS[False], "#b4560b", "#1d7a70", "#a83370", "#5c6470"),
    True: (POINTS[True], "#f0a256", "#57c4b5", "#ec86b5", "#a6adbd"),
}
SIGNS = ("circle", "diamond", "rect", "triangle", "pin")
TICKS = 6  # at most, between the ends of an axis
TITLE_STYLE = {"fontSize": 12, "fontWeight": "normal"}
LEFT, RIGHT, TOP, BOTTOM, LEGEND_LINE = 44, 18, 34, 58, 24  # pixels around the plot


def options(points: Sequence[Point], cost: str, accuracy: str, dark: bool = False) -> dict[str, Any]:
    """ECharts options. A point has x, right and n (photos), label, title (its name in the tooltip) and photos, the set
    that it was tested on; `cost` and `accuracy` name the axes. `dark` is whether the page is."""
    sets = series_points(points)
    right_end, bottom, step = _axes(points)
    series: list[dict[str, Any]] = [_strokes(points)]
    series += [_dots(name, of, COLOURS[dark][place % 5], SIGNS[place % 5], right_end[0], dark)
               for place, (name, of) in enumerate(sets.items())]  # fmt: skip
    return {
        "animation": False,
        "grid": {"left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM + LEGEND_LINE * len(sets),
                 "outerBoundsMode": "none"},
        "legend": {"data": list(sets), "orient": "vertical", "left": LEFT, "bottom": 0, "itemGap": 8,
                   "itemWidth": 14},
        "tooltip": {"formatter": f"<b>{{@[3]}}</b><br>{{@[4]}}<br>{{@[5]}}<br>{{@[0]}} {cost}", "confine": True},
        "title": {"text": accuracy, "left": 4, "top": 4, "padding": 0, "textStyle": TITLE_STYLE},
        "xAxis": {"type": "value", "name": cost, "nameLocation": "middle", "nameGap": 28, "min": 0,
                  "max": right_end[0], "interval": right_end[1], "splitLine": {"show": False}},
        "yAxis": {"type": "value", "min": bottom, "max": 100, "interval": step},
        "series": series,
    }  # fmt: skip


def height(points: Sequence[Point]) -> int:
    """Pixels of the chart: each set of photos has its line in the legend."""
    return 400 + LEGEND_LINE * len(series_points(points))


def series_points(points: Sequence[Point]) -> dict[str, list[Point]]:
    """The points by the photos that they were tested on, in the order in which these first come."""
    sets: dict[str, list[Point]] = {}
    for point in points:
        sets.setdefault(point["photos"], []).append(point)
    return sets


def clicked(points: Sequence[Point], selected: Sequence[Mapping[str, Any]]) -> Point | None:
    """The point behind a chart's selection; None where there is none."""
    groups = list(series_points(points).values())
    for each in selected:
        if each["data_indices"] and 0 < each["series_index"] <= len(groups):
            return groups[each["series_index"] - 1][each["data_indices"][0]]
    return None


def round_step(span: float) -> float:
    """The least of 1, 2, 2.5 and 5 times a power of ten that divides `span` into at most TICKS steps."""
    if span <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / TICKS))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if span / (step * power) <= TICKS + 1e-9)


def _axes(points: Sequence[Point]) -> tuple[tuple[float, float], float, float]:
    """(end, step) of the cost, and lowest value and step of the accuracy in per cent: round numbers all."""
    most = max((point["x"] for point in points), default=1.0)
    step = round_step(1.1 * most)
    end = float(f"{step * math.ceil(1.05 * most / step):.6g}")
    lowest = 100 * min((point["low"] for point in points), default=0.0)
    down = round_step(100 - lowest)
    return (end, step), max(0.0, down * math.floor(lowest / down)), down


def _strokes(points: Sequence[Point]) -> dict[str, Any]:
    """The intervals: ECharts has no error bars but by functions, which a page cannot send, so a line with gaps."""
    ends = [[point["x"], round(100 * y, 2) if y is not None else None] for point in points
            for y in (point["low"], point["high"], None)]  # fmt: skip
    return {
        "type": "line", "data": ends, "silent": True, "symbol": "none", "tooltip": {"show": False},
        "lineStyle": {"color": NEUTRAL, "opacity": 0.8, "width": 2},
    }  # fmt: skip


def _dots(name: str, points: Sequence[Point], colour: str, sign: str, end: float, dark: bool) -> dict[str, Any]:
    items = []
    for point in points:
        share = f"{point['accuracy']:.1%} right: {point['right']:,} of {point['n']:,} photos"
        interval = f"95% interval {point['low']:.1%} to {point['high']:.1%}"
        value = [point["x"], round(100 * point["accuracy"], 2), point["label"], point["title"], share, interval]
        side = "left" if point["x"] > 0.55 * end else "right"  # the longer way to the edge
        items.append({"name": point["name"], "value": value, "label": {"position": side}})
    return {
        "type": "scatter", "name": name, "data": items, "symbolSize": 14, "symbol": sign,
        "itemStyle": {"color": colour, "opacity": 1},
        "selectedMode": "single", "select": {"itemStyle": {"color": CHOSEN}}, "cursor": "pointer",
        "label": {"show": True, "formatter": "{@[2]}", "fontSize": 12, "width": 132, "overflow": "break",
                  **INKS[dark]},
        "labelLayout": {"hideOverlap": True},
        "emphasis": {"itemStyle": {"borderColor": CHOSEN, "borderWidth": 2}},
    }  # fmt: skip
