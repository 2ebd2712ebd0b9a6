"""How a finished network is asked: at another size than it was trained at, with its mirror image, by all pairs."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from datasets import colours

from fashion_core import UserError, cli, runs
from fashion_core.engine import people
from fashion_core.engine.device import predict_logits
from fashion_core.engine.evaluate import load_network
from fashion_core.engine.explanations import projected_explanations
from fashion_core.engine.worker import conclude, work
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.models.predictor import Predictor
from fashion_core.photos import dataset, imaging
from fashion_core.photos.pixels import decode_photos
from fashion_core.runs.config import TrainConfig

pytestmark = pytest.mark.usefixtures("one_thread")
CONFIG = TrainConfig(
    preset="test", architecture="resnet18", pretrained="none", image_size=32, epochs=1, batch_size=8,
    learning_rate=0.02, precision="float32", device="cpu",
)  # fmt: skip


def trained(folder, config=CONFIG):
    run = runs.create(config, folder)
    with runs.claim(run) as log:
        assert work(run, log, show=lambda text: None) == "finished"
    return run


def agrees_with_its_test(run, folder) -> Evaluation:
    test, predictor = Evaluation.load(run.evaluation_file), Predictor(run.model_folder)
    images = [imaging.read(folder / path) for path in test.photos["path"]]
    assert np.abs(predictor(images) - test.probabilities).max() < 0.02
    return test


class Left(torch.nn.Module):
    """Scores the brightness of the left and of the right half, apart."""

    def forward(self, inputs):
        half = inputs.shape[3] // 2
        return torch.stack([inputs[..., :half].mean((1, 2, 3)), inputs[..., half:].mean((1, 2, 3))], dim=1)


def test_scores_with_the_mirror_image_are_the_mean_of_both():
    """A photo bright on its left half: (l, r) as it is, (r, l) mirrored, so each score is (l + r) / 2."""
    pixels = np.zeros((1, 4, 4, 3), np.uint8)
    pixels[:, :, :2] = 255
    plain, flipped = (
        predict_logits(Left(), pixels, np.array([0]), torch.device("cpu"), flip=flip)[0] for flip in (False, True)
    )
    assert plain[0] > plain[1] + 1
    assert flipped.tolist() == pytest.approx([plain.mean().item()] * 2, abs=1e-5)


def test_a_model_predicts_at_the_size_and_with_the_flips_that_it_was_tested_with(home, tmp_path):
    folder = colours(tmp_path / "photos")
    run = trained(folder, replace(CONFIG, test_image_size=48, flip_at_test=True))
    card = Predictor(run.model_folder).card
    assert card.image_size == 48 and card.settings["image_size"] == 32
    test = agrees_with_its_test(run, folder)

    network, _ = load_network(run.model_folder / "model.safetensors")
    data = dataset.load(folder)
    rows = np.flatnonzero(data.photos["split"] == "test")
    logits = predict_logits(network, decode_photos(data, 48), rows, torch.device("cpu"), flip=True).numpy()
    plain = predict_logits(network, decode_photos(data, 48), rows, torch.device("cpu")).numpy()
    assert np.abs(logits - plain).max() > 1e-4, "the mirror images say the same: the next line tells nothing"
    logits /= card.temperature
    answers = np.exp(logits - logits.max(1, keepdims=True))
    assert test.probabilities == pytest.approx(answers / answers.sum(1, keepdims=True), abs=1e-5)


def test_further_photos_are_explained_at_the_size_that_answers(home, tmp_path):
    """Asked about the photos that it was tested on, it finds the embeddings that it kept of them."""
    folder = colours(tmp_path / "photos")
    run = trained(folder, replace(CONFIG, test_image_size=48))
    kept, found = Explanations.load(run.model_folder / FILE), people.explain(run.model_folder, dataset.load(folder))
    assert list(found.photos["path"]) == list(kept.photos["path"])
    assert np.abs(found.embeddings.astype(np.float32) - kept.embeddings.astype(np.float32)).max() < 0.01
    network, _ = load_network(run.model_folder / "model.safetensors")
    small = decode_photos(dataset.load(folder), 32)
    other = projected_explanations(network, kept, dataset.load(folder), small, torch.device("cpu"))
    assert np.abs(other.embeddings.astype(np.float32) - kept.embeddings.astype(np.float32)).max() > 0.02, "all alike"


def test_they_can_be_set_after_training_and_the_validation_says_what_they_are_worth(home, tmp_path):
    folder = colours(tmp_path / "photos")
    run = trained(folder)
    before = Evaluation.load(run.evaluation_file)
    run = run.amended({"test_image_size": "64", "flip_at_test": "true"})
    with runs.claim(run) as log:
        conclude(run, log, show=lambda text: None)
    test, card = agrees_with_its_test(run, folder), Predictor(run.model_folder).card
    assert card.image_size == 64 and card.settings["flip_at_test"] is True
    assert not np.allclose(test.probabilities, before.probabilities, atol=1e-6)
    notes = [event["text"] for event in run.events() if event["type"] == "note"]
    assert any(note.startswith("Validation at 64 px, with its mirror image: ") for note in notes)
    assert any("test_image_size 0 → 64" in note for note in card.notes)


def test_whoever_goes_on_with_the_run_tests_with_them_too(home, tmp_path):
    run = trained(colours(tmp_path / "photos")).amended({"flip_at_test": "true"})
    with runs.claim(run) as log:
        work(run, log, show=lambda text: None)
    card = Predictor(run.model_folder).card
    assert card.settings["flip_at_test"] is True and any("flip_at_test False → True" in note for note in card.notes)


def test_nothing_else_can_change_once_a_run_is_finished(home, tmp_path, capsys):
    run = trained(colours(tmp_path / "photos"))
    with pytest.raises(UserError, match="is finished"):
        run.amended({"flip_at_test": "true", "learning_rate": "1"})
    assert cli.main(["train", "--resume", run.id, "--finish", "--set", "learning_rate=1"]) == 2
    assert "learning_rate cannot change" in capsys.readouterr().err


def test_a_size_that_the_network_cannot_take_is_told_before_training(home, tmp_path):
    run = runs.create(
        replace(CONFIG, architecture="vit_b_32", image_size=32, test_image_size=64), colours(tmp_path / "photos", 4)
    )
    with runs.claim(run) as log, pytest.raises(UserError, match="cannot be built for photos of 64 px"):
        work(run, log, show=lambda text: None)
    assert not any(event["type"] == "step" for event in run.events())


@pytest.mark.parametrize("size", [1, 31, 2000])
def test_a_test_size_out_of_range_is_a_sentence(size):
    with pytest.raises(UserError, match="test_image_size"):
        TrainConfig(test_image_size=size)


# ---- pairs without photos


def pairs(root):
    """green_sock, red_hat and white_glove as red_hat, red_sock and white_hat: white_sock is missing."""
    folder = colours(root)
    (folder / "green_sock").rename(folder / "red_sock")
    (folder / "white_glove").rename(folder / "white_hat")
    return folder


def test_all_pairs_names_a_pair_without_photos(home, tmp_path):
    folder = pairs(tmp_path / "photos")
    run = trained(folder, replace(CONFIG, architecture="resnet50_two_head", all_pairs=True, learning_rate=1e-5))
    names = ("red_hat", "red_sock", "white_hat", "white_sock")
    test, card = agrees_with_its_test(run, folder), Predictor(run.model_folder).card
    assert test.classes == card.classes == names
    assert "Can name these, though the folder has no photo of them: white sock." in card.notes
    assert trained(folder).config.all_pairs is False
    log_p = np.log(test.probabilities)
    assert log_p[:, 3] == pytest.approx(log_p[:, 2] + log_p[:, 1] - log_p[:, 0], abs=1e-3)


def test_all_pairs_of_names_that_are_none_is_a_sentence(home, tmp_path):
    run = runs.create(replace(CONFIG, all_pairs=True), colours(tmp_path / "photos", 4))
    with runs.claim(run) as log, pytest.raises(UserError, match="all_pairs needs class folders named"):
        work(run, log, show=lambda text: None)
