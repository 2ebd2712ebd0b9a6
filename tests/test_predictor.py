"""Promises of predictor.py, on a network small enough to work out by hand: three logits from a photo's mean colour."""

import json
import math
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from browser import ROOT
from model_folders import CLASSES, plain, write_model

from fashion_core import UserError
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.evaluation.states import UNLIKE
from fashion_core.models import predictor
from fashion_core.models.predictor import Predictor, load_explanations, predict_files, runtime
from fashion_core.models.registry import models, resolve


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("BUSANA_HOME", str(tmp_path))
    return write_model(tmp_path / "weights" / "colour")


def test_confidences_are_those_worked_out_by_hand(folder):
    # pure red: logits 4, 0, 0; so e⁴ : 1 : 1
    red = math.exp(4) / (math.exp(4) + 2)
    assert Predictor(folder)([plain("red")])[0] == pytest.approx([red, (1 - red) / 2, (1 - red) / 2], abs=0.005)


def test_the_cards_temperature_calibrates(tmp_path):
    # the same logits halved: e² : 1 : 1
    cooler = Predictor(write_model(tmp_path / "m", temperature=2.0))
    assert cooler([plain("red")])[0, 0] == pytest.approx(math.exp(2) / (math.exp(2) + 2), abs=0.005)


def test_top_names_the_likeliest_first(folder):
    assert [name for name, _ in Predictor(folder).top(plain((60, 200, 130)), 2)] == ["green_shirt", "blue_shirt"]


def test_asking_for_more_classes_than_there_are_gives_all_of_them(folder):
    assert len(Predictor(folder).top(plain("red"), 99)) == 3


def test_many_photos_come_back_in_their_order_whatever_the_batch(folder):
    colours = ["red", "lime", "blue"] * 7  # 21 photos: two full batches and a part
    found = Predictor(folder)([plain(c) for c in colours])
    assert found.argmax(1).tolist() == [0, 1, 2] * 7
    assert found.dtype == np.float32 and found.sum(1) == pytest.approx(1, abs=1e-6)


def test_one_look_gives_confidences_and_embeddings(folder):
    shares, embeddings = Predictor(folder).predict_with_embeddings([plain("red"), plain((0, 51, 102))])
    assert shares.argmax(1).tolist() == [0, 2]
    assert embeddings.tolist() == [[255, 0, 0], [0, 51, 102]]


def test_no_photos_give_no_rows(folder):
    assert Predictor(folder)([]).shape == (0, 3)


def test_threads_that_share_a_predictor_each_get_their_own_answer(folder):
    shared, wrong = Predictor(folder), []

    def ask(which: int) -> None:
        for _ in range(40):
            found = shared([plain(("red", "lime", "blue")[which])] * (1 + which)).argmax(1)
            wrong.extend(found[found != which])

    threads = [threading.Thread(target=ask, args=(n % 3,)) for n in range(6)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not wrong


def test_a_bad_file_among_good_ones_gets_its_reason_and_the_good_ones_their_answer(folder, tmp_path):
    plain("red").save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"")
    plain("blue").save(tmp_path / "c.png")
    rows = list(predict_files(Predictor(folder), [tmp_path / n for n in ("a.png", "b.jpg", "c.png")], 1))
    assert [r["path"] for r in rows] == [str(tmp_path / n) for n in ("a.png", "b.jpg", "c.png")]
    assert [[t["label"] for t in r["top"]] for r in rows] == [["red_shirt"], [], ["blue_shirt"]]
    assert [r["error"] for r in rows] == [None, "empty file", None]
    assert [set(r) for r in rows] == [{"path", "top", "state", "error", "warning"}] * 3
    assert json.loads(json.dumps(rows)) == rows


def explain(folder: Path) -> Path:
    """As a training would leave it that saw red photos alone: nothing further than 1 from these is like them."""
    photos = pd.DataFrame({"path": ["a", "b"], "label": CLASSES[0], "split": "train", "group": -1})
    red, colours = np.array([[1, 0, 0]] * 2, np.float32), np.array([[53, 105, 40, 1, 0]] * 2, np.float32)
    Explanations(tuple(CLASSES), photos, red, colours, np.eye(3, dtype=np.float32), np.zeros(3), 1.0).save(
        folder / FILE
    )
    return folder


def test_a_photo_unlike_all_that_was_learned_is_answered_with_a_warning(folder, tmp_path):
    photos = [tmp_path / "red.png", tmp_path / "lime.png"]
    for photo in photos:
        plain(photo.stem).save(photo)
    assert load_explanations(folder) is None
    assert [row["warning"] for row in predict_files(Predictor(folder), photos, 1)] == [None, None]
    found = predict_files(Predictor(folder), photos, 1, load_explanations(explain(folder)))
    assert [(row["top"][0]["label"], row["warning"]) for row in found] == [("red_shirt", None), ("green_shirt", UNLIKE)]


def test_published_models_come_first_then_runs_newest_first(folder, tmp_path):
    for age, run in enumerate(["new", "old"]):
        card = write_model(tmp_path / "runs" / run / "model") / "card.json"
        os.utime(card, (1_000_000 - age, 1_000_000 - age))
    assert [(ref.name, ref.published) for ref in models()] == [("colour", True), ("new", False), ("old", False)]
    assert models()[1].card.classes == tuple(CLASSES)


