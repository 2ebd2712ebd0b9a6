"""A frozen body: embeddings once, kept with the run; the last layer learns from them; what follows does not know."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from datasets import colours
from PIL import Image
from trainings import digest, photos_of, trainers

from fashion_core import UserError, runs
from fashion_core.engine import checkpoint, frozen, models, weights
from fashion_core.engine.device import predict_logits
from fashion_core.engine.frozen import FrozenTrainer
from fashion_core.engine.training import Photos
from fashion_core.engine.worker import work
from fashion_core.evaluation import explanations
from fashion_core.evaluation.evaluation import EPOCHS
from fashion_core.models.predictor import Predictor
from fashion_core.photos import dataset
from fashion_core.runs import stages
from fashion_core.runs.config import TrainConfig, preset

pytestmark = pytest.mark.usefixtures("one_thread")
CONFIG = replace(
    preset("frozen"), preset="test", architecture="resnet18", pretrained="none", image_size=32, epochs=3, batch_size=8,
    flip=True, precision="float32", device="cpu",
)  # fmt: skip
trainer = trainers(FrozenTrainer, CONFIG)


@pytest.fixture
def photos(home, tmp_path) -> Photos:
    return photos_of(dataset.load(colours(tmp_path / "photos")))


def looked_at(monkeypatch) -> list[int]:
    """How many photos each batch of embeddings had, from now on."""
    real, sizes = FrozenTrainer._look, []
    monkeypatch.setattr(FrozenTrainer, "_look", lambda self, *some: sizes.append(len(some[0])) or real(self, *some))
    return sizes


@pytest.mark.parametrize("ema", [0.0, 0.5])
def test_the_last_layer_learns_and_the_body_stays(photos, tmp_path, ema):
    run = trainer(photos, tmp_path / "run", replace(CONFIG, epochs=12, learning_rate=0.01, ema_decay=ema))
    before = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    assert run.train() == "finished" and run.progress.best[0] > 0.9
    best, _ = checkpoint.load(tmp_path / "run" / "best.safetensors")
    changed = {name for name, tensor in before.items() if not torch.equal(best[name], tensor)}
    assert changed == {"fc.weight", "fc.bias"}


def test_validation_is_what_the_whole_network_answers(photos, tmp_path):
    kept = {}
    run = trainer(photos, tmp_path / "run")
    run.on_validation = kept.__setitem__
    run.train()
    whole = predict_logits(run.model, photos.pixels, photos.validation, torch.device("cpu"))
    assert kept[3] == pytest.approx(whole.numpy(), abs=1e-4)


def test_every_photo_is_looked_at_once_and_every_training_photo_mirrored_too(photos, tmp_path, monkeypatch):
    sizes = looked_at(monkeypatch)
    run = trainer(photos, tmp_path / "run")
    run.train()
    train, whole = len(photos.train), len(photos.train) + len(photos.validation)
    assert sum(sizes) == whole + train
    mirrored = replace(photos, pixels=photos.pixels[:, :, ::-1].copy())
    other = trainer(mirrored, tmp_path / "other", replace(CONFIG, flip=False))
    other.train()
    assert run._embeddings[whole:].numpy() == pytest.approx(other._embeddings[:train].numpy(), abs=1e-4)


@pytest.mark.parametrize("cut", [1, 9, 25, 40])
def test_stopped_anywhere_and_resumed_it_ends_with_the_same_bytes_and_looks_at_no_photo_twice(
    photos, tmp_path, monkeypatch, cut
):
    trainer(photos, tmp_path / "whole").train()
    sizes = looked_at(monkeypatch)
    assert trainer(photos, tmp_path / "cut", stop_at=cut).train() == "stopped"
    assert sum(sizes) <= 4 * (cut + 1)
    assert trainer(photos, tmp_path / "cut").train() == "finished"
    whole = 2 * len(photos.train) + len(photos.validation)
    assert sum(sizes) == whole if cut > 1 else sum(sizes) <= whole + 4
    assert digest(tmp_path / "cut") == digest(tmp_path / "whole")


def test_a_kill_loses_what_was_not_kept_yet_and_no_more(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(frozen, "KEEP_SECONDS", 0.0)
    sizes, real = looked_at(monkeypatch), checkpoint.save

    def killed(file, *rest):
        if sum(sizes) >= 40:
            raise KeyboardInterrupt
        real(file, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            trainer(photos, tmp_path / "run").train()
    assert len(checkpoint.load(tmp_path / "run" / frozen.FILE)[0][frozen.EMBEDDINGS]) == 36
    trainer(photos, tmp_path / "run").train()
    assert sum(sizes) == 40 + 2 * len(photos.train) + len(photos.validation) - 36


def test_embeddings_of_other_photos_or_another_body_are_not_taken(photos, tmp_path, monkeypatch):
    run = trainer(photos, tmp_path / "run")
    run.train()
    (tmp_path / "run" / "last.safetensors").unlink()
    sizes = looked_at(monkeypatch)
    trainer(photos, tmp_path / "run").train()
    assert not sizes
    (tmp_path / "run" / "last.safetensors").unlink()
    trainer(replace(photos, fingerprint="others"), tmp_path / "run").train()
    assert sum(sizes) == 2 * len(photos.train) + len(photos.validation)
    (tmp_path / "run" / "last.safetensors").unlink()
    trainer(replace(photos, fingerprint="others"), tmp_path / "run", replace(CONFIG, seed=1)).train()  # another body
    assert sum(sizes) == 2 * (2 * len(photos.train) + len(photos.validation))


def test_photos_with_a_partial_label_teach_in_their_order(photos, tmp_path):
    """Extra photos lie behind the others, and a batch mixes both: each keeps its own pixels and classes."""
    extra = photos.pixels[photos.train[:5]][:, ::-1].copy()
    more = replace(
        photos, extra_pixels=extra, candidates=np.concatenate([photos.candidates, photos.candidates[photos.train[:5]]]),
        train=np.concatenate([photos.train, len(photos.pixels) + np.arange(5)]),
    )  # fmt: skip
    rows = np.array([len(photos.pixels) + 1, photos.train[3], len(photos.pixels)])
    pixels, candidates = more.batch(rows)
    assert np.array_equal(pixels.numpy(), np.stack([extra[1], photos.pixels[photos.train[3]], extra[0]]))
    assert np.array_equal(candidates.numpy(), more.candidates[rows])
    run = trainer(more, tmp_path / "run")
    assert run.train() == "finished" and len(run._embeddings) == 2 * len(more.train) + len(more.validation)


def test_what_cannot_be_frozen_is_a_sentence(photos, tmp_path, monkeypatch):
    with pytest.raises(UserError, match="set crop_scale=1, or frozen=false"):
        TrainConfig(frozen=True, crop_scale=0.5)
    with pytest.raises(UserError, match="squeezenet1_1, whose class scores are not those of one last linear layer"):
        trainer(photos, tmp_path / "run", replace(CONFIG, architecture="squeezenet1_1", image_size=64))
    monkeypatch.setattr(weights, "_downloaded", lambda architecture: (_ for _ in ()).throw(OSError("no network")))
    with pytest.raises(UserError, match=r"could not be had \(no network\).* frozen body that knows nothing"):
        trainer(photos, tmp_path / "run", replace(CONFIG, pretrained="imagenet"))


def test_the_stage_of_embeddings_is_before_training():
    log = {"start": {"type": "start", "seq": 1}, "progress": {"type": "progress", "seq": 2, "what": stages.EMBEDDING,
           "done": 3, "total": 9}}  # fmt: skip
    assert stages.current(log) == stages.Stage(stages.WARMING, 3, 9, "Computing embeddings")


def test_a_frozen_run_is_tested_exported_and_explained_and_fine_tuning_goes_on_from_its_head(
    home, tmp_path, monkeypatch
):
    """Two heads, flips and extra photos of a garment alone; then all of the network, from where the run ended."""
    grid = {
        "red_hat": (190, 40, 40),
        "blue_hat": (40, 40, 190),
        "red_sock": (250, 120, 120),
        "blue_sock": (120, 120, 250),
    }
    monkeypatch.setattr("datasets.COLOURS", grid)
    extra = tmp_path / "more"
    (extra / "hat").mkdir(parents=True)
    for number in range(5):
        noise = np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(noise).save(extra / "hat" / f"{number}.png")
    config = replace(CONFIG, architecture="resnet18_two_head", learning_rate=0.01, epochs=8, extra=str(extra))
    run = runs.create(config, colours(tmp_path / "photos"))
    with runs.claim(run) as log:
        assert work(run, log, show=lambda text: None) == "finished"
    assert run.state == "finished" and len(list((run.folder / EPOCHS).glob("*.parquet"))) == 8
    assert (run.folder / explanations.FILE).exists()
    assert Predictor(run.model_folder).card.recipe == replace(run.config, extra=extra.name)
    best, about = checkpoint.load(run.best_file)
    network, origin = models.build(config.architecture, about["classes"], 32, str(run.best_file))
    assert origin.endswith("Its last layer, all that the frozen run learned, is kept.")
    assert all(torch.equal(tensor, best[name]) for name, tensor in network.state_dict().items())
    _, origin = models.build("resnet18", about["classes"], 32, str(run.best_file))
    assert "is kept" not in origin, "its two heads are no one"
    _, origin = models.build(config.architecture, ["red_hat", "green_hat"], 32, str(run.best_file))
    assert "is kept" not in origin, "its classes are others"
