"""From tables to pictures that the browser draws: ECharts options and Plotly figures. Nothing is drawn here."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fashion_core.class_names import in_words
from fashion_core.reports.palette import CATEGORIES, CHOSEN, GREY, INKS, NEUTRAL, RIGHT, WRONG, css
from fashion_core.stats import wilson

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

Normalise = Literal["count", "true", "predicted"]

# Beyond ten categories the colours come again, with other dashes.
DASHES = ("solid", "dash", "dot", "dashdot")
MISTAKES = "wrong"  # the name of the row and the column that count them
TITLE_STYLE = {"fontSize": 12, "fontWeight": "normal"}
UPRIGHT_UP_TO = 4  # more classes turn the labels below the plot
HEIGHT, LEARNED_HEIGHT = 300, 340  # pixels of a Plotly chart: its place has it before the chart is there
CLASSES_UP_TO = 40  # of a picture: more cannot be told apart, and each cell is sent to the browser
LABELS_UP_TO = 24  # more classes leave no room for numbers in the cells: there the tooltip says them


def normalised(matrix: np.ndarray, by: Normalise) -> np.ndarray:
    """(k, k) counts, rows true, as shares of each true class (rows sum to 1), of each predicted class, or as they are.

    A class with no photos keeps a row, or column, of zeros.
    """
    if by == "count":
        return matrix
    totals = matrix.sum(axis=1 if by == "true" else 0, keepdims=True)
    return np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)


def most_confused(matrix: np.ndarray, limit: int) -> np.ndarray:
    """(k, k) counts, rows true → at most `limit` indices of the classes with the most mistakes, in class order.

    A mistake counts for both its classes, the true and the predicted; of equals the earlier classes are taken.
    """
    wrong = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * np.diag(matrix)
    return np.sort(np.argsort(-wrong, kind="stable")[:limit])


def matrix_height(classes: int) -> int:
    """Pixels that a confusion matrix of so many classes needs to stay legible, axis labels and all."""
    return 150 + classes * max(21, 54 - classes)


def plot_margins(classes: Sequence[str]) -> dict[str, int]:
    """Pixels between the chart's edges and the cells, which share the rest evenly."""
    room = _label_room(classes)
    return {"left": room + 10, "right": 8, "top": 26, "bottom": 26 + (18 if len(classes) <= UPRIGHT_UP_TO else room)}


def confusion_options(
    matrix: np.ndarray,
    classes: Sequence[str],
    normalise: Normalise,
    selected: tuple[str | None, str | None] | None = None,
    dark: bool = False,
    margins: bool = False,
) -> dict[str, Any]:
    """ECharts heat map of (k, k) counts: predicted across, true down, data index = true × k + predicted.

    With `margins` a column and a row count each class's mistakes: data index k × k + true, then k × k + k + predicted.
    `selected` is (true, predicted), None for any: those cells are framed. Shades are square roots of shares, so that
    a few mistakes stay visible beside many right answers. `dark` is whether the page is.
    """
    k = len(classes)
    cells = _cells(matrix, classes, normalise, selected, INKS[dark])
    if margins:
        cells += _mistakes(matrix, classes, normalise, INKS[dark])
        classes = [*classes, MISTAKES]
    return {
        "animation": False,
        # Names of the axes as titles: ECharts would draw them through long labels.
        "title": [_axis_title("true", left=4, top=4), _axis_title("predicted", left="center", bottom=2)],
        "grid": plot_margins(classes) | {"outerBoundsMode": "none"},  # else it shrinks for the labels once more
        "xAxis": _axis(classes) | {"axisLabel": _label(classes) | {"rotate": 0 if k <= UPRIGHT_UP_TO else 90}},
        "yAxis": _axis(classes) | {"axisLabel": _label(classes), "inverse": True},
        "tooltip": {"formatter": "true {@[4]}<br>predicted {@[5]}<br><b>{@[6]}</b>", "confine": True},
        "series": [
            {
                "type": "heatmap",
                "data": cells,
                "selectedMode": "single",
                "select": {"itemStyle": {"borderWidth": 0}},  # the frame below tells the choice, however it was made
                "label": {"show": k <= LABELS_UP_TO, "formatter": "{@[3]}", "fontSize": 13 if k <= 12 else 10},
                "emphasis": {"itemStyle": {"borderColor": CHOSEN, "borderWidth": 2}},
            }
        ],
    }


def _axis_title(text: str, **place: int | str) -> dict[str, Any]:
    return {"text": text, "padding": 0, "textStyle": TITLE_STYLE, **place}


