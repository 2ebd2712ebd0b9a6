"""The Evaluate page beyond the test: all photos, epochs, oddities; and labels that are corrected."""

import os
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from browser import hover_click, steady_box
from evaluate_page import eight_explained, figure, opened, tiles, words
from evaluations import BLACK, BLUE, EIGHT, eight, explained, five, planted, publish
from PIL import Image
from playwright.sync_api import Page, expect

from fashion_core import access, runs
from fashion_core.evaluation import label_issues
from fashion_core.evaluation.evaluation import EPOCHS, Evaluation
from fashion_core.evaluation.explanations import FILE
from fashion_core.evaluation.meta import EvaluationMeta
from fashion_core.photos import label_corrections
from fashion_core.runs import config
from fashion_core.ui import background, stored


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """The page waits for what is worked out in the background: here nobody comes back for it."""
    monkeypatch.setattr(background, "PATIENCE", 240.0)


@pytest.fixture
def root(home, tmp_path):
    return eight_explained(home, tmp_path / "photos")


def with_epochs(home, root) -> None:
    """Two epochs: after the first every photo is called a hat, after the second it is as in the test."""
    folder, evaluation = home / "weights/by-hand" / EPOCHS, eight("")
    hats = np.tile(np.float32([0.2, 0.5, 0.3]), (8, 1))
    for epoch, probabilities in ((1, hats), (2, evaluation.probabilities)):
        meta = EvaluationMeta("by-hand", epoch, "validation", probabilities="uncalibrated")
        replace(evaluation, probabilities=probabilities, meta=meta).save(folder / f"{epoch:04}.parquet")


def checked(app) -> str:
    return "\n".join(element.proto.text for element in app.get("progress"))


def test_all_photos_are_looked_at_each_asked_of_its_neighbours(root):
    app = opened()
    app.segmented_control(key="of").set_value("all").run()
    assert not app.exception and figure(app, "Photos") == "10"
    assert {"t0.jpg", "t1.jpg"} <= set(tiles(app)) and len(app.get("image")) == 10
    assert "judged by the labels of its ten most similar photos" in words(app)
    assert "The paper" not in words(app)
    place = next(row for row, name in enumerate(tiles(app)) if name == "t0.jpg")
    app.button(key=f"why-photos-{place}").click().run()
    assert "Heat maps are kept for test photos only" in words(app) and not app.exception
    app.button(key="decide-keep").click().run()
    assert "The next training uses this label. The file is not moved." in words(app)


def test_only_what_is_there_can_be_chosen(home, tmp_path):
    publish(home, eight(tmp_path / "photos"))
    app = opened(of="all")
    assert app.segmented_control(key="of").options == ["Test photos"] and figure(app, "Photos") == "8"
    for view in ("Oddities", "Map"):
        assert "no heat maps, similar photos" in opened(view=view).info[0].value


def test_a_slider_replays_the_epochs_with_their_photos(root, home):
    with_epochs(home, root)
    app = opened(of="epochs")
    assert app.select_slider(key="epoch").value == 2 and figure(app, "Accuracy") == "62.50%"
    assert app.get("plotly_chart") and "after epoch 2" in words(app)
    app.select_slider(key="epoch").set_value(1).run()
    assert figure(app, "Accuracy") == "37.50%" and not app.exception
    app = opened(of="epochs", epoch="1", which="right")
    assert set(tiles(app)) == {"3.jpg", "4.jpg", "5.jpg"} and len(app.get("image")) == 3


def test_oddities_are_chosen_by_kind_with_near_duplicates_in_groups(root):
    Image.fromarray(np.full((80, 60, 3), 2, np.uint8)).save(root / "coat/1.jpg")
    app = opened(view="Oddities")
    kinds = app.selectbox(key="odd").options
    assert not app.exception and any(kind.startswith("near-duplicates: 1 group") for kind in kinds)
    dark = next(kind for kind in kinds if kind.startswith("dark"))
    app.selectbox(key="odd").select(dark).run()
    assert "1.jpg" in tiles(app) and app.query_params["odd"] in ("dark", ["dark"])
    assert "1.jpg" in tiles(opened(view="Oddities", odd="dark")), "the address brings it back"
    app = opened(view="Oddities", odd="near-duplicates", of="all")
    assert tiles(app) == ["2.jpg", "t0.jpg"] and not app.exception
    assert "more in other splits: switch to “All photos”." in words(opened(view="Oddities", odd="near-duplicates"))


