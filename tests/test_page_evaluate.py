"""The Evaluate page: from every number to its photos, from the URL to the same photos, and plain words for none."""

import os
import re
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from browser import hover_click, steady_box
from PIL import Image
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest
from test_colour_check import BLACK, BLUE, SPACE, evidence
from test_evaluation import ROOT, eight, five, made_up, publish
from test_label_issues import planted

from fashion_core import paper
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.evaluation.meta import EvaluationMeta


def opened(**query: str) -> AppTest:
    """The page as it first appears at this address."""
    app = AppTest.from_file(ROOT / "pages/evaluate.py", default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def words(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption) for element in kind)


def tiles(app: AppTest) -> list[str]:
    """The file behind each tile of the gallery, as its caption's last line tells."""
    captions = (caption.value for caption in app.caption)
    return [text.rsplit("\n", 1)[-1].replace("\\", "") for text in captions if "wrong]" in text or "right]" in text]


@pytest.fixture
def by_hand(home, tmp_path):
    """A home with the eight photos worked out by hand."""
    publish(home, eight(tmp_path / "photos"))
    return tmp_path / "photos"


def test_with_nothing_evaluated_it_says_what_to_do(home):
    app = opened()
    assert not app.exception
    assert "Train a model" in app.info[0].value
    assert not app.selectbox


def test_classes_may_be_called_like_the_averages(home, tmp_path):
    names = {"coat": "macro avg", "hat": "accuracy", "sock": "weighted avg"}
    whole = eight(tmp_path / "photos")
    photos = whole.photos.assign(label=whole.photos["label"].map(names))
    publish(home, replace(whole, classes=tuple(names.values()), photos=photos), draw=False)
    app = opened(view="Report")
    assert not app.exception and "hardest: weighted avg" in words(app).replace("\\", "")
    assert [metric.value for metric in app.metric][:2] == ["62.50%", "0.624"]
    (table,) = [each.value for each in app.dataframe if "class" in each.value]
    assert table["class"].to_list() == [*names.values(), "accuracy", "macro avg", "weighted avg"]


def test_it_says_which_model_epoch_split_and_when(by_hand):
    app = opened()
    assert not app.exception
    origin = app.caption[0].value.replace("\\", "")
    for fact in ("by-hand", "epoch 3", "test photos", "02 January 2026"):
        assert fact in origin
    assert {metric.label: metric.value for metric in app.metric} == {
        "Accuracy": "62.50%", "Macro F1": "0.624", "Wrong": "3", "Photos": "8",
    }  # fmt: skip


def test_all_photos_show_most_confidently_wrong_first(by_hand):
    app = opened()
    assert tiles(app) == [f"{number}.jpg" for number in (7, 2, 5, 1, 3, 0, 6, 4)]
    assert len(app.get("image")) == 8
    first = next(caption.value for caption in app.caption if "wrong]" in caption.value).replace("\\", "")
    assert "called **hat** 90.0%" in first and "is **sock** 5.0%" in first


def test_the_two_lists_choose_a_cell_and_its_photos(by_hand):
    app = opened()
    app.selectbox(key="true").select("coat").run()
    assert tiles(app) == ["2.jpg", "1.jpg", "0.jpg"]
    app.selectbox(key="predicted").select("hat").run()
    assert tiles(app) == ["2.jpg"]
    app.selectbox(key="predicted").select("sock").run()
    assert tiles(app) == [] and "**0** of 8 photos" in words(app)
    assert not app.exception


def test_the_address_brings_the_selection_back(by_hand):
    app = opened(model="by-hand", predicted="hat", which="wrong", view="Report")
    assert app.selectbox(key="predicted").value == "hat"
    assert tiles(app) == ["7.jpg", "2.jpg"]
    assert app.get("arrow_data_frame") or app.dataframe


def test_every_headline_number_opens_its_photos(by_hand):
    app = opened()
    for door, photos in (("Accuracy", [1, 3, 0, 6, 4]), ("Macro F1", [7, 6]), ("Wrong", [7, 2, 5])):
        app.button(key=f"door-{door}").click().run()
        assert tiles(app) == [f"{number}.jpg" for number in photos], door
    app.button(key="door-Photos").click().run()
    assert len(tiles(app)) == 8


