"""What grows with what: python -m bench.growth [--photos N] [--classes N] [--points N] [--rounds 3] [--only photos …]

Everything that compares, counts or draws at 1, 4 and 16 times the photos, the classes and the logged points: the median
and the exponent, which is 1 where 16 times as much takes 16 times as long. It is the slope from the least size to the
largest, so what hardly grows has one near 0. Time is the processor's, in one thread but for the scan, as others on
the machine change it little. Prints Markdown.

The photos are made up: thumbnails of rough shapes on white, a tenth of them saved anew; embeddings drawn between like
photos of `apparel-lite`; answers mostly right. The scan reads real files, drawn small.
"""

import argparse
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from threadpoolctl import threadpool_limits

from bench.looking import made_up, seen
from bench.predict import machine, table
from bench.reruns import of_many
from bench.similar import drawn
from fashion_core.evaluation import label_issues
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.photos import duplicates, scan
from fashion_core.runs import Tail
from fashion_core.ui import live

TIMES = (1, 4, 16)
SCANNED = 4  # of the photos one in so many is a file
LIKE = 5000  # photos of `apparel-lite` between which embeddings are drawn
ROOT = Path(__file__).resolve().parents[1]
Works = dict[str, Callable[[], object]]


def shots(rng: np.random.Generator, count: int) -> np.ndarray:
    """Thumbnails uint8 (count, 16, 16, 3) of rough shapes on white, a tenth of them others with a little noise."""
    colour, tone = rng.integers(0, 256, (count, 1, 1, 3)), rng.normal(0, 25, (count, 8, 8, 3))
    wide, high = rng.uniform(2, 8, (2, count, 1, 1))
    x, y = np.meshgrid(np.arange(16) - 7.5, np.arange(16) - 7.5)
    inside = (np.abs(x / wide) ** 2.5 + np.abs(y / high) ** 2.5 < 1)[..., None]
    photos = np.where(inside, colour + tone.repeat(2, 1).repeat(2, 2), rng.uniform(225, 255, (count, 1, 1, 1)))
    copies = photos[rng.integers(0, count, count // 10)]
    photos[: len(copies)] = copies + rng.normal(0, 2, copies.shape)
    return photos.clip(0, 255).astype(np.uint8)


def embedded(rng: np.random.Generator, evaluation: Evaluation) -> Explanations:
    """What lies behind the answers to half of the photos, of like photos for like."""
    real = Explanations.load(ROOT / "weights" / "apparel-lite" / FILE).embeddings.astype(np.float32)
    explanations = replace(seen(evaluation, rng), maps=None)
    return replace(
        explanations,
        embeddings=drawn(real[: min(LIKE, len(real), len(evaluation))], len(explanations.photos)).astype(np.float16),
    )


def files(folder: Path, thumbnails: np.ndarray) -> Path:
    """JPEGs of 64 px in two classes."""
    for number, thumbnail in enumerate(thumbnails):
        file = folder / ("hat", "sock")[number % 2] / f"{number}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(thumbnail).resize((64, 64)).save(file)
    return folder


def by_photos(count: int, folder: Path) -> Works:
    """`count` photos: half of them tested, half learned."""
    rng = np.random.default_rng(0)
    thumbnails, evaluation = shots(rng, count), made_up(rng, count // 2)
    explanations, stored = embedded(rng, evaluation), evaluation.save(folder / f"{count}.parquet")
    photos, home = files(folder / f"{count}", thumbnails[: count // SCANNED]), folder / "home"
    bits = rng.integers(0, 1 << 63, count)
    hashes = dict(zip(explanations.photos["path"], bits.tolist(), strict=True))

    def first_scan() -> None:
        for kept in home.rglob("audit-*"):
            kept.unlink()
        scan.audit(photos)

    return {
        f"first scan of a {SCANNED}th of them": first_scan,
        f"second scan of a {SCANNED}th of them": lambda: scan.audit(photos),
        "near-duplicates": lambda: duplicates.near_duplicates(thumbnails),
        "mirror images": lambda: duplicates.mirrored_pairs(thumbnails),
        "pairs by embedding (`check --model`)": lambda: duplicates.nearest_pairs(explanations.embeddings, 4, count),
        "photos that may be one picture": lambda: label_issues.possible_duplicates(explanations, hashes),
        "outliers": lambda: label_issues.outliers(explanations),
        "cross-validation": lambda: label_issues.out_of_fold(explanations),
        "label issues": lambda: label_issues.find_label_issues(evaluation),
        "load an evaluation": lambda: Evaluation.load(stored),
        "a click on a cell": lambda: evaluation.cell("blue_dress", "black_dress"),
        "similar photos of one": lambda: explanations.nearest(explanations.photos["path"][0]),
    }


def by_classes(photos: int) -> Callable[[int, Path], Works]:
    """So many classes of the same photos."""

    def works(count: int, folder: Path) -> Works:
        evaluation = of_many(np.random.default_rng(0), count, photos)
        stored = evaluation.save(folder / f"classes-{count}.parquet")

        def metrics() -> None:
            evaluation.__dict__.pop("_metrics", None)  # they are kept
            evaluation.confusion()

        return {
            "matrix and report, counted": metrics,
            "matrix and report, shown": lambda: (evaluation.confusion(), evaluation.report()),
            "label issues": lambda: label_issues.find_label_issues(evaluation),
            "load an evaluation": lambda: Evaluation.load(stored),
            "a click on a cell": lambda: evaluation.cell(*evaluation.classes[:2]),
        }

    return works


def by_points(count: int, folder: Path) -> Works:
    """A run's log of so many steps, 100 an epoch."""
    file, lines = folder / f"{count}.jsonl", []
    lines.append({"type": "start", "step": 0, "total_steps": count, "epochs": count // 100, "steps_per_epoch": 100})
    for step in range(1, count + 1):
        lines.append({"type": "step", "step": step, "loss": 9 / step, "accuracy": 0.5, "learning_rate": 0.1})
        if step % 100 == 0:
            figures = dict.fromkeys(("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"), 0.5)
            lines.append({"type": "epoch", "epoch": step // 100, "step": step} | figures)
    file.write_text("".join(json.dumps({"v": 1, "seq": n, "t": 0.0} | line) + "\n" for n, line in enumerate(lines)))
    tail = Tail(file)
    log, more = tail.read(), json.dumps({"v": 1, "seq": len(lines), "t": 0.0, "type": "heartbeat"}) + "\n"

    def read_on() -> None:
        with file.open("a") as stream:
            stream.write(more)
        tail.read()

    return {
        "read the log for the first time": lambda: Tail(file).read(),
        "read on by one line": read_on,
        "a tick": lambda: live.tick([("run", log)], live.CurveOptions()),
    }


def seconds(work: Callable[[], object], rounds: int) -> float:
    """Median of `rounds`, after one to fill caches; of quick work each is many times, and of work of more than five
    seconds the one is enough."""
    began = time.process_time()
    work()
    once = time.process_time() - began
    if once > 5:
        return once
    repeats, times = max(1, min(1000, int(0.02 / max(once, 1e-9)))), []
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(repeats):
            work()
        times.append((time.process_time() - began) / repeats)
    return statistics.median(times)


def rows(base: int, works: Callable[[int, Path], Works], rounds: int, folder: Path) -> Iterator[list[str]]:
    """A line of the table for each work."""
    found: dict[str, list[float]] = {}
    for times in TIMES:
        for name, work in works(base * times, folder).items():
            found.setdefault(name, []).append(seconds(work, rounds))
            print(f"{base * times:,}: {name}, {found[name][-1]:.3g} s", file=sys.stderr, flush=True)
    for name, took in found.items():
        exponent = math.log(took[-1] / took[0]) / math.log(TIMES[-1])
        yield [name, *[f"{1000 * each:,.3g}" for each in took], f"{exponent:.2f}"]


def main(photos: int, classes: int, points: int, rounds: int, only: list[str]) -> None:
    """Print a table for each of what grows."""
    print(machine(1))
    label_issues.load_libraries()  # only what is loaded can be held to one thread
    asked = {"photos": (photos, by_photos), "classes": (classes, by_classes(photos)), "points": (points, by_points)}
    with TemporaryDirectory() as folder, threadpool_limits(1):
        os.environ["BUSANA_HOME"] = str(Path(folder) / "home")
        for what, (base, works) in asked.items():
            if what in (only or asked):
                sizes = [f"{base * times:,} {what}" for times in TIMES]
                table(["ms", *sizes, "exponent"], list(rows(base, works, rounds, Path(folder))))


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--photos", type=int, default=2750, help="400 at least")
    options.add_argument("--classes", type=int, default=10)
    options.add_argument("--points", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", nargs="+", choices=("photos", "classes", "points"), default=[])
    main(**vars(options.parse_args()))
