"""The map of photos as a Plotly figure: hue for the colour of a class, shape for its garment."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fashion_core.class_names import in_words
from fashion_core.reports.palette import CATEGORIES, CHOSEN, NAMED, NEUTRAL, RIGHT, WRONG, css

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "cross", "triangle-down", "pentagon", "hexagram")
HEIGHT = 520  # pixels
REACH = 40  # pixels from a point within which the pointer is on it: where photos stand for points, on the photo
OPACITY, FADED = 0.8, 0.12  # of points that are looked at, and of the others
GL_FROM = 6000  # more points are drawn by the graphics card, which not every browser lends


def map_figure(
    points: np.ndarray,
    groups: np.ndarray,
    about: Sequence[str],
    area: np.ndarray | None,
    pairs: dict[str, tuple[str, str]] | None = None,
    keep: np.ndarray | None = None,
) -> "Figure":
    """Plotly points (n, 2) of photos, a trace for each of `groups` (n,), with what `about` (n) says of each; `area`,
    corners (m, 2), is drawn. `pairs`: group → (colour, garment), where all come apart: then the legend lists colours,
    which hide and show their photos, and the garments' shapes. `keep`, bool (n,): the others fade. A point's customdata
    is the photo's row."""
    import plotly.graph_objects as go

    figure, said, many = go.Figure(), np.array(about, dtype=object), len(points) > GL_FROM
    add = figure.add_scattergl if many else figure.add_scatter
    shown = None if keep is None or keep.all() else np.where(keep, OPACITY, FADED)
    listed: set[str] = set()
    for name, style in _styles(sorted(set(groups)), pairs).items():
        of = groups == name
        entry = pairs[name][0] if pairs else name
        count = of.sum() if not pairs else sum((groups == other).sum() for other in pairs if pairs[other][0] == entry)
        add(
            x=points[of, 0], y=points[of, 1], mode="markers", name=f"{in_words(entry)} ({count:,})", text=said[of],
            legendgroup=entry, showlegend=entry not in listed, customdata=np.flatnonzero(of)[:, None],
            hoverinfo="none",  # the page shows the photo with it (ui/evaluate/map_photos)
            marker=style | {"size": 5 if many else 8, "opacity": OPACITY if shown is None else shown[of],
                            "line": {"color": NEUTRAL, "width": 0.6}},
        )  # fmt: skip
        listed.add(entry)
    for garment, symbol in _symbols(pairs).items():
        figure.add_scatter(x=[None], y=[None], mode="markers", name=in_words(garment), hoverinfo="skip",
                           marker={"symbol": symbol, "color": NEUTRAL, "size": 8})  # fmt: skip
    if area is not None:
        _add_area(figure, area)
    # Streamlit 1.67 lets a click select only where a drag pans; the lasso is in the bar above, in a margin of its own.
    figure.update_layout(margin={"l": 8, "r": 8, "t": 36, "b": 40}, height=HEIGHT, dragmode="pan", hoverdistance=REACH,
                         legend={"orientation": "h", "y": -0.04})  # fmt: skip
    figure.update_xaxes(visible=False)
    return figure.update_yaxes(visible=False, scaleanchor="x")


def _add_area(figure: "Figure", area: np.ndarray) -> None:
    closed = np.concatenate([area, area[:1]])
    figure.add_scatter(x=closed[:, 0], y=closed[:, 1], mode="lines", name="drawn area", hoverinfo="skip",
                       line={"color": CHOSEN, "dash": "dot"}, showlegend=False)  # fmt: skip


def _styles(names: Sequence[str], pairs: dict[str, tuple[str, str]] | None) -> dict[str, dict[str, Any]]:
    """Group → the colour and the symbol of its points."""
    if not pairs:
        inks = {"right": css(RIGHT), "wrong": css(WRONG)}
        return {
            name: {
                "color": inks.get(name, NAMED.get(name, CATEGORIES[place % len(CATEGORIES)])),
                "symbol": SYMBOLS[place // len(CATEGORIES) % len(SYMBOLS)],
            }
            for place, name in enumerate(names)
        }
    others = [colour for colour in dict.fromkeys(pair[0] for pair in pairs.values()) if colour not in NAMED]
    inks = NAMED | {colour: CATEGORIES[place % len(CATEGORIES)] for place, colour in enumerate(others)}
    symbols = _symbols(pairs)
    return {name: {"color": inks[pairs[name][0]], "symbol": symbols[pairs[name][1]]} for name in names}


def _symbols(pairs: dict[str, tuple[str, str]] | None) -> dict[str, str]:
    """Garment → its symbol."""
    garments = dict.fromkeys(garment for _, garment in (pairs or {}).values())
    return {garment: SYMBOLS[place % len(SYMBOLS)] for place, garment in enumerate(garments)}