def test_the_matrix_frames_the_chosen_cell(by_hand):
    def framed(app: AppTest) -> int:
        return app.get("echarts_chart")[0].proto.spec.count("borderColor")

    whole, one = framed(opened()), framed(opened(true="coat", predicted="hat"))
    assert one == whole + 1


def test_it_counts_what_could_not_be_read(by_hand):
    app = opened()
    assert app.expander[0].label.endswith("Could not be read, and not counted: 1")
    assert app.expander[0].dataframe[0].value.to_dict("list") == {"path": ["hat/bad.jpg"], "reason": ["empty file"]}


def test_photos_that_are_elsewhere_and_broken_ones_say_so(by_hand):
    (by_hand / "coat/2.jpg").unlink()
    (by_hand / "hat/5.jpg").write_bytes(b"")
    app = opened(which="wrong")
    assert not app.exception
    assert len(app.get("image")) == 1
    assert words(app).count("not on this machine") == 1
    assert "cannot be shown" in words(app) and "empty file" in words(app)
    assert tiles(app) == ["7.jpg", "2.jpg", "5.jpg"], "name and verdict stay"


def test_photos_that_are_not_here_are_asked_for_and_their_folder_stays_in_the_address(by_hand, home):
    by_hand.rename(by_hand.with_name("moved"))
    app = opened()
    assert not app.exception and not app.get("image")
    assert "not on this machine" in app.warning[0].value and "8 photos" not in app.warning[0].value
    app.text_input(key="folder").input(str(home)).run()
    assert "holds none of them" in app.warning[0].value
    app.text_input(key="folder").input(str(by_hand.with_name("moved"))).run()
    assert len(app.get("image")) == 8 and not app.warning
    assert len(opened(folder=str(by_hand.with_name("moved"))).get("image")) == 8


def test_photos_below_data_are_found_by_their_folders_name(by_hand, home):
    (home / "data").mkdir(exist_ok=True)
    by_hand.rename(home / "data" / "photos")
    app = opened()
    assert len(app.get("image")) == 8 and not app.warning
    assert [field.key for field in app.text_input] == ["q"], "no folder is asked for"


def test_sample_photos_are_drawn_again_when_first_looked_at(home):
    names = [f"{label}/{label}_000.jpg" for label in paper.CLASSES]
    photos = pd.DataFrame({"path": names, "label": paper.CLASSES}, dtype=object)
    meta = EvaluationMeta(sample={"per_class": 1, "seed": 3})
    publish(home, Evaluation(paper.CLASSES, photos, np.eye(10, dtype=np.float32), "sample", meta), draw=False)
    app = opened()
    assert not app.exception and not app.warning
    assert len(app.get("image")) == 10
    assert (home / "data" / "sample-1-seed-3" / names[0]).is_file()


def test_a_name_that_is_not_utf8_is_shown_and_found(home, tmp_path):
    evaluation = eight(tmp_path / "photos")
    evaluation.photos.loc[2, "path"] = os.fsdecode(b"coat/caf\xe9.jpg")
    publish(home, evaluation)
    app = opened(true="coat", predicted="hat")
    assert not app.exception
    assert tiles(app) == ["caf�.jpg"] and len(app.get("image")) == 1


def test_names_are_shown_as_they_are_and_never_as_markdown(home, tmp_path):
    publish(home, made_up(tmp_path, ("a_b_ *c* <b>", ":red[hat]", "$x$"), n=30), "m_1_ *x*", draw=False)
    app = opened()
    assert not app.exception
    assert r"m\_1\_ \*x\*" in app.caption[0].value
    assert any(r"\:red\[hat\]" in caption.value for caption in app.caption)


def test_another_model_keeps_the_selection_where_it_can(home, tmp_path):
    publish(home, eight(tmp_path), "first", draw=False)
    publish(home, eight(tmp_path), "second", draw=False)
    publish(home, made_up(tmp_path, ("coat", "bag"), n=20), "third", draw=False)
    app = opened(model="first", true="coat", predicted="hat")
    app.selectbox(key="model").select("second").run()
    assert (app.selectbox(key="true").value, app.selectbox(key="predicted").value) == ("coat", "hat")
    app.selectbox(key="model").select("third").run()
    assert (app.selectbox(key="true").value, app.selectbox(key="predicted").value) == ("coat", None)
    assert not app.exception


