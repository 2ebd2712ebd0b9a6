"""A real Chromium and a real server for the tests that need both. Run it to have a Chromium: python tests/browser.py"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, FloatRect, Locator, Page, Playwright, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # this file is also run by itself

from fashion_core.reports import charts  # noqa: E402

SOON = 60_000  # milliseconds: two cores may be busy with a training
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Server:
    """A running `streamlit run`: its address, its BUSANA_HOME, its process and what it prints."""

    url: str
    home: Path
    process: subprocess.Popen
    log: Path


def chromium(playwright: Playwright) -> str | None:
    """The Chromium to drive: `$CHROMIUM`, an installed one, or Playwright's own; None when there is none."""
    installed = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    own = playwright.chromium.executable_path
    return installed or (own if Path(own).exists() else None)


def launch(playwright: Playwright, executable: str) -> Browser:
    """A headless browser that calls nobody but the pages it is sent to."""
    return playwright.chromium.launch(executable_path=executable, args=FLAGS)


@contextmanager
def serve(
    home: Path,
    script: Path = ROOT / "app.py",
    patience: float = 60,
    port: int = 0,
    folder: Path = ROOT,
    **environment: str,
) -> Iterator[Server]:
    """Run `script` on `port`, or a free one, of this machine with `home` as its BUSANA_HOME; end it by its process id.
    Settings and modules are those of `folder`.

    Raises RuntimeError with the server's own words when it is not healthy within `patience` seconds.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        port = probe.getsockname()[1]
    options = {"headless": "true", "address": "127.0.0.1", "port": port, "fileWatcherType": "none"}
    command = [sys.executable, "-m", "streamlit", "run", script]
    command += [f"--server.{name}={value}" for name, value in options.items()]
    home.mkdir(parents=True, exist_ok=True)
    log = home / "server.log"
    with log.open("wb") as sink:
        variables = os.environ | {"BUSANA_HOME": str(home)} | environment
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=sink, stderr=subprocess.STDOUT)
    server = Server(f"http://127.0.0.1:{port}", home, process, log)
    try:
        _wait_until_healthy(server, patience)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_healthy(server: Server, patience: float) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end and server.process.poll() is None:
        try:
            with urlopen(f"{server.url}/_stcore/health", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.02)
    raise RuntimeError(f"The server did not start:\n{server.log.read_text(errors='replace')}")


def steady_box(page: Page, target: Locator) -> FloatRect:
    """The target's place once it has kept it for half a second: a page still being drawn moves and narrows things."""
    box, since, end = target.bounding_box(), time.monotonic(), time.monotonic() + 30
    while time.monotonic() < end and (box is None or time.monotonic() - since < 0.5):
        page.wait_for_timeout(50)
        if (now := target.bounding_box()) != box:
            box, since = now, time.monotonic()
    assert box, "the target never became visible"
    return box


def hover_click(
    page: Page, target: Locator, place: Callable[[FloatRect], tuple[float, float]] = lambda box: (10, 10)
) -> None:
    """Click as a hand does: a canvas may lose a click that arrives with the pointer.

    `place` gives the pixel in `target` from the target's box, which is measured when it has stopped moving.
    """
    x, y = place(steady_box(page, target))
    target.hover(position={"x": x, "y": y})
    page.wait_for_timeout(200)
    target.click(position={"x": x, "y": y})


if __name__ == "__main__":
    with sync_playwright() as driver:
        found = chromium(driver)
    if not found:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def cell_place(box, classes: Sequence[str], true: int, predicted: int) -> tuple[float, float]:
    """Where the middle of a confusion matrix's cell lies in a chart of this size, in pixels."""
    margins = charts.plot_margins(classes)
    wide = (box["width"] - margins["left"] - margins["right"]) / len(classes)
    high = (box["height"] - margins["top"] - margins["bottom"]) / len(classes)
    return margins["left"] + (predicted + 0.5) * wide, margins["top"] + (true + 0.5) * high


def name_place(box: FloatRect, names: Sequence[str], axis: str, place: int) -> tuple[float, float]:
    """Where a name beside (axis "true") or below a confusion matrix of these rows is, in pixels."""
    x, y = cell_place(box, names, place, place)
    return (30, y) if axis == "true" else (x, box["height"] - 35)
