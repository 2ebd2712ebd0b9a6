"""Promises of the Catalogue page, on eight photos tagged by a model that names a photo's colour."""

import io
import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from browser import ROOT
from model_folders import plain, write_model
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from fashion_core import UserError, access
from fashion_core.class_names import in_words
from fashion_core.cli import main
from fashion_core.models.similar_photos import SimilarPhotos
from fashion_core.models.tagged import META, VERSION, Tagged, files, receive
from fashion_core.photos import listing
from fashion_core.photos.imaging import BadPhoto
from fashion_core.reports.xlsx import workbook

COLOURS = ("red", "lime", "blue", "#e01010", "#10e010", "#1010e0", "#808080", "#fefefe")


@pytest.fixture
def shop(home) -> Path:
    """The file in catalogues/; the grey and the white photo are those of which the model is not sure."""
    folder = home / "photos" / "shop"
    folder.mkdir(parents=True)
    for number, colour in enumerate(COLOURS):
        plain(colour).save(folder / f"{number}.png")
    (folder / "8.png").write_text("no photo")
    file = home / "catalogues" / "shop.parquet"
    model = write_model(home / "weights" / "colour", states={"sure": 0.8})
    assert main(["tag", str(model), str(folder), "--out", str(file)]) == 1
    return file


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(ROOT / "pages/catalogue.py", default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def shown(app: AppTest) -> list[int]:
    """The rows whose tiles the grid shows, in their order."""
    return [int(button.key.rsplit("-", 1)[1]) for button in app.button if button.key.startswith("why-photos-")]


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error)
    return " ".join(e.value for kind in kinds for e in kind).replace("\\", "")


def test_without_a_catalogue_the_page_says_how_to_make_one(home):
    app = opened()
    assert not app.exception and "There is none in catalogues/" in words(app)
    assert "python -m fashion_core tag MODEL" in app.code[0].value


def test_photos_first_then_filters_by_state_label_and_order(shop):
    app = opened()
    assert not app.exception and shown(app) == list(range(8))
    assert "**8** of 9 files · 2 to review · 1 unreadable" in words(app)
    assert shown(opened(show="To review")) == [6, 7]
    table = pd.read_parquet(shop)
    red = table["label"].iloc[0]
    assert shown(opened(label=in_words(red))) == table.index[table["label"] == red].tolist()
    order = table["confidence"].dropna().sort_values(kind="stable").index.tolist()
    assert shown(opened(sort="Least sure first")) == order
    assert opened(show="Unreadable").dataframe[0].value["Why it cannot be read"].tolist() == ["not a photo: text"]


def test_no_path_stands_in_the_address(shop):
    app = opened(catalogue="shop")
    app.button(key="why-photos-2").click().run()
    assert app.query_params["photo"] == "2"
    assert not any("/" in value for value in app.query_params.values())


def test_a_photo_opens_beside_those_like_it(shop):
    app = opened(photo="0")
    alike = [button.key for button in app.button if button.key.startswith("why-alike-")]
    assert alike[0] == "why-alike-3" and "why-alike-0" not in alike and len(alike) == 7  # the other red comes first


def test_a_label_is_corrected_kept_beside_the_file_and_undone(shop):
    before = shop.read_bytes()
    app = opened(show="To review", photo="6")
    wrong = pd.read_parquet(shop)["label"].iloc[6]
    right = next(label for label in Tagged.open(shop).classes if label != wrong)
    app.selectbox(key="right-label-6").set_value(right).run()
    app.button(key="decide-relabel").click().run()
    assert not app.exception and shown(app) == [7] and app.query_params["photo"] == "7"  # on to the next
    assert Tagged.open(shop).rows["right_label"].iloc[6] == right and shop.read_bytes() == before
    assert shop.with_suffix(".decisions.csv").exists()
    assert shown(opened(label=in_words(right), show="Reviewed")) == [6]
    opened(photo="6").button(key="decide-undo").click().run()
    assert Tagged.open(shop).rows["right_label"].isna().all()


def test_a_photo_can_be_confirmed_or_left_out(shop):
    app = opened(show="To review", photo="6")
    app.button(key="decide-keep").click().run()
    app.button(key="decide-leave out").click().run()
    assert Tagged.open(shop).rows["right_label"].tolist()[6:8] == [pd.read_parquet(shop)["label"].iloc[6], ""]
    assert shown(app) == []


def test_what_is_taken_along_has_the_corrections_and_no_formula(shop):
    from fashion_core.ui.catalogue import exported

    tagged = Tagged.open(shop)
    tagged.correct("6.png", "leave out")
    table = exported(tagged.rows, tagged.classes)
    assert table["reviewed"].tolist() == [False] * 6 + [True, False, False] and "embedding" not in table
    table.loc[0, "photo"] = "=1+1"
    cells = workbook(table, "Catalogue")
    import zipfile

    with zipfile.ZipFile(io.BytesIO(cells)) as book:
        sheet, texts = book.read("xl/worksheets/sheet1.xml").decode(), book.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in sheet and "=1+1" in texts and len(re.findall("<row ", sheet)) == 10