def test_oddities_give_their_verdict_once_everything_is_known_and_not_before(root, monkeypatch):
    monkeypatch.setattr("fashion_core.ui.evaluate.oddities._among", lambda found, state: found[:0])
    assert ["No photo stands out" in each.value for each in opened(view="Oddities").info] == [True]
    monkeypatch.setattr("fashion_core.ui.background.ready", lambda *about: False)
    assert ["Nothing stands out so far" in each.value for each in opened(view="Oddities").info] == [True]


def test_oddities_that_filters_hide_are_told_and_one_click_away(root):
    Image.fromarray(np.full((80, 60, 3), 2, np.uint8)).save(root / "coat/1.jpg")
    app = opened(view="Oddities", odd="dark", true="hat")
    assert "**0** photos (filtered)" in words(app) and tiles(app) == []
    app.button(key="odd-all").click().run()
    assert "**1** photo." in words(app) and tiles(app) == ["1.jpg"]


def test_oddities_need_no_photos_and_see_those_that_come_or_change(root):
    root.rename(root.with_name("away"))
    app = opened(view="Oddities", odd="near-duplicates")
    assert not app.exception and tiles(app) == ["2.jpg"]
    root.with_name("away").rename(root)
    Image.fromarray(np.full((80, 60, 3), 2, np.uint8)).save(root / "hat/4.jpg")
    assert "4.jpg" in tiles(opened(view="Oddities", odd="dark"))


def test_a_folder_whose_name_is_not_utf8_can_be_decided_on_and_looked_through(home, tmp_path):
    root = tmp_path / os.fsdecode(b"caf\xe9")
    root.mkdir()
    eight_explained(home, root)
    opened(photo="2").button(key="decide-keep").click().run()
    for view in ({"photo": "2"}, {"view": "Oddities"}, {"view": "Map"}):
        app = opened(**view)
        assert not app.exception and "Decisions on these photos: 1" in [each.label for each in app.expander][-1]


def test_leaving_all_photos_out_is_said_and_can_be_undone(root):
    for path in eight().photos["path"]:
        label_corrections.record(label_corrections.default_file(root), path, "leave out")
    app = opened(photo="2")
    assert "The decisions leave none of these photos" in words(app) and not app.exception
    app.button(key="decide-undo").click().run()
    assert "With your corrections, 7 labels checked" in words(app)


