"""The card for people says what the files say, worked out by hand, and nothing more."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from evaluations import eight

from fashion_core import UserError
from fashion_core.evaluation.evaluation import Evaluation, read_review
from fashion_core.models.card import DatasetFacts, Metrics, ModelCard, SeedResult
from fashion_core.reports import model_readme

CARD = ModelCard(
    name="by-hand", architecture="resnet18", image_size=32, classes=("coat", "hat", "sock"), temperature=1.25, epoch=3,
    hardware="cpu", training_seconds=90, initial_weights="Random weights.", settings={"epochs": 4, "seed": 7},
    dataset=DatasetFacts("photos", "abcdef" * 4, 80),
)  # fmt: skip


def test_it_gives_every_number_with_its_interval_and_the_mistakes():
    text = model_readme.markdown(CARD, eight(), "Photos: mine.")
    # 5 of 8: Wilson 30.6 to 86.3; of three socks... two, one is right, so recall 1/2
    for part in (
        "62.50% (5 of 8) | 30.6% to 86.3%", "Macro-F1: 0.624", "Photos: mine.", "| coat | 1.000 | 66.67% (2 of 3)",
        "- 1 of 3 coat are called hat.", "Lowest recall: sock, 0.50 of 2 photos", "temperature of 1.250",
        "1.5 minutes", "3 of 4, by validation", "| seed | `7` |",
    ):  # fmt: skip
        assert part in text, part
    assert "the paper" not in text and "garment" not in text


def test_without_a_word_on_the_photos_it_says_that_there_is_none():
    assert "Nobody has written down" in model_readme.markdown(CARD, eight())


def test_colour_and_garment_are_told_apart():
    classes = ("black_dress", "black_shoes", "blue_dress", "blue_shoes")
    said = [(0, 2), (0, 1), (1, 2), (3, 3)]  # colour wrong, garment wrong, both wrong, right
    photos = pd.DataFrame({"path": list("abcd"), "label": [classes[true] for true, _ in said]}, dtype=object)
    test = Evaluation(classes, photos, np.eye(4, dtype=np.float32)[[predicted for _, predicted in said]])
    text = model_readme.markdown(replace(CARD, classes=classes), test)
    assert "Of 3 mistakes: 1 colour alone, 1 garment alone, 1 both." in text
    assert "| colour alone | 50.00% (2 of 4)" in text and "| garment alone | 50.00% (2 of 4)" in text


def test_seeds_are_a_mean_and_a_spread_on_one_test():
    rows = (SeedResult("a", 0, 0.625, 0.6), SeedResult("b", 1, 0.375, 0.3))
    text = model_readme.markdown(replace(CARD, seeds=rows), eight())
    assert "Over 2 seeds (0, 1)" in text and "mean accuracy 50.00%, 37.50% to 62.50%, standard deviation 17.68%" in text


def test_a_review_divides_the_figures(tmp_path):
    verdicts = ["clear", "clear", "wrong", "clear", "clear", "arguable", "clear", "wrong"]
    file = tmp_path / "review.csv"
    pd.DataFrame({"photo": eight().photos["path"], "verdict": verdicts}).to_csv(file, index=False)
    found = eight().reviewed(read_review(file))
    assert {name: (part.n, part.accuracy) for name, part in found.items()} == {
        "clear": (5, 1.0), "wrong": (2, 0.0), "arguable": (1, 0.0),
    }  # fmt: skip
    assert found["clear"].macro_f1 == 1.0
    text = model_readme.markdown(replace(CARD, metrics=Metrics(review=found)), eight())
    assert "of these, label clear by eye (macro-F1 1.000) | 100.00% (5 of 5)" in text
    with pytest.raises(UserError, match="says nothing on 'coat"):
        eight().reviewed({"other.jpg": "clear"})
    with pytest.raises(UserError, match="columns photo and verdict"):
        read_review(tmp_path / "none.csv")


def test_a_class_name_cannot_break_the_table():
    named = Evaluation(("coat", "a|b"), pd.DataFrame({"path": ["1", "2"], "label": ["coat", "a|b"]}, dtype=object),
                       np.eye(2, dtype=np.float32))  # fmt: skip
    text = model_readme.markdown(replace(CARD, classes=named.classes), named)
    assert "| a\\|b | 1.000 | 100.00% (1 of 1) |" in text
