"""Distillation: a teacher's answers are learned, kept with the run, and stay out where it does not know the classes."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from datasets import COLOURS, colours
from model_folders import write_model
from PIL import Image
from trainings import photos_of

from fashion_core import UserError, runs
from fashion_core.engine import checkpoint, losses, teacher
from fashion_core.engine.worker import work
from fashion_core.photos import dataset, imaging
from fashion_core.runs.config import TrainConfig
from fashion_core.stats import softmax

pytestmark = pytest.mark.usefixtures("one_thread")
NAMES = tuple(COLOURS)  # green_sock, red_hat, white_glove
CONFIG = TrainConfig(
    preset="test", architecture="mobilenet_v3_small", pretrained="none", image_size=32, epochs=1, batch_size=8,
    precision="float32", device="cpu",
)  # fmt: skip


def test_the_target_is_shared_between_label_and_teacher():
    """P = (1/2, 1/4, 1/4), label first: ln 2. The teacher says (0, 1, 0): ln 4. Half of each: 1.5 ln 2."""
    logits = torch.tensor([[np.log(2), 0.0, 0.0]] * 2)
    hard = losses.partial_cross_entropy(logits, torch.eye(3, dtype=torch.bool)[[0, 0]])
    taught = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])  # no answer to the second photo
    found = losses.distilled(hard, logits, taught, 0.5)
    assert found.tolist() == pytest.approx([1.5 * np.log(2), np.log(2)], abs=1e-6)
    assert losses.distilled(hard, logits, taught, 1.0)[0].item() == pytest.approx(np.log(4), abs=1e-6)


def test_the_teacher_answers_calibrated_in_the_order_of_the_student_s_classes(home, tmp_path):
    """The teacher scores red, green and blue as 4 × their mean: its first class is the red hat."""
    data = dataset.load(colours(tmp_path / "photos"))
    order = ["red_hat", "green_sock", "white_glove"]
    model = write_model(tmp_path / "teacher", temperature=2.0, classes=order)
    photos = photos_of(data)
    answers = teacher.answers(tmp_path, str(model), photos, [data])
    row = int(photos.train[0])
    square = imaging.square(imaging.read(data.file(data.photos["path"][row])), 8)
    red, green, blue = square.mean((0, 1)) * 4 / 255
    expected = softmax(np.array([[green, red, blue]], np.float32), 2.0)[0]  # sock, hat, glove
    assert answers[row] == pytest.approx(expected, abs=1e-4)
    assert not answers[photos.validation].any(), "photos that are not trained on are not asked about"


def test_photos_of_classes_unknown_to_the_teacher_are_learned_by_their_label_alone(home, tmp_path):
    folder = colours(tmp_path / "photos")
    shutil.copytree(folder / "red_hat", folder / "red_scarf")
    for file in (folder / "red_scarf").iterdir():
        photo = imaging.read(file).rotate(90)
        file.unlink()
        photo.save(file)
    data = dataset.load(folder)
    photos = photos_of(data)
    answers = teacher.answers(tmp_path, str(write_model(tmp_path / "teacher", classes=list(NAMES))), photos, [data])
    scarf = data.classes.index("red_scarf")
    known = ~photos.candidates[photos.train][:, scarf]
    assert answers[photos.train[known]].sum(1) == pytest.approx(1)
    assert not answers[photos.train[~known]].any() and not answers[:, scarf].any()


def test_a_resumed_run_learns_from_the_same_answers_whatever_the_model_is_now(home, tmp_path):
    data = dataset.load(colours(tmp_path / "photos"))
    model, photos = write_model(tmp_path / "teacher", classes=list(NAMES)), photos_of(data)
    first = teacher.answers(tmp_path, str(model), photos, [data])
    shutil.rmtree(model)
    assert np.array_equal(teacher.answers(tmp_path, str(model), photos, [data]), first)
    with pytest.raises(UserError, match="no model called"):  # other photos, other answers
        teacher.answers(tmp_path, str(model), replace(photos, fingerprint="others"), [data])


def test_a_teacher_of_other_classes_is_a_sentence(home, tmp_path):
    data = dataset.load(colours(tmp_path / "photos", 4))
    model = write_model(tmp_path / "teacher", classes=["a", "b", "red_hat"])
    with pytest.raises(UserError, match="choose a teacher of the same classes"):
        teacher.answers(tmp_path, str(model), photos_of(data), [data])


def test_a_run_is_taught_also_with_extra_photos_and_says_so(home, tmp_path):
    extra = tmp_path / "more"
    (extra / "red_hat").mkdir(parents=True)
    for number in range(5):
        noise = np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(noise).save(extra / "red_hat" / f"{number}.png")
    model = write_model(tmp_path / "teacher", classes=list(NAMES))
    config = replace(CONFIG, teacher=str(model), teacher_share=1.0, extra=str(extra))
    run = runs.create(config, colours(tmp_path / "photos"))
    with runs.claim(run) as log:
        assert work(run, log, show=lambda text: None) == "finished"
    notes = [event["text"] for event in run.events() if event["type"] == "note"]
    assert "The model teacher teaches 53 of the 53 training photos." in notes
    answers = checkpoint.load(run.folder / teacher.FILE)[0][teacher.ANSWERS]
    assert answers.shape == (65, 3)
    card = (run.model_folder / "card.json").read_text()
    assert str(tmp_path) not in card and '"teacher": "teacher"' in card


def test_the_teacher_changes_what_is_learned(home, tmp_path):
    """One that is sure of the first class for every photo: the student, taught by it alone, ends there too."""
    import fashion_core.engine.training as loop

    folder = colours(tmp_path / "photos")
    data = dataset.load(folder)
    photos = photos_of(data)
    taught = np.zeros(photos.candidates.shape, np.float32)
    taught[:, 0] = 1
    config = replace(CONFIG, learning_rate=0.05, epochs=2, teacher="named", teacher_share=1.0)
    trainer = loop.Trainer(config, replace(photos, taught=taught), tmp_path, lambda type, **f: None, lambda: False)
    trainer.train()
    trainer.model.train()
    with torch.no_grad():
        logits = trainer._forward(trainer.normalise(torch.from_numpy(photos.pixels[photos.train])))
    assert (logits.argmax(1) == 0).all()
