"""Look-alikes, maps and colours, worked out by hand; and what those of a real network must add up to."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from datasets import colours
from PIL import Image

from fashion_core import UserError, runs
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import FILE, Explanations, overlay_heatmap
from fashion_core.runs.config import TrainConfig


def four() -> Explanations:
    photos = pd.DataFrame({
        "path": ["hat/0.jpg", "hat/1.jpg", "sock/2.jpg", "caf\udce9.jpg"], "label": ["hat", "hat", "sock", "sock"],
        "split": ["test", "train", "train", "test"], "group": [7, 7, -1, -1],
    }, dtype=object).astype({"group": int})  # fmt: skip
    embeddings = np.array([[1, 0], [0.8, 0.6], [0, 1], [0.6, 0.8]], np.float16)
    maps = np.arange(2 * 2 * 1 * 2, dtype=np.float16).reshape(2, 2, 1, 2)
    return Explanations(("hat", "sock"), photos, embeddings, np.arange(16, dtype=np.float32).reshape(4, 4),
                    np.eye(3, 2, dtype=np.float32), np.zeros(3, np.float32), 0.5, maps)  # fmt: skip


def test_what_is_saved_is_read_back_whole(tmp_path):
    back = Explanations.load(four().save(tmp_path / FILE))
    assert back.photos.equals(four().photos) and back.classes == ("hat", "sock")
    assert (back.embeddings == four().embeddings).all() and (back.maps == four().maps).all()
    assert (back.axes == four().axes).all() and back.ood_threshold == 0.5
    assert back.colour("caf\udce9.jpg")[:4] == (12, 13, 14, 15)
    assert np.isnan(back.colour("caf\udce9.jpg").uncertainty)  # a file from before that was kept
    for file in (tmp_path / "none", tmp_path):
        with pytest.raises(UserError):
            Explanations.load(file)
    (tmp_path / "text").write_text("no")
    with pytest.raises(UserError, match="holds no readable explanations"):
        Explanations.load(tmp_path / "text")


def test_the_nearest_training_photos_come_first_with_their_distance():
    found = four().nearest("caf\udce9.jpg")
    assert found["path"].tolist() == ["hat/1.jpg", "sock/2.jpg"]
    assert found["distance"].tolist() == pytest.approx([np.sqrt(0.08), np.sqrt(0.4)], abs=1e-3)


def test_a_photo_far_from_all_that_was_learned_is_strange():
    known, between, other = [0.8, 0.6, 0], [3.0, 3.0, 0], [0, 0, 5.0]  # of any length: directions count
    found = four().ood_score(np.array([known, between, other]))  # to the second of the two training photos
    between_and_sock = np.sqrt(0.5 + (1 - np.sqrt(0.5)) ** 2)
    assert found == pytest.approx([np.hypot(0.8, 0.4), between_and_sock, np.sqrt(2)], abs=2e-3)


def test_what_was_saved_is_read_with_its_table_whenever_that_is_asked_for(tmp_path):
    saved = four()
    read = Explanations.load(saved.save(tmp_path / FILE))
    score = read.ood_score(np.ones((1, read.axes.shape[0]), np.float32))
    assert isinstance(vars(read)["photos"], dict)  # an answer needs no table
    pd.testing.assert_frame_equal(read.photos, saved.photos.astype(object).astype({"group": int}))
    assert read.photos is read.photos
    assert (
        read.ood_score(np.ones((1, read.axes.shape[0]), np.float32))
        == score
        == saved.ood_score(np.ones((1, read.axes.shape[0]), np.float32))
    )


def test_a_table_that_is_not_whole_is_refused_when_it_is_read(tmp_path):
    saved = four()
    saved = replace(saved, photos=saved.photos.iloc[:3])
    with pytest.raises(UserError, match="a table of photos that is not whole"):
        Explanations.load(saved.save(tmp_path / FILE))


def test_a_colour_far_from_those_that_were_learned_is_strange(monkeypatch):
    explanations = four()
    explanations.colours[:] = [
        [20, 0, 0, 1],
        [20, 0, 90, 1],
        [20, 30, 270, 1],
        [50, 0, 0, 1],
    ]  # learned: a grey and a blue
    # To the second nearest of the two: the grey itself is 30 from the blue, a red of chroma 40 is 50 from it.
    found = explanations.colour_ood_score(np.array([[20, 0, 45, 1], [20, 40, 0, 1]], float))
    assert found == pytest.approx([30, 50])
    explanations.photos.loc[0, "split"] = "validation"
    assert replace(explanations).colour_ood_threshold == np.inf  # one validation photo sets none
    monkeypatch.setattr("fashion_core.evaluation.explanations.ID_PHOTOS", 1)
    assert replace(explanations).colour_ood_threshold == pytest.approx(30)


def test_what_is_most_like_a_new_photo_is_found_by_its_embedding():
    explanations = four()
    own = explanations.nearest("hat/0.jpg", 2)
    row = explanations.embeddings[explanations.places["hat/0.jpg"]].astype(np.float32)
    new = 3 * (row @ explanations.axes.astype(np.float32).T + explanations.centre)  # of any length
    found = explanations.nearest_to(new, 4)
    others = found[found["path"] != "hat/0.jpg"].reset_index(drop=True)
    assert others["path"].tolist()[: len(own)] == own["path"].tolist()


def test_near_duplicates_are_those_of_other_splits():
    assert four().duplicates("hat/0.jpg")["path"].tolist() == ["hat/1.jpg"]
    assert four().duplicates("sock/2.jpg").empty and four().duplicates("caf\udce9.jpg").empty


def test_a_heat_map_lies_over_the_photo_as_strongly_as_asked_and_leaves_no_white_on_a_dark_page():
    white, heat = Image.new("RGB", (4, 2), "white"), np.array([[0.0, 1.0]], np.float32)
    plain = np.asarray(overlay_heatmap(white, heat, 1.0, strength=0.0))
    assert (plain == 255).all()
    dark = np.asarray(overlay_heatmap(white, heat, 1.0, strength=1.0, ground=0.3))
    assert dark[:, 0].max() < 90, "the cold half is dark"
    warm = np.asarray(overlay_heatmap(white, heat, 1.0, strength=1.0)).astype(int)
    assert warm[0, -1, 0] - warm[0, -1, 2] > 60 > abs(warm[0, 0, 0] - warm[0, 0, 2]), "only the hot half is tinted"


def test_a_map_says_what_speaks_for_a_class_against_the_others():
    assert four().map("caf\udce9.jpg", "sock").tolist() == [[1, 1]]  # 6 and 7, of which the means 5 and 6 are taken off
    assert four().map("hat/1.jpg", "hat") is None  # no test photo
    assert replace(four(), maps=None).map("hat/0.jpg", "hat") is None


@pytest.mark.parametrize(("architecture", "has_maps"), [("resnet18", True), ("mobilenet_v3_small", False)])
def test_the_maps_of_a_run_average_to_what_it_said(home, tmp_path, architecture, has_maps):
    from fashion_core.engine.worker import work

    recipe = TrainConfig(architecture=architecture, pretrained="none", image_size=64, epochs=1, batch_size=16,
                         device="cpu", precision="float32")  # fmt: skip
    run = runs.create(recipe, colours(tmp_path / "photos"))
    with runs.claim(run) as log:
        work(run, log, show=lambda text: None)
    explanations, stored = Explanations.load(run.folder / "model" / FILE), Evaluation.load(run.evaluation_file)
    assert len(explanations.photos) == 60 and (explanations.maps is not None) == has_maps
    path = stored.photos["path"][0]
    assert set(explanations.nearest(path)["path"]) <= set(
        explanations.photos["path"][explanations.photos["split"] == "train"]
    )
    if has_maps:  # the mean of a map is the score but for the head's bias, and a softmax knows differences only
        means = np.array([explanations.map(path, name).mean() for name in explanations.classes])
        scores = np.log(stored.probabilities[0]) * stored.meta.temperature
        assert means - means.mean() == pytest.approx(scores - scores.mean(), abs=0.2)
    assert (
        explanations.colours.shape == (60, 5)
        and ((explanations.colours[:, 4:] >= 0) & (explanations.colours[:, 4:] <= 1)).all()
    )
    said = {name: dataset_colour(explanations, name) for name in explanations.classes}
    assert said["white_glove"] > said["red_hat"]


def dataset_colour(explanations: Explanations, label: str) -> float:
    rows = (explanations.photos["label"] == label).to_numpy()
    return float(np.median(explanations.colours[rows, 0]))