def reliability_figure(table: "pd.DataFrame") -> "Figure":
    """Plotly bars of `evaluation.reliability`: accuracy by confidence, on the line where they belong if honest.

    A bar's customdata is (low, high, n). Text and grid take the page's colours.
    """
    import plotly.graph_objects as go

    low, high = _intervals(table)
    middle = (table["low"] + table["high"]) / 2
    hover = "confidence %{customdata[0]:.0%} to %{customdata[1]:.0%}<br>%{y:.1%} of %{customdata[2]} photos right"
    figure = go.Figure([
        go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line={"dash": "dot", "color": NEUTRAL}, hoverinfo="skip"),
        go.Bar(
            x=middle, y=table["accuracy"], width=table["high"] - table["low"] - 0.006,
            customdata=table[["low", "high", "n"]].to_numpy(), hovertemplate=f"{hover}<extra></extra>",
            marker={"color": css(RIGHT)},
            error_y={"array": high - table["accuracy"], "arrayminus": table["accuracy"] - low, "thickness": 1.2,
                     "width": 3, "color": NEUTRAL},
        ),
    ])  # fmt: skip
    return _of_shares(figure, "confidence", "right", [0, 1])


def _intervals(table: "pd.DataFrame") -> tuple[np.ndarray, np.ndarray]:
    """The 95% intervals of a table's accuracy over n: low (rows,), high (rows,)."""
    pairs = [wilson(round(share * n), n) for share, n in zip(table["accuracy"], table["n"], strict=True)]
    low, high = np.array(pairs).reshape(-1, 2).T
    return low, high


def coverage_figure(curve: "pd.DataFrame", refused: float) -> "Figure":
    """Plotly line of `evaluation.risk_coverage`: accuracy of what is answered by the share refused; `refused` is where
    the reader stands."""
    import plotly.graph_objects as go

    figure = go.Figure(go.Scatter(
        x=1 - curve["coverage"], y=curve["accuracy"], mode="lines", line={"color": css(RIGHT), "width": 2.5},
        hovertemplate="%{x:.0%} refused<br>%{y:.2%} of the rest right<extra></extra>",
    ))  # fmt: skip
    figure.add_vline(refused, line={"color": CHOSEN, "dash": "dot"})
    return _of_shares(figure, "refused, the least sure first", "right of the rest", None).update_yaxes(tickformat=".1%")


def colour_figure(photos: "pd.DataFrame", right: np.ndarray) -> "Figure":
    """Plotly strips of measured lightness, one for each labelled colour: right ones and wrong ones in two hues.

    `photos` has the columns of `colour_check.table`, `right` (rows of it,) is whether the colour is; a point's
    customdata is (index, path). Points are spread a little across their strip, each always in the same way. One whose
    measurement is unsure is hollow.
    """
    import plotly.graph_objects as go

    colours = photos["label"].str.split("_", n=1).str[0]
    names = sorted(set(colours))
    spread = np.random.default_rng(0).uniform(-0.32, 0.32, photos["index"].max() + 1 if len(photos) else 0)
    height = colours.map(names.index) + spread[photos["index"]]
    figure = go.Figure()
    unsure = photos["unsure"].to_numpy(bool)
    for name, rows, ink, size, opacity, symbol in (
        ("colour right", right & ~unsure, RIGHT, 6, 0.45, "circle"),
        ("right, unsure", right & unsure, RIGHT, 6, 0.7, "circle-open"),
        ("colour wrong", ~right & ~unsure, WRONG, 9, 0.9, "circle"),
        ("wrong, unsure", ~right & unsure, WRONG, 9, 0.9, "circle-open"),
    ):
        points = photos[rows]
        if points.empty:
            continue
        figure.add_scatter(
            x=points["lightness"], y=height[rows], mode="markers", name=name,
            marker={"color": css(ink), "size": size, "opacity": opacity, "symbol": symbol},
            customdata=points[["index", "path"]].to_numpy(),
            text=points["label"].map(in_words) + " called " + points["predicted"].map(in_words),
            hovertemplate="%{text}<br>lightness %{x:.0f}<br>%{customdata[1]}<extra></extra>",
        )  # fmt: skip
    legend = {"orientation": "h", "yanchor": "bottom", "y": 1.02}
    _lay_out(figure, top=50).update_layout(hovermode="closest", legend=legend)
    figure.update_xaxes(title="lightness, 0 is black", zeroline=False)
    return figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=names, range=[-0.5, len(names) - 0.5], zeroline=False, showgrid=False
    )


