"""The Evaluate page: from every number to its photos, from the URL to the same photos, and plain words for none."""

import json
import os
import re
import sys
from dataclasses import replace
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
from browser import hover_click, steady_box
from evaluate_page import figure, opened, tiles, with_explanations, words
from evaluations import BLACK, BLUE, eight, explained, five, made_up, planted, publish
from PIL import Image
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from fashion_core import access, paper
from fashion_core.evaluation import label_issues
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.evaluation.meta import EvaluationMeta
from fashion_core.photos import imaging
from fashion_core.reports import figures
from fashion_core.reports.charts import CLASSES_UP_TO
from fashion_core.ui import background, stored
from fashion_core.ui.evaluate import colours, downloads, photo, photo_keys, selection
from fashion_core.ui.evaluate.state import Source
from fashion_core.ui.stored import photo_id


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """The page waits for what is worked out in the background: here nobody comes back for it."""
    monkeypatch.setattr(background, "PATIENCE", 240.0)


UNSURE_BLUE = (*BLUE[:4], 0.9)


@pytest.fixture
def by_hand(home, tmp_path):
    """A home with the eight photos worked out by hand."""
    publish(home, eight(tmp_path / "photos"))
    return tmp_path / "photos"


def test_with_nothing_evaluated_it_says_what_to_do(home):
    app = opened()
    assert not app.exception
    assert "train one to its end" in app.info[0].value
    assert not app.selectbox


def test_classes_may_be_called_like_the_averages(home, tmp_path):
    names = {"coat": "macro avg", "hat": "accuracy", "sock": "weighted avg"}
    whole = eight(tmp_path / "photos")
    photos = whole.photos.assign(label=whole.photos["label"].map(names))
    publish(home, replace(whole, classes=tuple(names.values()), photos=photos), draw=False)
    app = opened(view="Report")
    assert not app.exception and "hardest class is **weighted avg**" in words(app).replace("\\", "")
    assert [figure(app, name) for name in ("Accuracy", "Macro F1")] == ["62.50%", "0.624"]
    (table,) = [each.value for each in app.dataframe if "class" in each.value]
    assert table["class"].to_list() == [*names.values(), "accuracy", "macro avg", "weighted avg"]