def test_an_unknown_model_in_the_address_is_said(by_hand):
    app = opened(model="long-gone")
    assert r"long\-gone" in app.warning[0].value
    assert app.selectbox(key="model").value == "by-hand"


def test_a_damaged_evaluation_is_one_sentence(by_hand, home):
    (home / "weights/by-hand/evaluation.parquet").write_bytes(b"half")
    app = opened()
    assert "evaluate the model again" in app.error[0].value
    assert not app.exception


def test_a_run_without_an_exported_model_is_there_too(home, tmp_path):
    run = home / "runs" / "20260102-030405"
    run.mkdir(parents=True)
    (run / "config.json").write_text("{}")
    eight(tmp_path).save(run / "evaluation.parquet")
    assert opened().selectbox(key="model").options == ["20260102-030405"]


def test_the_papers_numbers_stand_beside_its_own_classes_only(home, tmp_path, by_hand):
    publish(home, made_up(tmp_path / "ten", paper.CLASSES), "ten", draw=False)
    ten, three = opened(model="ten", view="Report"), opened(model="by-hand", view="Report")
    assert "97.83%" in words(ten) and "96.3% to 98.7%" in words(ten)
    assert "97.83%" not in words(three)
    beside = next(table.value for table in ten.dataframe if "paper recall" in table.value)
    assert beside.set_index("class").loc["blue_pants", "paper recall"] == 0.94
    assert beside.columns[:4].tolist() == ["class", "precision", "recall", "interval"]
    assert beside["interval"][10] == next(m for m in ten.caption if "95% interval" in m.value).value.removeprefix(
        "95% interval "
    )
    assert not any("paper recall" in table.value for table in three.dataframe)


@pytest.mark.parametrize("k", [2, 40])
def test_two_and_forty_classes_work_alike(home, tmp_path, k):
    publish(home, made_up(tmp_path, tuple(f"class {i}" for i in range(k)), n=200), draw=False)
    app = opened(which="wrong")
    assert not app.exception
    assert app.metric[3].value == "200"


def test_many_photos_come_in_pages_that_begin_again_with_a_new_selection(home, tmp_path):
    publish(home, made_up(tmp_path, ("coat", "hat"), n=100), draw=False)
    app = opened(**{"photos-page": "3"})
    third = tiles(app)
    assert len(third) == 12
    app.button(key="door-Wrong").click().run()
    app.button(key="door-Photos").click().run()
    assert tiles(app) == tiles(opened()) != third


def test_one_switch_folds_the_matrix_to_colour_or_garment_and_the_address_keeps_it(home, by_hand):
    publish(home, five(), "parts", draw=False)
    app = opened(model="parts")
    assert "Count by" in [control.label for control in app.segmented_control]
    app.segmented_control(key="by").set_value("colour").run()
    assert app.metric[0].value == "60.00%" and app.selectbox(key="true").options == ["black", "blue"]
    app.selectbox(key="true").select("black").run()
    app.selectbox(key="predicted").select("blue").run()
    assert tiles(app) == ["1.jpg"]
    app.segmented_control(key="by").set_value("garment").run()
    assert app.selectbox(key="true").value is None and not app.exception
    assert tiles(opened(model="parts", by="garment", true="sock", which="wrong")) == ["3.jpg", "2.jpg"]
    assert all(control.key != "by" for control in opened(model="by-hand").segmented_control)


def test_under_the_switch_right_and_sure_mean_the_same_everywhere(home, by_hand):
    publish(home, five(), "parts", draw=False)
    assert tiles(opened(model="parts", by="colour", q="mistakes")) == ["3.jpg", "1.jpg"]  # not 2: its colour is right
    assert tiles(opened(model="parts", by="colour", q="blue socks below 60%")) == ["2.jpg"]  # P(blue) is 0.5
    app = opened(model="parts", by="colour", view="Confidence", refuse="0")
    assert app.metric[0].value == "60.00%" and "instead of 60.00% of all" in words(app)


def test_an_open_photo_tells_what_its_confidences_add_up_to(home, by_hand):
    publish(home, five(), "parts", draw=False)
    said = words(opened(model="parts", photo="3")).replace("\\", "")
    assert "Summed: black 80.0%, blue 20.0%; hat 80.0%, sock 20.0%." in said
    assert "Summed" not in words(opened(model="by-hand", photo="3"))


