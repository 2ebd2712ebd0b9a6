"""`tag`: every photo answered once, whatever happens on the way."""

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from browser import ROOT

from fashion_core.cli import main
from fashion_core.evaluation.states import States
from fashion_core.models import tagging
from fashion_core.models.predictor import Predictor
from fashion_core.photos import imaging, listing, sample
from fashion_core.photos.garment_colour import Colour

MODEL = ROOT / "weights" / "sample-mobilenet"
GREY = Colour(50, 0, 0, 1, 0.1)
COLUMNS = ["photo", "label", "colour", "garment", "confidence", "state", "measured_colour", "measured_uncertainty",
           "embedding", "reason"]  # fmt: skip


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Ten sample photos, and a text that calls itself a photo."""
    root = tmp_path_factory.mktemp("tag") / "shop"
    sample.render(root, per_class=1)
    (root / "broken.jpg").write_text("no photo")
    (root / ".DS_Store").write_text("a system's own")
    return root


def tagged(*arguments: Path | str, status: int = 1) -> pd.DataFrame:
    """The table that the command writes; exit status 1 says that a photo could not be read."""
    assert main(["tag", str(MODEL), *map(str, arguments)]) == status
    return pd.read_parquet(arguments[-1])


def test_every_photo_is_a_row_with_what_the_model_says_of_it(photos, tmp_path, capsys):
    table = tagged(photos, "--out", tmp_path / "shop.parquet")
    assert list(table) == COLUMNS and len(table) == 11
    assert capsys.readouterr().out == f"{tmp_path / 'shop.parquet'}\n"
    bad = table[table["label"].isna()]
    assert bad["photo"].tolist() == ["broken.jpg"] and bad["reason"].tolist() == ["not a photo: text"]
    assert bad["embedding"].isna().all() and bad["state"].isna().all() and bad["measured_colour"].isna().all()
    good, predictor = table.drop(bad.index), Predictor(MODEL)
    probabilities, embeddings = predictor.predict_with_embeddings([imaging.read(photos / p) for p in good["photo"]])
    assert np.allclose(good["confidence"], probabilities.max(axis=1), atol=1e-5)
    assert np.allclose(np.stack(good["embedding"].tolist()), embeddings, atol=1e-4)
    assert good["label"].tolist() == [predictor.classes[k] for k in probabilities.argmax(axis=1)]
    assert (good["colour"] + "_" + good["garment"]).tolist() == good["label"].tolist()
    assert set(good["state"]) <= {"sure", "check", "outside"}
    assert good["measured_colour"].str.fullmatch("#[0-9a-f]{6}").all()
    assert not (tmp_path / "shop.parquet.parts").exists()


def test_a_zip_and_a_list_give_the_rows_of_the_folder(photos, tmp_path):
    whole = tagged(photos, "--out", tmp_path / "folder.parquet")
    with zipfile.ZipFile(tmp_path / "shop.zip", "w") as bundle:
        for name in whole["photo"]:
            bundle.write(photos / name, name)
    paths = [str(photos / name) for name in whole["photo"]]
    (tmp_path / "list.txt").write_text("\n".join([*paths, paths[0], ""]))  # one of them twice: it is one photo
    for source in ("shop.zip", "list.txt"):
        table = tagged(tmp_path / source, "--out", tmp_path / f"{source}.parquet")
        pd.testing.assert_frame_equal(table.drop(columns="photo"), whole.drop(columns="photo"))
    assert table["photo"].tolist() == paths


KILLED = """
import os, sys
from fashion_core.cli import main
from fashion_core.models import predictor, tagging
tagging.PART = 4
whole, calls = predictor.Predictor.predict_pixels, []
def killed(*arguments):
    calls.append(1)
    if len(calls) == 3:
        os._exit(9)
    return whole(*arguments)