def test_it_says_which_model_epoch_split_and_when(by_hand):
    app = opened()
    assert not app.exception
    origin = app.caption[0].value.replace("\\", "")
    for fact in ("by-hand", "epoch 3", "test photos", "02 January 2026"):
        assert fact in origin
    assert {name: figure(app, name) for name in ("Accuracy", "Macro F1", "Wrong", "Photos")} == {
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


def test_every_headline_number_selects_its_photos(by_hand):
    app = opened()
    for number, photos in (("Accuracy", [1, 3, 0, 6, 4]), ("Macro F1", [7, 6]), ("Wrong", [7, 2, 5])):
        app.button(key=f"select-{number}").click().run()
        assert tiles(app) == [f"{photo}.jpg" for photo in photos], number
    app.button(key="select-Photos").click().run()
    assert len(tiles(app)) == 8


def test_the_matrix_frames_the_chosen_cell(by_hand):
    def framed(app: AppTest) -> int:
        return app.get("echarts_chart")[0].proto.spec.count("borderColor")

    whole, one = framed(opened()), framed(opened(true="coat", predicted="hat"))
    assert one == whole + 1


def test_it_counts_what_could_not_be_read(by_hand):
    app = opened()
    assert "Could not be read, and not counted: 1" in words(app)
    assert app.dataframe[0].value.to_dict("list") == {"path": ["hat/bad.jpg"], "reason": ["empty file"]}


def test_photos_that_are_elsewhere_and_broken_ones_say_so(by_hand):
    (by_hand / "coat/2.jpg").unlink()
    (by_hand / "hat/5.jpg").write_bytes(b"")
    app = opened(which="wrong")
    assert not app.exception
    assert len(app.get("image")) == 1
    assert words(app).count("not on this machine") == 1
    assert "cannot be shown" in words(app) and "empty file" in words(app)
    assert tiles(app) == ["7.jpg", "2.jpg", "5.jpg"], "name and verdict stay"


def test_photos_that_are_not_here_are_asked_for_once_and_no_path_stays_in_the_address(by_hand, home):
    by_hand.rename(by_hand.with_name("moved"))
    app = opened()
    assert not app.exception and not app.get("image")
    assert "not on this machine" in app.warning[0].value and "8 photos" not in app.warning[0].value
    app.text_input(key="folder").input(str(home)).run()
    assert "holds none of them" in app.warning[0].value
    app.text_input(key="folder").input(str(by_hand.with_name("moved"))).run()
    assert len(app.get("image")) == 8 and not app.warning
    assert str(home.parent) not in str(dict(app.query_params))
    again = opened()
    assert len(again.get("image")) == 8 and [field.key for field in again.text_input] == ["q"], "it is remembered"


def test_an_old_link_with_the_folder_of_the_photos_opens_them_and_leaves_the_address(by_hand):
    by_hand.rename(by_hand.with_name("moved"))
    app = opened(folder=str(by_hand.with_name("moved")))
    assert len(app.get("image")) == 8 and "folder" not in app.query_params


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
    assert beside.set_index("class").loc["blue pants", "paper recall"] == 0.94
    assert beside.columns[:4].tolist() == ["class", "precision", "recall", "interval"]
    assert f"95% interval {beside['interval'][10]}." in words(ten)
    assert not any("paper recall" in table.value for table in three.dataframe)


@pytest.mark.parametrize("k", [2, 40])
def test_two_and_forty_classes_work_alike(home, tmp_path, k):
    publish(home, made_up(tmp_path, tuple(f"class {i}" for i in range(k)), n=200), draw=False)
    app = opened(which="wrong")
    assert not app.exception
    assert figure(app, "Photos") == "200"


def test_many_photos_come_in_pages_that_begin_again_with_a_new_selection(home, tmp_path):
    publish(home, made_up(tmp_path, ("coat", "hat"), n=100), draw=False)
    app = opened(**{"photos-page": "3"})
    third = tiles(app)
    assert len(third) == 12
    app.button(key="select-Wrong").click().run()
    app.button(key="select-Photos").click().run()
    assert tiles(app) == tiles(opened()) != third


def test_one_switch_folds_the_matrix_to_colour_or_garment_and_the_address_keeps_it(home, by_hand):
    publish(home, five(), "parts", draw=False)
    app = opened(model="parts")
    assert "Count by" in [control.label for control in app.segmented_control]
    app.segmented_control(key="by").set_value("colour").run()
    assert figure(app, "Accuracy") == "60.00%" and app.selectbox(key="true").options == ["black", "blue"]
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
    assert figure(app, "Accuracy") == "60.00%" and "instead of 60.00% of all" in words(app)


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
    for words_of, tile in (("wrong colour", "1.jpg"), ("wrong garment", "2.jpg"), ("wrong in both", "3.jpg")):
        assert tiles(opened(model="parts", which=words_of)) == [tile]  # as the switch and the address call it
    app = opened(model="parts", which="both")
    assert app.segmented_control(key="which").options[3:] == ["wrong colour", "wrong garment", "wrong in both"]
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
    app.button(key="select-Wrong").click().run()
    assert app.text_input(key="q").value == "" and len(tiles(app)) == 3, "a number opens all of its photos"


def test_what_was_asked_in_other_words_shows_how_it_was_read(home, by_hand):
    publish(home, five(), "parts", draw=False)
    app = opened(model="parts", q="navy caps, please")
    assert app.button(key="chip-0").label == "navy caps → blue hat" and tiles(app) == []
    assert tiles(opened(model="parts", q="socks it thinks are navy, the worst 1")) == ["2.jpg"]
    assert tiles(opened(model="parts", q="3.jpg")) == ["3.jpg"]


def test_a_question_that_is_not_understood_has_no_photos_and_says_so(by_hand):
    app = opened(q="asdf")
    assert tiles(app) == [] and "“asdf” is not understood, so no photo is shown" in words(app)
    assert tiles(opened(q="could you show me all, please")) == tiles(opened())


def test_questions_to_begin_with_are_buttons_and_each_has_photos(home, by_hand):
    publish(home, five(), "parts", draw=False)
    for model in ("parts", "by-hand"):
        app = opened(model=model)
        asked = [button for button in app.button if (button.key or "").startswith("question-")]
        assert len(asked) in (3, 4)
        for place, label in enumerate([button.label.replace("\\", "") for button in asked]):
            app = opened(model=model)
            app.button(key=f"question-{place}").click().run()
            assert app.text_input(key="q").value == label and tiles(app) and "not understood" not in words(app)
            assert not [button for button in app.button if (button.key or "").startswith("question-")]


def test_labels_that_look_wrong_and_duplicates_can_be_asked_for(home, tmp_path):
    evaluation, swapped = planted()
    publish(home, evaluation, draw=False)
    names = {evaluation.photos["path"][row].split("/")[1] for row in swapped}
    assert names & set(tiles(opened(q="label errors")))
    assert tiles(opened(q="duplicates")) == [] and "Duplicates are known of models" in words(opened(q="duplicates"))
    publish(home, eight(tmp_path / "photos"), "explained")
    with_explanations(home, tmp_path / "photos", "explained")
    assert tiles(opened(model="explained", q="duplicates")) == ["2.jpg"]


def test_refusing_the_least_sure_is_a_number_with_its_photos(by_hand):
    app = opened(view="Confidence", refuse="25")
    assert "Refusing 25.0% leaves **66.67%** of 6 photos right" in words(app)  # 0.45 and 0.5 go: one was right
    app.button(key="select-refused").click().run()
    assert tiles(app) == ["5.jpg", "1.jpg"] and app.text_input(key="q").value == "below 60%"
    assert len(app.get("plotly_chart")) == 2 and not app.exception


def test_label_issues_are_a_view_of_their_own_that_the_filters_narrow(home, by_hand):
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


def test_a_photo_opens_with_its_explanations_and_leads_to_the_next(by_hand, home):
    with_explanations(home, by_hand)
    app = opened(true="coat")  # 2 is wrong, then 1 and 0
    app.button(key="why-photos-0").click().run()
    assert not app.exception and app.query_params["photo"] == photo_id("coat/2.jpg")
    said = words(app).replace("\\", "")
    for fact in (
        "called **hat**, is **coat**", "Evidence for **hat**",
        "Near-duplicates in other splits: 1", "1 of 3 in this selection", "coat, train",
    ):  # fmt: skip
        assert fact in said, fact
    assert any("dark greyish blue, 30% of the photo" in str(each.proto) for each in app.get("html"))
    assert len(app.get("image")) == 3 + 1 + 1 + 2  # the tiles behind, the photo, the duplicate, two similar photos
    app.segmented_control(key="heat-class").set_value("coat").run()
    assert "Evidence for **coat**" in words(app)
    assert app.button(key="photo-left").disabled
    app.button(key="photo-right").click().run()
    assert app.query_params["photo"] == photo_id("coat/1.jpg") and "right] · **coat**" in words(app)
    assert "is **coat**" in words(opened(photo="2")) and len(tiles(opened(photo="99"))) == 8


def test_damaged_explanations_are_one_sentence(by_hand, home):
    (home / "weights/by-hand" / FILE).write_text("no")
    for view in ({"photo": "2"}, {"view": "Colours"}):
        app = opened(**view)
        assert "no readable explanations" in app.error[0].value and not app.exception


def test_another_model_closes_the_photo(by_hand, home, tmp_path):
    publish(home, eight(tmp_path / "other"), "other", draw=False)
    app = opened(model="by-hand", photo="2")
    app.selectbox(key="model").select("other").run()
    assert len(tiles(app)) == 8 and "photo" not in app.query_params


def test_a_model_without_explanations_says_so_and_a_new_selection_closes_the_photo(by_hand):
    app = opened(photo="2")
    assert not app.exception and "no heat maps, similar photos or measured colours" in words(app)
    app.button(key="select-Wrong").click().run()
    assert len(tiles(app)) == 3


def test_photos_lie_along_their_measured_colour_and_labels_at_odds_with_pixels_are_listed(home, by_hand):
    folder = publish(home, five(), "parts", draw=False)
    explained([BLACK, BLUE, BLUE, BLACK, BLACK]).save(folder / FILE)
    app = opened(model="parts", view="Colours")
    table = next(frame.value for frame in app.dataframe if "pixels" in frame.value)
    assert table["path"].tolist() == ["3.jpg", "1.jpg"]  # wrong in colour, and at odds with their pixels
    assert table["pixels"].tolist() == ["black", "blue"] and tiles(app) == ["3.jpg", "1.jpg"]
    assert table["label"].str.contains("_").sum() == 0 and table["measured"].str.contains("black|blue|grey").all()
    assert table["swatch"].str.startswith("data:image/svg+xml,").all()
    assert not app.exception and len(app.get("plotly_chart")) == 1
    assert "Train or publish it again" in opened(model="by-hand", view="Colours").info[0].value


def test_a_colour_measured_unsurely_is_called_so_and_contradicts_no_label(home, by_hand):
    folder = publish(home, five(), "parts", draw=False)
    explained([BLACK, UNSURE_BLUE, BLUE, BLACK, BLACK]).save(folder / FILE)
    app = opened(model="parts", view="Colours")
    table = next(frame.value for frame in app.dataframe if "pixels" in frame.value)
    assert table["path"].tolist() == ["3.jpg", "1.jpg"]  # the second is called a wrong colour, so it is listed
    assert table["pixels"].tolist() == ["black", "unsure"] and table["contradicted"].tolist() == [True, False]
    assert "hollow point" in words(app)
    app.toggle(key="contradicted").set_value(True).run()
    assert tiles(app) == ["3.jpg"]


def test_of_very_many_colours_some_are_drawn_and_listed_and_the_page_says_so(home, by_hand, monkeypatch):
    folder = publish(home, five(), "parts", draw=False)
    explained([BLACK, BLUE, BLUE, BLACK, BLACK]).save(folder / FILE)
    monkeypatch.setattr(colours, "POINTS_UP_TO", 1)
    monkeypatch.setattr(colours, "ROWS_UP_TO", 1)
    app = opened(model="parts", view="Colours")
    table = next(frame.value for frame in app.dataframe if "pixels" in frame.value)
    assert table["path"].tolist() == ["3.jpg"] and "The table has the first 1." in words(app)
    assert "of 5 photos are drawn" in words(app) and tiles(app) == ["3.jpg", "1.jpg"]


def test_drawn_points_are_evenly_chosen_of_right_and_of_wrong_ones():
    right = np.arange(20_000) % 2 == 0
    drawn = colours.drawn_points(right)
    assert drawn[right].sum() == drawn[~right].sum() == colours.POINTS_UP_TO
    assert np.diff(np.flatnonzero(drawn)).max() < 20 and colours.drawn_points(right[:100]).all()
    assert not len(colours.drawn_points(right[:0]))


def test_looking_never_loads_torch_nor_a_model(by_hand, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)  # an import of it fails from here on
    monkeypatch.setitem(sys.modules, "torch", None)
    app = opened(true="coat")
    assert not app.exception and tiles(app)


def test_a_link_to_a_photo_means_it_in_the_next_evaluation_too_and_old_links_open(by_hand, home):
    app = opened()
    place = tiles(app).index("2.jpg")
    app.button(key=f"why-photos-{place}").click().run()
    link = app.query_params["photo"]
    assert re.fullmatch("[0-9a-f]{10}", link)
    evaluation = eight(by_hand)
    rows = [7, 2, 5]  # the next one has fewer photos, in another order
    photos = evaluation.photos.iloc[rows].reset_index(drop=True)
    publish(home, replace(evaluation, photos=photos, probabilities=evaluation.probabilities[rows]), draw=False)
    assert "called **hat**, is **coat**" in words(opened(photo=link)) and r"coat/2\.jpg" in words(opened(photo=link))
    assert r"sock/7\.jpg" in words(opened(photo="0")), "an old link is a row"
    for gone in (photo_id("coat/0.jpg"), "99"):
        app = opened(photo=gone)
        assert "photo of this link is not among" in words(app) and len(tiles(app)) == 3


def test_a_photos_id_is_the_same_however_the_system_writes_its_name():
    assert photo_id("caf\u00e9/1.jpg") == photo_id("cafe\u0301/1.jpg") == photo_id("caf\u00e9\\1.jpg")
    assert photo_id("caf\u00e9/1.jpg") != photo_id("cafe/1.jpg")
    assert re.fullmatch("[0-9a-f]{10}", photo_id(os.fsdecode(b"caf\xe9.jpg")))


def test_the_png_of_the_matrix_shows_what_the_address_shows_whichever_view_is_open(by_hand, monkeypatch):
    asked = []
    monkeypatch.setattr(figures, "confusion_png", lambda evaluation, cells: asked.append(cells) or b"png")
    monkeypatch.setattr(downloads, "share", lambda state, rows: downloads.matrix_png(state))
    for view in ("Matrix", "Report", "Map"):
        assert not opened(view=view, cells="by true").exception
    app = opened(view="Report")
    app.segmented_control(key="cells").set_value("by predicted").run()
    assert asked == ["true", "true", "true", "count", "predicted"]


def test_what_was_selected_in_a_table_says_nothing_in_another(monkeypatch):
    monkeypatch.setattr(selection.st, "session_state", {})
    assert selection.last_selected("report", 1, [(2, "recall")]) == (2, "recall")
    assert selection.last_selected("report", 1, []) == (2, "recall"), "a second click selects again"
    assert selection.last_selected("report", 2, []) is None, "of other classes it is another place"
    assert selection.last_selected("report", 2, [(0, "recall")]) == (0, "recall")
    assert len(selection.st.session_state["last-selected"]) == 1, "what is no longer shown is forgotten"


def test_five_hundred_classes_are_shown_by_those_with_the_most_mistakes(home, tmp_path):
    evaluation = made_up(tmp_path, tuple(f"class {i:03}" for i in range(500)), n=3000)
    publish(home, evaluation, draw=False)
    last = evaluation.classes[499]
    app = opened(true=last, cells="by true")
    assert not app.exception and "the 40 classes with the most mistakes of 500" in words(app)
    spec = json.loads(app.get("echarts_chart")[0].proto.spec)
    names, cells = spec["yAxis"]["data"], spec["series"][0]["data"]
    assert last in names and len(names) <= CLASSES_UP_TO + 1 and len(cells) == len(names) ** 2
    for place in (0, 7):  # a share is of all the photos of the class, whatever is drawn
        true, predicted = names[place], names[place]
        number = evaluation.classes.index(true)
        row = evaluation.confusion()[number]
        sentence = cells[place * len(names) + names.index(predicted)]["value"][6]
        assert sentence.endswith(f"{row[number] / row.sum():.1%} of the true class")
    app.selectbox(key="predicted").select(evaluation.classes[3]).run()
    assert not app.exception and app.selectbox(key="predicted").value == evaluation.classes[3]
    assert not opened(view="Report").exception


def test_a_class_may_be_called_like_a_row_of_the_report(home, tmp_path):
    evaluation = eight(tmp_path / "photos")
    names = {"coat": "macro avg", "hat": "accuracy", "sock": "weighted avg"}
    photos = evaluation.photos.assign(label=evaluation.photos["label"].map(names))
    publish(home, replace(evaluation, classes=tuple(names.values()), photos=photos))
    app = opened()
    assert not app.exception and figure(app, "Macro F1") == "0.624"
    app.button(key="select-Macro F1").click().run()
    assert tiles(app) == ["7.jpg", "6.jpg"]
    for view in ("Report", "Labels", "Confidence"):
        assert not opened(view=view).exception


def test_what_neighbours_say_is_not_called_confidence_in_any_view(by_hand, home):
    with_explanations(home, by_hand)
    app = opened(of="all")
    captions = [caption.value for caption in app.caption if "wrong]" in caption.value or "right]" in caption.value]
    assert len(captions) == 10 and all(re.search(r"\*\* (\d+% of the votes|all votes)", text) for text in captions)
    assert "most votes first" in words(app) and "confident first" not in words(app)
    app = opened(of="all", photo=photo_id("coat/2.jpg"))
    assert "Votes of its nearest photos" in words(app) and "Confidence" not in words(app)
    app = opened(of="all", q="below 60%", view="Confidence")
    assert app.button(key="chip-0").label == "below 60% of the votes" and "These are votes, not confidences" in words(
        app
    )
    assert app.text_input(key="q").value == "below 60%" and app.slider[0].label == "Refuse those with the fewest votes"
    assert "that the most similar photos doubt most" in words(opened(of="all", view="Labels"))
    assert "votes" not in words(opened()) + words(opened(photo="2")) + words(opened(view="Confidence"))


def test_a_table_of_predictions_calls_votes_votes(by_hand, home):
    with_explanations(home, by_hand)
    key = stored.evaluation_key(home / "weights/by-hand/evaluation.parquet")
    heads = {}
    for photos in ("test", "all"):
        table = downloads.predictions_csv(Source("by-hand", key._replace(photos=photos), None, by_hand))
        heads[photos] = table.decode().splitlines()[0]
    assert heads["test"] == "path,label,predicted,confidence,p: coat,p: hat,p: sock"
    assert heads["all"] == "path,label,predicted,votes,votes: coat,votes: hat,votes: sock"


def test_looking_again_decodes_and_computes_nothing_again(by_hand, home, monkeypatch):
    with_explanations(home, by_hand)
    address = {"photo": "2", "view": "Labels"}
    assert not opened(**address).exception
    for module, name in ((imaging, "read"), (label_issues, "find_label_issues"), (Explanations, "nearest"),
                         (Evaluation, "decided"), (Evaluation, "marginalised"), (Evaluation, "load")):  # fmt: skip
        monkeypatch.setattr(module, name, None)
    assert not opened(**address).exception


def test_by_keyboard_and_by_link_one_goes_through_the_photos_of_a_question(by_hand, home, server, page: Page):
    with_explanations(home, by_hand)
    page.goto(f"{server(home).url}/evaluate?model=by-hand&q=coats")  # 2 is wrong, then 1 and 0
    page.get_by_role("button", name="Why?").first.click()
    said = page.get_by_role("dialog")
    expect(said).to_contain_text("called hat, is coat")
    expect(page).to_have_url(re.compile(f"photo={photo_id('coat/2.jpg')}"))
    steady_box(page, page.get_by_role("button", name="Next"))  # the keys work when their buttons are there
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(f"photo={photo_id('coat/1.jpg')}"))
    expect(said).to_contain_text("2 of 3 in this selection")
    page.reload()
    expect(said).to_contain_text("2 of 3 in this selection")
    steady_box(page, page.get_by_role("button", name="Previous"))
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(f"photo={photo_id('coat/2.jpg')}"))
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("photo="))
    page.get_by_role("button", name="coat", exact=True).click()  # the chip
    expect(page.get_by_test_id("stMain")).to_contain_text("8 of 8 photos")


