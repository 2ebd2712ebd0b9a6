"""Still pictures to keep: PNGs through Matplotlib, on white, for papers and slides."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fashion_core.class_names import in_words
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.photos import imaging
from fashion_core.reports.charts import CLASSES_UP_TO, Normalise, cell_text, most_confused, shades
from fashion_core.reports.curves import Metric, lines
from fashion_core.reports.palette import CATEGORIES, RIGHT, WRONG
from fashion_core.runs.events import LogSnapshot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL import Image

DPI = 200
LETTERS = 32  # of a class name


def confusion_png(evaluation: Evaluation, normalise: Normalise = "count") -> bytes:
    """The confusion matrix as on the page: predicted across, true down, right ones and wrong ones in two hues.

    Of more than `CLASSES_UP_TO` classes it has those with the most mistakes, and says so: at most 3,300 pixels a side.
    """
    matrix = evaluation.confusion()
    drawn = most_confused(matrix, CLASSES_UP_TO)
    k, cells = len(drawn), np.ix_(drawn, drawn)
    side = 2.2 + max(0.32, 0.62 - k / 60) * k
    figure = _figure(side, side)
    axes = figure.subplots()
    _draw_cells(axes, shades(matrix, normalise)[cells], cell_text(matrix, normalise)[cells])
    names = [_text(evaluation.classes[place]) for place in drawn]
    axes.set_xticks(np.arange(k) + 0.5, names, rotation=90 if k > 4 else 0)
    axes.set_yticks(np.arange(k) + 0.5, names)
    axes.set(xlabel="predicted", ylabel="true", aspect="equal")
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(_title(evaluation, normalise, matrix, drawn), fontsize=10, loc="left")
    return _png(figure)


def _draw_cells(axes: "Axes", depth: np.ndarray, texts: np.ndarray) -> None:
    """Cells (k, k) of `depth` 0 to 1 with their texts, as quads: an image would be resampled in floats, whose memory
    grows with the square of the picture's side."""
    k = len(depth)
    hue = np.where(np.eye(k, dtype=bool)[..., None], RIGHT, WRONG) / 255
    axes.pcolormesh(1 - (1 - hue) * depth[..., None], edgecolors="white", linewidth=1.5)
    axes.invert_yaxis()
    for (t, p), text in np.ndenumerate(texts):
        ink = "white" if depth[t, p] > 0.6 else "black"
        if text:
            axes.text(p + 0.5, t + 0.5, text, ha="center", va="center", color=ink, fontsize=9 if k <= 12 else 6)


def _title(evaluation: Evaluation, normalise: Normalise, matrix: np.ndarray, drawn: np.ndarray) -> str:
    unit = {"count": "photos", "true": "% of each true class", "predicted": "% of each predicted class"}[normalise]
    whole = f"{evaluation.accuracy:.2%} of {len(evaluation):,} right · {unit}"
    if len(drawn) == len(matrix):
        return whole
    mistakes, inside = (int(counts.sum() - np.trace(counts)) for counts in (matrix, matrix[np.ix_(drawn, drawn)]))
    return (
        f"{whole}\nthe {len(drawn)} of {len(matrix)} classes with the most mistakes: {inside:,} of all {mistakes:,} "
        "mistakes are between them"
    )


def curves_png(tail: LogSnapshot, smoothing: float = 0.9) -> bytes:
    """Loss and accuracy of a run, training line per iteration (smoothed) against validation per epoch."""
    figure = _figure(9, 3.4)
    metrics: tuple[Metric, ...] = ("loss", "accuracy")
    for axes, metric in zip(figure.subplots(1, len(metrics)), metrics, strict=True):
        for colour, (split, points) in zip(CATEGORIES, lines(tail, metric, "step", smoothing).items(), strict=False):
            x, y = np.array(points).reshape(-1, 2).T
            axes.plot(x, y, color=colour, label=split, marker="o" if split == "validation" else "", linewidth=1.6)
        axes.set(title=metric, xlabel="iteration")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    return _png(figure)


def photos_png(rows: pd.DataFrame, root: Path) -> bytes:
    """The same grid of `rows` of an evaluation, whose photos lie in `root`; one that is not there is a grey tile."""
    from PIL import Image

    tiles = []
    for row in rows.to_dict("records"):
        try:
            image = imaging.read(root / row["path"])
        except imaging.BadPhoto:
            image = Image.new("RGB", (64, 64), "lightgrey")
        tiles.append((image, row["label"], row["predicted"], float(row["p_predicted"])))
    return grid_png(tiles)


def grid_png(tiles: Sequence[tuple["Image.Image", str, str, float]], columns: int = 3) -> bytes:
    """The paper's grid of test photos: (image, true label, predicted label, confidence 0 to 1), row by row.

    A wrong one has a thick frame, a cross and the word, so that it shows in grey too.
    """
    columns = min(columns, max(1, len(tiles)))
    rows = max(1, -(-len(tiles) // columns))
    figure = _figure(2.6 * columns, 3.1 * rows, padding=0.08)
    for axes, tile in zip(
        figure.subplots(rows, columns, squeeze=False).flat, [*tiles, *[None] * columns], strict=False
    ):
        axes.set(xticks=[], yticks=[])
        if tile is None:
            axes.set_visible(False)
            continue
        image, true, predicted, confidence = tile
        right = true == predicted
        colour = np.array(RIGHT if right else WRONG) / 255
        axes.imshow(_letterboxed(image))
        axes.spines[:].set(color=colour, linewidth=1 if right else 4)
        verdict = "✓ right" if right else "✗ wrong"
        words = f"true: {_text(true)}\npredicted: {_text(predicted)}\nconfidence {confidence:.0%}  {verdict}"
        axes.set_title(words, fontsize=9, loc="left", color="black")
    return _png(figure)


def _letterboxed(image: "Image.Image", side: int = 480) -> "Image.Image":
    from PIL import ImageOps

    return ImageOps.pad(image.convert("RGB"), (side, side), color=(240, 240, 240))


def _text(name: str) -> str:
    """A class name in words that Matplotlib prints as they are, cut where they are long: a dollar sign would begin a
    formula."""
    name = in_words(name)
    return (name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…").replace("$", r"\$")


def _figure(width: float, height: float, padding: float = 0.04167) -> "Figure":
    """A figure of its own, in inches, without pyplot, whose state all visitors of a server would share."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(w_pad=padding, h_pad=padding)
    return Figure(figsize=(width, height), layout=layout, facecolor="white")


def _png(figure: "Figure") -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI)
    return out.getvalue()
