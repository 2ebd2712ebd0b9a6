"""Several processes train as one, over gloo: the same result, one stop for all, and none goes on without the others."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from browser import ROOT
from datasets import colours
from timm.layers import convert_sync_batchnorm
from trainings import photos_of

from fashion_core import UserError, cli, runs
from fashion_core.engine import checkpoint, models
from fashion_core.engine.frozen import FrozenTrainer
from fashion_core.engine.processes import Team, take_device
from fashion_core.engine.training import Trainer
from fashion_core.photos import dataset
from fashion_core.runs.config import TrainConfig

# No batch normalisation and no dropout, so that how a batch is shared changes nothing; random crops and flips do count.
SETTINGS = ("architecture=test_convnext", "pretrained=none", "image_size=32", "epochs=2", "batch_size=9",
            "learning_rate=0.05", "ema_decay=0.5", "crop_scale=0.7", "flip=true", "precision=float32",
            "device=cpu")  # fmt: skip
LONG = ("epochs=1000", "batch_size=48")  # nobody waits for its end
WAIT = 600.0  # seconds: all cores may be busy


pytestmark = pytest.mark.timeout(1800)  # seconds: a start of torch for each process


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    return colours(tmp_path_factory.mktemp("processes") / "photos")


@pytest.fixture
def team(home, monkeypatch):
    """Start a training of so many processes, with these arguments behind `train`; all are ended with the test."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    @contextmanager
    def start(processes: int, *arguments: str | Path) -> Iterator[subprocess.Popen]:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes),
                   "-m", "fashion_core", "train", *map(str, arguments)]  # fmt: skip
        with (home / "output").open("w") as output:
            running = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, env=os.environ)
            try:
                yield running
            finally:
                for process in [*psutil.Process(running.pid).children(True), running] if running.poll() is None else []:
                    process.kill()
                running.wait()

    return start


def until(met, what: str) -> None:
    """Wait until `met()` holds."""
    end = time.monotonic() + WAIT
    while not met():
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.05)


def processes_of(running: subprocess.Popen) -> dict[int, psutil.Process]:
    """Of each rank the process."""
    return {int(child.environ()["RANK"]): child for child in psutil.Process(running.pid).children()}


def losses(run: runs.Run) -> list[float]:
    return list(runs.Tail(run.events_file).read().columns["loss"])


def test_two_processes_learn_what_one_does(team, home, photos, one_thread):
    """A batch of nine is five and four photos: the mean is that of the nine."""
    with team(2, photos, "--runs", home / "2", "--set", *SETTINGS) as running:
        assert cli.main(["train", str(photos), "--runs", str(home / "1"), "--set", *SETTINGS]) == 0
        assert running.wait(WAIT) == 0, (home / "output").read_text()
    (one,), (two,) = runs.find(home / "1"), runs.find(home / "2")
    assert one.state == two.state == "finished" and len(losses(two)) == 2 * 5
    np.testing.assert_allclose(losses(two), losses(one), rtol=1e-4)
    weights = [checkpoint.load(run.folder / "last.safetensors")[0] for run in (one, two)]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=1e-3, atol=1e-4)
    begun = next(event for event in two.events() if event["type"] == "start")
    assert begun["processes"] == 2 and any(note.startswith("Trained by 2 processes") for note in notes(two))
    steps = [event["step"] for event in two.events() if event["type"] == "step"]
    assert steps == list(range(1, 11))  # the leader alone writes


def notes(run: runs.Run) -> list[str]:
    return [event["text"] for event in run.events() if event["type"] == "note"]


def test_ctrl_c_stops_all_more_go_on_and_a_killed_one_ends_it_with_how_to_go_on(team, home, photos):
    with team(2, photos, "--runs", home / "runs", "--set", *SETTINGS, *LONG) as running:
        until(lambda: any(map(losses, runs.find(home / "runs"))), "the first iteration")
        for process in [*processes_of(running).values(), running]:  # as a terminal does
            process.send_signal(signal.SIGINT)
        running.wait(WAIT)
    (run,) = runs.find(home / "runs")
    assert run.state == "stopped" and run.checkpoint_step == len(losses(run)) > 0

    begun = run.checkpoint_step
    with team(3, "--resume", run.id, "--runs", home / "runs") as running:
        until(lambda: len(losses(run)) > begun, "the next iteration")
        processes_of(running)[2].kill()
        assert running.wait(WAIT) != 0
    assert run.state == "failed" and run.checkpoint_step >= begun
    assert run.events()[-1]["text"].startswith("Another of the 3 processes of this training ended")
    assert run.events()[-1]["text"].endswith(f"-m fashion_core train --resume {run.id}")

    kept = run.checkpoint_step
    with team(2, "--resume", run.id, "--runs", home / "runs") as running:  # as that command says
        until(lambda: begun_again(run, 3), "the iteration after the kill")
        for process in [*processes_of(running).values(), running]:
            process.send_signal(signal.SIGINT)
        running.wait(WAIT)
    steps = runs.Tail(run.events_file).read().columns["step"]
    assert run.state == "stopped" and run.checkpoint_step > kept and list(steps) == list(range(1, len(steps) + 1))


def begun_again(run: runs.Run, times: int) -> bool:
    """Whether it was started so often, and has learned since."""
    types = [event["type"] for event in run.events()]
    return types.count("start") == times and "step" in types[len(types) - types[::-1].index("start") :]


def test_a_network_that_learns_over_all_gpus_predicts_as_before():
    """Also timm's, whose batch normalisation has the activation in it."""
    photo = torch.rand(2, 3, 64, 64)
    for name in ("resnet18", "efficientnet_lite0"):
        network = models.build(name, ("a", "b"), 64)[0].eval()
        with torch.inference_mode():
            before, after = network(photo), convert_sync_batchnorm(network)(photo)
        torch.testing.assert_close(after, before)


def test_what_cannot_be_shared_is_a_sentence(home, tmp_path, photos, monkeypatch):
    data, config = (
        photos_of(dataset.load(photos)),
        TrainConfig(architecture="resnet18", pretrained="none", image_size=32),
    )
    with pytest.raises(UserError, match="batch of 32 photos is too small for 20 processes: set batch_size to 40"):
        Trainer(config, data, tmp_path, print, bool, team=Team(0, 20))
    with pytest.raises(UserError, match="start it without torchrun"):
        FrozenTrainer(config, data, tmp_path, print, bool, team=Team(0, 2))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(UserError, match="This machine has 2 GPUs"):
        take_device("cuda", 3)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert cli.main(["compare", str(photos)]) == 2


def test_shares_are_the_batch_and_differ_by_one_at_most():
    shares = [Team(rank, 4).share(np.arange(10)) for rank in range(4)]
    assert [len(share) for share in shares] == [3, 3, 2, 2] and list(np.concatenate(shares)) == list(range(10))