def test_quick_presses_of_j_k_and_the_arrows_all_count_and_typed_letters_are_the_fields(
    by_hand, home, server, page: Page
):
    page.goto(f"{server(home).url}/evaluate?model=by-hand&photo=7")  # the first of eight
    said = page.get_by_role("dialog")
    expect(said).to_contain_text("1 of 8 in this selection · J or → next · K or ← previous")
    steady_box(page, page.get_by_role("button", name="Next"))
    expect(page.locator("body[data-photo-keys]")).to_be_attached()
    for presses, place in (("jjj", 4), ("kk", 2), (["ArrowRight"] * 5, 7), (["ArrowLeft"] * 3, 4), ("K", 3)):
        for key in presses:
            page.keyboard.press(key)
        expect(said).to_contain_text(f"{place} of 8 in this selection")
    for _ in range(9):  # past the end, where the counting stops
        page.keyboard.press("j")
    expect(said).to_contain_text("8 of 8 in this selection")
    page.keyboard.press("k")
    expect(said).to_contain_text("7 of 8 in this selection")
    field = said.get_by_role("combobox")
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    steady_box(page, field)  # a field that is drawn anew meanwhile loses what was typed
    page.wait_for_timeout(1000)
    field.click()
    page.keyboard.type("jk")
    expect(field).to_have_value("jk")
    page.wait_for_timeout(1000)
    expect(said).to_contain_text("7 of 8 in this selection")


