"""The confusion matrix as an option of ECharts and as a PNG: every cell in its place, in words that do not mislead."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from browser import ROOT
from evaluations import CLASSES, CONFUSION, eight, made_up
from PIL import Image

from fashion_core.reports import charts, figures, palette, trade_off
from fashion_core.stats import wilson

MATRIX = np.array(CONFUSION)


def items(normalise="count", selected=None, matrix=MATRIX, classes=CLASSES):
    return charts.confusion_options(matrix, classes, normalise, selected)["series"][0]["data"]


def test_the_index_of_a_cell_is_true_times_classes_plus_predicted():
    cells = [item["value"] for item in items()]
    assert [(t, p) for p, t, *_ in cells] == [(t, p) for t in range(3) for p in range(3)]
    assert [count for _, _, count, *_ in cells] == [2, 1, 0, 0, 2, 1, 0, 1, 1]
    assert cells[1][3:] == ["1", "coat", "hat", "1 photo"]


@pytest.mark.parametrize(
    ("normalise", "texts"),
    [
        ("count", ["2", "1", "", "", "2", "1", "", "1", "1"]),
        ("true", ["67", "33", "", "", "67", "33", "", "50", "50"]),  # rows of 3, 3, 2
        ("predicted", ["100", "25", "", "", "50", "50", "", "25", "50"]),  # columns of 2, 4, 2
    ],
)
def test_cells_say_counts_or_percentages_of_the_true_or_the_predicted_class(normalise, texts):
    cells = [item["value"] for item in items(normalise)]
    assert [cell[3] for cell in cells] == texts
    sentence = {"count": "1 photo", "true": "1 photo, 33.3% of the true class"}
    assert cells[1][6] == sentence.get(normalise, "1 photo, 25.0% of the predicted class")


def test_shares_sum_to_one_and_a_class_without_photos_keeps_zeros():
    matrix = np.array([[3, 1, 0], [0, 0, 0], [2, 2, 0]])
    assert charts.normalised(matrix, "true").sum(axis=1).tolist() == [1, 0, 1]
    assert charts.normalised(matrix, "predicted").sum(axis=0).tolist() == [1, 1, 0]
    assert charts.normalised(matrix, "count") is matrix


def test_a_percentage_never_rounds_to_none_or_all():
    matrix = np.array([[999, 1], [0, 5]])
    assert [item["value"][3] for item in items("true", matrix=matrix, classes=("a", "b"))] == [">99", "<1", "", "100"]


def test_the_most_confused_classes_are_those_with_the_most_mistakes_either_way_in_class_order():
    matrix = np.array([[9, 0, 0, 1], [0, 9, 0, 0], [0, 0, 5, 4], [0, 0, 0, 9]])  # mistakes: 1, 0, 4, 5
    assert charts.most_confused(matrix, 1).tolist() == [3]
    assert charts.most_confused(matrix, 2).tolist() == [2, 3]
    assert charts.most_confused(matrix, 3).tolist() == [0, 2, 3]
    assert charts.most_confused(matrix, 99).tolist() == [0, 1, 2, 3]
    assert charts.most_confused(np.eye(3, dtype=int), 2).tolist() == [0, 1], "of equals the earlier ones"


@pytest.mark.parametrize(
    ("selected", "framed"),
    [(None, []), ((None, None), []), (("coat", "hat"), [1]), (("hat", None), [3, 4, 5]), ((None, "sock"), [2, 5, 8])],
)
def test_the_chosen_cells_are_framed(selected, framed):
    assert [i for i, item in enumerate(items(selected=selected)) if "borderColor" in item["itemStyle"]] == framed


@pytest.mark.parametrize("k", [2, 10, 40])
def test_two_to_forty_classes_leave_room_for_cells_on_a_phone(k):
    names = [f"class number {i}" for i in range(k)]
    options = charts.confusion_options(np.eye(k, dtype=int), names, "true")
    json.dumps(options)  # plain numbers only: the browser gets JSON
    margins = charts.plot_margins(names)
    assert (358 - margins["left"] - margins["right"]) / k >= 5
    assert (charts.matrix_height(k) - margins["top"] - margins["bottom"]) / k >= 20


@pytest.mark.parametrize("normalise", ["count", "true", "predicted"])
def test_the_matrix_is_a_png_of_forty_classes_too(normalise):
    for evaluation in (eight(), made_up("/nowhere", tuple(f"{i} $x_{i}$ {{" for i in range(40)), n=100)):
        picture = Image.open(io.BytesIO(figures.confusion_png(evaluation, normalise)))
        assert picture.format == "PNG" and min(picture.size) > 500


@pytest.mark.parametrize("k", [142, 500])
def test_a_report_of_many_classes_needs_little_memory_and_names_the_classes_that_it_draws(k, tmp_path):
    script = f"""