def test_decisions_on_photos_that_are_elsewhere_wait_where_these_will_be_looked_for(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    publish(home, eight("shop"), draw=False)
    opened(photo="2").button(key="decide-relabel").click().run()
    assert label_corrections.read(home / "data" / "shop.decisions.csv") == {"coat/2.jpg": "hat"}


def test_a_damaged_epoch_is_one_sentence_and_a_class_without_photos_has_no_line(root, home):
    with_epochs(home, root)
    folder = home / "weights/by-hand" / EPOCHS
    assert stored.learned(stored.epochs_of(folder.parent), None).loc[1].tolist() == [0, 1, 0]
    some = Evaluation.load(folder / "0001.parquet")
    keep = some.photos["label"] != "sock"
    photos = some.photos[keep].reset_index(drop=True)
    replace(some, photos=photos, probabilities=some.probabilities[keep]).save(folder / "0001.parquet")
    os.utime(folder / "0001.parquet", (1, 1))
    assert stored.learned(stored.epochs_of(folder.parent), None).loc[1].isna().tolist() == [False, False, True]
    (folder / "0002.parquet").write_bytes(b"half")
    app = opened(of="epochs")
    assert "evaluate the model again" in app.error[0].value and not app.exception


def test_an_open_photo_that_cannot_be_read_keeps_the_page(root):
    app = opened(photo="2")
    (root / "coat/2.jpg").write_bytes(b"")
    app = opened(photo="2")
    assert "cannot be shown" in words(app) and app.button(key="decide-keep") and not app.error


def test_under_the_switch_tiles_photo_map_and_epochs_count_alike(home, tmp_path):
    folder = publish(home, replace(five(), root=str(tmp_path / "parts")), "parts")
    explained([BLACK, BLUE, BLUE, BLACK, BLACK]).save(folder / FILE)
    meta = EvaluationMeta(epoch=1, split="validation", probabilities="uncalibrated")
    replace(five(), root="", meta=meta).save(folder / EPOCHS / "0001.parquet")
    by = {"model": "parts", "by": "colour"}
    assert "right] · called **blue hat**, is **blue sock**" in words(opened(**by, photo="2"))
    assert tiles(opened(**by, view="Map", which="wrong")) == ["3.jpg", "1.jpg"]
    assert list(stored.learned(stored.epochs_of(folder), 0)) == ["black", "blue"]


def test_photos_that_leak_have_a_number_that_selects_them(home, tmp_path):
    evaluation = eight(tmp_path / "photos")
    publish(home, replace(evaluation, meta=replace(evaluation.meta, leaked=(2, 6))))
    app = opened()
    assert "Without photos that have a near-duplicate in training: **66.67% (4 of 6 photos), 95% interval" in words(app)
    app.button(key="select-leaked").click().run()
    assert sorted(tiles(app)) == ["2.jpg", "6.jpg"] and app.text_input(key="q").value == "leaked"
    publish(home, replace(evaluation, meta=replace(evaluation.meta, leaked=())), "clean")
    assert "None of these photos has a near-duplicate in training" in words(opened(model="clean"))


def test_a_photo_is_kept_relabelled_left_out_and_each_step_undone(root):
    file = label_corrections.default_file(root)
    app = opened(photo="2")  # a coat, called hat
    app.button(key="decide-relabel").click().run()
    assert label_corrections.read(file) == {"coat/2.jpg": "hat"} and "Decided: **it is hat**" in words(app)
    assert "Test photos are never trained on" in words(app)
    app.button(key="decide-leave out").click().run()
    assert label_corrections.read(file) == {"coat/2.jpg": ""} and "Decided: **left out**" in words(app)
    app.button(key="decide-undo").click().run()
    assert label_corrections.read(file) == {"coat/2.jpg": "hat"}
    app.selectbox(key="another-2").select("sock").run()
    assert label_corrections.read(file) == {"coat/2.jpg": "sock"} and not app.exception
    app.button(key="decide-keep").click().run()
    assert "the label is right" in words(app)
    for _ in range(3):
        app.button(key="decide-undo").click().run()
    assert label_corrections.read(file) == {} and "Decided:" not in words(app)
    assert (root / "coat/2.jpg").is_file(), "photos stay where they are"


def ticked(app, name: str):
    """The checkbox of the tile of this photo."""
    return next(box for box in app.checkbox if box.label == f"Select {name}")


def test_several_photos_are_decided_on_in_one_step_and_one_undo_takes_it_back(root):
    file = label_corrections.default_file(root)
    label_corrections.record(file, "sock/7.jpg", "relabel", "hat")
    app = opened()
    assert not app.checkbox, "a tile opens its photo"
    app.toggle(key="selecting").set_value(True).run()
    assert len(app.checkbox) == 8 and "why-photos-0" not in {button.key for button in app.button}
    for name in ("2.jpg", "7.jpg"):
        ticked(app, name).check().run()
    assert "**2** selected" in words(app)
    app.selectbox(key="several-relabel").select("sock").run()
    assert label_corrections.read(file) == {"sock/7.jpg": "sock", "coat/2.jpg": "sock"} and not app.exception
    assert "**0** selected" in words(app) and "2 photos: it is sock" in words(app)
    app.button(key="several-undo").click().run()
    assert label_corrections.read(file) == {"sock/7.jpg": "hat"}, "as before the step"
    assert "several-undo" not in {button.key for button in app.button}
    app.button(key="several-all").click().run()
    app.button(key="several-keep").click().run()
    assert label_corrections.read(file) == {f"{label}/{n}.jpg": label for n, (label, _) in enumerate(EIGHT)}
    app.button(key="several-undo").click().run()
    ticked(app, "2.jpg").check().run()
    app.button(key="several-leave out").click().run()
    assert label_corrections.read(file) == {"sock/7.jpg": "hat", "coat/2.jpg": ""} and not app.exception


def test_the_undo_of_a_step_leaves_what_others_decided_since(root):
    file = label_corrections.default_file(root)
    app = opened()
    app.toggle(key="selecting").set_value(True).run()
    app.button(key="several-all").click().run()
    app.button(key="several-leave out").click().run()
    label_corrections.record(file, "coat/2.jpg", "relabel", "hat")
    app.button(key="several-undo").click().run()
    assert label_corrections.read(file) == {"coat/2.jpg": "hat"} and not app.exception


def test_who_may_not_decide_selects_nothing_and_a_step_of_theirs_is_refused(root):
    app = opened()
    app.toggle(key="selecting").set_value(True).run()
    app.button(key="several-all").click().run()
    access.share(lambda: access.Role.VIEWER)  # the trainer's sign-in ended since
    try:
        app.button(key="several-leave out").click().run()
        assert "off for you on this shared server" in app.session_state["decision-problem"]
        assert not label_corrections.default_file(root).exists() and not app.exception
        assert not app.toggle and not app.checkbox and "why-photos-0" in {button.key for button in app.button}
    finally:
        access.unshare()


def test_label_corrections_show_on_tiles_in_a_table_and_in_the_accuracy(root):
    label_corrections.record(label_corrections.default_file(root), "sock/7.jpg", "relabel", "hat")
    label_corrections.record(label_corrections.default_file(root), "coat/2.jpg", "leave out", "")
    app = opened()
    assert "With your corrections, 2 labels checked: **85.71% (6 of 7 photos)" in words(app)
    captions = [caption.value for caption in app.caption]
    assert any("7" in text and "gavel: **hat**" in text for text in captions)
    table = next(frame.value for frame in app.dataframe if "Decided" in frame.value)
    assert table["Decided"].tolist() == ["left out", "hat"]
    assert "Export" in [button.label for button in app.get("download_button")]


def test_a_label_issue_that_was_decided_on_is_no_longer_asked_about(root):
    app = opened(view="Labels", of="all")
    table = next((frame.value for frame in app.dataframe if "score" in frame.value), pd.DataFrame({"path": []}))
    for path in table["path"]:
        label_corrections.record(label_corrections.default_file(root), path, "keep", path.split("/")[0])
    app = opened(view="Labels", of="all")
    assert not app.exception and tiles(app) == [] and "review-start" not in {button.key for button in app.button}
    if len(table):
        assert f"{len(table)} of {len(table)} checked" in checked(app)


def test_checking_labels_has_a_score(home, tmp_path):
    evaluation, swapped = planted()
    root = tmp_path / "photos"
    publish(home, replace(evaluation, root=str(root)), "swapped", draw=False)
    issues = label_issues.find_label_issues(evaluation)
    n = len(issues)
    app = opened(model="swapped", view="Labels")
    assert f"**{n}** labels look wrong" in words(app) and f"0 of {n} checked" in checked(app)
    app.button(key="review-start").click().run()
    for row in range(n):  # each decision opens the next photo
        place = int(issues["index"][row])
        assert app.query_params["photo"] in (
            stored.photo_id(issues["path"][row]),
            [stored.photo_id(issues["path"][row])],
        )
        app.button(key="decide-relabel" if place in swapped else "decide-keep").click().run()
        assert f"{row + 1} of {n} checked" in checked(app) and not app.exception
    found = len(swapped & set(issues["index"]))
    right = int(evaluation.right.sum())
    assert figure(app, "Accuracy") == f"{right / 300:.2%}"
    decided = next(each.value for each in app.metric if each.label == "With your corrections")
    assert decided == f"{(right + found) / 300:.2%}" and found > 5
    assert f"{right + found} of 300 photos; {n} labels checked" in words(app)


def test_the_last_decision_is_taken_back_from_the_next_photo(home, tmp_path):
    evaluation, _ = planted()
    root = tmp_path / "photos"
    publish(home, replace(evaluation, root=str(root)), "swapped", draw=False)
    app = opened(model="swapped", view="Labels")
    app.button(key="review-start").click().run()
    first = app.query_params["photo"]
    app.button(key="decide-leave out").click().run()
    assert app.query_params["photo"] != first and app.button(key="decide-undo").label == "Undo the last: left out"
    app.button(key="decide-undo").click().run()
    assert app.query_params["photo"] == first and label_corrections.read(label_corrections.default_file(root)) == {}
    assert "decide-undo" not in {button.key for button in app.button}


def test_labels_that_filters_hide_are_told_and_one_click_away(home, tmp_path):
    evaluation, _ = planted()
    publish(home, evaluation, "swapped", draw=False)
    issues = label_issues.find_label_issues(evaluation)
    some = issues["label"].value_counts()
    app = opened(model="swapped", view="Labels", true=some.index[0])
    look = "label looks" if some.iloc[0] == 1 else "labels look"
    assert f"**{some.iloc[0]}** {look} wrong (filtered)" in words(app)
    app.button(key="issues-all").click().run()
    assert f"**{len(issues)}** labels look wrong" in words(app) and "(filtered)" not in words(app)


def test_a_weak_model_doubts_labels_with_a_caution(home):
    publish(home, eight(), draw=False)  # right on 62.5%
    assert "Right on 62.5% of these photos only" in words(opened(view="Labels"))
    publish(home, planted()[0], "swapped", draw=False)
    assert "of these photos only" not in words(opened(model="swapped", view="Labels"))


def retrainable(home, tmp_path):
    """A run with eight test photos and two of training, all eight decided alike; and its recipe."""
    root = tmp_path / "photos"
    evaluation = eight(root)
    run = runs.create(config.preset("quick"), root)
    evaluation.save(run.folder / "evaluation.parquet")
    publish(home, evaluation, "any")  # draws the photos
    return run, root, evaluation


def test_retraining_starts_a_run_of_the_same_recipe_with_the_decisions(home, tmp_path, monkeypatch):
    run, root, _ = retrainable(home, tmp_path)
    started = []
    monkeypatch.setattr(runs, "launch", lambda run, finish=False: started.append(run))
    file = label_corrections.default_file(root)
    assert "retrain" not in {button.key for button in opened(model=run.id, view="Labels").button}
    label_corrections.record(file, "coat/2.jpg", "relabel", "hat")
    app = opened(model=run.id, view="Labels")
    assert app.button(key="retrain").disabled and "All decisions are on test photos" in words(app)
    label_corrections.record(file, "coat/t0.jpg", "relabel", "hat")
    app = opened(model=run.id, view="Labels")
    assert "with 1 of 2 decisions" in words(app)
    app.button(key="retrain").click().run()
    assert not app.exception and len(started) == 1
    assert started[0].config == run.config.changed({"decisions": str(file)}) and started[0].dataset == root


def test_retraining_ends_on_the_photos_that_it_mended_and_broke(home, tmp_path, monkeypatch):
    run, root, evaluation = retrainable(home, tmp_path)
    file = label_corrections.default_file(root)
    label_corrections.record(file, "coat/t0.jpg", "relabel", "hat")
    new = runs.create(run.config.changed({"decisions": str(file)}), root)
    (new.folder / label_corrections.COPY).write_bytes(file.read_bytes())
    answers = evaluation.probabilities.copy()
    answers[2], answers[7], answers[0] = (0.8, 0.1, 0.1), (0.1, 0.1, 0.8), (0.1, 0.8, 0.1)  # two mended, one broken
    replace(evaluation, probabilities=answers).save(new.folder / "evaluation.parquet")
    app = opened(model=run.id, view="Labels")
    assert "Retrained: 62.50% → 75.00%** of the same 8 test photos" in words(app) and not app.exception
    assert "Wrong before, right now." in words(app) and {"2.jpg", "7.jpg"} <= set(tiles(app))
    assert "retrain" not in {button.key for button in app.button}, "it has learned from all decisions"
    app.segmented_control(key="mended").set_value("broken").run()
    assert "Right before, wrong now." in words(app) and "0.jpg" in tiles(app) and not app.exception
    label_corrections.record(file, "hat/t1.jpg", "relabel", "coat")
    assert opened(model=run.id, view="Labels").button(key="retrain").label == "Retrain again and compare"


def test_what_cannot_be_retrained_here_says_why(home, tmp_path):
    publish(home, eight("shop"), draw=False)
    label_corrections.record(home / "data" / "shop.decisions.csv", "coat/2.jpg", "relabel", "hat")
    assert "not on this machine, so it cannot be trained again" in words(opened(view="Labels"))


def test_what_was_handed_in_is_merged_and_nonsense_is_one_sentence(root):
    app = opened()
    app.file_uploader(key="decisions-file").set_value(("mine.csv", b"photo,label\ncoat/0.jpg,hat\n", "text/csv")).run()
    assert "1 of 1 decision is new, and kept." in app.success[0].value and "not in" not in app.success[0].value
    app = opened()
    app.file_uploader(key="decisions-file").set_value(
        ("m.csv", b"photo,label\nnot/here.jpg,hat\n,\n", "text/csv")
    ).run()
    assert "1 of 1 decision is new, and kept. 1 is of a photo that is not in" in app.success[0].value
    label_corrections.record(label_corrections.default_file(root), "not/here.jpg", "undo")
    assert label_corrections.read(label_corrections.default_file(root)) == {"coat/0.jpg": "hat"}
    for content, why in ((b"photo,label\ncoat/0.jpg,umbrella\n", "umbrella"), (b"\xff\xfe\x00", "mine.csv")):
        app = opened()
        app.file_uploader(key="decisions-file").set_value(("mine.csv", content, "text/csv")).run()
        assert why in app.error[0].value.replace("\\", "") and not app.exception
    assert label_corrections.read(label_corrections.default_file(root)) == {"coat/0.jpg": "hat"}


def test_by_keyboard_one_decides_goes_on_and_takes_it_back(root, home, server, page: Page):
    file = label_corrections.default_file(root)
    page.goto(f"{server(home).url}/evaluate?model=by-hand&which=wrong&photo=7")  # a sock, called hat; then 2, then 5
    said = page.get_by_role("dialog")
    expect(said).to_contain_text("1 of 3 in this selection")
    steady_box(page, page.get_by_role("button", name="Leave out"))
    page.keyboard.press("l")
    expect(said).to_contain_text("Decided: it is hat")
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(f"photo={stored.photo_id('coat/2.jpg')}"))
    expect(said).to_contain_text("2 of 3 in this selection")
    steady_box(page, page.get_by_role("button", name="Leave out"))
    page.keyboard.press("x")
    expect(said).to_contain_text("Decided: left out")
    assert label_corrections.read(file) == {"sock/7.jpg": "hat", "coat/2.jpg": ""}
    steady_box(page, page.get_by_role("button", name="Undo"))  # the key works when its button is there
    page.keyboard.press("u")
    expect(said).not_to_contain_text("Decided: left out")
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    steady_box(page, page.get_by_role("button", name="Leave out"))
    page.keyboard.press("y")
    expect(said).to_contain_text("Decided: the label is right")
    assert label_corrections.read(file) == {"sock/7.jpg": "hat", "coat/2.jpg": "coat"}
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("photo="))
    expect(page.get_by_test_id("stMain")).to_contain_text("Decisions on these photos: 2")