def test_a_file_from_elsewhere_leads_to_no_folder_of_this_machine(shop, home):
    received = home / "catalogues" / "received" / "shop.parquet"
    received.parent.mkdir()
    shop.rename(received)
    with pytest.raises(BadPhoto):
        Tagged.open(received).read_photo("0.png")
    assert "are not on this machine" in words(opened())
    (home / "data").mkdir()
    (home / "photos" / "shop").rename(home / "data" / "shop")
    assert Tagged.open(received).read_photo("0.png")
    for name in ("../shop/0.png", str(home / "data" / "shop" / "0.png")):
        with pytest.raises(BadPhoto, match="leads out of the folder"):
            listing.reader("folder", home / "data" / "shop")(name)


def changed(file: Path, to: Path, about: dict) -> Path:
    """The same file elsewhere, with other notes."""
    table = pq.read_table(file)
    notes = json.loads(table.schema.metadata[META]) | about
    to.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({META: json.dumps(notes)}), to)
    return to


def test_the_names_in_a_list_lead_out_of_no_received_file_and_off_no_shared_server(shop, home):
    plain("red").save(home / "secret.png")
    (home / "data").mkdir()
    (home / "data" / "list.txt").write_text("")
    received = Tagged.open(changed(shop, home / "catalogues" / "received" / "a.parquet", {"kind": "list"}))
    for name in (str(home / "secret.png"), "../secret.png"):
        with pytest.raises(BadPhoto, match="leads out of the folder"):
            received.read_photo(name)
    own = changed(
        shop, home / "catalogues" / "own.parquet", {"kind": "list", "source": str(home / "data" / "list.txt")}
    )
    assert Tagged.open(own).read_photo("../secret.png"), "its owner may list what they like"
    access.share(lambda: access.Role.TRAINER)
    try:
        with pytest.raises(BadPhoto, match="this shared server may read"):
            Tagged.open(own).read_photo("../secret.png")
    finally:
        access.unshare()


@pytest.mark.parametrize("about", [{"v": 1}, {"v": 99}, {"kind": None}])
def test_a_file_of_another_version_is_refused(shop, home, about):
    if about.get("kind", "") is None:
        table = pq.read_table(shop)
        pq.write_table(table.replace_schema_metadata({META: json.dumps({"v": VERSION})}), home / "bad.parquet")
    else:
        changed(shop, home / "bad.parquet", about)
    with pytest.raises(UserError, match="or one of another version"):
        Tagged.open(home / "bad.parquet")


def test_a_file_handed_in_under_a_name_that_is_taken_gets_another(shop, home):
    other = changed(shop, home / "other.parquet", {"model": "another"})
    names = [receive("shop.parquet", file.read_bytes()) for file in (shop, other, other, shop)]
    assert names == ["shop-2", "shop-3", "shop-3", "shop-2"]
    assert {name: Tagged.open(file).about["model"] for name, file in files().items()} == {
        "shop": "colour", "shop-2": "colour", "shop-3": "another"}  # fmt: skip


def test_a_decision_that_cannot_be_kept_is_a_sentence(shop, monkeypatch):
    def refuse(*rest):
        raise UserError("The disk is full: make room.")

    monkeypatch.setattr("fashion_core.photos.label_corrections.record", refuse)
    app = opened(show="To review", photo="6")
    next(button for button in app.button if button.label == "Leave out").click().run()
    assert not app.exception and "The disk is full" in words(app)


def test_an_index_of_a_file_as_it_was_goes(shop, home):
    SimilarPhotos.of(Tagged.open(shop))
    os.utime(shop, (1, 1))
    SimilarPhotos.of(Tagged.open(shop))
    assert len(list(home.rglob("similar-*.faiss"))) == 1


def test_a_file_is_handed_in(home, shop):
    app = opened()
    app.file_uploader(key="catalogue-file").set_value([("other.parquet", shop.read_bytes(), "")]).run()
    assert not app.exception and app.selectbox(key="catalogue").value == "other"
    app.file_uploader(key="catalogue-file").set_value([("bad.parquet", b"nothing", "")]).run()
    assert "bad.parquet is no file of tags" in words(app)
    assert [file.stem for file in (home / "catalogues" / "received").iterdir()] == ["other"]


def test_another_parquet_file_is_refused(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(UserError, match="is no file of tags"):
        Tagged.open(tmp_path / "a.parquet")


def test_similar_photos_are_the_true_neighbours():
    """6,000 embeddings around 60 centres, more than are looked through one by one."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((60, 32))
    vectors = (centres[np.arange(6000) % 60] + 0.3 * random.standard_normal((6000, 32))).astype(np.float32)
    index, unit = SimilarPhotos.build(vectors), vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found = 0
    for place in range(50):
        truth = np.argsort(-(unit @ unit[place]))[1:11]
        found += len(set(index.nearest_to(place, 10)) & set(truth))
    assert found >= 0.98 * 500


def test_a_click_on_a_tile_opens_similar_photos(server, page: Page, shop):
    page.goto(f"{server(shop.parents[1]).url}/catalogue?catalogue=shop")
    page.get_by_role("button", name="Similar").first.click()
    expect(page.get_by_role("heading", name="Similar photos")).to_be_visible()
    expect(page).to_have_url(re.compile("photo=0"))
    expect(page.locator("[class*='st-key-tile-alike-'] img").first).to_be_visible()