predictor.Predictor.predict_pixels = killed
main(sys.argv[1:])
"""


def test_killed_on_the_way_it_goes_on_and_answers_every_photo_once(photos, tmp_path, monkeypatch):
    out = tmp_path / "shop.parquet"
    killed = subprocess.run([sys.executable, "-c", KILLED, "tag", MODEL, photos, "--out", out], cwd=ROOT, check=False)
    parts = sorted((tmp_path / "shop.parquet.parts").glob("*.parquet"))
    assert killed.returncode == 9 and not out.exists() and len(parts) == 2
    monkeypatch.setattr(tagging, "PART", 4)
    asked, ask = [], Predictor.predict_pixels
    monkeypatch.setattr(Predictor, "predict_pixels", lambda self, p: asked.append(len(p)) or ask(self, p))
    table = tagged(photos, "--out", out)
    assert sum(asked) == 3  # 11 photos, 8 of them answered before, each once
    assert table["photo"].tolist() == tagged(photos, "--out", tmp_path / "whole.parquet")["photo"].tolist()


def test_a_photo_that_changed_after_the_kill_is_answered_anew(photos, tmp_path, monkeypatch):
    shop, out = tmp_path / "shop", tmp_path / "shop.parquet"
    shutil.copytree(photos, shop)
    monkeypatch.setattr(tagging, "PART", 4)
    monkeypatch.setattr(tagging, "_join", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main(["tag", str(MODEL), str(shop), "--out", str(out)]) == 130
    monkeypatch.undo()
    monkeypatch.setattr(tagging, "PART", 4)
    shutil.copy(photos / "blue_dress" / next((photos / "blue_dress").iterdir()).name, shop / "broken.jpg")
    os.utime(shop / "broken.jpg")
    assert len(tagged(shop, "--out", out, status=0)) == 11


def test_a_photo_is_sure_to_check_or_outside():
    learned = SimpleNamespace(ood_threshold=1.0, ood_score=lambda embeddings: embeddings[:, 0], classes=("a", "b"))
    model = Predictor(MODEL)
    model.card = replace(model.card, states=States(sure=0.8))
    tagger = tagging._Tagger(model, learned, "")
    said = np.zeros((3, len(model.classes)), np.float32)
    said[:, 0] = 0.9, 0.6, 0.9
    said[:, -1] = 1 - said[:, 0]  # another garment
    assert tagging._states(tagger, said, np.array([[0.5], [0.5], [1.5]]), [GREY] * 3) == ["sure", "check", "outside"]


def test_the_same_command_again_has_nothing_to_do(photos, tmp_path, monkeypatch):
    out = tmp_path / "shop.parquet"
    tagged(photos, "--out", out)
    before = out.stat().st_mtime_ns
    monkeypatch.setattr(Predictor, "predict_pixels", None)
    tagged(photos, "--out", out)
    assert out.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("source", "out", "sentence"),
    [
        ("nowhere", "a.parquet", "There is no "),
        ("empty", "a.parquet", "holds no photo"),
        ("photo.bin", "a.parquet", "is no folder, no zip and no text"),
        ("shop", "a.csv", "must end in .parquet"),
        ("shop", "other.parquet", "is there already, of other photos, another model or another precision"),
    ],
)
def test_a_mistake_is_one_sentence(source, out, sentence, photos, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "photo.bin").write_bytes(b"\xff\xd8\xff\xe0")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    where = photos if source == "shop" else tmp_path / source
    assert main(["tag", str(MODEL), str(where), "--out", str(tmp_path / out)]) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1 and "Traceback" not in said


def test_two_at_once_on_one_file_are_refused(photos, tmp_path, capsys):
    from filelock import FileLock

    (tmp_path / "a.parquet.parts").mkdir()
    with FileLock(tmp_path / "a.parquet.parts" / "lock"):
        assert main(["tag", str(MODEL), str(photos), "--out", str(tmp_path / "a.parquet")]) == 2
    assert "Another process is writing" in capsys.readouterr().err


def test_a_zip_entry_that_is_damaged_is_a_row(photos, tmp_path):
    file = tmp_path / "shop.zip"
    with zipfile.ZipFile(file, "w") as bundle:
        bundle.writestr("a.jpg", b"x" * 1000)
    content = bytearray(file.read_bytes())
    content[200] ^= 1
    file.write_bytes(content)
    with listing.opened(file) as found, pytest.raises(imaging.BadPhoto, match="damaged in the zip"):
        found.read(0)