def test_label_corrections_leave_as_a_file_and_come_back(root, home, server, page: Page, tmp_path):
    file = label_corrections.default_file(root)
    label_corrections.record(file, "sock/7.jpg", "relabel", "hat")
    page.goto(f"{server(home).url}/evaluate?model=by-hand")
    page.get_by_text("Decisions on these photos: 1").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    taken = tmp_path / "taken.csv"
    download.value.save_as(taken)
    assert label_corrections.read(taken) == {"sock/7.jpg": "hat"}
    file.unlink()
    page.reload()
    page.get_by_text("Decisions on these photos: none yet").click()
    page.locator("input[type=file]").set_input_files(taken)
    expect(page.get_by_test_id("stMain")).to_contain_text("1 of 1 decision is new, and kept.")
    assert label_corrections.read(file) == {"sock/7.jpg": "hat"}


def test_by_arrow_key_the_epochs_go_by(root, home, server, page: Page):
    with_epochs(home, root)
    page.goto(f"{server(home).url}/evaluate?model=by-hand&of=epochs")
    said = page.get_by_test_id("stMain")
    expect(said).to_contain_text("62.50%")
    page.get_by_role("slider").first.focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile("epoch=1"))
    expect(said).to_contain_text("37.50%")


def test_a_click_on_a_point_of_the_curves_opens_its_photos(root, home, server, page: Page):
    with_epochs(home, root)
    page.goto(f"{server(home).url}/evaluate?model=by-hand&of=epochs")
    plot = page.locator(".st-key-learned .js-plotly-plot")
    expect(plot.locator(".point").first).to_be_visible()
    box = steady_box(page, plot)
    point = plot.locator(".trace").nth(1).locator(".point").first.bounding_box()  # all hats right after the first epoch
    hover_click(page, plot, lambda _: (point["x"] + point["width"] / 2 - box["x"], point["y"] + 3 - box["y"]))
    expect(page).to_have_url(re.compile("epoch=1"))
    expect(page).to_have_url(re.compile("true=hat"))
    expect(page.get_by_test_id("stMain")).to_contain_text("3 of 8 photos")


