"""What the web app costs beside a hello-world Streamlit app, both measured by turns in one run on one machine.

    python bench/app.py [--repeats 5] [--small] [--ticks]

A real Chromium does the looking, on a home made for the purpose: the sample set, and a ResNet-50 at 224 px. Its weights
and stored answers are made up, which costs what trained ones cost. With --small everything is tiny: its figures mean
nothing, but that it runs is seen.
"""

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # run as a script, it finds the package and the tests' browser
from browser import Server, chromium, hover_click, launch, serve, steady_box  # noqa: E402

from fashion_core import __version__, files, paper, runs  # noqa: E402
from fashion_core.evaluation.evaluation import Evaluation  # noqa: E402
from fashion_core.evaluation.meta import EvaluationMeta  # noqa: E402
from fashion_core.photos import sample  # noqa: E402
from fashion_core.runs import (  # noqa: E402
    config,
    events,
)
from fashion_core.stats import softmax  # noqa: E402

HELLO = 'import streamlit as st\n\nst.title("Hello")\n'
TWO_PAGES = """import streamlit as st

st.navigation([st.Page(lambda: st.title("One"), title="One", url_path="one"),
               st.Page(lambda: st.title("Two"), title="Two", url_path="two")], position="top").run()
"""
PAGES = ("Home", "Data", "Train", "Evaluate", "Predict")
MIB = 2**20
TILE = "[data-testid='stMain'] img"


@dataclass(frozen=True)
class Size:
    """How much there is to look at."""

    per_class: int = 60  # photos
    architecture: str = "resnet50"
    image_size: int = 224  # pixels
    points: int = 1_000_000  # of the live curves


SMALL = Size(per_class=10, architecture="resnet18", image_size=64, points=1000)


class NotMeasuredError(Exception):
    """Why a figure is missing."""


# A home to measure in ------------------------------------------------------------------------------------------------


def furnish(home: Path, size: Size) -> None:
    """Sample photos, a model that predicts, and its stored answers."""
    photos = home / "data" / "sample"
    sample.render(photos, size.per_class)
    paths = [file.relative_to(photos) for file in sorted(photos.glob("*/*.jpg"))]
    labels = [path.parent.name for path in paths]
    logits = np.random.default_rng(0).normal(size=(len(paths), len(paper.CLASSES)))
    logits[np.arange(len(paths)), np.arange(len(paths)) % len(paper.CLASSES)] += 8  # so that no cell is empty
    answers = softmax(logits).astype(np.float32)
    frame = pd.DataFrame({"path": [str(path) for path in paths], "label": labels}, dtype=object)
    model = home / "weights" / "bench"
    model.mkdir(parents=True)
    meta = EvaluationMeta(split="test")
    Evaluation(tuple(paper.CLASSES), frame, answers, str(photos), meta).save(model / "evaluation.parquet")
    _write_network(model, size)


def _write_network(folder: Path, size: Size) -> None:
    from fashion_core.engine import export, models

    network, _ = models.build(size.architecture, paper.CLASSES, size.image_size)
    about = {"classes": paper.CLASSES, "config": {"architecture": size.architecture, "image_size": size.image_size}}
    export.write_ir(network, about, folder)
    card = {"v": 1, "name": "bench", "classes": list(paper.CLASSES), "image_size": size.image_size, "temperature": 1.0}
    files.write_json(folder / "card.json", card | {"architecture": size.architecture, "metrics": {}, "notes": []})


# Measures ------------------------------------------------------------------------------------------------------------


