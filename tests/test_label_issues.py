"""Planted faults are found, and the alarms that are false are few."""

import numpy as np
import pandas as pd
import pytest
from evaluations import CLASSES, clusters, eight, made_up, planted

from bench.planted import counted, learn, listed, plant
from fashion_core import UserError
from fashion_core.evaluation import label_issues
from fashion_core.evaluation.evaluation import Evaluation


def test_ten_swapped_labels_are_found_first_with_few_false_alarms():
    evaluation, rows = planted()
    found = label_issues.find_label_issues(evaluation)
    assert set(found["index"][:10]) == rows
    assert set(found["index"][10:]) <= set(np.flatnonzero(~evaluation.right)) - rows
    assert len(found) < (~evaluation.right).sum()  # not every mistake is a suspect
    assert found["score"].is_monotonic_increasing
    assert (found["label"] != found["predicted"]).all()


def test_a_class_without_photos_and_a_single_class_are_no_trouble():
    evaluation, _ = planted()
    keep = evaluation.photos["label"] != "sock"
    part = Evaluation(CLASSES, evaluation.photos[keep].reset_index(drop=True), evaluation.probabilities[keep])
    assert len(label_issues.find_label_issues(part))
    alone = eight().photos["label"] == "hat"
    one = Evaluation(CLASSES, eight().photos[alone].reset_index(drop=True), eight().probabilities[alone])
    assert label_issues.find_label_issues(one).empty


def test_a_photo_sure_of_a_class_that_none_has_is_first_and_changes_nothing_of_the_others():
    evaluation, _ = planted()
    usual = label_issues.find_label_issues(evaluation)["path"].tolist()
    classes = (*CLASSES, "absent")
    probabilities = np.zeros((len(evaluation) + 1, len(classes)), np.float32)
    probabilities[:-1, :-1], probabilities[-1, -1] = evaluation.probabilities, 1
    photos = pd.concat([evaluation.photos, pd.DataFrame({"path": ["x.jpg"], "label": [CLASSES[0]]})], ignore_index=True)
    found = label_issues.find_label_issues(Evaluation(classes, photos, probabilities))
    assert found["path"].tolist() == ["x.jpg", *usual] and found["score"][0] == 0


@pytest.mark.parametrize("seed", range(3))
def test_clean_labels_raise_few_alarms(seed):
    evaluation = made_up("/photos", CLASSES, 300, seed)
    assert 8 <= (~evaluation.right).sum() <= 10 and len(label_issues.find_label_issues(evaluation)) <= 2


def test_the_faults_planted_in_a_dataset_are_found_after_a_training_on_it(home, tmp_path):
    """In other sets one or two swapped labels, or a stranger, are missed: docs/results.md counts them."""
    planted = plant(tmp_path / "photos")
    found = counted(planted, listed(planted, learn(planted)))
    alarms = {kind: numbers.pop("false alarms") for kind, numbers in found.items()}
    assert found == {
        "swapped labels": {"planted": 10, "found": 10}, "near-duplicates": {"planted": 12, "found": 12},
        "dark": {"planted": 3, "found": 3}, "blurred": {"planted": 3, "found": 3},
        "no apparel": {"planted": 4, "found": 4, "among outliers": 3},
    }  # fmt: skip
    most = {"swapped labels": 6, "near-duplicates": 0, "dark": 2, "blurred": 0, "no apparel": 30}
    assert all(alarms[kind] <= most[kind] for kind in most), alarms  # of 370 photos


def test_out_of_fold_asks_of_each_photo_what_its_neighbours_are_labelled():
    found = label_issues.out_of_fold(clusters(), "/photos")
    assert (
        found.root == "/photos"
        and found.meta.split == label_issues.CROSS_VALIDATED
        and found.meta.probabilities == "votes"
    )
    assert sorted(found.photos["path"]) == sorted(clusters().photos["path"])
    assert [path for path, right in zip(found.photos["path"], found.right, strict=True) if not right] == ["0.jpg"]
    assert label_issues.find_label_issues(found)["path"].tolist() == ["0.jpg"]
    assert found.photos["path"][:6].tolist() == [f"{i}.jpg" for i in range(1, 24, 4)], "test photos come first"


def test_near_duplicates_never_vote_for_each_other():
    evidence = clusters()
    evidence.photos.loc[[3, 4, 5], "label"] = "sock"  # three copies, all called socks, among the hats
    evidence.photos.loc[[3, 4, 5], "group"] = 1
    evidence.embeddings[[3, 4, 5]] = evidence.embeddings[3]
    found = label_issues.out_of_fold(evidence)
    shares = found.probabilities[[found.places[f"{i}.jpg"] for i in (3, 4, 5)], 1]
    assert (shares < 0.5).all()


def test_what_nothing_could_vote_for_is_left_out_and_too_few_photos_are_refused():
    evidence = clusters()
    evidence.photos.loc[12:, "group"] = 1  # all socks are one picture: no fold can tell what a sock is
    assert set(label_issues.out_of_fold(evidence).photos["label"]) == {"hat"}
    evidence.photos["group"] = 1
    with pytest.raises(UserError, match="too much alike"):
        label_issues.out_of_fold(evidence)
    evidence.photos["group"] = np.repeat([0, 1], 12)  # two pictures, one a class
    with pytest.raises(UserError, match="over and over"):
        label_issues.out_of_fold(evidence)
    evidence.photos["group"] = np.arange(24) % 3  # fewer groups than folds
    assert len(label_issues.out_of_fold(evidence)) == 24


def test_outliers_are_far_from_their_tenth_nearest():
    found = label_issues.outliers(clusters())
    assert found["path"].tolist() == ["23.jpg"]
    assert found["score"][0] >= label_issues.OUTLIER_RATIO and found["label"].tolist() == ["sock"]


def test_alike_needs_both_the_network_and_the_perceptual_hash_and_leaves_known_duplicates_out():
    evidence = clusters()
    evidence.embeddings[6] = evidence.embeddings[5]
    evidence.embeddings[8] = evidence.embeddings[7]
    hashes = {"1.jpg": 0, "2.jpg": 0, "5.jpg": 0xF0FF, "6.jpg": 0xFFFF, "7.jpg": 0xFFFF << 20, "8.jpg": 0xFFFF << 40}
    found = label_issues.possible_duplicates(evidence, hashes)
    assert found["path"].tolist() == ["5.jpg", "6.jpg"] and found["group"].nunique() == 1
    assert label_issues.possible_duplicates(evidence, {}).empty