import resource, sys
from pathlib import Path
import numpy as np, pandas as pd
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.models.card import ModelCard
from fashion_core.reports import figures, html
figures.confusion_png(Evaluation(("a", "b"), pd.DataFrame({{"path": ["1", "2"], "label": ["a", "b"]}}, dtype=object),
                                 np.eye(2, dtype=np.float32), "/nowhere"))
names = tuple(f"{{i:03}}_{{'name' * 30}}" for i in range({k}))
rng = np.random.default_rng(0)
chances = rng.dirichlet(np.ones({k}), 3 * {k}).astype(np.float32)
photos = pd.DataFrame({{"path": [f"{{i}}.jpg" for i in range(len(chances))], "label": list(names) * 3}}, dtype=object)
evaluation = Evaluation(names, photos, chances, "/nowhere")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
picture = figures.confusion_png(evaluation, "true")
Path(sys.argv[1]).write_bytes(picture)
assert len(html.html(evaluation, ModelCard("many", names, 32, 1.0), Path("/nowhere"))) > len(picture)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "matrix.png"], capture_output=True, text=True,
                          cwd=ROOT)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 300 * 1024, "KiB"
    assert max(Image.open(tmp_path / "matrix.png").size) <= 3300


def test_the_grid_frames_what_is_wrong_and_needs_no_full_rows():
    tile = Image.new("RGB", (40, 80), (0, 255, 0))
    right, wrong = (tile, "hat", "hat", 0.9), (tile, "hat", "$ock", 0.6)

    def framed(tiles):
        pixels = np.asarray(Image.open(io.BytesIO(figures.grid_png(tiles))).convert("RGB")).reshape(-1, 3)
        return int((np.abs(pixels.astype(int) - np.array(palette.WRONG)).max(axis=1) < 3).sum())

    assert framed([right] * 4) == 0
    assert 0 < framed([right] * 3 + [wrong]) < framed([wrong] * 4)


def point(x, right, label, photos, n=404):
    low, high = wilson(right, n)
    return {"x": x, "right": right, "n": n, "accuracy": right / n, "low": low, "high": high, "label": label,
            "title": f"{label} (1 Feb)", "name": label, "photos": photos}  # fmt: skip


def test_points_over_a_cost_stand_where_they_belong_each_with_its_interval_and_the_colour_of_its_photos():
    points = [point(4.2, 377, "small", "paper"), point(134.0, 372, "large", "own"), point(60.0, 390, "mid", "paper")]
    option = trade_off.options(points, "million parameters", "right of test photos, %")
    strokes, *dots = option["series"]
    assert strokes["data"][:3] == [[4.2, 90.45], [4.2, 95.37], [4.2, None]] and len(strokes["data"]) == 9
    assert [[item["value"][:3] for item in series["data"]] for series in dots] == [
        [[4.2, 93.32, "small"], [60.0, 96.53, "mid"]], [[134.0, 92.08, "large"]]
    ]  # fmt: skip
    assert dots[0]["data"][0]["value"][3:] == ["small (1 Feb)", "93.3% right: 377 of 404 photos",
                                               "95% interval 90.5% to 95.4%"]  # fmt: skip
    assert option["legend"]["data"] == ["paper", "own"]
    assert dots[0]["itemStyle"]["color"] != dots[1]["itemStyle"]["color"] and dots[0]["symbol"] != dots[1]["symbol"]
    assert [dots[0]["data"][0]["label"]["position"], dots[1]["data"][0]["label"]["position"]] == ["right", "left"]
    assert option["title"]["text"] == "right of test photos, %"
    json.dumps(option, allow_nan=False)
    assert trade_off.clicked(points, [{"series_index": 1, "data_indices": [1]}])["name"] == "mid"
    assert trade_off.clicked(points, [{"series_index": 2, "data_indices": [0]}])["name"] == "large"
    assert trade_off.clicked(points, [{"series_index": 0, "data_indices": [0]}]) is None


@pytest.mark.parametrize(
    ("most", "worst", "end", "step", "bottom", "down"),
    [(134.0, 372, 150, 25, 88, 2), (23.5, 100, 25, 5, 20, 20), (0.39, 402, 0.5, 0.1, 98, 0.5), (8.2, 0, 10, 2, 0, 20)],
)
def test_the_axes_have_round_numbers_and_hold_every_interval(most, worst, end, step, bottom, down):
    option = trade_off.options([point(most, worst, "one", "p"), point(most / 3, 403, "two", "p")], "", "")
    across, up = option["xAxis"], option["yAxis"]
    assert (across["max"], across["interval"], up["min"], up["max"], up["interval"]) == (end, step, bottom, 100, down)
    assert end / step == int(end / step) and (100 - bottom) / down == int((100 - bottom) / down)