def test_mistakes_of_colour_garment_or_both_are_counted_and_open_their_photos(home, by_hand):
    publish(home, five(), "parts", draw=False)
    assert [tiles(opened(model="parts", which=cause)) for cause in ("colour", "garment", "both")] == [
        ["1.jpg"], ["2.jpg"], ["3.jpg"],
    ]  # fmt: skip
    assert "1 by the colour alone, 1 by the garment alone, 1 by both" in words(opened(model="parts"))
    app = opened(model="parts", which="both")
    app.segmented_control(key="by").set_value("colour").run()  # where no such filter is
    assert not app.exception and app.segmented_control(key="which").value == "wrong"


def test_a_question_becomes_chips_that_can_be_removed_and_stays_in_the_address(home, by_hand):
    publish(home, five(), "parts", draw=False)
    app = opened(model="parts")
    app.text_input(key="q").input("velvet socks called blue").run()
    assert tiles(app) == ["2.jpg"]
    assert "“velvet” is not understood" in words(app)
    assert [app.button(key=f"chip-{i}").label for i in range(2)] == ["sock", "predicted blue"]
    app.button(key="chip-1").click().run()
    assert app.text_input(key="q").value == "sock" and tiles(app) == ["3.jpg", "2.jpg", "4.jpg"]
    assert tiles(opened(model="parts", q="colour mistakes")) == ["1.jpg"]
    app.button(key="door-Wrong").click().run()
    assert app.text_input(key="q").value == "" and len(tiles(app)) == 3, "a number opens all of its photos"


def test_refusing_the_least_sure_is_a_number_with_its_photos(by_hand):
    app = opened(view="Confidence", refuse="25")
    assert "Refusing 25.0% leaves **66.67%** of 6 photos right" in words(app)  # 0.45 and 0.5 go: one was right
    app.button(key="door-refused").click().run()
    assert tiles(app) == ["5.jpg", "1.jpg"] and app.text_input(key="q").value == "below 60%"
    assert len(app.get("plotly_chart")) == 2 and not app.exception


def test_suspect_labels_are_a_view_of_their_own_that_the_filters_narrow(home, by_hand):
    evaluation, rows = planted()
    publish(home, evaluation, "swapped", draw=False)
    app = opened(model="swapped", view="Labels")
    table = next(frame.value for frame in app.dataframe if "score" in frame.value)
    worst = {evaluation.photos["path"][row].rsplit("/", 1)[-1] for row in rows}
    assert set(tiles(app)[:10]) == worst and "labels look wrong" in words(app)
    app.selectbox(key="true").select("hat").run()
    narrowed = next(frame.value for frame in app.dataframe if "score" in frame.value)
    assert narrowed["label"].unique().tolist() == ["hat"] and len(narrowed) < len(table)
    assert len(tiles(app)) == min(12, len(narrowed))
    assert not app.exception


def with_evidence(home, root) -> None:
    """Evidence of the eight photos, and of two training photos that are drawn beside them."""
    evaluation = eight(root)
    trained = [("coat", "coat/t0.jpg"), ("hat", "hat/t1.jpg")]
    for _, path in trained:
        Image.new("RGB", (60, 80), "navy").save(root / path)
    photos = evaluation.photos.assign(split="test", group=-1).to_dict("records")
    photos += [{"path": path, "label": label, "split": "train", "group": -1} for label, path in trained]
    photos[2]["group"] = photos[8]["group"] = 0  # coat/2.jpg is nearly coat/t0.jpg
    table = pd.DataFrame(photos, dtype=object).astype({"group": int})
    angles = np.linspace(0, 1.5, 10)
    embeddings = np.stack([np.cos(angles), np.sin(angles)], 1)
    colours = np.tile([20.0, 12.0, 280.0, 0.3], (10, 1))
    maps = np.random.default_rng(0).normal(size=(8, 3, 2, 2))
    Explanations(evaluation.classes, table, embeddings, colours, *SPACE, maps).save(home / "weights/by-hand" / FILE)


