"""The loop learns, stops at once, and comes back from anything with the same bytes."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch
from datasets import COLOURS, colours

from fashion_core import UserError, runs
from fashion_core.engine import checkpoint, models, training
from fashion_core.engine.training import NotFinite, Photos, Trainer
from fashion_core.engine.worker import work
from fashion_core.evaluation.evaluation import EPOCHS, Evaluation
from fashion_core.photos import dataset
from fashion_core.photos.pixels import decode_photos
from fashion_core.runs import events
from fashion_core.runs.config import TrainConfig

# MobileNetV3 has dropout and batch norm; with crops, flips and an average of the weights nothing random is left out.
TINY = TrainConfig(
    preset="test", architecture="mobilenet_v3_small", pretrained="none", image_size=32, epochs=2, batch_size=8,
    learning_rate=0.05, schedule="cosine", ema_decay=0.5, crop_scale=0.7, flip=True, precision="float32", device="cpu",
)  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Networks this small gain nothing from more, and the processes a test starts must add up in the same order."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def photos(home, tmp_path) -> Photos:
    data = dataset.load(colours(tmp_path / "photos"))
    meanings = np.array([[label == name for name in data.classes] for label in data.photos["label"]])
    part = data.photos["split"]
    return Photos(
        decode_photos(data, 32), meanings, np.flatnonzero(part == "train"), np.flatnonzero(part == "validation"),
        data.classes, data.fingerprint,
    )  # fmt: skip


def trainer(photos, folder, config=TINY, stop_at=None, log=lambda type, **fields: None) -> Trainer:
    folder.mkdir(exist_ok=True)
    asked = count()
    return Trainer(config, photos, folder, log, lambda: stop_at is not None and next(asked) >= stop_at)


def digest(folder) -> str:
    tensors, _ = checkpoint.load(folder / "last.safetensors")
    return hashlib.sha256(b"".join(tensors[name].numpy().tobytes() for name in sorted(tensors))).hexdigest()


def test_the_loss_falls_and_every_iteration_is_logged(photos, tmp_path):
    events = []
    config = replace(TINY, epochs=6, ema_decay=0.0)
    run = trainer(photos, tmp_path / "run", config, log=lambda type, **fields: events.append((type, fields)))
    assert run.train() == "finished"
    steps = [fields for type, fields in events if type == "step"]
    assert [fields["step"] for fields in steps] == list(range(1, 6 * 6 + 1))  # 48 photos to train on, 8 a batch
    losses = [fields["loss"] for fields in steps]
    assert np.mean(losses[-6:]) < 0.7 * np.mean(losses[:6])
    epochs = [fields for type, fields in events if type == "epoch"]
    assert [fields["epoch"] for fields in epochs] == [1, 2, 3, 4, 5, 6]
    assert epochs[0]["train_loss"] == pytest.approx(np.mean(losses[:6]))


@pytest.mark.parametrize(("optimizer", "cuts"), [("sgd", [0, 2, 3]), ("sgd", [6]), ("adamw", [5, 2])])
def test_a_run_stopped_anywhere_and_resumed_ends_with_the_same_bytes(photos, tmp_path, cuts, optimizer):
    """Each cut counts iterations since the last start: before the first, within an epoch, at its end, several times."""
    config = replace(TINY, optimizer=optimizer, learning_rate=0.01)
    whole = trainer(photos, tmp_path / "whole", config)
    whole.train()
    for cut in cuts:
        assert trainer(photos, tmp_path / "cut", config, stop_at=cut).train() == "stopped"
    assert trainer(photos, tmp_path / "cut", config).train() == "finished"
    assert digest(tmp_path / "cut") == digest(tmp_path / "whole")
    best = [checkpoint.load(tmp_path / name / "best.safetensors")[0] for name in ("whole", "cut")]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[0])


def test_stop_takes_effect_within_one_iteration(photos, tmp_path):
    steps = []
    run = trainer(photos, tmp_path / "run", stop_at=3, log=lambda type, **fields: steps.append(type))
    assert run.train() == "stopped"
    assert steps.count("step") == 3
    assert checkpoint.load(tmp_path / "run" / "last.safetensors")[1]["progress"]["step"] == 3


def test_a_loss_that_is_no_number_stops_with_its_step_and_leaves_the_best_weights(photos, tmp_path, monkeypatch):
    run = trainer(photos, tmp_path / "run")
    real, calls = Trainer._backward, count(1)
    monkeypatch.setattr(
        Trainer, "_backward", lambda self, rows: (float("nan"), 0) if next(calls) == 9 else real(self, rows)
    )
    with pytest.raises(NotFinite, match="step 9"):
        run.train()
    tensors, about = checkpoint.load(tmp_path / "run" / "best.safetensors")
    assert about["epoch"] == 1 and all(torch.isfinite(tensor.float()).all() for tensor in tensors.values())


def test_out_of_memory_halves_the_batch_with_accumulation_and_says_so(photos, tmp_path, monkeypatch):
    notes, sizes = [], []
    run = trainer(
        photos, tmp_path / "run", log=lambda type, **fields: notes.append(fields["text"]) if type == "note" else None
    )
    real = run.model.forward

    def small(inputs):
        if run.model.training and len(inputs) > 4:
            raise torch.OutOfMemoryError("no room")
        sizes.append(len(inputs)) if run.model.training else None
        return real(inputs)

    monkeypatch.setattr(run.model, "forward", small)
    assert run.train() == "finished"
    assert notes == ["Out of memory: each batch of 8 now goes in parts of at most 4 photos."]
    assert set(sizes) == {4} and len(sizes) == 2 * 12


def test_a_full_disk_is_a_sentence_and_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    file = tmp_path / "last.safetensors"
    checkpoint.save(file, {"x": torch.ones(3)}, {"step": 1})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="free some disk space"):
        checkpoint.save(file, {"x": torch.zeros(3)}, {"step": 2})
    tensors, about = checkpoint.load(file)
    assert about == {"step": 1} and tensors["x"].tolist() == [1, 1, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["last.safetensors"]


def test_a_file_that_is_no_checkpoint_is_a_sentence(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"\x80\x04nonsense")
    with pytest.raises(UserError, match="no checkpoint"):
        checkpoint.load(tmp_path / "x.safetensors")


def test_changed_photos_are_not_mixed_into_an_old_run(photos, tmp_path):
    trainer(photos, tmp_path / "run", stop_at=1).train()
    with pytest.raises(UserError, match="photos have changed"):
        trainer(replace(photos, fingerprint="other"), tmp_path / "run")


def test_augmentation_gives_every_photo_a_crop_of_its_own_and_none_without():
    batch = torch.randint(0, 256, (4, 32, 32, 3), dtype=torch.uint8)
    plain = training.make_augmentation(replace(TINY, crop_scale=1.0, flip=False))
    assert torch.equal(plain(batch), batch)
    cropped = training.make_augmentation(TINY)(batch[:1].expand(4, -1, -1, -1))
    assert cropped.shape == batch.shape and cropped.dtype == torch.uint8
    assert not torch.equal(cropped[0], cropped[1])


def test_biases_and_norms_do_not_decay_and_the_head_learns_faster():
    network, _ = models.build("resnet18", ("a", "b", "c"), 32)
    groups = training.make_optimizer(network, replace(TINY, weight_decay=0.1, head_learning_rate=10), 3).param_groups
    settings = {
        id(parameter): (group["factor"], group["weight_decay"]) for group in groups for parameter in group["params"]
    }
    assert settings[id(network.fc.weight)] == (10, 0.1)
    assert settings[id(network.fc.bias)] == (10, 0.0)
    assert settings[id(network.bn1.weight)] == (1, 0.0)
    assert settings[id(network.conv1.weight)] == (1, 0.1)


def test_the_worker_leaves_an_evaluation_and_a_model_that_predicts(home, tmp_path):
    config = replace(TINY, architecture="resnet18", epochs=6, learning_rate=0.02, ema_decay=0.0)
    run = runs.create(config, colours(tmp_path / "photos"))
    with runs.claim(run) as log:
        assert work(run, log, show=lambda text: None) == "finished"
    test = Evaluation.load(run.evaluation_file)
    assert len(test) == 6 and test.accuracy >= 5 / 6
    assert run.state == "finished" and test.meta.model == run.id
    files = sorted((run.model_folder / EPOCHS).iterdir())
    assert [file.name for file in files] == [f"{epoch:04}.parquet" for epoch in range(1, 7)]
    logged = [event["validation_accuracy"] for event in run.events() if event["type"] == "epoch"]
    kept = [Evaluation.load(file) for file in files]
    assert [each.accuracy for each in kept] == pytest.approx(logged)
    assert {each.meta.split for each in kept} == {"validation"} and kept[-1].meta.epoch == 6
    assert not set(kept[0].photos["path"]) & set(test.photos["path"])

    from fashion_core.models.predictor import Predictor
    from fashion_core.photos import imaging

    predictor = Predictor(run.model_folder)
    images = [imaging.read(tmp_path / "photos" / path) for path in test.photos["path"]]
    assert np.abs(predictor(images) - test.probabilities).max() < 0.02
    start = next(event for event in run.events() if event["type"] == "start")
    assert start["seed"] == 0 and start["classes"] == list(COLOURS) and start["versions"]["torch"] == torch.__version__
    assert (
        "Random weights" in predictor.card.initial_weights
        and predictor.card.dataset.fingerprint == start["fingerprint"]
    )


def test_a_run_that_kept_no_epochs_still_ends_in_a_model(home, tmp_path):
    run = runs.create(replace(TINY, epochs=2), colours(tmp_path / "photos", per_class=6))
    with runs.claim(run) as log:
        work(run, log, show=lambda text: None)
    shutil.rmtree(run.folder / EPOCHS)
    shutil.rmtree(run.folder / "model")
    with runs.claim(run) as log:
        assert work(run, log, show=lambda text: None) == "finished"
    assert (run.folder / "model" / "card.json").is_file() and not (run.folder / "model" / EPOCHS).exists()


def test_a_run_trained_without_openvino_is_made_to_predict_when_it_is_published(home, tmp_path, monkeypatch):
    from fashion_core.cli import main
    from fashion_core.models import predictor

    run = runs.create(replace(TINY, epochs=1), colours(tmp_path / "photos", per_class=6))
    with monkeypatch.context() as patch, runs.claim(run) as log:
        patch.setitem(sys.modules, "openvino", None)
        work(run, log, show=lambda text: None)
    assert any("OpenVINO is not installed" in event.get("text", "") for event in run.events())
    with pytest.raises(UserError, match="is missing"):
        predictor.Predictor(run.model_folder)
    assert main(["publish", run.id, "later"]) == 0
    assert predictor.Predictor(home / "weights" / "later").classes == tuple(COLOURS)


def test_a_worker_killed_at_any_moment_is_seen_as_crashed_and_resumes_to_the_same_bytes(home, tmp_path):
    folder = colours(tmp_path / "photos")
    config = replace(TINY, epochs=4)
    whole = runs.create(config, folder)
    with runs.claim(whole) as log:
        work(whole, log, show=lambda text: None)
    killed = runs.create(config, folder)
    for step in (3, 14):
        _kill_at(killed, step)
        assert killed.state == "crashed"
    with runs.claim(killed) as log:
        work(killed, log, show=lambda text: None)
    assert digest(killed.folder) == digest(whole.folder)
    assert killed.evaluation_file.exists()
    kept = [
        [Evaluation.load(file) for file in sorted((run.model_folder / EPOCHS).iterdir())] for run in (killed, whole)
    ]
    assert len(kept[0]) == 4 and all((a.probabilities == b.probabilities).all() for a, b in zip(*kept, strict=True))


def _kill_at(run, step: int) -> None:
    """Start the worker as the app does and SIGKILL it once it has logged `step`."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "fashion_core", "train", "--resume", str(run.folder)], stderr=subprocess.DEVNULL
    )
    tail, end = events.Tail(run), time.monotonic() + 120
    while time.monotonic() < end and worker.poll() is None:
        tail.update()
        if len(tail.columns["step"]) and tail.columns["step"][-1] >= step:
            break
        time.sleep(0.002)
    assert worker.poll() is None, "the worker ended before it could be killed"
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()


