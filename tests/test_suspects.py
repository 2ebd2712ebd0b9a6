"""Planted wrong labels are found, and the alarms that are false are few."""

import numpy as np
import pytest
from test_evaluation import CLASSES, eight, made_up

from fashion_core import suspects
from fashion_core.evaluation import Evaluation


def planted(swapped: int = 10, n: int = 300) -> tuple[Evaluation, set[int]]:
    """A plausible evaluation in which the labels of some photos, that the model is sure of, are swapped."""
    evaluation = made_up("/photos", CLASSES, n)
    sure = np.flatnonzero(evaluation.right & (evaluation.confidence > 0.9))
    rows = np.random.default_rng(1).choice(sure, swapped, replace=False)
    labels = evaluation.photos["label"].to_numpy().copy()
    labels[rows] = [CLASSES[(CLASSES.index(label) + 1) % 3] for label in labels[rows]]
    return Evaluation(CLASSES, evaluation.photos.assign(label=labels), evaluation.probabilities), set(rows.tolist())


def test_ten_swapped_labels_are_found_first_with_few_false_alarms():
    evaluation, rows = planted()
    found = suspects.find(evaluation)
    assert set(found["index"][:10]) == rows
    assert len(found) - 10 <= 10  # of 290 others, those where the made-up model itself is confidently wrong
    assert found["score"].is_monotonic_increasing
    assert (found["label"] != found["predicted"]).all()


def test_a_class_without_photos_and_a_single_class_are_no_trouble():
    evaluation, _ = planted()
    keep = evaluation.photos["label"] != "sock"
    part = Evaluation(CLASSES, evaluation.photos[keep].reset_index(drop=True), evaluation.probabilities[keep])
    assert len(suspects.find(part))
    alone = eight().photos["label"] == "hat"
    one = Evaluation(CLASSES, eight().photos[alone].reset_index(drop=True), eight().probabilities[alone])
    assert suspects.find(one).empty


@pytest.mark.parametrize("seed", range(3))
def test_clean_labels_raise_few_alarms(seed):
    evaluation = made_up("/photos", CLASSES, 300, seed)
    assert len(suspects.find(evaluation)) <= (~evaluation.right).sum()
