"""The paper's facts, against the arithmetic that can be done on them."""

import pytest

from fashion_core import paper


def test_the_counts_contradict_the_total_and_explain_the_accuracy():
    assert sum(paper.COUNTS.values()) == paper.COUNTED_TOTAL == 5993
    assert paper.STATED_TOTAL == 5413
    assert round(587 / 600, 4) == paper.TEST_ACCURACY
    assert not any(round(right / n, 4) == paper.TEST_ACCURACY for n in (541, 542) for right in range(n + 1))


def test_table_1_has_every_class_and_only_one_f1_that_does_not_follow():
    assert set(paper.TABLE_1) == {*paper.CLASSES, "macro avg", "weighted avg"}
    assert min(paper.CLASSES, key=lambda name: paper.TABLE_1[name]["f1-score"]) == "blue_dress"
    for name in paper.CLASSES:
        precision, recall, f1 = (paper.TABLE_1[name][key] for key in ("precision", "recall", "f1-score"))
        slack = 0.016 if name == "black_shorts" else 0.011  # two rounded numbers make a third
        assert f1 == pytest.approx(2 * precision * recall / (precision + recall), abs=slack), name


def test_it_matches_its_own_classes_in_any_order_and_no_others():
    assert paper.matches(reversed(paper.CLASSES))
    assert not paper.matches(paper.CLASSES[1:])
    assert not paper.matches([*paper.CLASSES, "green_hat"])