def test_by_keyboard_label_issues_are_checked_one_after_the_other(home, server, page: Page, tmp_path):
    evaluation, _ = planted()
    evaluation = replace(evaluation, root=str(tmp_path / "photos"))
    publish(home, evaluation, "swapped")
    order = label_issues.find_label_issues(evaluation)
    page.goto(f"{server(home).url}/evaluate?model=swapped&view=Labels")
    said = page.get_by_test_id("stMain")
    expect(said).to_contain_text(f"{len(order)} labels look wrong")
    hover_click(page, page.get_by_test_id("stDataFrame").first, lambda box: (17, 35 + 17))  # the first row's tick
    expect(page).to_have_url(re.compile(f"photo={stored.photo_id(order['path'][0])}(&|$)"))
    said = page.get_by_role("dialog")
    expect(said).to_contain_text(f"1 of {len(order)} in this selection")  # its buttons, and so its keys, are there
    steady_box(page, page.get_by_role("button", name="Leave out"))
    page.keyboard.press("l")  # and the next one opens by itself
    expect(page).to_have_url(re.compile(f"photo={stored.photo_id(order['path'][1])}(&|$)"))
    expect(said).to_contain_text(f"1 of {len(order)} checked")
    expect(page.get_by_role("button", name=f"Undo the last: it is {order['predicted'][0]}")).to_be_visible()
    steady_box(page, page.get_by_role("button", name="Leave out"))
    page.keyboard.press("x")
    expect(page).to_have_url(re.compile(f"photo={stored.photo_id(order['path'][2])}(&|$)"))
    expect(said).to_contain_text(f"2 of {len(order)} checked")
    file = label_corrections.default_file(tmp_path / "photos")
    assert label_corrections.read(file) == {order["path"][0]: order["predicted"][0], order["path"][1]: ""}
    steady_box(page, page.get_by_role("button", name="Undo the last"))
    page.keyboard.press("u")
    expect(page).to_have_url(re.compile(f"photo={stored.photo_id(order['path'][1])}(&|$)"))
    expect(said).to_contain_text(f"1 of {len(order)} checked")
    assert label_corrections.read(file) == {order["path"][0]: order["predicted"][0]}
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("stMain")).to_contain_text(f"1 of {len(order)} checked")