def learned_figure(curves: "pd.DataFrame", epoch: int) -> "Figure":
    """Plotly lines, one a class: its recall (columns) after each epoch (index); `epoch` is where the reader stands.

    A point's customdata is (epoch, place of the class).
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for place, name in enumerate(curves.columns):
        figure.add_scatter(
            x=curves.index, y=curves[name], mode="lines+markers", name=in_words(name), connectgaps=False,
            line={"color": CATEGORIES[place % len(CATEGORIES)], "dash": DASHES[place // len(CATEGORIES) % len(DASHES)]},
            customdata=np.array([[epoch, place] for epoch in curves.index]),
            hovertemplate=f"epoch %{{x}}<br>%{{y:.0%}} right<extra>{in_words(name)}</extra>",
        )  # fmt: skip
    figure.add_vline(epoch, line={"color": CHOSEN, "dash": "dot"})
    _lay_out(figure, top=8).update_layout(height=LEARNED_HEIGHT, legend={"orientation": "h", "y": -0.25})
    figure.update_xaxes(title="epoch", zeroline=False, dtick=1 if len(curves) <= 12 else None)
    return figure.update_yaxes(title="right", tickformat=".0%", range=[-0.02, 1.02], zeroline=False)


def _lay_out(figure: "Figure", top: int) -> "Figure":
    return figure.update_layout(margin={"l": 8, "r": 8, "t": top, "b": 40}, height=HEIGHT, dragmode=False)


def _of_shares(figure: "Figure", x: str, y: str, span: list[float] | None) -> "Figure":
    """Axes from 0 to 100%; `span` of the upright one, None as the data has it."""
    _lay_out(figure, top=12).update_layout(showlegend=False)
    figure.update_xaxes(title=x, tickformat=".0%", range=[0, 1], zeroline=False)
    return figure.update_yaxes(title=y, tickformat=".0%", range=span, zeroline=False)


def _axis(classes: Sequence[str]) -> dict[str, Any]:
    hidden = {name: {"show": False} for name in ("axisLine", "axisTick", "splitArea", "splitLine")}
    return {"type": "category", "data": list(classes), **hidden}


def _label(classes: Sequence[str]) -> dict[str, Any]:
    size = 12 if len(classes) <= 16 else 10
    return {"interval": 0, "width": _label_room(classes), "overflow": "truncate", "fontSize": size}


def _label_room(classes: Sequence[str]) -> int:
    """Pixels for the longest class name, 120 at most: there it is cut, and the tooltip has it whole."""
    return min(120, 10 + 6 * max(map(len, classes)))


def _cells(
    matrix: np.ndarray,
    classes: Sequence[str],
    normalise: Normalise,
    selected: tuple[str | None, str | None] | None,
    ink: dict[str, Any],
) -> list[dict[str, Any]]:
    """One item a cell, row by row: value [predicted, true, count, text, true name, predicted name, sentence]."""
    depth, texts, shares = shades(matrix, normalise), cell_text(matrix, normalise), normalised(matrix, normalise)
    items = []
    for (t, p), count in np.ndenumerate(matrix):
        sentence = _photos(int(count))
        if normalise != "count":
            sentence += f", {shares[t, p]:.1%} of the {normalise} class"
        style: dict[str, Any] = {"color": css(RIGHT if t == p else WRONG, float(depth[t, p]))}
        if selected and selected != (None, None) and _is_selected(selected, classes[t], classes[p]):
            style |= {"borderColor": CHOSEN, "borderWidth": 1 if None in selected else 2.5}
        value = [p, t, int(count), str(texts[t, p]), classes[t], classes[p], sentence]
        label = {"color": "#ffffff"} if depth[t, p] > 0.6 else ink
        items.append({"value": value, "itemStyle": style, "label": label})
    return items


def _mistakes(
    matrix: np.ndarray, classes: Sequence[str], normalise: Normalise, ink: dict[str, Any]
) -> list[dict[str, Any]]:
    """Items as of `_cells`, of the column and the row that count each class's mistakes."""
    k, right = len(classes), np.diag(matrix)
    items = []
    for totals, place in ((matrix.sum(axis=1), lambda c: [k, c]), (matrix.sum(axis=0), lambda c: [c, k])):
        for c, total in enumerate(totals):
            wrong = int(total - right[c])
            of_true = place(c)[0] == k
            text = "" if not wrong else f"{wrong}" if normalise == "count" else _percent(wrong / total)
            names = (classes[c], "another class") if of_true else ("another class", classes[c])
            style = {"color": css(GREY, 0.1 + 0.6 * (wrong / total) ** 0.5 if wrong else 0.05)}
            value = [*place(c), wrong, text, *names, f"{_photos(wrong)}, {wrong / max(total, 1):.1%} of {int(total):,}"]
            items.append({"value": value, "itemStyle": style, "label": ink})
    return items


def shades(matrix: np.ndarray, normalise: Normalise) -> np.ndarray:
    """(k, k) depth of colour, 0.05 for none to 1. Counts are shaded by their share of the true class: a small class
    would be pale otherwise, however good."""
    shares = normalised(matrix, "predicted" if normalise == "predicted" else "true")
    return np.where(matrix > 0, 0.12 + 0.88 * np.sqrt(shares), 0.05)


def cell_text(matrix: np.ndarray, normalise: Normalise) -> np.ndarray:
    """(k, k) words in the cells: counts or whole percentages, nothing where there is nothing."""
    shares = normalised(matrix, normalise)
    words = [
        ("" if not n else f"{n}" if normalise == "count" else _percent(s))
        for n, s in zip(matrix.flat, shares.flat, strict=True)
    ]
    return np.array(words, dtype=object).reshape(matrix.shape)


def _is_selected(selected: tuple[str | None, str | None], true: str, predicted: str) -> bool:
    return selected[0] in (None, true) and selected[1] in (None, predicted)


def _percent(share: float) -> str:
    """A whole percentage that calls nothing 0 or 100 that is not."""
    whole = round(share * 100)
    if share > 0 and whole == 0:
        return "<1"
    return ">99" if share < 1 and whole == 100 else str(whole)


def _photos(count: int) -> str:
    return "1 photo" if count == 1 else f"{count:,} photos"
