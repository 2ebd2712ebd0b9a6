"""A stop is felt within two seconds in every stage; what was trained is kept, and the run can be finished later."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
import torch
from datasets import colours
from torch import nn
from trainings import digest, photos_of, trainers

from fashion_core import runs
from fashion_core.cli import main
from fashion_core.engine import export, models, stopping
from fashion_core.engine import worker as engine_worker
from fashion_core.engine.stopping import heard_between_layers
from fashion_core.engine.training import Trainer
from fashion_core.photos import dataset
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.stages import STARTING, TESTING
from fashion_core.runs.stopping import Stopped, apart

TINY = TrainConfig(
    preset="test", architecture="mobilenet_v3_small", pretrained="none", image_size=32, epochs=2, batch_size=8,
    learning_rate=0.05, ema_decay=0.5, flip=True, precision="float32", device="cpu",
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("one_thread")
trainer = trainers(Trainer, TINY)


@pytest.fixture(autouse=True)
def looks_at_every_layer(monkeypatch):
    monkeypatch.setattr(stopping, "LOOK_SECONDS", -1.0)


@pytest.fixture
def run(home, tmp_path) -> runs.Run:
    return runs.create(TINY, colours(tmp_path / "photos", per_class=10))


def worked(run: runs.Run, look) -> str:
    """Train `run`; `look(type, fields)` sees each event."""
    with runs.claim(run) as log:

        def heard(type: str, /, **fields) -> None:
            log(type, **fields)
            look(type, fields)

        return engine_worker.work(run, heard, show=lambda text: None)


def after(count: int):
    """A wish to stop that is there from the `count`th question on."""
    asked = iter(range(10**9))
    return lambda: next(asked) >= count


@pytest.mark.parametrize("layers", [1, 40, 90, 150, 380])  # forward, backward, the next steps, validation
def test_a_run_stopped_between_two_layers_ends_with_the_same_bytes(home, tmp_path, layers):
    photos = photos_of(dataset.load(colours(tmp_path / "photos", per_class=10)))
    trainer(photos, tmp_path / "whole").train()
    cut = trainer(photos, tmp_path / "cut")
    with heard_between_layers(after(layers)):
        assert cut.train() == "stopped"
    assert trainer(photos, tmp_path / "cut").train() == "finished"
    assert digest(tmp_path / "cut") == digest(tmp_path / "whole")


def test_a_stop_while_the_last_epoch_is_validated_loses_none_of_its_steps(home, tmp_path, monkeypatch):
    photos, logged = photos_of(dataset.load(colours(tmp_path / "photos", per_class=10))), []
    run = trainer(photos, tmp_path / "run", replace(TINY, epochs=1))
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_validation_logits", lambda self: (_ for _ in ()).throw(Stopped))
        assert run.train() == "stopped"
    again = trainer(photos, tmp_path / "run", replace(TINY, epochs=1), log=lambda type, **_: logged.append(type))
    assert again.progress.step == again.total and again.train() == "finished"
    assert logged == ["epoch"], "no step is taken again"


@pytest.mark.parametrize("detail", [None, "validation photos", "test photos"])
def test_a_stop_while_the_model_is_tested_is_felt_at_once_and_finished_later(run, detail):
    layers = []

    def stop(type: str, fields: dict) -> None:
        if type == "stage" and fields["stage"] == TESTING and fields.get("detail") == detail:
            nn.modules.module.register_module_forward_pre_hook(lambda *_: layers.append(1))
            run.stop()

    try:
        assert worked(run, stop) == "stopped"
    finally:
        nn.modules.module._global_forward_pre_hooks.clear()
    assert len(layers) <= 1 and run.state == "stopped" and run.model_folder is None
    steps = sum(event["type"] == "step" for event in run.events())
    assert main(["train", "--resume", run.id, "--finish"]) == 0
    assert run.state == "finished" and sum(event["type"] == "step" for event in run.events()) == steps


def test_a_stop_while_the_model_is_written_does_not_wait_for_its_end(run, monkeypatch):
    left, write = threading.Event(), export.write_model_folder

    def endless(*given) -> None:
        run.stop()
        left.wait(60)

    with monkeypatch.context() as patch:
        patch.setattr(export, "write_model_folder", endless)
        assert worked(run, lambda *_: None) == "stopped"
    left.set()
    assert run.state == "stopped" and export.write_model_folder is write
    assert main(["train", "--resume", run.id]) == 0 and run.state == "finished"


def test_a_stop_while_weights_are_fetched_does_not_wait_for_the_network(run, monkeypatch):
    left = threading.Event()

    def endless(*given) -> None:
        run.stop()
        left.wait(60)

    monkeypatch.setattr(models, "build", endless)
    assert worked(run, lambda *_: None) == "stopped" and run.state == "stopped"
    left.set()


def test_what_is_done_apart_gives_its_answer_or_its_error():
    assert apart(lambda: 3, lambda: False) == 3
    with pytest.raises(TimeoutError, match="its own"):
        apart(lambda: (_ for _ in ()).throw(TimeoutError("its own")), lambda: False)


def test_a_thread_that_was_left_to_itself_keeps_no_process_from_its_end():
    code = """if True:
        import torch
        from fashion_core import __main__, cli
        from fashion_core.runs.stopping import Stopped, apart

        def forever():
            while True:
                torch.rand(300, 300) @ torch.rand(300, 300)

        def stopped():
            try:
                apart(forever, lambda: True)
            except Stopped:
                return 3

        cli.main = stopped
        __main__.sys.exit(__main__.main())
    """
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "", "")


def test_a_look_between_layers_changes_no_gradient():
    network, given = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Linear(4, 2)), torch.rand(5, 3)
    network(given).sum().backward()
    plain = [each.grad.clone() for each in network.parameters()]
    network.zero_grad()
    with heard_between_layers(lambda: False):
        network(given).sum().backward()
    assert all(torch.equal(old, each.grad) for old, each in zip(plain, network.parameters(), strict=True))


@pytest.mark.parametrize(
    ("stage", "signals"), [(STARTING, signal.SIGINT), (TESTING, signal.SIGINT), (TESTING, signal.SIGTERM)]
)
def test_ctrl_c_in_a_terminal_stops_before_training_and_after_it(run, stage, signals):
    command = [sys.executable, "-m", "fashion_core", "train", "--resume", str(run.folder)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while time.monotonic() < end and not any(event.get("stage") == stage for event in run.events()):
        time.sleep(0.01)
    os.kill(process.pid, signals)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and "Traceback" not in err and out.splitlines()[-1] == str(run.folder)
    assert run.state == "stopped" and run.model_folder is None
    assert main(["train", "--resume", run.id]) == 0 and run.state == "finished"
