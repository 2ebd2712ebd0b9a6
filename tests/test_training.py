"""The loop learns, stops at once, and comes back from anything with the same bytes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import COLOURS, colours
from safetensors.torch import save_file
from trainings import digest, photos_of, trainers

from fashion_core import UserError, runs
from fashion_core.engine import checkpoint, device, losses, models, recipe, training
from fashion_core.engine.device import predict_logits
from fashion_core.engine.evaluate import calibrate, load_network
from fashion_core.engine.iterations import LATE
from fashion_core.engine.processes import Team
from fashion_core.engine.progress import TrainingProgress
from fashion_core.engine.training import NotFinite, Photos, Trainer
from fashion_core.engine.worker import conclude, work
from fashion_core.evaluation.evaluation import EPOCHS, Evaluation
from fashion_core.photos import dataset, imaging
from fashion_core.photos.pixels import decode_photos
from fashion_core.runs import events
from fashion_core.runs.config import TrainConfig
from fashion_core.stats import softmax

# MobileNetV3 has dropout and batch norm; with crops, flips and an average of the weights nothing random is left out.
TINY = TrainConfig(
    preset="test", architecture="mobilenet_v3_small", pretrained="none", image_size=32, epochs=2, batch_size=8,
    learning_rate=0.05, schedule="cosine", ema_decay=0.5, crop_scale=0.7, flip=True, precision="float32", device="cpu",
)  # fmt: skip


pytestmark = pytest.mark.usefixtures("one_thread")
trainer = trainers(Trainer, TINY)


@pytest.fixture
def photos(home, tmp_path) -> Photos:
    return photos_of(dataset.load(colours(tmp_path / "photos")))


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


def test_a_clock_that_is_set_back_delays_no_checkpoint_and_no_speed_falls_below_zero(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(training, "HEARTBEAT_SECONDS", 0.0)
    saved, beats, real = [], [], time.time

    def log(type, **fields):
        monkeypatch.setattr(time, "time", lambda: real() - 3600 * (1 + len(beats)))
        beats.extend([fields] if type == "heartbeat" else [])

    run = trainer(photos, tmp_path / "run", replace(TINY, epochs=1), log=log)
    monkeypatch.setattr(run, "save_last", lambda: saved.append(run.progress.step))
    assert run.train() == "finished"
    assert saved[:5] == [1, 2, 3, 4, 5]
    assert len(beats) == 6 and all(beat["images_per_second"] > 0 and beat["seconds_left"] >= 0 for beat in beats)


def test_a_loss_that_is_no_number_stops_with_its_step_and_leaves_the_best_weights(photos, tmp_path, monkeypatch):
    diverge(monkeypatch, step=9)
    with pytest.raises(NotFinite, match=r"at step 9\. Go on from the best epoch, 1 "):
        trainer(photos, tmp_path / "run").train()
    tensors, about = checkpoint.load(tmp_path / "run" / "best.safetensors")
    assert about["epoch"] == 1 and all(torch.isfinite(tensor.float()).all() for tensor in tensors.values())


def test_losses_that_are_fetched_late_are_logged_the_same(photos, tmp_path, monkeypatch):
    """On a GPU several iterations are asked after at once; 4 does not divide the 6 steps of an epoch."""
    logs: dict[int, list] = {1: [], 4: []}
    for late, log in logs.items():
        monkeypatch.setitem(LATE, "cpu", late)
        run = trainer(photos, tmp_path / str(late), log=lambda type, log=log, **said: log.append((type, said)))
        assert run.train() == "finished"
    told = {late: [said for type, said in log if type == "step"] for late, log in logs.items()}
    assert told[4] == told[1] and len(told[4]) == run.total
    learned = {late: checkpoint.load(tmp_path / str(late) / "last.safetensors") for late in logs}
    assert learned[4][1]["progress"] == learned[1][1]["progress"]
    assert all(torch.equal(tensor, learned[4][0][name]) for name, tensor in learned[1][0].items())


def test_a_loss_that_is_no_number_is_found_late_with_its_own_step_and_no_checkpoint_of_it(
    photos, tmp_path, monkeypatch
):
    monkeypatch.setitem(LATE, "cpu", 4)
    diverge(monkeypatch, step=9)
    with pytest.raises(NotFinite, match=r"at step 9\. Go on from the best epoch, 1 "):
        trainer(photos, tmp_path / "run").train()
    assert checkpoint.load(tmp_path / "run" / "last.safetensors")[1]["progress"]["step"] == 6


def diverge(monkeypatch, step: int, above: float = 0.0) -> None:
    """From `step` on the loss is not a number, where the learning rate of the recipe is over `above`."""
    real = Trainer._backward

    def backward(self, rows):
        broken = self.progress.step + 1 >= step and self.config.learning_rate > above
        return (float("nan"), 0) if broken else real(self, rows)

    monkeypatch.setattr(Trainer, "_backward", backward)


def test_after_a_loss_that_is_no_number_training_goes_on_from_the_best_epoch(photos, tmp_path, monkeypatch):
    """Its steps are 6 an epoch. A checkpoint written at step 8 may hold how the divergence began: it is no good."""
    with monkeypatch.context() as patch:
        diverge(patch, step=9)
        trainer(photos, tmp_path / "run", stop_at=8).train()
        assert checkpoint.load(tmp_path / "run" / "last.safetensors")[1]["progress"]["step"] == 8
        with pytest.raises(NotFinite, match=r"\(step 6\).*--set learning_rate=0.005; .*--finish"):
            trainer(photos, tmp_path / "run").train()
    resumed = trainer(photos, tmp_path / "run", replace(TINY, learning_rate=0.005))
    best, about = checkpoint.load(tmp_path / "run" / "best.safetensors")
    assert resumed.progress.step == 6 and resumed.progress.best == tuple(about["progress"]["best"])
    for network in (resumed.model, resumed.eval_model()):
        assert all(torch.equal(tensor, best[name]) for name, tensor in network.state_dict().items())
    assert (resumed.progress.seen, resumed.progress.loss_sum) == (0, 0.0)
    assert resumed.train() == "finished"


def test_a_loss_that_is_no_number_before_the_first_epoch_ended_begins_again(photos, tmp_path, monkeypatch):
    diverge(monkeypatch, step=4)
    trainer(photos, tmp_path / "run", stop_at=3).train()
    with pytest.raises(NotFinite, match="Begin again") as error:
        trainer(photos, tmp_path / "run").train()
    assert "--finish" not in str(error.value) and not (tmp_path / "run" / "last.safetensors").exists()
    assert trainer(photos, tmp_path / "run").progress.step == 0


def test_the_best_epoch_is_kept_whatever_comes_after_it(photos, tmp_path, monkeypatch):
    """By accuracy, then by the lower loss: of epochs with 2, 4, 4 and 3 of 6 photos right the third, which is surer."""
    target = photos.labels(photos.validation)
    right, sure, weights = iter([2, 4, 4, 3]), iter([1.0, 1.0, 2.0, 2.0]), []

    def answers(model, *rest):
        weights.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        classes = torch.where(torch.arange(len(target)) < next(right), target, (target + 1) % 3)
        return torch.nn.functional.one_hot(classes, 3) * (0.1 * next(sure))

    monkeypatch.setattr(training, "predict_logits", answers)
    run = trainer(photos, tmp_path / "run", replace(TINY, epochs=4))
    assert len(target) == 6 and run.train() == "finished"
    best, about = checkpoint.load(tmp_path / "run" / "best.safetensors")
    assert about["epoch"] == run.progress.best_epoch == 3
    assert all(torch.equal(best[name], tensor) for name, tensor in weights[2].items())
    assert not torch.equal(best["classifier.3.weight"], weights[3]["classifier.3.weight"])


def test_an_epoch_sees_every_photo_once_in_an_order_of_its_own(photos, tmp_path):
    run = trainer(photos, tmp_path / "run")
    first, second = ([row for batch in range(6) for row in run._batch_rows(epoch, batch)] for epoch in (0, 1))
    assert sorted(first) == sorted(second) == sorted(photos.train) and first != second
    assert list(run._batch_rows(0, 3)) == first[24:32]


def test_a_batch_of_one_small_photo_is_a_sentence_and_of_a_larger_one_trains(photos, tmp_path):
    with pytest.raises(UserError, match="batch_size to 2 or more"):
        trainer(photos, tmp_path / "small", replace(TINY, batch_size=1)).train()
    large = replace(photos, pixels=np.asarray(photos.pixels).repeat(3, 1).repeat(3, 2), train=photos.train[:4])
    config = replace(TINY, batch_size=1, image_size=96, epochs=1)
    assert trainer(large, tmp_path / "large", config).train() == "finished"


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


def test_prediction_halves_its_batches_when_memory_is_short_and_says_so(photos, tmp_path, monkeypatch):
    run, notes = trainer(photos, tmp_path / "run"), []
    rows, cpu = np.arange(60), torch.device("cpu")
    whole = predict_logits(run.model, photos.pixels, rows, cpu)
    real, sizes, room = run.model.forward, [], 20

    def small(inputs):
        if len(inputs) > room:
            raise torch.OutOfMemoryError("no room")
        sizes.append(len(inputs))
        return real(inputs)

    monkeypatch.setattr(run.model, "forward", small)
    log = lambda type, **fields: notes.append(fields["text"])  # noqa: E731
    assert torch.allclose(predict_logits(run.model, photos.pixels, rows, cpu, log=log), whole, atol=1e-5)
    assert sizes == [15, 15, 15, 15]
    assert notes == [f"Out of memory: predictions now go in batches of {size} photos." for size in (30, 15)]
    room = 0
    with pytest.raises(UserError, match="one photo at a time"):
        predict_logits(run.model, photos.pixels, rows, cpu)


def test_a_run_whose_validation_is_short_of_memory_goes_on(photos, tmp_path, monkeypatch):
    notes = []
    log = lambda type, **fields: notes.append(fields["text"]) if type == "note" else None  # noqa: E731
    run = trainer(photos, tmp_path / "run", replace(TINY, ema_decay=0.0), log=log)
    real = run.model.forward

    def small(inputs):
        if not run.model.training and len(inputs) > 3:
            raise torch.OutOfMemoryError("no room")
        return real(inputs)

    monkeypatch.setattr(run.model, "forward", small)
    assert run.train() == "finished"
    assert set(notes) == {"Out of memory: predictions now go in batches of 3 photos."}


@pytest.mark.parametrize("later", [0.3, 0.02])
def test_a_training_accuracy_that_falls_is_told_once_with_the_rate_to_blame(photos, tmp_path, monkeypatch, later):
    rate = lambda config, step, steps_per_epoch: 0.02 if step < 30 else later  # noqa: E731
    monkeypatch.setattr("fashion_core.engine.training.learning_rate_at", rate)
    notes, accuracies = [], []
    log = lambda type, **fields: (  # noqa: E731
        notes.append(fields["text"]) if type == "note" else accuracies.append(fields.get("train_accuracy"))
    )
    run = trainer(photos, tmp_path / "run", replace(TINY, epochs=8, ema_decay=0.0), log=log)
    run.train()
    before, sixth = list(filter(None, accuracies))[4:6]
    assert notes == ([run.progress.fall] if later > 0.02 else []) and bool(run.progress.fall) == bool(notes)
    if notes:
        assert sixth < before
        assert f"to {sixth:.1%} in epoch 6: learning_rate 0.05 is probably too high for mobilenet_v3_small" in notes[0]
        assert TrainingProgress.read(run._about()) == run.progress, "a resumed run tells it again"


@pytest.mark.parametrize(("right", "labelled", "fell"), [(90, 100, False), (70, 100, True), (7, 10, False)])
def test_few_photos_vary_and_many_fall(right, labelled, fell):
    """From 90%: 20 points are more than three standard errors of the difference for 100 photos, not for 10."""
    assert TrainingProgress(right=right, labelled=labelled, peak=0.9).fell() is fell


def test_a_resumed_run_keeps_into_how_many_parts_a_batch_goes(photos, tmp_path):
    run = trainer(photos, tmp_path / "run", stop_at=3)
    run.progress.accumulate = 4
    run.train()
    for team in (Team(size=2), Team(size=2), Team()):
        config = replace(TINY, batch_size=8)
        again = Trainer(config, photos, tmp_path / "run", lambda type, **fields: None, lambda: False, team=team)
        assert again.progress.accumulate == 4


def test_the_speed_of_a_batch_larger_than_the_set_counts_its_photos(photos, tmp_path):
    run = trainer(photos, tmp_path / "run", replace(TINY, batch_size=512))
    assert run._speed(done=10, seconds=1.0)["images_per_second"] == 10 * len(photos.train)


def test_other_errors_than_a_lack_of_memory_are_not_taken_for_one():
    def more_than_any_machine_has():
        return torch.empty(2**48)

    assert device.try_in_memory(more_than_any_machine_has, torch.device("cpu")) is None
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        device.try_in_memory(lambda: torch.ones(2, 3) @ torch.ones(2, 3), torch.device("cpu"))


# ---- where and how exactly it computes


@pytest.mark.parametrize(
    ("machine", "features", "expected"),
    [
        ("x86_64", {}, "float32"),
        ("x86_64", {"_is_avx512_bf16_supported"}, "bfloat16"),
        ("x86_64", {"_is_amx_tile_supported"}, "bfloat16"),
        ("x86_64", {"onednn"}, "float32"),  # AVX-512 alone: oneDNN takes bfloat16 and computes in float32
        ("aarch64", {"onednn"}, "bfloat16"),
        ("arm64", {}, "float32"),
    ],
)
def test_precision_goes_by_what_the_processor_can_do(monkeypatch, machine, features, expected):
    monkeypatch.setattr("platform.machine", lambda: machine)
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda name=name: name in features)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: "onednn" in features)
    precision, reason = device.choose_precision(torch.device("cpu"), "auto")
    said = "which the CPU supports" if expected == "bfloat16" else "the CPU does not support bfloat16"
    assert precision == expected and reason.startswith(f"Trained in {expected}") and said in reason


@pytest.mark.parametrize(("native", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_precision_goes_by_what_the_gpu_can_do(monkeypatch, native, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native or including_emulation)
    assert device.choose_precision(torch.device("cuda"), "auto")[0] == expected
    assert device.choose_precision(torch.device("mps"), "auto")[0] == "float32"


def test_a_precision_that_was_set_is_taken_and_what_it_costs_is_told(monkeypatch):
    monkeypatch.setattr(device, "computes_in_bfloat16", lambda device: False)
    assert device.choose_precision(torch.device("cpu"), "float32") == ("float32", "Trained in float32, as set.")
    precision, reason = device.choose_precision(torch.device("cpu"), "bfloat16")
    assert precision == "bfloat16" and "emulates" in reason


def test_a_resumed_run_computes_as_its_recipe_says_now(photos, tmp_path):
    trainer(photos, tmp_path / "run", stop_at=1).train()
    assert trainer(photos, tmp_path / "run").progress.precision == "float32"
    assert trainer(photos, tmp_path / "run", replace(TINY, precision="bfloat16")).progress.precision == "bfloat16"


def test_a_run_on_the_cpu_leaves_a_gpu_alone_to_its_end(home, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)  # it is not: whoever turns to it fails
    run = runs.create(replace(TINY, epochs=1, precision="auto"), colours(tmp_path / "photos", per_class=6))
    with runs.claim(run) as log:
        assert work(run, log, show=lambda text: None) == "finished"
    start = next(event for event in run.events() if event["type"] == "start")
    notes = [event["text"] for event in run.events() if event["type"] == "note"]
    assert any(note.startswith(f"Trained in {start['precision']}") for note in notes)
    card = json.loads((run.model_folder / "card.json").read_text())
    assert any(note.startswith(f"Trained in {start['precision']}") for note in card["notes"])


def test_the_temperature_is_fitted_on_the_validation_photos():
    """Scores are (2, 0) everywhere. Of the validation photos 3 in 4 are of the first class, so it must get 75%:
    1 / (1 + exp(-2 / T)) = 3/4, T = 2 / ln 3. The test photos, all of the second class, would say another thing."""
    splits = ["train"] * 2 + ["validation"] * 4 + ["test"] * 4
    labels = ["a", "b"] + ["a", "a", "a", "b"] + ["b"] * 4
    table = pd.DataFrame({"path": [f"{row}.jpg" for row in range(10)], "label": labels, "split": splits})
    data = dataset.Dataset(Path("photos"), table, pd.DataFrame(columns=["path", "reason"]), True)

    class Constant(torch.nn.Module):
        def forward(self, inputs):
            return torch.tensor([[2.0, 0.0]]).expand(len(inputs), -1)

    pixels = np.zeros((10, 4, 4, 3), np.uint8)
    about = {"classes": ("a", "b"), "config": {}}
    found = calibrate(Constant(), about, data, pixels, torch.device("cpu"), lambda type, **fields: None)
    assert found == pytest.approx(2 / np.log(3), rel=1e-3)


def test_a_full_disk_is_a_sentence_and_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    file = tmp_path / "last.safetensors"
    checkpoint.save(file, {"x": torch.ones(3)}, {"step": 1})

    def full(tensors, file, metadata):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(UserError, match="free some"):
        checkpoint.save(file, {"x": torch.zeros(3)}, {"step": 2})
    tensors, about = checkpoint.load(file)
    assert about == {"step": 1} and tensors["x"].tolist() == [1, 1, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["last.safetensors"]


def test_a_file_that_is_no_checkpoint_is_a_sentence(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"\x80\x04nonsense")
    with pytest.raises(UserError, match="no safetensors file"):
        checkpoint.load(tmp_path / "x.safetensors")
    save_file({"x": torch.ones(1)}, tmp_path / "x.safetensors")
    with pytest.raises(UserError, match="no checkpoint of Busana"):
        checkpoint.load(tmp_path / "x.safetensors")


def test_changed_photos_are_not_mixed_into_an_old_run(photos, tmp_path):
    trainer(photos, tmp_path / "run", stop_at=1).train()
    with pytest.raises(UserError, match="photos have changed"):
        trainer(replace(photos, fingerprint="other"), tmp_path / "run")


def test_biases_and_norms_do_not_decay_and_the_head_learns_faster():
    network, _ = models.build("resnet18", ("a", "b", "c"), 32)
    groups = recipe.make_optimizer(network, replace(TINY, weight_decay=0.1, head_learning_rate=10), 3).param_groups
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

    network, _ = load_network(run.model_folder / "model.safetensors")  # what is tested is what is shipped
    data = dataset.load(tmp_path / "photos")
    rows = np.flatnonzero(data.photos["split"] == "test")
    shipped = predict_logits(network, decode_photos(data, 32), rows, torch.device("cpu")).numpy()
    assert np.array_equal(softmax(shipped, test.meta.temperature), test.probabilities)
    trained, _ = load_network(run.folder / "best.safetensors")
    exact = predict_logits(trained, decode_photos(data, 32), rows, torch.device("cpu")).numpy()
    assert not np.array_equal(exact, shipped), "float16 changes nothing here: the line above tells nothing"

    predictor = Predictor(run.model_folder)
    images = [imaging.read(tmp_path / "photos" / path) for path in test.photos["path"]]
    assert np.abs(predictor(images) - test.probabilities).max() < 1e-4
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


# ---- ways on for a run that ended too early


@pytest.fixture
def ended(home, tmp_path):
    """A run that was stopped in its third epoch of four, and its folder of photos."""
    folder = colours(tmp_path / "photos")
    run = runs.create(replace(TINY, epochs=4), folder)
    with runs.claim(run) as log:

        def stop_at_15(type, **fields):
            log(type, **fields)
            if fields.get("step") == 15:
                run.stop()

        assert work(run, stop_at_15, show=lambda text: None) == "stopped"
    return run, folder


def concluded(run) -> str:
    """What the run notes last."""
    with runs.claim(run) as log:
        assert conclude(run, log, show=lambda text: None) == "finished"
    return events.Tail(run.events_file).read().notes[-1]


def test_the_best_epoch_of_a_stopped_run_is_tested_and_kept(ended):
    from fashion_core.models.predictor import Predictor

    run, folder = ended
    line = concluded(run)
    epoch = checkpoint.load(run.folder / "best.safetensors")[1]["epoch"]
    assert run.state == "finished" and f"epoch {epoch} of 4" in line
    test, predictor = Evaluation.load(run.evaluation_file), Predictor(run.model_folder)
    card = json.loads((run.model_folder / "card.json").read_text())
    assert len(test) == 6 and card["epoch"] == epoch
    images = [imaging.read(folder / path) for path in test.photos["path"]]
    assert np.abs(predictor(images) - test.probabilities).max() < 1e-4
    assert line in card["notes"] and any("Random weights" in note for note in card["notes"])
    logged = [event["validation_accuracy"] for event in run.events() if event["type"] == "epoch"]
    assert card["metrics"]["validation_accuracy"] == pytest.approx(max(logged))


def test_a_run_is_not_tested_on_photos_that_have_changed(ended):
    run, folder = ended
    (folder / "red_hat" / "red_hat_00.png").unlink()
    with pytest.raises(UserError, match="have changed"):
        concluded(run)
    assert run.state == "failed" and not run.evaluation_file
    shutil.rmtree(folder)
    with pytest.raises(UserError, match=r"not in .* any more.* --resume .* DIR"):
        concluded(run)


def test_a_run_without_a_finished_epoch_has_nothing_to_keep(home, tmp_path):
    run = runs.create(TINY, colours(tmp_path / "photos"))
    with pytest.raises(UserError, match="not finished an epoch yet"):
        concluded(run)


def test_a_run_that_diverged_is_not_begun_again_as_it_was_and_goes_on_with_a_lower_rate(home, tmp_path, monkeypatch):
    diverge(monkeypatch, step=9, above=0.01)
    run = runs.create(TINY, colours(tmp_path / "photos"))
    for _ in range(2):  # the second time without a single step
        with pytest.raises(NotFinite if not run.events() else UserError, match="at step 9"), runs.claim(run) as log:
            work(run, log, show=lambda text: None)
        assert run.state == "failed"
    assert max(event["step"] for event in run.events() if event["type"] == "step") == 8
    assert [event["type"] for event in run.events()].count("start") == 1
    lines: list[str] = []
    with runs.claim(run.amended({"learning_rate": 0.005})) as log:
        assert work(run, log, show=lines.append) == "finished"
    assert "Goes on from step 6 of 12 (epoch 2)." in lines
    changed = "The recipe was changed after step 6: learning_rate 0.05 → 0.005."
    assert changed in events.Tail(run.events_file).read().notes
    assert changed in json.loads((run.model_folder / "card.json").read_text())["notes"]


def test_predictions_of_epochs_that_are_trained_again_go(ended):
    run, _ = ended
    kept = [file.name for file in sorted((run.folder / EPOCHS).iterdir())]
    assert kept == ["0001.parquet", "0002.parquet"]
    (run.folder / EPOCHS / "0002.parquet").rename(run.folder / EPOCHS / "0009.parquet")
    with runs.claim(run) as log:
        work(run, log, show=lambda text: None)
    assert [file.name for file in sorted((run.folder / EPOCHS).iterdir())] == [
        "0001.parquet",
        "0003.parquet",
        "0004.parquet",
    ]


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
    tail, end = events.Tail(run.events_file), time.monotonic() + 120
    while time.monotonic() < end and worker.poll() is None:
        steps = tail.read().columns["step"]
        if len(steps) and steps[-1] >= step:
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
        torchs = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 2]), label_smoothing=smoothing)
        assert losses.partial_cross_entropy(logits, one, smoothing).mean().item() == pytest.approx(
            torchs.item(), abs=1e-6
        )
    either = torch.tensor([[False, True, True]])  # P = 1/4 + 2/4
    assert losses.partial_cross_entropy(logits[1:], either).item() == pytest.approx(-np.log(0.75), abs=1e-6)


def test_a_photo_of_none_of_the_classes_is_to_look_like_each_alike():
    logits = torch.tensor([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0]], requires_grad=True)
    candidates = torch.tensor([[True, False, False], [False, False, False]])
    loss = losses.partial_cross_entropy(logits, candidates, smoothing=0.1)
    even = torch.full((3,), 1 / 3)
    assert loss[1].item() == pytest.approx(torch.nn.functional.cross_entropy(logits[1], even).item(), abs=1e-6)
    loss.sum().backward()
    by_hand = torch.softmax(logits[1].detach(), 0) - even
    assert torch.allclose(logits.grad[1], by_hand, atol=1e-6)


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
    assert "12 extra photos" in notes and "umbrella" in notes  # six socks, six hats; the seventh is known
    assert len(Evaluation.load(run.evaluation_file)) == 6
    steps = next(event for event in run.events() if event["type"] == "start")["steps_per_epoch"]
    assert steps == (48 + 12) // TINY.batch_size


def test_outliers_are_learned_as_none_of_the_classes(home, tmp_path):
    root, extra = colours(tmp_path / "photos"), colours(tmp_path / "others", per_class=16, size=48)
    for folder in extra.iterdir():
        folder.rename(extra / f"other-{folder.name}")
    config, confidence = replace(TINY, epochs=12, ema_decay=0.0), {}
    others = dataset.load_extra(extra, dataset.load(root), outliers=True)
    for exposed in (False, True):
        run = runs.create(replace(config, extra=str(extra) if exposed else "", outlier_exposure=exposed), root)
        with runs.claim(run) as log:
            assert work(run, log, show=lambda text: None) == "finished"
        network, _ = load_network(run.folder / "best.safetensors")
        pixels = decode_photos(others, 32)
        logits = predict_logits(network, pixels, np.arange(len(pixels)), torch.device("cpu"))
        confidence[exposed] = softmax(logits.numpy(), 1.0).max(axis=1).mean()
    notes = " ".join(event["text"] for event in run.events() if event["type"] == "note")
    assert "Also shown other-" in notes and "as examples of none of its classes." in notes and "Not used" not in notes
    assert next(event for event in run.events() if event["type"] == "start")["steps_per_epoch"] == (48 + 48) // 8
    assert confidence[True] < confidence[False] - 0.1


def test_the_accuracy_of_training_is_of_the_photos_that_have_a_class(photos, tmp_path):
    others = np.zeros((48, len(photos.classes)), bool)
    mixed = replace(
        photos, candidates=np.concatenate([photos.candidates, others]), extra_pixels=photos.pixels[:48],
        train=np.concatenate([photos.train, np.arange(48) + len(photos.pixels)]),
    )  # fmt: skip
    epochs = []
    run = trainer(
        mixed, tmp_path / "run", replace(TINY, epochs=1), log=lambda type, **said: epochs.append((type, said))
    )
    run._backward = lambda rows: (1.0, int(mixed.candidates[rows].any(axis=1).sum()))  # all of them named right
    assert run.train() == "finished"
    assert {said["accuracy"] for type, said in epochs if type == "step"} <= {1.0, 0.0}  # 0: a batch of others alone
    assert next(said for type, said in epochs if type == "epoch")["train_accuracy"] == 1.0


def test_averaged_weights_have_statistics_of_their_own_after_a_short_run(photos, tmp_path):
    run = trainer(photos, tmp_path / "run", replace(TINY, epochs=20, ema_decay=0.95))
    assert run.train() == "finished"
    logits = training.predict_logits(run.eval_model(), photos.pixels, photos.train, torch.device("cpu"))
    assert (logits.argmax(1) == photos.labels(photos.train)).float().mean() > 0.9
    learning, kept = dict(run.model.named_buffers()), dict(run.eval_model().named_buffers())
    means = {name: mean.clone() for name, mean in kept.items() if name.endswith("running_mean")}
    assert means and not any(torch.equal(mean, learning[name]) for name, mean in means.items())
    run._update_ema_bn(20)  # as after the last epoch: what the averaged weights see, whatever was there before
    assert all(torch.equal(mean, kept[name]) for name, mean in means.items())