def test_presses_count_once_whatever_is_drawn_anew_meanwhile_and_past_the_end_nothing_is_sent(page: Page):
    code = "data:text/javascript," + quote(photo_keys.SCRIPT)
    sent = page.evaluate("""async code => {
      const {default: draw} = await import(code)
      const sent = [], data = {opening: "a", steps: 0, first: 0, last: 4}
      const drawn = (more = {}) => draw({data: {...data, ...more}, setStateValue: (name, steps) => sent.push(steps)})
      const press = () => document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "j", bubbles: true}))
      document.body.innerHTML = "<div role=dialog></div>"
      press()  // no photo is open yet
      const ends = [drawn(), drawn()]
      press()
      ends[0]()  // which ends nothing: it was drawn anew since
      press()
      ends[1]()
      press()  // while it is drawn anew
      sent.push("drawn")
      drawn({steps: 1})  // by a server that has not heard of all presses
      press()
      press()  // past the end
      sent.push("another")
      const last = drawn({opening: "b", steps: 0})
      press()
      last()
      document.body.innerHTML = ""
      press()  // it is closed
      return sent
    }""", code)  # fmt: skip
    assert sent == [1, 2, "drawn", 3, 4, "another", 1]


def test_on_a_phone_a_link_to_a_photo_lands_on_it_full_screen_and_back_closes_what_was_opened(
    by_hand, home, server, page: Page
):
    with_explanations(home, by_hand)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server(home).url}/evaluate?model=by-hand&q=coats&photo={photo_id('coat/2.jpg')}")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("called hat, is coat")
    box, photo = steady_box(page, dialog), steady_box(page, dialog.get_by_role("img").first)
    assert (box["x"], box["y"], box["width"]) == (0, 0, 390) and box["height"] >= 844
    assert photo["x"] >= 0 and photo["x"] + photo["width"] <= 390 and photo["y"] + photo["height"] < 844
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Why?").nth(1).click()
    expect(page).to_have_url(re.compile(f"photo={photo_id('coat/1.jpg')}"))
    page.go_back()
    expect(dialog).to_have_count(0)