def test_a_press_anywhere_on_a_tile_selects_it_where_one_selects(root, home, server, page: Page):
    page.goto(f"{server(home).url}/evaluate?model=by-hand")
    main = page.get_by_test_id("stMain")
    expect(main).to_contain_text("8 of 8 photos")
    page.get_by_text("Select", exact=True).click()
    ticks = page.locator("[class*=st-key-tick-] input")
    expect(ticks).to_have_count(8)
    photos = page.locator("[class*=st-key-tile-] img")
    for place in (0, 2):
        steady_box(page, photos.nth(place))
        box = photos.nth(place).bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(ticks.nth(place)).to_be_checked()
    expect(main).to_contain_text("2 selected")
    expect(page.get_by_role("dialog")).to_have_count(0)
    frame = "tick => getComputedStyle(tick.closest('label'), '::after').boxShadow"
    assert "rgb(59, 74, 159)" in ticks.nth(2).evaluate(frame)  # the theme's indigo
    page.get_by_role("button", name="Leave out").click()
    expect(main).to_contain_text("2 photos: left out")
    expect(main).to_contain_text("Decisions on these photos: 2")  # the page followed
    expect(ticks.nth(0)).not_to_be_checked()
    page.get_by_role("button", name="Undo").click()
    expect(main).to_contain_text("Decisions on these photos: none yet")
    page.get_by_text("Select", exact=True).click()
    expect(ticks).to_have_count(0)
    box = steady_box(page, photos.first)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_role("dialog")).to_contain_text("Label is right")


