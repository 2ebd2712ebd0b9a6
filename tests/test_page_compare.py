"""The Compare page: only what was tested on the same photos stands together, and every point opens its evaluation."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from browser import ROOT, SOON, hover_click, steady_box
from evaluations import eight
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from fashion_core.files import write_json
from fashion_core.reports import charts
from fashion_core.runs import config

GRID = charts.trade_off_options([], "")["grid"]


def model(home, name, right=349, n=404, cost=(25.6e6, 8.18e9, 900.0), photos="apparel10", published=False, **more):
    """A model folder that was tested: its card and an evaluation."""
    folder = home / "weights" / name if published else home / "runs" / name / "model"
    folder.mkdir(parents=True)
    card = {
        "classes": ["coat", "hat", "sock"], "image_size": 224, "temperature": 1.0,
        "created": "2026-02-01T10:00:00+00:00",
        "metrics": {"test_accuracy": right / n, "test_n": n, "macro_f1": right / n - 0.02},
        "config": config.preset("best").as_dict() | more.pop("settings", {}),
        "dataset": {"name": photos, "fingerprint": f"{photos}-split-0"},
        "training_seconds": 412.0, "hardware": "NVIDIA H100",
    }  # fmt: skip
    if cost:
        card["cost"] = dict(zip(("parameters", "flops", "images_per_second"), cost, strict=True))
    write_json(folder / "card.json", card | more)
    (folder / "model.safetensors").write_bytes(b"0" * 2_500_000)
    eight(home / "photos").save(folder / "evaluation.parquet")


@pytest.fixture
def series(home):
    """Five of one experiment, one of an older one without its cost, one tested elsewhere."""
    model(home, "20260201-100000-best", 391, created="2026-02-01T12:00:00+00:00")
    model(home, "20260201-110000-best", 372, cost=(134.3e6, 30.96e9, 610.0), settings={"architecture": "vgg16"})
    model(home, "20260201-120000-best", 380, cost=(5.6e6, 3.0e9, 1500.0), settings={"architecture": "googlenet"})
    model(home, "20260201-130000-best", 384, cost=(27.8e6, 8.9e9, 800.0), settings={"architecture": "convnext_tiny"})
    model(home, "apparel-small", 377, cost=(4.2e6, 0.43e9, 2100.0), published=True, run="20260201-140000-best")
    model(home, "20260201-140000-best", 377, cost=(4.2e6, 0.43e9, 2100.0))
    model(home, "20251224-100000-quick", 349, cost=None, created="2025-12-24T10:00:00+00:00")
    model(home, "20251223-100000-quick", 254, 341, photos="clothing", created="2025-12-23T10:00:00+00:00")
    return home


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(ROOT / "pages/compare.py", default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def words(app: AppTest) -> str:
    return "\n".join(element.value for element in app.caption).replace("\\", "")


def drawn(app: AppTest) -> list[list]:
    """The values of the chart's points."""
    return [item["value"] for item in json.loads(app.get("echarts_chart")[0].proto.spec)["series"][1]["data"]]


def test_with_nothing_tested_it_says_what_to_do(home):
    app = opened()
    assert not app.exception
    assert "Nothing to compare yet" in app.info[0].value and not app.selectbox


def test_the_newest_tests_photos_come_first_and_other_photos_stay_apart(series):
    app = opened()
    assert not app.exception
    assert app.selectbox(key="photos").options == ["apparel10 · appare", "clothing · clothi"]
    assert "6 models, each tested on the same 404 photos" in words(app) and "1 more" in words(app)
    app.selectbox(key="photos").select_index(1).run()
    assert app.dataframe[0].value["name"].to_list() == ["20251223-100000-quick"]


def test_a_published_run_counts_once_under_its_name(series):
    names = opened().dataframe[0].value["name"].to_list()
    assert "apparel-small" in names and "20260201-140000-best" not in names


