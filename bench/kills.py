"""A training killed at random moments, again and again: python -m bench.kills [--kills 500] [--minutes 60] [--seed 0]

A small network learns sixty drawn photos. Its worker gets SIGKILL at a moment drawn from the whole of its life or, as
often, from its first quarter, in which it trains; the same run goes on in a new worker, and so on until the run ends;
then another run begins. Moments are counted by the worker's own time of the processor, so that they are as spread on a
busy machine as on a free one. After each kill every file that the run keeps is read; each run that ends is compared,
byte for byte, with one that nobody killed. Workers are forked from a process that has loaded torch, which a worker of
the app does itself.
"""

import argparse
import hashlib
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import torch

from fashion_core import UserError, runs
from fashion_core.engine import checkpoint, training
from fashion_core.engine.worker import work
from fashion_core.evaluation.evaluation import EPOCHS, Evaluation
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.models.card import ModelCard
from fashion_core.photos import sample
from fashion_core.runs import process, stages
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.run import LIVE, Run

INTERVAL = 0.25  # seconds between two checkpoints, in place of the 60 of a real run
EPOCHS_EACH = 12  # so that training is much of a life: the test and the export of this network take two seconds
PATIENCE = 3600.0  # seconds for one life on the clock, of which a busy machine gives a worker little
SMALL = TrainConfig(
    preset="test", architecture="squeezenet1_1", pretrained="none", image_size=32, epochs=EPOCHS_EACH, batch_size=8,
    learning_rate=0.05, ema_decay=0.5, crop_scale=0.7, flip=True, precision="float32", device="cpu",
)  # fmt: skip


@dataclass
class Seen:
    """What the kills left."""

    kills: int = 0
    moments: Counter = field(default_factory=Counter)  # stage → kills in it
    unreadable: list[str] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)  # seconds of training to be done again, of kills during it
    slowest: float = 0.0  # seconds between two iterations, a checkpoint or a validation among them
    runs: int = 0
    different: list[str] = field(default_factory=list)