def test_the_address_follows_whatever_was_switched_before(root, home, server, page: Page):
    with_epochs(home, root)
    page.goto(f"{server(home).url}/evaluate?model=by-hand")

    def press(group: str, name: str, *address: str) -> None:
        button = page.locator(f".st-key-{group}").get_by_text(name, exact=True)
        steady_box(page, button)
        button.click()
        for part in address:
            expect(page).to_have_url(re.compile(part))

    press("of", "All photos", "of=all")
    press("which", "wrong", "of=all", "which=wrong")
    press("of", "After each epoch", "of=epochs")
    press("which", "right", "which=right")
    box = page.get_by_role("textbox", name="Ask")
    box.fill("hats")
    box.press("Enter")
    expect(page).to_have_url(re.compile("q=hats"))
    press("which", "wrong", "q=hats", "which=wrong")
    press("cells", "by true", "cells=by")


def test_a_click_on_a_point_of_the_colours_opens_its_photo(home, server, page: Page, tmp_path):
    folder = publish(home, replace(five(), root=str(tmp_path / "parts")), "parts")
    explained([BLACK, BLUE, BLUE, BLACK, BLACK]).save(folder / FILE)
    page.goto(f"{server(home).url}/evaluate?model=parts&view=Colours")
    plot = page.locator(".st-key-strip .js-plotly-plot")
    expect(plot.locator(".point").first).to_be_visible()
    box, point = steady_box(page, plot), plot.locator(".point").first.bounding_box()
    hover_click(page, plot, lambda _: (point["x"] + point["width"] / 2 - box["x"], point["y"] + 3 - box["y"]))
    expect(page).to_have_url(re.compile(r"photo=[0-9a-f]{10}"))
    expect(page.get_by_role("dialog")).to_contain_text("Label is right")