def test_a_photo_opens_with_its_evidence_and_leads_to_the_next(by_hand, home):
    with_evidence(home, by_hand)
    app = opened(true="coat")  # 2 is wrong, then 1 and 0
    app.button(key="why-photos-0").click().run()
    assert not app.exception and app.query_params["photo"] == "2"
    said = words(app).replace("\\", "")
    for fact in (
        "called **hat**, is **coat**", "spoke for **hat**", "spoke for **coat**", "lightness 20 of 100", "hue 280°",
        "Near-duplicates in other splits: 1", "1 of 3 in this selection", "coat, train",
    ):  # fmt: skip
        assert fact in said, fact
    assert len(app.get("image")) == 1 + 2 + 1 + 2  # the photo, two maps, the duplicate, two look-alikes
    assert app.button(key="photo-left").disabled
    app.button(key="photo-right").click().run()
    assert app.query_params["photo"] == "1" and "right] · **coat**" in words(app)
    app.button(key="photo-back").click().run()
    assert len(tiles(app)) == 3
    assert "is **coat**" in words(opened(photo="2")) and len(tiles(opened(photo="99"))) == 8


def test_damaged_evidence_is_one_sentence(by_hand, home):
    (home / "weights/by-hand" / FILE).write_text("no")
    for view in ({"photo": "2"}, {"view": "Colours"}):
        app = opened(**view)
        assert "no readable evidence" in app.error[0].value and not app.exception


def test_another_model_closes_the_photo(by_hand, home, tmp_path):
    publish(home, eight(tmp_path / "other"), "other", draw=False)
    app = opened(model="by-hand", photo="2")
    app.selectbox(key="model").select("other").run()
    assert len(tiles(app)) == 8 and "photo" not in app.query_params


def test_a_model_without_evidence_says_so_and_a_new_selection_closes_the_photo(by_hand):
    app = opened(photo="2")
    assert not app.exception and "came without the evidence" in words(app)
    app.button(key="door-Wrong").click().run()
    assert len(tiles(app)) == 3


def test_photos_lie_along_their_measured_colour_and_labels_at_odds_with_pixels_are_listed(home, by_hand):
    folder = publish(home, five(), "parts", draw=False)
    evidence([BLACK, BLUE, BLUE, BLACK, BLACK]).save(folder / FILE)
    app = opened(model="parts", view="Colours")
    table = next(frame.value for frame in app.dataframe if "lightness" in frame.value)
    assert table["path"].tolist() == ["3.jpg", "1.jpg"]  # wrong in colour, and at odds with their pixels
    assert table["pixels"].tolist() == ["black", "blue"] and tiles(app) == ["3.jpg", "1.jpg"]
    assert not app.exception and len(app.get("plotly_chart")) == 1
    assert "train or publish it again" in opened(model="by-hand", view="Colours").info[0].value


def test_looking_never_loads_torch_nor_a_model(by_hand, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)  # an import of it fails from here on
    monkeypatch.setitem(sys.modules, "torch", None)
    app = opened(true="coat")
    assert not app.exception and tiles(app)


def test_by_keyboard_and_by_link_one_goes_through_the_photos_of_a_question(by_hand, home, server, page: Page):
    with_evidence(home, by_hand)
    page.goto(f"{server(home).url}/evaluate?model=by-hand&q=coats")  # 2 is wrong, then 1 and 0
    page.get_by_role("button", name="Why?").first.click()
    said = page.get_by_test_id("stMain")
    expect(said).to_contain_text("called hat, is coat")
    expect(page).to_have_url(re.compile("photo=2"))
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("photo=1"))
    expect(said).to_contain_text("2 of 3 in this selection")
    page.reload()
    expect(said).to_contain_text("2 of 3 in this selection")
    steady_box(page, page.get_by_role("button", name="Previous"))
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile("photo=2"))
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("photo="))
    page.get_by_role("button", name="coat", exact=True).click()  # the chip
    expect(said).to_contain_text("8 of 8 photos")


def test_a_click_on_a_bar_of_confidence_asks_for_its_photos(by_hand, home, server, page: Page):
    page.goto(f"{server(home).url}/evaluate?model=by-hand&view=Confidence")
    chart = page.locator(".st-key-reliability .js-plotly-plot")
    expect(chart.locator(".bars .point").last).to_be_visible()
    hover_click(page, chart, lambda box: (box["width"] * 0.88, box["height"] * 0.6))  # the bar of 80 to 90 %
    expect(page).to_have_url(re.compile("q=at"))
    expect(page.get_by_test_id("stMain")).to_contain_text("2 of 8 photos")