def settle(page: Page) -> None:
    """Wait until the page's script has run to its end."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()


def open_page(page: Page, server: Server, path: str = "") -> None:
    """Go there and wait for the heading."""
    page.goto(f"{server.url}/{path}")
    fault = page.get_by_test_id("stException")
    page.get_by_role("heading", level=1).or_(fault).first.wait_for()
    if fault.count():
        raise NotMeasuredError(f"/{path} shows a fault: {server.log.read_text().strip().splitlines()[-1]}")


def memory(server: Server) -> float:
    """Resident memory of the web process, in MiB."""
    return psutil.Process(server.process.pid).memory_info().rss / MIB


@contextmanager
def watched(server: Server) -> Iterator[list[float]]:
    """The web process's memory every 20 ms, in MiB."""
    seen, done = [memory(server)], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            seen.append(memory(server))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def start(page: Page, home: Path, script: Path) -> tuple[float, float]:
    """Seconds from starting the process to a heading on the screen, and the process's MiB once idle."""
    begin = time.perf_counter()
    with serve(home, script) as server:
        open_page(page, server)
        seconds = time.perf_counter() - begin
        settle(page)
        return seconds, memory(server)


def changes(page: Page, server: Server, names: tuple[str, ...], repeats: int) -> list[float]:
    """Milliseconds from a click on another page's name to its heading, once each page has been open."""
    times = []
    open_page(page, server)
    for turn in range((repeats + 1) * len(names)):
        name = names[(turn + 1) % len(names)]
        target = page.get_by_role("link", name=name, exact=True).first
        target.hover()
        begin = time.perf_counter()
        target.click()
        page.wait_for_function("name => document.title.startsWith(name)", arg=name)
        page.get_by_role("heading", level=1).wait_for()
        if turn >= len(names):
            times.append(1000 * (time.perf_counter() - begin))
        settle(page)
    return times