def test_the_heat_map_gets_stronger_with_its_slider_and_ends_in_the_photo(by_hand, home, monkeypatch):
    with_explanations(home, by_hand)
    asked = []
    monkeypatch.setattr(photo, "_overlaid", lambda *of: asked.append(of[-2:]) or imaging.thumbnail_bytes(
        Image.new("RGB", (8, 8)), 8))  # fmt: skip
    app = opened(photo="2")
    app.slider(key="heat").set_value(80).run()
    app.slider(key="heat").set_value(0).run()
    assert asked == [(0.5, 1.0), (0.8, 1.0)] and not app.exception


def test_what_is_shared_is_a_link_without_a_folder_of_this_machine_and_the_pictures_of_the_view(by_hand, monkeypatch):
    app = opened(model="by-hand", which="wrong", folder=str(by_hand))
    (link,) = [code.value for code in app.code]
    assert "which=wrong" in link and "model=by-hand" in link and str(by_hand.name) not in link
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels == [
        "One-page report (HTML)", "Picture of the matrix (PNG)", "Picture of these photos (PNG)",
        "Table of the classes (CSV)", "Table of the predictions (CSV)",
    ]  # fmt: skip
    shown = []
    monkeypatch.setattr(downloads, "share", lambda state, rows: shown.append(downloads.photos_png(state, rows)))
    monkeypatch.setattr(figures, "photos_png", lambda rows, root: (list(rows["path"]), root))
    opened(which="wrong")
    assert shown == [(["sock/7.jpg", "coat/2.jpg", "hat/5.jpg"], by_hand)]


def test_what_labels_and_oddities_need_is_loaded_once_while_the_matrix_is_looked_at(by_hand, monkeypatch):
    loaded = []
    monkeypatch.setattr(label_issues, "load_libraries", lambda: loaded.append(True))
    stored.load_ahead.clear()
    assert not opened().exception and not opened().exception
    assert stored.load_ahead().wait() and loaded == [True]
    stored.load_ahead.clear()
    monkeypatch.setattr(access, "_caller", lambda: access.Role.VIEWER)
    assert not opened().exception and loaded == [True], "on a shared server that is memory for few"


def test_a_click_on_a_bar_of_confidence_asks_for_its_photos(by_hand, home, server, page: Page):
    page.goto(f"{server(home).url}/evaluate?model=by-hand&view=Confidence")
    chart = page.locator(".st-key-reliability .js-plotly-plot")
    expect(chart.locator(".bars .point").last).to_be_visible()
    hover_click(page, chart, lambda box: (box["width"] * 0.88, box["height"] * 0.6))  # the bar of 80 to 90%
    expect(page).to_have_url(re.compile("q=at"))
    expect(page.get_by_test_id("stMain")).to_contain_text("2 of 8 photos")