def test_the_table_has_the_best_first_and_says_what_is_not_known(series):
    table = opened().dataframe[0].value.set_index("name")
    assert table.index[0] == "20260201-100000-best"
    assert table.loc["20260201-110000-best", "recipe"] == "best, vgg16"
    assert table.loc["20260201-110000-best", "flops"] == 30.96e9
    old = table.loc["20251224-100000-quick"]
    assert old[["parameters", "flops", "images_per_second"]].isna().all() and old["megabytes"] == 2.5


@pytest.mark.parametrize(
    ("cost", "x", "count"),
    [("Parameters", 25.6, 5), ("FLOPs", 8.18, 5), ("Model size", 2.5, 6), ("Training time", 6.867, 6),
     ("Training speed", 900.0, 5)],
)  # fmt: skip
def test_every_cost_of_the_address_places_the_points_that_have_it(series, cost, x, count):
    app = opened(cost=cost)
    values = drawn(app)
    assert not app.exception and len(values) == count
    assert [x, 96.78, "best", "96.78%, 95% interval 94.6% to 98.1%"] in values
    assert ("1 of them has no" in words(app)) == (count == 5)


def test_a_model_is_opened_by_its_name_too(series):
    app = opened()
    app.selectbox(key="named").select("apparel-small").run()
    assert app.get("link_button")[0].proto.url == "/evaluate?model=apparel-small"


def test_a_damaged_card_and_one_of_another_age_do_no_harm(series):
    (series / "runs" / "20260201-110000-best" / "model" / "card.json").write_text("{")
    model(series, "ancient", cost=None, metrics=None, dataset=None, config=None)
    app = opened()
    assert not app.exception and len(app.dataframe[0].value) == 5


def test_a_click_on_a_point_opens_its_evaluation_and_back_comes_back(series, server, page: Page):
    page.goto(f"{server(series).url}/compare")
    chart = page.locator(".st-key-trade-off").get_by_test_id("stEChartsChart")
    expect(chart.locator("canvas").first).to_be_visible(timeout=SOON)
    hover_click(page, chart, lambda box: place(box, 134.3, 100 * 372 / 404))
    expect(page).to_have_url(re.compile("/evaluate.*model=20260201-110000-best"), timeout=SOON)
    expect(page.get_by_text("Matrix", exact=True).first).to_be_visible(timeout=SOON)
    page.go_back()
    expect(page.get_by_role("heading", name="Compare")).to_be_visible(timeout=SOON)
    expect(chart.locator("canvas").first).to_be_visible(timeout=SOON)
    table = page.locator(".st-key-models").get_by_test_id("stDataFrame")
    steady_box(page, table)
    table.click(position={"x": 12, "y": 35 + 17})  # the box before the first row: the best model
    expect(page).to_have_url(re.compile("/evaluate.*model=20260201-100000-best"), timeout=SOON)


def place(box, x: float, y: float) -> tuple[float, float]:
    """Where a point lies in a chart of this size, in pixels: the axes reach to 1.25 × 134.3 and from 80 to 100."""
    wide, high = box["width"] - GRID["left"] - GRID["right"], box["height"] - GRID["top"] - GRID["bottom"]
    return GRID["left"] + x / (1.25 * 134.3) * wide, GRID["top"] + (100 - y) / (100 - 85) * high


def test_two_models_are_told_apart_by_the_photos_on_which_they_differ(home):
    model(home, "20260201-100000-best")
    model(home, "20260201-110000-best", created="2026-02-01T11:00:00+00:00")
    other = eight(home / "photos")
    probabilities = np.roll(other.probabilities, 1, axis=1)  # wrong on what was right: five photos
    replace(other, probabilities=probabilities).save(home / "runs/20260201-110000-best/model/evaluation.parquet")
    app = opened(named="20260201-100000-best", against="20260201-110000-best")
    said = "\n".join(element.value for element in app.markdown).replace("\\", "")
    assert "5 photos are right with 20260201-100000-best alone" in said and "p = 0." in said
    app.segmented_control(key="only").set_value("right with 20260201-100000-best alone").run()
    assert not app.exception and sum("wrong]" in caption.value for caption in app.caption) == 5