def predicting(page: Page, server: Server) -> float:
    """The highest MiB of the web process while it answers for eight photos."""
    photos = sorted((server.home / "data" / "sample").glob("*/*.jpg"))
    photos = photos[:: len(photos) // 8][:8]
    open_page(page, server, "predict")
    settle(page)
    with watched(server) as seen:
        page.locator('input[type="file"]').first.set_input_files(photos)
        page.get_by_test_id("stProgress").nth(3 * len(photos) - 1).wait_for()  # three classes a photo
        settle(page)
    return max(seen)


def gallery(page: Page, server: Server, repeats: int) -> list[float]:
    """Milliseconds from a click on a cell of the confusion matrix to its photos."""
    times = []
    for turn in range(repeats):
        open_page(page, server, "evaluate")
        page.locator(TILE).first.wait_for()
        settle(page)
        matrix = page.get_by_test_id("stEChartsChart").first
        before, across = page.locator(TILE).first.get_attribute("src"), 0.5 + 0.03 * turn
        steady_box(page, matrix)
        begin = time.perf_counter()
        hover_click(page, matrix, lambda box, across=across: (box["width"] * across, box["height"] * 0.5))
        page.wait_for_url("**true=**predicted=**")
        page.wait_for_function(
            "([tile, before]) => { const first = document.querySelector(tile);"
            " return first && first.src && !first.src.endsWith(before) && first.complete; }",
            arg=[TILE, before],
        )
        times.append(1000 * (time.perf_counter() - begin) - 700)  # without the waits of hover_click
    return times


def ticks(home: Path, repeats: int, points: int) -> list[float]:
    """Milliseconds of the processor for a tick of the live curves, ten new lines on top of so many points, the first
    tick apart: it smooths them all, once for all browsers."""
    from fashion_core.ui import live

    run = runs.create(config.PRESETS["quick"], home / "data" / "sample", home / "ticks")

    def log(first: int, lines: int) -> None:
        with (run.folder / "events.jsonl").open("a") as file:
            for step in range(first, first + lines):
                loss = 2.3 / (1 + step / 9000)
                event = {"v": 1, "seq": step, "t": time.time(), "type": "step", "step": step, "loss": loss}
                file.write(json.dumps(event | {"accuracy": 1 - loss / 3, "learning_rate": 0.01}) + "\n")

    tail = events.Tail(run.events_file)
    began = {"v": 1, "seq": 0, "t": time.time(), "type": "start", "step": 0, "total_steps": 2 * points, "epochs": 10}
    run.events_file.write_text(json.dumps(began) + "\n")
    log(1, points)
    tail.update()
    times = []
    for turn in range(10 * repeats + 1):
        log(points + 1 + 10 * turn, 10)
        begin = time.process_time()
        json.dumps(live.tick([(run.id, tail.read())], live.CurveOptions()))
        times.append(1000 * (time.process_time() - begin))
    print(f"{'the first of them':32}{times[0]:>7.3g} ms", flush=True)
    return times[1:]


# The table -----------------------------------------------------------------------------------------------------------


def attempt(measure: Callable, *args) -> tuple[object, str]:
    """The measure's result and no reason, or None and why there is none."""
    try:
        return measure(*args), ""
    except (NotMeasuredError, ImportError, AttributeError) as missing:
        return None, str(missing)
    except PlaywrightTimeout as late:
        return None, f"the page did not answer in time: {late.message.splitlines()[0]}"


def row(name: str, ours: list[float] | None, hello: list[float] | None, unit: str, aim: str, why: str = "") -> None:
    """Print one line: both medians, their ratio, the aim, our range; or why there is no figure."""
    medians = [statistics.median(values) if values else None for values in (ours, hello)]
    shown = [f"{median:.3g} {unit}" if median else "-" for median in medians]
    ratio = f"{medians[0] / medians[1]:.2f}×" if all(medians) else ""
    spread = f"{min(ours):.3g} to {max(ours):.3g} in {len(ours)}" if ours and len(ours) > 1 else ""
    print(f"{name:32}{shown[0]:>10}{shown[1]:>10}{ratio:>8}  {aim:15}{spread}", flush=True)
    if why:
        print(f"    not measured: {why}", flush=True)


def compare(page: Page, folder: Path, repeats: int, size: Size) -> None:
    """Take every measure and print it."""
    home, empty, hello, two = (folder / name for name in ("home", "empty", "hello.py", "two.py"))
    hello.write_text(HELLO)
    two.write_text(TWO_PAGES)
    furnish(home, size)
    print(f"Busana {__version__}, {psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f}")
    print(f"{'median':32}{'Busana':>10}{'hello':>10}{'ratio':>8}  {'aim':15}range", flush=True)

    ours, theirs, why = [], [], ""
    for _ in range(repeats):  # by turns, so that a slow minute of the machine meets both
        theirs.append(start(page, empty, hello))
        result, why = attempt(start, page, home, ROOT / "app.py")
        ours += [result] if result else []
    row("start to first page", [s for s, _ in ours], [s for s, _ in theirs], "s", "within 1.4×", why)
    row("memory, idle", [m for _, m in ours], [m for _, m in theirs], "MiB", "", why)

    with serve(empty, two) as pair, serve(home) as server:
        peak, why = attempt(predicting, page, server)
        row("memory, predicting", [peak] if peak else None, None, "MiB", "under 286 MiB", why)
        base = changes(page, pair, ("One", "Two"), repeats)
        moved, why = attempt(changes, page, server, PAGES, repeats)
        row("page change", moved, base, "ms", "within 1.5×", why)
        clicks, why = attempt(gallery, page, server, repeats)
        row("click on a cell to its photos", clicks, None, "ms", "", why)
        row("memory, after all of it", [memory(server)], [memory(pair)], "MiB", "")
    tick_row(home, repeats, size)


def tick_row(home: Path, repeats: int, size: Size) -> None:
    timed, why = attempt(ticks, home, repeats, size.points)
    row(f"live tick at {size.points:,} points", timed, None, "ms", "under 50 ms", why)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="little of everything: only to see that it runs")
    parser.add_argument("--ticks", action="store_true", help="the live tick alone, which needs no browser")
    options = parser.parse_args()
    size = SMALL if options.small else Size()
    if options.ticks:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "data" / "sample").mkdir(parents=True)
            return tick_row(Path(folder), options.repeats, size)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        executable = chromium(playwright)
        if not executable:
            sys.exit("No Chromium: install one, name it in $CHROMIUM, or run python tests/browser.py.")
        with launch(playwright, executable) as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 1000})
            compare(page, Path(folder), options.repeats, size)


if __name__ == "__main__":
    main()