def begin(run: Run, log: Path) -> int:
    """Fork a worker of `run`; its process id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        with log.open("a") as sink:
            os.dup2(sink.fileno(), 1), os.dup2(sink.fileno(), 2)
        with runs.claim(run) as events:
            events("stage", stage=stages.STARTING)
            work(run, events, show=lambda text: None)
        status = 0
    except BaseException:  # the child must not go on as its parent would
        traceback.print_exc()
    finally:
        os._exit(status)


def killed(child: int, after: float) -> bool:
    """Kill the worker `after` so many seconds of the processor; False where it ended before. RuntimeError where it
    failed or hangs."""
    worker, end = psutil.Process(child), time.monotonic() + PATIENCE
    while spent(worker) < after:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            if status:
                raise RuntimeError("a worker failed: its log says why")
            return False
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            raise RuntimeError("a worker hangs: its log says where")
        time.sleep(0.003)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def spent(worker: psutil.Process) -> float:
    """Seconds of the processor so far; the system counts them in hundredths."""
    times = worker.cpu_times()
    return times.user + times.system


def look(run: Run, seen: Seen) -> None:
    """Read all that the run keeps, and count what is lost of it."""
    try:
        if run.problem or run.state in LIVE:
            seen.unreadable.append(f"{run.id}: {run.problem or run.state}")
        for name in (checkpoint.LAST, checkpoint.BEST):
            if (run.folder / name).exists():
                checkpoint.load(run.folder / name)
        for file in (run.folder / EPOCHS).glob("*.parquet"):
            Evaluation.load(file)
        if run.evaluation_file:
            Evaluation.load(run.evaluation_file)
        if run.model_folder:
            ModelCard.read(run.model_folder)
            checkpoint.load(run.model_folder / "model.safetensors")
        if (run.folder / FILE).exists():
            Explanations.load(run.folder / FILE)
    except (UserError, OSError, ValueError, KeyError) as fault:
        seen.unreadable.append(f"{run.id}: {fault}")
    count(run, seen)


def count(run: Run, seen: Seen) -> None:
    """In which stage it was killed, and how long the training was whose result is lost."""
    life: list[dict] = []
    for event in run.events():
        life = [event] if event.get("stage") == stages.STARTING else [*life, event]
    kinds = [event["type"] for event in life]
    named = [event["stage"] for event in life if event["type"] == "stage"]
    in_training = "start" in kinds and (not named or stages.TESTING not in named)
    seen.moments["training" if in_training else named[-1] if named else "before the first line"] += 1
    if not in_training:
        return
    times = {event["step"]: event["t"] for event in life if event["type"] in ("start", "step")}
    seen.slowest = max([seen.slowest, *np.diff(sorted(times.values()))])
    kept = checkpoint.read_about(run.folder / checkpoint.LAST) if (run.folder / checkpoint.LAST).exists() else None
    first = kept["progress"]["step"] if kept else 0
    seen.lost.append(max(times.values()) - times.get(first, min(times.values())))


def digest(run: Run) -> str:
    """Of what the run ended with: checkpoint, best weights, test answers, exported weights."""
    found = hashlib.sha256()
    for file in (checkpoint.LAST, checkpoint.BEST, "model/model.safetensors"):
        tensors, _ = checkpoint.load(run.folder / file)
        for name in sorted(tensors):
            found.update(name.encode() + tensors[name].numpy().tobytes())
    found.update(Evaluation.load(run.folder / "evaluation.parquet").probabilities.tobytes())
    return found.hexdigest()


def live_and_die(home: Path, photos: Path, more: Callable[[], bool], seed: int, seen: Seen) -> None:
    """One run that nobody kills, then as many as it takes until there are no `more` kills."""
    chance, log = random.Random(seed), home / "workers.log"
    before, whole = os.times(), runs.create(SMALL, photos)
    killed(begin(whole, log), math.inf)
    after, wanted = os.times(), digest(whole)
    usual = after.children_user + after.children_system - before.children_user - before.children_system
    while more():
        shutil.rmtree(home / "data" / ".cache", ignore_errors=True)  # each run decodes its photos anew
        run = runs.create(SMALL, photos)
        while more() and killed(begin(run, log), chance.uniform(0, usual) * chance.choice((0.25, 1.0))):
            seen.kills += 1
            look(run, seen)
        if run.state not in ("finished", "tested"):  # the kills are used up
            killed(begin(run, log), math.inf)
        seen.runs += 1
        if digest(run) != wanted:
            seen.different.append(run.id)
        if left := list(run.folder.rglob("*.partial")):
            seen.unreadable.append(f"{run.id}: {len(left)} half files stayed")
        shutil.rmtree(run.folder)


def report(seen: Seen) -> None:
    rows: dict[str, object] = {"kills": seen.kills}
    rows |= {f"kills, {name}": n for name, n in seen.moments.most_common()}
    rows["files that cannot be read"] = len(seen.unreadable)
    rows["runs to their end"] = seen.runs
    rows["runs with other weights or answers"] = len(seen.different)
    if seen.lost:
        rows["training lost, median"] = f"{np.median(seen.lost):.2f} s"
        rows["training lost, most"] = f"{max(seen.lost):.2f} s"
        rows["a checkpoint every"] = f"{INTERVAL} s"
        rows["longest time between iterations"] = f"{seen.slowest:.2f} s"
    for name, value in rows.items():
        print(f"{name:36}{value}")
    for fault in [*seen.unreadable, *(f"{name}: other weights" for name in seen.different)]:
        print(f"    {fault}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=60.0, help="after which no more are killed")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)  # sums add up in one order
    training.CHECKPOINT_SECONDS, process.LEFT_OVER_SECONDS = INTERVAL, 0.0
    seen, end = Seen(), time.monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BUSANA_HOME"] = folder
        sample.render(Path(folder) / "photos", 6)
        try:
            more = lambda: seen.kills < options.kills and time.monotonic() < end  # noqa: E731
            live_and_die(Path(folder), Path(folder) / "photos", more, options.seed, seen)
        except RuntimeError as fault:
            print((Path(folder) / "workers.log").read_text()[-3000:], file=sys.stderr)
            seen.unreadable.append(str(fault))
    report(seen)
    sys.exit(bool(seen.unreadable or seen.different))


if __name__ == "__main__":
    main()