# ---- extra photos, of a class or of a colour or garment alone


def test_one_meaning_each_is_cross_entropy_and_two_are_the_sum_of_both():
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, np.log(2)]])
    one = torch.eye(3, dtype=torch.bool)[[0, 2]]
    for smoothing in (0.0, 0.1):
        theirs = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 2]), label_smoothing=smoothing)
        assert training.partial_cross_entropy(logits, one, smoothing).item() == pytest.approx(theirs.item(), abs=1e-6)
    either = torch.tensor([[False, True, True]])  # P = 1/4 + 2/4
    assert training.partial_cross_entropy(logits[1:], either).item() == pytest.approx(-np.log(0.75), abs=1e-6)


def test_extra_photos_are_trained_on_and_never_tested(home, tmp_path):
    root, extra = colours(tmp_path / "photos"), colours(tmp_path / "mixed", per_class=6, size=48)
    (root / "white_glove").rename(root / "white_hat")
    (extra / "red_hat").rename(extra / "hat")  # of whatever colour
    (extra / "white_glove").rename(extra / "umbrella")
    shutil.copy(root / "red_hat" / "red_hat_00.png", extra / "hat" / "known.png")
    run = runs.create(replace(TINY, epochs=1, extra=str(extra)), root)
    with runs.claim(run) as log:
        assert work(run, log, show=lambda text: None) == "finished"
    notes = " ".join(event["text"] for event in run.events() if event["type"] == "note")
    assert "12 photos of" in notes and "umbrella" in notes  # six socks, six hats; the seventh is known
    assert len(Evaluation.load(run.evaluation_file)) == 6
    steps = next(event for event in run.events() if event["type"] == "start")["steps_per_epoch"]
    assert steps == (48 + 12) // TINY.batch_size


def test_averaged_weights_have_statistics_of_their_own_after_a_short_run(photos, tmp_path):
    run = trainer(photos, tmp_path / "run", replace(TINY, epochs=12, ema_decay=0.95))
    assert run.train() == "finished"
    logits = training.predict_logits(run.eval_model(), photos.pixels, photos.train, torch.device("cpu"))
    assert (logits.argmax(1) == photos.labels(photos.train)).float().mean() > 0.9