def test_a_broken_card_is_listed_with_its_problem(folder):
    (folder / "card.json").write_text("{")
    assert "cannot be read" in models()[0].problem


def test_a_model_is_found_by_name_run_id_and_folder(folder, tmp_path):
    run = write_model(tmp_path / "runs" / "r1" / "model")
    assert resolve("colour") == folder == resolve(folder)
    assert resolve("r1") == run == resolve(tmp_path / "runs" / "r1") == resolve(str(run))


def test_an_unknown_model_is_one_sentence_that_lists_what_exists(folder):
    with pytest.raises(UserError, match="no model called “hat”; use one of: colour"):
        resolve("hat")


def test_with_no_model_at_all_the_sentence_says_to_train(tmp_path, monkeypatch):
    monkeypatch.setenv("BUSANA_HOME", str(tmp_path))
    assert models() == []
    with pytest.raises(UserError, match="train one first"):
        resolve("hat")


def test_a_run_without_a_model_says_to_let_it_finish(folder, tmp_path):
    (tmp_path / "runs" / "r1").mkdir(parents=True)
    (tmp_path / "runs" / "r1" / "config.json").write_text("{}")
    with pytest.raises(UserError, match="The run r1 has no model yet"):
        resolve("r1")


@pytest.mark.parametrize(
    ("lost", "named"),
    [("card.json", "card.json"), ("model.xml", "model.xml"), ("model.bin", "model.safetensors")],
)
def test_a_missing_file_is_named(folder, lost, named):
    (folder / lost).unlink()
    with pytest.raises(UserError, match=f"{named} is missing: train or publish"):
        Predictor(folder)


def test_truncated_weights_are_one_sentence(folder):
    (folder / "model.bin").write_bytes((folder / "model.bin").read_bytes()[:10])
    with pytest.raises(UserError, match=r"model\.xml cannot be loaded"):
        Predictor(folder)


@pytest.mark.parametrize("text", ["", "<net/>", "no xml"])
def test_a_damaged_network_is_one_sentence(folder, text):
    (folder / "model.xml").write_text(text)
    with pytest.raises(UserError, match=r"model\.xml cannot be loaded") as caught:
        Predictor(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [("classes", None, "names no classes"), ("image_size", 0, "no image_size"), ("temperature", 0, "no temperature")],
)
def test_a_card_without_what_predicting_needs_says_so(tmp_path, key, value, problem):
    with pytest.raises(UserError, match=problem):
        Predictor(write_model(tmp_path / "m", **{key: value}))


def test_a_card_of_another_model_is_refused(tmp_path):
    with pytest.raises(UserError, match="answers 3 classes and its card names 2"):
        Predictor(write_model(tmp_path / "m", classes=["a", "b"]))


def test_missing_openvino_says_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(UserError, match=r"pip install -r requirements\.txt"):
        Predictor(folder)


def test_it_computes_in_float32_as_it_was_tested(folder, monkeypatch):
    asked = []

    class Core(runtime().Core):
        def compile_model(self, file, device, config):
            asked.append(config["INFERENCE_PRECISION_HINT"])
            return super().compile_model(file, device, config)

    monkeypatch.setattr(predictor, "runtime", lambda: SimpleNamespace(Core=Core))
    Predictor(folder)
    assert asked == ["f32"]


def test_neither_torch_nor_streamlit_nor_telemetry_is_loaded(folder):
    code = (
        "import sys; from pathlib import Path; from fashion_core.models.predictor import Predictor;"
        "early = 'openvino' in sys.modules; Predictor(Path(sys.argv[1]));"
        "print(early, [n for n in ('torch', 'streamlit', 'openvino_telemetry') if sys.modules.get(n)])"
    )
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == ["False", "[]\n"]


def test_an_answer_loads_neither_scipy_nor_pandas_which_would_take_as_long_as_the_rest(folder, tmp_path):
    plain("red").save(tmp_path / "red.png")
    explain(folder)
    code = (
        "import sys; from fashion_core.cli import main; main(sys.argv[1:]); print({'scipy', 'pandas'} & {*sys.modules})"
    )
    command = [sys.executable, "-c", code, "predict", folder, tmp_path / "red.png"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "red_shirt" in done.stdout and done.stdout.endswith("set()\n")


def test_the_web_process_predicts_on_its_page_without_torch(folder):
    """The whole Predict page, asked for an example: photo, model, explanations, warning."""
    code = """
import sys
from pathlib import Path
from PIL import Image
from streamlit.testing.v1 import AppTest
home = Path(sys.argv[1])
page = AppTest.from_file("pages/predict.py", default_timeout=120)
page.session_state["example"] = home / "photo.png"
page.run()
assert not page.exception, page.exception
told = " ".join(each.proto.body for each in page.get("html"))
bars = [bar.proto.text.replace("\\\\", "") for bar in page.get("progress")]
print("green shirt" in bars[0], "Looks different from" in told, "openvino" in sys.modules, "torch" in sys.modules)
"""
    plain("lime").save(folder.parents[1] / "photo.png")
    explain(folder)
    done = subprocess.run([sys.executable, "-c", code, folder.parents[1]], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["True", "True", "True", "False"], done.stderr
