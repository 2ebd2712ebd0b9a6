"""Decided labels change what is learned and never what is tested; the photos stay where they are."""

from dataclasses import replace

import numpy as np
import pytest
from worlds import colours

from fashion_core import UserError, dataset, decisions, runs
from fashion_core.config import TrainConfig
from fashion_core.evaluation import Evaluation


@pytest.fixture
def data(home, tmp_path) -> dataset.Dataset:
    root = colours(tmp_path / "photos")
    (root / "white_glove").rename(root / "white_hat")  # red_hat beside it: "hat" is a garment of two classes
    return dataset.load(root)


def of(data: dataset.Dataset, split: str, label: str) -> list[str]:
    photos = data.photos
    return photos["path"][(photos["split"] == split) & (photos["label"] == label)].tolist()


def write(file, rows: dict[str, str]):
    file.write_text("photo,label\n" + "".join(f"{photo},{label}\n" for photo, label in rows.items()))
    return file


def test_a_photo_is_relabelled_kept_for_a_part_or_left_out(data, tmp_path):
    first, second, third = of(data, "train", "red_hat")[:3]
    tested = of(data, "test", "red_hat")[0]
    file = write(tmp_path / "decisions.csv", {first: "green_sock", second: "hat", third: "", tested: "green_sock"})
    matrix, notes = decisions.meanings(data, decisions.read(file))
    rows = data.photos["path"].tolist()
    assert data.classes == ("green_sock", "red_hat", "white_hat")
    assert matrix[rows.index(first)].tolist() == [True, False, False]
    assert matrix[rows.index(second)].tolist() == [False, True, True]
    assert matrix[rows.index(third)].tolist() == [False, False, False]
    assert matrix[rows.index(tested)].tolist() == [False, True, False]  # the test is as it was
    assert matrix.sum() == len(rows)  # one more for the part, one less for the photo left out
    assert "1 photos relabelled, 1 kept for their colour or garment alone, 1 left out" in notes[0]


def test_decisions_of_photos_that_are_not_here_are_counted(data):
    matrix, notes = decisions.meanings(data, {"elsewhere/1.png": "red_hat", of(data, "train", "red_hat")[0]: "hat"})
    assert "1 decisions are of photos that are not here, such as elsewhere/1.png" in notes[1]
    assert matrix.sum() == len(matrix) + 1


def test_without_decisions_every_photo_is_what_its_folder_says(data):
    matrix, notes = decisions.meanings(data, {})
    assert np.array(data.classes)[matrix.argmax(1)].tolist() == data.photos["label"].tolist()
    assert (matrix.sum(1) == 1).all() and notes == []


def test_a_label_that_is_none_and_a_file_that_is_none_are_refused(data, tmp_path):
    with pytest.raises(UserError, match="'blue_hat', which is no class, colour or garment"):
        decisions.meanings(data, {of(data, "train", "red_hat")[0]: "blue_hat"})
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    for file in (tmp_path / "none.csv", tmp_path / "other.csv", tmp_path):
        with pytest.raises(UserError, match="columns photo and label"):
            decisions.read(file)


def test_a_run_trains_on_what_was_decided_and_answers_the_whole_test(data, tmp_path):
    from fashion_core.engine.worker import work

    rows = dict.fromkeys(of(data, "train", "red_hat")[:8], "") | {of(data, "validation", "red_hat")[0]: "hat"}
    recipe = TrainConfig(
        architecture="mobilenet_v3_small", pretrained="none", image_size=32, epochs=1, batch_size=8, device="cpu",
        precision="float32", decisions=str(write(tmp_path / "decisions.csv", rows)),
    )  # fmt: skip
    run = runs.create(recipe, data.root)
    with runs.claim(run) as log:
        assert work(run, log, show=lambda text: None) == "finished"
    events = run.events()
    assert next(e["steps_per_epoch"] for e in events if e["type"] == "start") == (48 - 8) // 8
    assert any("8 left out" in e["text"] for e in events if e["type"] == "note")
    assert len(Evaluation.load(run.evaluation_file)) == 6
    everything = dict.fromkeys(data.photos["path"], "")
    run = runs.create(replace(recipe, decisions=str(write(tmp_path / "all.csv", everything))), data.root)
    with runs.claim(run) as log, pytest.raises(UserError, match="leave out fewer"):
        work(run, log, show=lambda text: None)
