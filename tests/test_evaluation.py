"""An evaluation: stored once and read back whole, its numbers as worked out by hand."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from browser import ROOT
from evaluations import CLASSES, CONFUSION, EIGHT, eight, five
from scipy.stats import binomtest

from fashion_core import UserError, paper
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.meta import EvaluationMeta, Unreadable
from fashion_core.stats import (
    expected_calibration_error,
    fit_temperature,
    mcnemar,
    reliability,
    risk_coverage,
    softmax,
    wilson,
)


def test_a_mistake_is_of_the_colour_of_the_garment_or_of_both():
    evaluation = five()
    assert evaluation.error_types.tolist() == ["", "colour", "garment", "both", ""]
    assert [evaluation.cell(which=cause)["index"].tolist() for cause in ("colour", "garment", "both")] == [
        [1],
        [2],
        [3],
    ]
    assert eight().error_types is None and eight().cell(which="colour").empty


def test_the_matrix_folds_into_colour_and_garment_and_probabilities_add_up():
    colour, garment = five().marginalised(0), five().marginalised(1)
    assert colour.classes == ("black", "blue") and garment.classes == ("hat", "sock")
    assert colour.confusion().tolist() == [[2, 1], [1, 1]] and colour.accuracy == 3 / 5
    assert garment.confusion().tolist() == [[2, 0], [2, 1]] and garment.accuracy == 3 / 5
    assert colour.probabilities[0] == pytest.approx([0.7, 0.3])
    assert garment.probabilities[4] == pytest.approx([0.4, 0.6])
    assert colour.confidence[2] == pytest.approx(0.5)  # of what it was called, blue, not of the first of two equal sums
    assert colour.cell("black", "blue")["path"].tolist() == ["1.jpg"]
    with pytest.raises(ValueError):
        eight().marginalised(0)


def test_numbers_are_those_worked_out_by_hand():
    evaluation = eight()
    assert evaluation.confusion().tolist() == CONFUSION
    assert evaluation.accuracy == 5 / 8
    report = evaluation.report()
    assert report["class"].to_list() == [*CLASSES, "", "", ""]
    assert report["kind"].to_list() == ["class"] * 3 + ["accuracy", "macro avg", "weighted avg"]
    assert evaluation.macro_f1 == pytest.approx(0.6238095)
    assert report["precision"].to_list() == pytest.approx([1, 1 / 2, 1 / 2, 5 / 8, 2 / 3, 11 / 16])
    assert report["recall"].to_list() == pytest.approx([2 / 3, 2 / 3, 1 / 2, 5 / 8, 11 / 18, 5 / 8])
    assert report["f1-score"].to_list() == pytest.approx([0.8, 4 / 7, 0.5, 5 / 8, 0.6238095, 0.6392857])
    assert report["support"].to_list() == [3, 3, 2, 8, 8, 8]


@pytest.mark.parametrize(
    ("arguments", "photos"),
    [
        ((), [7, 2, 5, 1, 3, 0, 6, 4]),  # wrong ones, surest first; then right ones, least sure first
        (("coat", "hat"), [2]),
        (("coat", "sock"), []),
        (("sock", None), [7, 6]),
        ((None, "hat"), [7, 2, 3, 4]),
        ((None, None, "wrong"), [7, 2, 5]),
        ((None, "hat", "right"), [3, 4]),
    ],
)
def test_a_cell_holds_its_photos_most_confidently_wrong_first(arguments, photos):
    assert eight().cell(*arguments)["index"].to_list() == photos


def test_a_cell_tells_name_labels_and_both_probabilities():
    row = eight().cell("sock", "hat").iloc[0]
    assert (row["path"], row["label"], row["predicted"]) == ("sock/7.jpg", "sock", "hat")
    assert (row["p_true"], row["p_predicted"]) == pytest.approx((0.05, 0.9))


def test_every_number_of_the_report_leads_to_the_photos_that_it_counts():
    evaluation = eight()
    confusion = evaluation.confusion()
    for row, name in enumerate(CLASSES):
        called, support = confusion[:, row].sum(), confusion[row].sum()
        assert len(evaluation.cell(*evaluation.selection_for_metric(row, "precision"))) == called
        assert len(evaluation.cell(*evaluation.selection_for_metric(row, "recall"))) == support
        assert len(evaluation.cell(*evaluation.selection_for_metric(row, "support"))) == support
        missed = evaluation.cell(*evaluation.selection_for_metric(row, "f1-score"))
        assert len(missed) == support - confusion[row, row] and set(missed["label"]) == {name}
    assert len(evaluation.cell(*evaluation.selection_for_metric(3, "recall"))) == 8  # accuracy
    assert len(evaluation.cell(*evaluation.selection_for_metric(4, "f1-score"))) == 3  # macro average: every mistake


def test_what_is_stored_comes_back_whole_with_a_name_that_is_not_utf8(tmp_path):
    before = eight()
    before.photos.loc[2, "path"] = os.fsdecode(b"coat/caf\xe9 \xff.jpg")
    before.save(tmp_path / "deep" / "evaluation.parquet")
    after = Evaluation.load(tmp_path / "deep" / "evaluation.parquet")
    assert after.classes == CLASSES and after.root == "/photos" and after.meta == before.meta
    assert after.confusion().tolist() == CONFUSION and after.report().equals(before.report())
    assert after.photos.to_dict("list") == before.photos.to_dict("list")
    assert after.probabilities.dtype == np.float32 and (after.probabilities == before.probabilities).all()
    assert os.fsencode(after.cell("coat", "hat").iloc[0]["path"]) == b"coat/caf\xe9 \xff.jpg"
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["evaluation.parquet"], "nothing is left beside it"


def test_looking_at_a_stored_evaluation_needs_no_scikit_learn(tmp_path):
    file = eight().save(tmp_path / "evaluation.parquet")
    code = (
        "import sys; from fashion_core.evaluation.evaluation import Evaluation\n"
        f"e = Evaluation.load({str(file)!r}); e.cell()\n"
        "e.report(); print(e.confusion().tolist(), 'sklearn' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.strip() == f"{CONFUSION} False"


@pytest.mark.parametrize("content", [b"", b"not a parquet", None], ids=["empty", "text", "missing"])
def test_a_file_that_is_no_evaluation_is_one_sentence(tmp_path, content):
    file = tmp_path / "evaluation.parquet"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match="evaluat"):
        Evaluation.load(file)


def test_half_a_file_is_one_sentence(tmp_path):
    file = eight().save(tmp_path / "evaluation.parquet")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(UserError, match="evaluate the model again"):
        Evaluation.load(file)


def test_another_parquet_is_one_sentence(tmp_path):
    file = tmp_path / "evaluation.parquet"
    pd.DataFrame({"path": ["a"]}).to_parquet(file)
    with pytest.raises(UserError, match="not a readable evaluation"):
        Evaluation.load(file)


def test_a_class_that_does_not_occur_keeps_its_row_and_leaves_the_averages_alone():
    few = eight()
    wider = np.hstack([few.probabilities, np.zeros((8, 1), np.float32)])
    more = Evaluation((*CLASSES, "tie"), few.photos, wider)
    assert more.class_report().loc["tie"].to_list() == [0, 0, 0, 0]
    assert more.report().iloc[-2].to_list()[2:5] == few.report().iloc[-2].to_list()[2:5], "the macro average"
    assert more.confusion().shape == (4, 4)
    assert more.summary()["confusion"][3] == [0, 0, 0, 0]


def test_a_class_may_be_called_like_an_average():
    named = Evaluation(("accuracy", "macro avg", "1"), eight().photos.replace(
        {"coat": "accuracy", "hat": "macro avg", "sock": "1"}), eight().probabilities)  # fmt: skip
    assert named.report().drop(columns="class").equals(eight().report().drop(columns="class"))
    assert named.class_report().index.to_list() == ["accuracy", "macro avg", "1"]
    assert named.macro_f1 == eight().macro_f1


def test_the_summary_is_the_contract_of_the_command_line():
    summary = json.loads(json.dumps(eight().summary()))
    assert list(summary) == ["n", "accuracy", "macro_f1", "classes", "confusion", "unreadable"]
    assert (summary["n"], summary["accuracy"], summary["classes"]) == (8, 0.625, list(CLASSES))
    assert summary["macro_f1"] == pytest.approx(0.6238095)
    assert summary["confusion"] == CONFUSION
    assert summary["unreadable"] == [{"path": "hat/bad.jpg", "reason": "empty file"}]


def test_predictions_have_a_row_a_photo_and_a_column_a_class():
    table = eight().predictions()
    assert list(table) == ["path", "label", "predicted", "confidence", "p: coat", "p: hat", "p: sock"]
    assert table.loc[5].to_list()[:3] == ["hat/5.jpg", "hat", "sock"]
    assert table.loc[5].to_list()[3:] == pytest.approx([0.45, 0.3, 0.25, 0.45])


def test_what_cannot_be_an_evaluation_is_refused():
    good = eight()
    with pytest.raises(UserError, match="does not know the class sock"):
        Evaluation(("coat", "hat"), good.photos, good.probabilities[:, :2])
    with pytest.raises(UserError, match="no readable photo"):
        Evaluation(CLASSES, good.photos.iloc[:0], good.probabilities[:0])
    with pytest.raises(ValueError, match="photos × classes"):
        Evaluation(CLASSES, good.photos, good.probabilities[:7])
    with pytest.raises(ValueError, match="finite"):
        Evaluation(CLASSES, good.photos, good.probabilities * np.nan)


def test_wilson_is_the_papers_interval_and_holds_at_the_ends():
    assert wilson(587, 600) == pytest.approx((0.963, 0.987), abs=0.0005)
    assert wilson(0, 8) == pytest.approx((0, 3.8416 / 11.8416))
    assert wilson(8, 8) == pytest.approx((8 / 11.8416, 1))
    assert wilson(0, 0) == (0, 1)


def test_every_recall_and_the_accuracy_have_their_interval():
    each = [wilson(2, 3), wilson(2, 3), wilson(1, 2), wilson(5, 8)]
    assert eight().recall_intervals() == [f"{low:.1%} to {high:.1%}" for low, high in each]
    assert eight().recall_intervals()[2] == "9.5% to 90.5%"


def test_leaked_photos_can_be_left_out_of_the_count():
    whole = eight()
    assert whole.without_leaks() == (5, 8)
    assert Evaluation(
        CLASSES, whole.photos, whole.probabilities, meta=EvaluationMeta(leaked=(0, 2))
    ).without_leaks() == (4, 6)


def test_by_decided_labels_the_same_predictions_count_anew():
    decided = eight().decided({"sock/7.jpg": "hat", "coat/0.jpg": "", "coat/2.jpg": "coat", "elsewhere.jpg": "sock"})
    assert decided.photos["path"].tolist() == [f"{label}/{i}.jpg" for i, (label, _) in enumerate(EIGHT) if i]
    assert decided.right.tolist() == [True, False, True, True, False, True, True]
    assert (decided.probabilities == eight().probabilities[1:]).all()
    assert five().decided({"2.jpg": "sock"}).photos["path"].tolist() == [f"{i}.jpg" for i in (0, 1, 3, 4)]  # no class
    with pytest.raises(UserError, match="none of these"):
        eight().decided(dict.fromkeys(eight().photos["path"], ""))


def test_softmax_is_calm_with_temperature_and_large_scores():
    assert softmax(np.array([[0, np.log(3)]])).tolist() == [pytest.approx([0.25, 0.75])]
    assert softmax(np.array([[0, np.log(3)]]), 2).tolist() == [pytest.approx([1 / (1 + 3**0.5), 3**0.5 / (1 + 3**0.5)])]
    assert softmax(np.array([[1e5, 0.0, -1e5]])).tolist() == [[1, 0, 0]]


def test_the_temperature_makes_three_in_four_look_like_three_in_four():
    logits, labels = np.tile([4.0, 0.0], (8, 1)), np.array([0, 0, 0, 1] * 2)  # says 98%, is right 75%
    temperature = fit_temperature(logits, labels)
    assert temperature == pytest.approx(4 / np.log(3), rel=1e-3)  # where sigmoid(4 / T) = 3/4
    assert softmax(logits, temperature)[0, 0] == pytest.approx(0.75, abs=1e-3)


def test_calibration_error_is_the_gap_between_sure_and_right():
    sure = np.array([0.8] * 4 + [1.0] * 4)
    right = np.array([1, 1, 0, 0, 1, 1, 1, 1], bool)  # 80% sure and half right; 100% sure and all right
    assert expected_calibration_error(sure, right) == pytest.approx(0.3 * 4 / 8)
    table = reliability(sure, right, bins=10)
    assert table["n"].tolist() == [4, 4] and table["accuracy"].tolist() == [0.5, 1.0]
    assert table[["low", "high"]].to_numpy() == pytest.approx(np.array([[0.8, 0.9], [0.9, 1.0]]))


def test_refusing_the_least_sure_makes_the_rest_more_often_right():
    sure = np.array([0.9, 0.6, 0.8, 0.6])
    curve = risk_coverage(sure, np.array([True, False, True, True]))
    assert curve["n"].tolist() == [1, 2, 4]  # the two at 0.6 are answered or refused together
    assert curve["accuracy"].tolist() == [1.0, 1.0, 0.75] and curve["least"].tolist() == [0.9, 0.8, 0.6]


def test_another_evaluation_of_the_same_photos_is_put_into_the_same_order():
    ours = eight()
    order = np.random.default_rng(0).permutation(8)
    photos = ours.photos.iloc[order].reset_index(drop=True)
    leaked = EvaluationMeta(leaked=(int(np.flatnonzero(order == 2)[0]),))
    theirs = Evaluation(CLASSES, photos, ours.probabilities[order], meta=leaked)
    assert ours.aligned(theirs).meta.leaked == (2,)
    assert (ours.aligned(theirs).probabilities == ours.probabilities).all()
    with pytest.raises(UserError, match="other photos"):
        ours.aligned(Evaluation(CLASSES, ours.photos[:5], ours.probabilities[:5]))
    with pytest.raises(UserError, match="other photos"):
        ours.aligned(Evaluation(CLASSES, ours.photos.assign(label="hat"), ours.probabilities))


def test_two_models_on_the_same_photos_are_told_apart_by_where_they_differ():
    ours, theirs = np.array([1, 1, 1, 1, 1, 0, 1, 0], bool), np.array([1, 0, 0, 0, 0, 0, 0, 1], bool)
    assert mcnemar(ours, theirs) == (5, 1, pytest.approx(2 * (1 + 6) / 2**6))  # by hand: the binomial of 6, tails of 1
    assert mcnemar(ours, ours) == (0, 0, 1.0)
    rng = np.random.default_rng(0)
    for share in rng.random(50):
        ours, theirs = rng.random((2, 40)) < [[share], [0.5]]
        first, second, p = mcnemar(ours, theirs)
        assert p == pytest.approx(binomtest(first, first + second).pvalue)


def test_the_largest_confusions_come_first_and_the_diagonal_not_at_all():
    assert eight().confusions() == [("coat", "hat", 1), ("hat", "sock", 1), ("sock", "hat", 1)]
    assert eight().confusions(2) == [("coat", "hat", 1), ("hat", "sock", 1)]


DRAWN = {"per_class": 2, "seed": 3}


def test_what_an_evaluation_says_of_itself_comes_back_with_keys_that_are_not_ours():
    meta = EvaluationMeta(
        "m", 3, "test", "abc", "2026-01-02T03:04:05+00:00", 1.5, (1, 4), (Unreadable("a", "b"),), DRAWN
    )
    meta = replace(meta, probabilities="uncalibrated", others={"by": "another program"})
    assert EvaluationMeta.read(json.loads(json.dumps(meta.write()))) == meta
    assert EvaluationMeta.read(EvaluationMeta().write()) == EvaluationMeta()


@pytest.mark.parametrize(
    ("split", "numbers"),
    [("test", "calibrated"), ("validation", "uncalibrated"), ("cross-validated", "votes"), (None, "calibrated")],
)
def test_of_older_files_the_split_says_what_the_numbers_are(split, numbers):
    assert EvaluationMeta.read({"split": split} if split else {}).probabilities == numbers


@pytest.mark.parametrize("card", ["card.json", "model/card.json"])
def test_of_an_older_run_the_card_says_that_its_photos_were_drawn(tmp_path, card):
    (tmp_path / "model").mkdir()
    (tmp_path / card).write_text(json.dumps({"dataset": {"sample": DRAWN}}))
    file = eight().save(tmp_path / "evaluation.parquet")
    assert Evaluation.load(file).meta.sample is None, "this version says so itself"
    assert EvaluationMeta.read({"split": "test"}, file).sample == DRAWN
    assert EvaluationMeta.read({"split": "test", "sample": None}, file).sample == DRAWN
    (tmp_path / card).write_text("{")
    assert EvaluationMeta.read({"split": "test"}, file).sample is None


def test_whoever_evaluates_drawn_photos_says_so(tmp_path, monkeypatch):
    import torch

    from fashion_core.engine import evaluate as engine
    from fashion_core.photos import dataset, sample

    sample.render(tmp_path / "drawn", per_class=1, seed=3)
    data = dataset.load_for_test(tmp_path / "drawn")
    monkeypatch.setattr(engine, "predict_logits", lambda *_, **__: torch.eye(10))
    about = {"classes": paper.CLASSES, "epoch": 1}
    rows, pixels = np.arange(10), np.zeros((10, 8, 8, 3), np.uint8)
    found = engine.evaluate(torch.nn.Identity(), about, data, rows, 1.0, "m", "test", pixels)
    assert found.meta.sample == {"per_class": 1, "seed": 3} and found.meta.probabilities == "calibrated"
    assert found.meta.leaked is None, "no training photo is here: nobody looked"
