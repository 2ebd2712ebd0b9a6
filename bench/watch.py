"""Many browsers that watch one run: python -m bench.watch [--browsers 20] [--seconds 60] [--points 100000] [--rate 20]

Each is a session over the app's websocket that opened Train and stays there: it sends what a browser's timer sends, and
the hashes of what it keeps. Meanwhile a run that has `--points` logged steps and the photos of an epoch gets `--rate`
more a second. What is printed is the processor time of the server's process in cores, which other work on the machine
leaves as it is; and how long a tick took, which it does not.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # run as a script, it finds the package and the tests' server
from browser import Server, serve  # noqa: E402

from fashion_core import paper, runs  # noqa: E402
from fashion_core.evaluation.evaluation import EPOCHS, Evaluation  # noqa: E402
from fashion_core.evaluation.meta import EvaluationMeta  # noqa: E402
from fashion_core.photos import sample  # noqa: E402
from fashion_core.runs.config import preset  # noqa: E402
from fashion_core.runs.events import EventLog  # noqa: E402
from fashion_core.stats import softmax  # noqa: E402

PATIENCE = 120.0  # seconds for one rerun, after which the browser has failed


@dataclass
class Seen:
    """What all browsers met: seconds of each tick, bytes that came, what went wrong."""

    ticks: list[float] = field(default_factory=list)
    received: int = 0
    charts: int = 0
    faults: list[str] = field(default_factory=list)


def step(number: int) -> dict[str, float]:
    """The values of a step that is logged: a loss that falls, with noise."""
    noise = np.random.default_rng(number).normal()
    loss = 2.3 / (1 + number / 9000) * (1 + 0.1 * noise)
    return {"step": number, "loss": round(loss, 6), "accuracy": round(1 - loss / 3, 6), "learning_rate": 0.01}


def furnish(home: Path, points: int) -> runs.Run:
    """A run on drawn photos with so many steps logged, one epoch validated."""
    photos = home / "data" / "sample"
    sample.render(photos, 5)
    run = runs.create(preset("quick").changed({"epochs": 100}), photos, home / "runs")
    paths = [str(file.relative_to(photos)) for file in sorted(photos.glob("*/*.jpg"))]
    frame = pd.DataFrame({"path": paths, "label": [path.split("/")[0] for path in paths]}, dtype=object)
    answers = softmax(np.random.default_rng(0).normal(size=(len(paths), len(paper.CLASSES)))).astype(np.float32)
    meta = EvaluationMeta(run.id, 1, "validation", probabilities="uncalibrated")
    Evaluation(tuple(paper.CLASSES), frame, answers, str(photos), meta).save(run.folder / EPOCHS / "0001.parquet")
    with run.events_file.open("w", encoding="utf-8") as file:
        began = {"step": 0, "total_steps": 2 * points, "steps_per_epoch": points // 2, "epochs": 100, "device": "cpu"}
        file.write(json.dumps({"v": 1, "seq": 0, "t": time.time(), "type": "start", **began}) + "\n")
        for number in range(1, points + 1):
            file.write(json.dumps({"v": 1, "seq": number, "t": time.time(), "type": "step", **step(number)}) + "\n")
    return run


@contextmanager
def growing(run: runs.Run, points: int, rate: float) -> Iterator[None]:
    """The run lives and logs so many steps a second for as long as the body runs."""
    done, held = threading.Event(), threading.Event()

    def write() -> None:
        with runs.claim(run) as log:
            held.set()
            _write(log, points, rate, done)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        if not held.wait(PATIENCE):
            sys.exit("The run's log could not be taken.")
        yield
    finally:
        done.set()
        writer.join()


def _write(log: EventLog, points: int, rate: float, done: threading.Event) -> None:
    log("epoch", epoch=1, step=points, train_loss=1.0, train_accuracy=0.6, validation_loss=1.1, validation_accuracy=0.6,
        images_per_second=100.0, seconds_left=1000.0)  # fmt: skip
    while not done.wait(1 / rate):
        points += 1
        log("step", epoch=2, **step(points))


class Watcher:
    """One browser on Train."""

    def __init__(self, socket: ClientConnection, seen: Seen):
        self.socket, self.seen = socket, seen
        self.timers: dict[str, float] = {}  # fragment → seconds between its ticks
        self.kept: set[str] = set()  # hashes of messages that the browser keeps

    async def rerun(self, fragment: str = "") -> None:
        """Ask for the page or a fragment, and take what comes until the script has run to its end."""
        message = BackMsg()
        message.rerun_script.page_name = "train"
        message.rerun_script.fragment_id, message.rerun_script.is_auto_rerun = fragment, bool(fragment)
        message.rerun_script.cached_message_hashes.extend(self.kept)
        await self.socket.send(message.SerializeToString())
        async with asyncio.timeout(PATIENCE):
            while not await self.take():
                pass

    async def take(self) -> bool:
        """One message; whether it says that the script has ended."""
        data = await self.socket.recv(decode=False)
        come = ForwardMsg.FromString(data)
        self.seen.received += len(data)
        if come.metadata.cacheable:
            self.kept.add(come.hash)
        if come.HasField("auto_rerun"):
            self.timers[come.auto_rerun.fragment_id] = come.auto_rerun.interval
        if come.HasField("delta"):
            kind = come.delta.new_element.WhichOneof("type")
            self.seen.charts += kind == "echarts_chart"
            if kind == "exception":
                raise RuntimeError(come.delta.new_element.exception.message)
        return come.HasField("script_finished") and come.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN


async def watch(url: str, seen: Seen, place: float) -> None:
    """One browser, until it is called off; `place` (0 to 1) is when in a tick it comes. What goes wrong is noted."""
    stream = url.replace("http", "ws", 1) + "/_stcore/stream"
    try:
        async with connect(stream, subprotocols=["streamlit"], origin=url, max_size=None, ping_interval=None) as socket:
            watcher = Watcher(socket, seen)
            await watcher.rerun()
            if not watcher.timers:
                raise RuntimeError("Train has no live fragment")
            due = time.monotonic() + place
            while True:
                fragment, interval = next(reversed(watcher.timers.items()))
                due = max(due + interval, time.monotonic())
                await asyncio.sleep(due - time.monotonic())
                asked = time.monotonic()
                await watcher.rerun(fragment)
                seen.ticks.append(time.monotonic() - asked)
    except Exception as fault:  # whatever it is, this browser has failed
        seen.faults.append(f"{type(fault).__name__}: {fault}")


async def all_watch(server: Server, browsers: int, seconds: float) -> tuple[Seen, float]:
    """What they saw in that time, once all were there, and seconds of the processor that the server's process took."""
    seen, process = Seen(), psutil.Process(server.process.pid)
    async with asyncio.TaskGroup() as group:
        watching = []
        for number in range(browsers):
            watching.append(group.create_task(watch(server.url, seen, number / browsers)))
            await asyncio.sleep(0.5)  # all of them do not come at once
        while len(seen.ticks) < 3 * browsers and not seen.faults:  # what is made once is made
            await asyncio.sleep(0.2)
        seen.ticks.clear()
        seen.received, before = 0, sum(process.cpu_times()[:2])
        await asyncio.sleep(seconds)
        used = sum(process.cpu_times()[:2]) - before
        for each in watching:
            each.cancel()
    return seen, used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--browsers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--points", type=int, default=100_000, help="steps that are logged already")
    parser.add_argument("--rate", type=float, default=20.0, help="steps that are logged a second")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="of the app to watch, such as one of before")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, app = Path(folder), options.checkout.resolve()
        run = furnish(home, options.points)
        with (
            growing(run, options.points, options.rate),
            serve(home, app / "app.py", 300, folder=app) as server,
        ):
            seen, used = asyncio.run(all_watch(server, options.browsers, options.seconds))
    print(f"{psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f} at the end")
    ticks = len(seen.ticks)
    rows = {"browsers": options.browsers, "failed": len(seen.faults), "ticks": ticks,
            "ticks a second": f"{ticks / options.seconds:.1f}",
            "the server, cores": f"{used / options.seconds:.2f}",
            "processor, a tick": f"{1000 * used / max(ticks, 1):.1f} ms",
            "sent, a tick": f"{seen.received / 1000 / max(ticks, 1):.0f} kB",
            "a tick, median": f"{np.median(seen.ticks or [np.nan]):.2f} s"}  # fmt: skip
    for name, value in rows.items():
        print(f"{name:24}{value}")
    for fault in sorted(set(seen.faults)):
        print(f"    {fault}")
    sys.exit(bool(seen.faults or not seen.charts))


if __name__ == "__main__":
    main()
