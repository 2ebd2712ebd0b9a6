"""The Compare page: every tested model is in its first chart or named below it, and every number opens its photos."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from browser import ROOT, SOON, hover_click, steady_box
from evaluations import eight
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from fashion_core.evaluation import paired, people
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.files import write_json
from fashion_core.reports import trade_off
from fashion_core.runs import config

GRID = trade_off.options([], "", "")["grid"]
PEOPLE = {"right": 80, "n": 100, "macro_f1": 0.8, "garment_right": 110, "garment_n": 125}


def model(home, name, right=349, n=404, cost=(25.6e6, 8.18e9, 900.0), photos="apparel10", published=False, **more):
    """A model folder that was tested: its card and an evaluation."""
    folder = home / "weights" / name if published else home / "runs" / name / "model"
    folder.mkdir(parents=True)
    card = {
        "classes": ["coat", "hat", "sock"], "image_size": 224, "temperature": 1.0,
        "created": "2026-02-01T10:00:00+00:00",
        "metrics": {"test_accuracy": right / n, "test_n": n, "macro_f1": right / n - 0.02} | more.pop("figures", {}),
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


def drawn(app: AppTest) -> dict[str, list[list]]:
    """The values of the chart's points, by the photos that the models were tested on."""
    series = json.loads(app.get("echarts_chart")[0].proto.spec)["series"][1:]
    return {each["name"]: [item["value"] for item in each["data"]] for each in series}


def test_with_nothing_tested_it_says_what_to_do(home):
    app = opened()
    assert not app.exception
    assert "Nothing to compare yet" in app.info[0].value and not app.selectbox


def test_every_model_is_in_the_first_chart_whatever_its_test_photos_told_apart_by_colour(series):
    app = opened(cost="Model size")
    assert not app.exception
    assert {name: len(points) for name, points in drawn(app).items()} == {"apparel10": 6, "clothing": 1}
    assert "7 models on test photos, each on its own." in words(app) and "Not in this chart" not in words(app)
    assert len(app.dataframe[0].value) == 7


def test_photos_that_people_took_come_first_and_who_never_saw_them_is_named(series):
    model(series, "phone", published=True, photos="paper", figures={"people": PEOPLE})
    app = opened()
    options = ["Photos people took", "Photos people took: garment alone", "Each model's own test photos",
               "Test photos of apparel10", "Test photos of clothing", "Test photos of paper"]  # fmt: skip
    assert sorted(app.selectbox(key="photos").options) == sorted(options)
    assert drawn(app) == {"paper": [[25.6, 80.0, "phone", "phone", "80.0% right: 80 of 100 photos",
                                     "95% interval 71.1% to 86.7%"]]}  # fmt: skip
    spec = json.loads(app.get("echarts_chart")[0].proto.spec)
    assert spec["title"]["text"] == "accuracy on photos people took, %"
    assert "Not in this chart: apparel-small, best" in words(app)
    assert "and 1 more (not tested on these photos)" in words(app)
    app.selectbox(key="photos").select("garment").run()
    assert drawn(app)["paper"][0][1] == 88.0
    app.selectbox(key="photos").select("test").run()
    assert {name: len(points) for name, points in drawn(app).items()} == {"paper": 1, "apparel10": 5, "clothing": 1}


def test_one_set_of_test_photos_alone_names_the_models_of_others(series):
    app = opened()
    app.selectbox(key="photos").select("clothing").run()
    assert not app.exception and list(drawn(app)) == ["clothing"]
    assert "1 model on the test photos of clothing." in words(app) and "apparel-small" in words(app)


def test_two_splits_of_one_folder_are_told_apart(series):
    model(series, "other-split", dataset={"name": "apparel10", "fingerprint": "ffffff-other"})
    first, other = "apparel10, first tested 24 Dec 2025", "apparel10, first tested 1 Feb 2026"
    assert {first, other, "clothing"} == set(drawn(opened(cost="Model size")))
    model(series, "fewer", 80, 90, dataset={"name": "apparel10", "fingerprint": "eeeeee-fewer"})
    model(series, "again", dataset={"name": "apparel10", "fingerprint": "dddddd-again"})
    of_day = "apparel10, 404 photos, first tested 1 Feb 2026"
    assert {"apparel10, 90 photos", "apparel10, 404 photos, first tested 24 Dec 2025", f"{of_day}, set 1",
            f"{of_day}, set 2", "clothing"} == set(drawn(opened(cost="Model size")))  # fmt: skip


def test_models_are_called_by_plain_names_and_equal_ones_are_told_apart(series):
    model(series, "20260201-110001-best", settings={"architecture": "vgg16"})
    titles = opened().dataframe[0].value.set_index("name")["title"]
    assert titles["apparel-small"] == "apparel-small"
    assert titles["20260201-100000-best"] == "best (1 Feb 2026, 12:00)"
    assert titles["20260201-110001-best"] == "best, vgg16 (1 Feb 2026, 10:00) (20260201-110001-best)"


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
    [("Parameters", 25.6, 6), ("FLOPs", 8.18, 6), ("Model size", 2.5, 7), ("Training time", 6.867, 7),
     ("Training speed", 900.0, 6)],
)  # fmt: skip
def test_every_cost_of_the_address_places_the_points_that_have_it(series, cost, x, count):
    app = opened(cost=cost)
    values = [value for points in drawn(app).values() for value in points]
    assert not app.exception and len(values) == count
    assert [x, 96.78, "best", "best (1 Feb 2026, 12:00)", "96.8% right: 391 of 404 photos",
            "95% interval 94.6% to 98.1%"] in values  # fmt: skip
    missing = f"Not in this chart: best (24 Dec 2025, 10:00) ({cost} not on record)"
    assert (missing in words(app)) == (count == 6)


