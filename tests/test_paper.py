"""The paper's facts, against the arithmetic that can be done on them."""

import pytest

from fashion_core import paper
from fashion_core.stats import wilson


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


def test_586_of_599_is_the_same_figure_as_587_of_600():
    assert round(586 / 599, 4) == round(587 / 600, 4) == paper.TEST_ACCURACY
    assert round(paper.COUNTED_TOTAL / 10) in (599, 600)


def test_its_accuracy_has_an_interval_too():
    low, high = wilson(paper.TEST_RIGHT, paper.TEST_PHOTOS)
    assert (round(low, 3), round(high, 3)) == (0.963, 0.987)


def test_two_cells_of_table_1_do_not_follow_from_the_others():
    shorts = paper.TABLE_1["black_shorts"]
    precision, recall = shorts["precision"], shorts["recall"]
    assert round(2 * precision * recall / (precision + recall), 2) == 0.98 != shorts["f1-score"]
    recalls = [paper.TABLE_1[name]["recall"] for name in paper.CLASSES]
    assert round(sum(recalls) / len(recalls), 3) == 0.978
    assert abs(sum(recalls) / len(recalls) - paper.TABLE_1["macro avg"]["recall"]) > 0.005  # no rounding gives 0.97


def test_it_matches_its_own_classes_in_any_order_and_no_others():
    assert paper.matches(reversed(paper.CLASSES))
    assert not paper.matches(paper.CLASSES[1:])
    assert not paper.matches([*paper.CLASSES, "green_hat"])


def test_an_accuracy_is_compared_on_the_papers_classes_and_on_real_photos_only():
    assert paper.stated() == "The paper has 97.83% (587 of 600 test photos), 95% interval 96.3% to 98.7%."
    # 560 of 600 less 587 of 600, by Newcombe: 2.2 to 7.0 points; 600 less 587: 0.9 to 3.7; 60 of 60: none to speak of
    for right, n in ((560, 600), (600, 600)):
        said = "The classes are the same but the test photos are not, so the two do not compare directly."
        assert paper.verdict(paper.CLASSES, right, n, drawn=False) == said
    for right, n in ((587, 600), (60, 60)):
        assert paper.verdict(paper.CLASSES, right, n, drawn=False).startswith("A difference this small can be chance.")
    assert "drawn photos" in paper.verdict(paper.CLASSES, 600, 600, drawn=True)
    assert paper.verdict(("coat", "hat"), 600, 600, drawn=True) == ""
    assert paper.verdict(paper.CLASSES, 0, 0, drawn=False) == ""


def test_counts_are_compared_class_by_class():
    same = "Each of the ten classes has as many photos as in the paper, 5,993 in all."
    assert paper.count_difference(paper.COUNTS) == same == paper.count_difference(paper.COUNTS | {"red_dress": 9})
    found = paper.count_difference(paper.COUNTS | {"black_dress": 440, "blue_shirt": 742})
    assert "5,984 photos of its 5,993, 9 fewer (black dress 10 fewer, blue shirt 1 more)." in found
    assert "as many as there (black dress 1 fewer, black pants 1 more)" in paper.count_difference(
        paper.COUNTS | {"black_dress": 449, "black_pants": 872}
    )


def test_the_table_of_counts_has_a_row_for_each_class_and_one_for_all():
    lines = paper.count_lines({"black_dress": 1450, "red_dress": 7})
    assert [line.split() for line in (lines[0], lines[1], *lines[-2:])] == [
        ["class", "paper", "here"], ["black_dress", "450", "1,450"], ["red_dress", "-", "7"], ["all", "5,993", "1,457"],
    ]  # fmt: skip
