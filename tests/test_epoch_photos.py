"""Nine validation photos with the answers after each epoch: the same nine, over all classes, the newest unless another
is chosen."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from datasets import COLOURS, colours
from streamlit.testing.v1 import AppTest

from fashion_core import runs
from fashion_core.evaluation.evaluation import EPOCHS, Evaluation
from fashion_core.evaluation.meta import EvaluationMeta
from fashion_core.runs.config import TrainConfig
from fashion_core.ui import keys
from fashion_core.ui.epoch_photos import spread

PAGE = str(Path(__file__).resolve().parents[1] / "pages" / "train.py")


@pytest.fixture
def run(home, tmp_path) -> runs.Run:
    return runs.create(TrainConfig(seed=3), colours(tmp_path / "photos", per_class=6))


def store(run: runs.Run, epoch: int, right: int) -> None:
    """What the worker keeps of an epoch: the first `right` photos of each class are right at 90%, others at 10%."""
    names = list(COLOURS)
    table = pd.DataFrame([{"path": f"{name}/{name}_{n:02}.png", "label": name} for name in names for n in range(6)])
    answers = np.full((18, 3), 0.05, np.float32)
    for row in range(18):
        answers[row, (row // 6 + (row % 6 >= right)) % 3] = 0.9
    meta = EvaluationMeta(model=run.id, epoch=epoch, split="validation", probabilities="uncalibrated")
    Evaluation(tuple(names), table, answers, "", meta).save(run.folder / EPOCHS / f"{epoch:04}.parquet")


def page() -> AppTest:
    at = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not at.exception
    return at


def tiles(at: AppTest) -> list[str]:
    return [each.value for each in at.caption if ": right]" in each.value or ": wrong]" in each.value]


def files(at: AppTest) -> list[str]:
    return [tile.splitlines()[-1] for tile in tiles(at)]


def test_every_class_has_a_photo_before_any_has_a_second_and_one_seed_is_one_choice():
    labels = ["a"] * 50 + ["b"] * 2 + ["c"] * 30 + ["d"]
    places = spread(labels, seed=1)
    assert [labels[place] for place in places] == ["a"] * 3 + ["b"] * 2 + ["c"] * 3 + ["d"]
    assert places == spread(labels, seed=1) != spread(labels, seed=2)
    many = spread([f"{n:02}" for n in range(24)] * 2, seed=0)
    assert len({place % 24 for place in many}) == 9
    assert spread(["a", "b"], seed=0) == [0, 1]


def test_before_the_first_epoch_it_is_said_what_will_show_and_an_ended_run_without_one_says_nothing(run):
    with runs.claim(run):
        assert any("Once the first epoch is validated, photos" in each.value for each in page().caption)
    assert not any("each epoch" in each.value for each in page().subheader)


def test_the_same_nine_are_shown_after_each_epoch_with_what_was_answered_then(run):
    store(run, 1, right=0)
    at = page()
    first = files(at)
    assert len(first) == 9 and all("called **" in tile and "is **" in tile for tile in tiles(at))
    store(run, 2, right=6)
    at.run()
    assert files(at) == first and all("right" in tile and "90.0%" in tile for tile in tiles(at)), "the newest"
    slider = next(each for each in at.select_slider if each.label == "After epoch")
    slider.set_value(1).run()
    assert files(at) == first and all("called **" in tile for tile in tiles(at))
    store(run, 3, right=6)
    at.run()
    assert all("called **" in tile for tile in tiles(at)), "the epoch that was chosen stays"
    next(each for each in at.select_slider if each.label == "After epoch").set_value(3).run()
    store(run, 4, right=0)
    at.run()
    assert all("called **" in tile for tile in tiles(at)), "the newest again, and on from there"


def test_a_press_shows_a_photo_large_with_the_likeliest_classes(run):
    store(run, 1, right=0)
    at = page()
    words = [each.value for each in at.markdown]
    assert "white glove 5.0%" not in words or "**green sock** 5.0%, its label" in words
    at.button(key=keys.why(keys.of_run(keys.EPOCH_PHOTOS, run.id), 8)).click().run()
    assert not at.exception
    assert "green sock 90.0%" in [each.value for each in at.markdown], "a white glove was called a green sock"
    assert "**white glove** 5.0%, its label" in [each.value for each in at.markdown]


def test_photos_that_are_gone_and_a_damaged_epoch_are_told(run):
    store(run, 1, right=0)
    (run.folder / EPOCHS / "0002.parquet").write_bytes(b"no")
    assert any("cannot be shown" in each.value for each in page().caption)
    (run.folder / EPOCHS / "0002.parquet").unlink()
    for file in run.dataset.rglob("*.png"):
        file.unlink()
    assert sum("not on this machine" in each.value for each in page().caption) == 9