def test_a_model_is_opened_by_its_name_too(series):
    app = opened()
    app.selectbox(key="named").select("apparel-small").run()
    assert app.get("link_button")[0].proto.url == "/evaluate?model=apparel-small"


def test_a_damaged_card_and_one_of_another_age_do_no_harm(series):
    (series / "runs" / "20260201-110000-best" / "model" / "card.json").write_text("{")
    model(series, "ancient", cost=None, metrics=None, dataset=None, config=None)
    app = opened()
    assert not app.exception and len(app.dataframe[0].value) == 6


def test_a_click_on_a_point_or_an_accuracy_opens_its_mistakes_and_back_comes_back(series, server, page: Page):
    page.goto(f"{server(series).url}/compare")
    chart = page.locator(".st-key-trade-off").get_by_test_id("stEChartsChart")
    expect(chart.locator("canvas").first).to_be_visible(timeout=SOON)
    hover_click(page, chart, lambda box: place(box, 134.3, 100 * 372 / 404))
    expect(page).to_have_url(re.compile("/evaluate.*model=20260201-110000-best"), timeout=SOON)
    assert "of=test" in page.url and "which=wrong" in page.url
    page.go_back()
    expect(page.get_by_role("heading", name="Compare")).to_be_visible(timeout=SOON)
    expect(chart.locator("canvas").first).to_be_visible(timeout=SOON)
    table = page.locator(".st-key-models").get_by_test_id("stDataFrame")
    steady_box(page, table)
    table.click(position={"x": 60, "y": 35 + 17})  # the first row: the best model's name
    expect(page).to_have_url(re.compile("/evaluate.*model=20260201-100000-best"), timeout=SOON)


def place(box, x: float, y: float) -> tuple[float, float]:
    """Where a point lies in a chart of this size, in pixels: the axes reach to 150 and from 60 to 100."""
    wide, high = box["width"] - GRID["left"] - GRID["right"], box["height"] - GRID["top"] - GRID["bottom"] - 2 * 24
    return GRID["left"] + x / 150 * wide, GRID["top"] + (100 - y) / (100 - 60) * high


def said(app: AppTest) -> str:
    return "\n".join(element.value for element in app.markdown).replace("\\", "")


def rolled(evaluation: Evaluation) -> Evaluation:
    """The same photos, each answer that was right wrong."""
    return replace(evaluation, probabilities=np.roll(evaluation.probabilities, 1, axis=1))


def test_two_models_are_told_apart_by_the_photos_on_which_they_differ(home):
    model(home, "20260201-100000-best")
    model(home, "20260201-110000-best", created="2026-02-01T11:00:00+00:00")
    rolled(eight(home / "photos")).save(home / "runs/20260201-110000-best/model/evaluation.parquet")
    app = opened(named="20260201-100000-best", against="20260201-110000-best")
    assert not app.exception
    assert "on the 8 photos that both were tested on, best (1 Feb 2026, 10:00) is right on 5" in said(app)
    assert "2026, 11:00) on 1 (exact McNemar test, p = 0." in said(app)
    assert app.segmented_control(key="only").options[0].endswith("is right (5)")
    assert sum("wrong]" in caption.value for caption in app.caption) == 5  # what the other took them for, as photos


def test_models_of_other_classes_compare_on_the_photos_people_took_that_both_know(home):
    three, two = eight(home / "photos"), ("coat", "hat")
    keep = three.photos["label"].isin(two).to_numpy()
    part = Evaluation(two, three.photos[keep].reset_index(drop=True), three.probabilities[keep][:, :2])
    for name, answers in (("a", three), ("b", part)):
        model(home, name, published=True, photos=name, figures={"people": PEOPLE})
        answers.save(home / "weights" / name / people.FOLDER / people.KNOWN)
    app = opened(named="a", against="b")
    assert not app.exception and f"on the {keep.sum()} photos that both were tested on" in said(app)
    app.selectbox(key="photos").select("test").run()
    assert "were tested on different photos" in app.info[0].value and not app.exception


def test_only_the_same_photo_under_the_same_label_pairs():
    ours = eight()
    theirs = replace(ours, photos=ours.photos.assign(label=ours.photos["label"][::-1].to_numpy()))
    same = [a == b for a, b in zip(ours.photos["label"], theirs.photos["label"], strict=True)]
    pair = paired.common(ours, theirs)
    assert len(pair[0] if pair else ()) == sum(same)
    moved = replace(ours, photos=ours.photos.assign(path="elsewhere/" + ours.photos["path"]))
    assert paired.common(ours, moved) is None
