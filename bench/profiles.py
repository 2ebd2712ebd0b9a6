"""Where the time of the three hot paths goes, as a picture, beside the least that their arithmetic can take.

    python -m bench.profiles DIR docs/images/profiles.png     DIR: a folder per class, to train on

answer    32 photos of examples/, from their bytes to the answers of apparel-lite
train     steps of EfficientNet-Lite0 on photos of DIR, 16 photos of 112 px each
rerun     the Evaluate page of apparel-lite on its people's photos, drawn anew by a click

One thread. The bars are the own time of the functions that take most of it, by cProfile, which makes small Python
functions look dearer than they are; the seconds in the table are of runs without it. `floor` is the operations of the
network (as the model's card counts them, three times as many to train) by the rate at which torch multiplies two
matrices of 1,024 in float32 here; a rerun has none. Prints Markdown.
"""

import argparse
import cProfile
import pstats
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import torch
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.testing.v1 import AppTest

from bench.predict import machine, table
from bench.train import ours
from fashion_core import APP
from fashion_core.engine import models
from fashion_core.models.predictor import Predictor, load_explanations
from fashion_core.models.registry import resolve
from fashion_core.photos import dataset, examples, imaging
from fashion_core.photos.pixels import decode_photos
from fashion_core.runs.config import TrainConfig

MODEL = "apparel-lite"
PHOTOS, BATCH, SIZE, STEPS, ROUNDS = 32, 16, 112, 4, 3
BARS = 9
Work = Callable[[], object]


def multiplications_a_second() -> float:
    """Operations a second, a multiplication and an addition being two, of torch's product of two matrices."""
    left, right = torch.randn(2, 1024, 1024)
    seconds = []
    for _ in range(8):
        begun = time.process_time()
        left @ right
        seconds.append(time.process_time() - begun)
    return 2 * 1024**3 / min(seconds)


def answering() -> tuple[Work, float]:
    """Answer the photos; operations of the network for all of them, the mirror image's too."""
    folder, root = resolve(MODEL), examples.folder()
    assert root is not None, "the photos that ship are not here"
    files = [(root / path).read_bytes() for path in examples.table()["path"][:PHOTOS]]
    predictor, explanations = Predictor(folder), load_explanations(folder)

    def answer() -> None:
        for each in predictor.look([imaging.read(data) for data in files], explanations):
            predictor.answer(each, 3, explanations)

    card = predictor.card
    return answer, (2 if card.settings.get("flip_at_test") else 1) * (card.cost.flops or 0) * len(files)


def training(root: Path, scratch: str) -> tuple[Work, float]:
    """Train some steps; operations of the network there and back for all of them."""
    data = dataset.load(root)
    config = TrainConfig(architecture="efficientnet_lite0", pretrained="none", image_size=SIZE, batch_size=BATCH,
                         momentum=0.9, crop_scale=0.5, flip=True, device="cpu")  # fmt: skip
    step = ours(data, config, decode_photos(data, SIZE), scratch)
    cost = models.cost(models.build(config.architecture, data.classes, SIZE)[0], SIZE)
    return lambda: [step() for _ in range(STEPS)], 3 * cost["flops"] * BATCH * STEPS


def drawing() -> tuple[Work, float]:
    """Click another cell of the matrix, by its lists."""
    page = AppTest.from_file(str(APP / "pages" / "evaluate.py"), default_timeout=120)
    page.query_params["model"] = MODEL
    page.run()
    labels = iter(page.selectbox(key="true").options * 100)
    return lambda: page.selectbox(key="true").select(next(labels)).run(), 0.0


def profiled(work: Work) -> tuple[float, list[tuple[str, float]]]:
    """Median seconds of a run, and by cProfile of another the share of each function's own time, the largest first."""
    work()
    seconds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    profile, drawn = cProfile.Profile(), cProfile.Profile()
    with drawn_under(drawn):
        profile.runcall(work)
    stats = pstats.Stats(drawn if drawn.getstats() else profile).stats  # type: ignore[attr-defined]
    whole = sum(row[2] for row in stats.values())
    shares = [(called(*where), row[2] / whole) for where, row in stats.items()]
    return statistics.median(seconds), sorted(shares, key=lambda each: -each[1])[:BARS]


@contextmanager
def drawn_under(profile: cProfile.Profile) -> Iterator[None]:
    """Streamlit draws a page in a thread of its own: what that does is in `profile`."""
    whole = ScriptRunner._run_script_thread

    def run(self: ScriptRunner) -> None:
        profile.runcall(whole, self)

    ScriptRunner._run_script_thread = run  # type: ignore[method-assign]
    try:
        yield
    finally:
        ScriptRunner._run_script_thread = whole  # type: ignore[method-assign]


def called(file: str, line: int, name: str) -> str:
    """A function in words that fit beside a bar."""
    module = "" if file == "~" else f"{Path(file).parent.name}/{Path(file).stem}: "
    return (module + name.removeprefix("<method ").removeprefix("<built-in method ").strip("<>"))[:52]


def draw(paths: dict[str, list[tuple[str, float]]], out: Path) -> None:
    """A row of bars for each path."""
    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, all_axes = pyplot.subplots(len(paths), 1, figsize=(9, 2.6 * len(paths)), layout="constrained")
    for axes, (title, shares) in zip(all_axes, paths.items(), strict=True):
        names, values = zip(*reversed(shares), strict=True)
        bars = axes.barh(names, [100 * value for value in values], color="#4269d0")
        axes.bar_label(bars, fmt="%.0f%%", padding=3, fontsize=8)
        axes.set_title(title, loc="left", fontsize=10)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlim(0, 100)
    all_axes[-1].set_xlabel("own time, % of the path", fontsize=9)
    figure.savefig(out, dpi=110)


def main(options: argparse.Namespace) -> None:
    """Print the table and write the picture."""
    torch.set_num_threads(1)
    rate = multiplications_a_second()
    with tempfile.TemporaryDirectory() as scratch:
        works = {
            f"{PHOTOS} photos answered by {MODEL}": answering(),
            f"{STEPS} training steps of {BATCH} photos": training(options.dir, scratch),
            "the Evaluate page drawn anew": drawing(),
        }
        rows, pictures = [], {}
        for title, (work, operations) in works.items():
            seconds, pictures[title] = profiled(work)
            floor = operations / rate
            share = f"{seconds / floor:.2f}" if floor else "none"
            first = ", ".join(f"{name} {100 * value:.0f}%" for name, value in pictures[title][:3])
            rows.append((title, f"{1e3 * floor:.0f}" if floor else "none", f"{1e3 * seconds:.0f}", share, first))
    print(f"{machine(1)}; {rate / 1e9:.0f} GFLOP/s\n")
    table(("path", "floor, ms", "ours, ms", "times the floor", "most of it"), rows)
    draw(pictures, options.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=Path, help="a folder per class")
    parser.add_argument("out", type=Path, help="the picture")
    main(parser.parse_args())
