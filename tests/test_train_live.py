"""Train in a real browser while nobody presses anything: what others start appears, and nothing jumps."""

import pytest
from browser import SOON
from playwright.sync_api import Page, expect

from fashion_core import runs
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.events import EventLog
from fashion_core.ui.live import POLL_SECONDS

DRAWN = 10_000  # bytes: the page is several times that, and two looks for other runs are not


@pytest.fixture
def site(server, home):
    """A server on the home that this process writes to."""
    return server(home)


WATCH_SHIFTS = """() => { window.shift = 0; window.moved = []; new PerformanceObserver(list => {
  for (const one of list.getEntries()) { window.shift += one.value; window.moved.push(one.sources.map(
    each => [each.node?.innerText?.slice(0, 30), each.previousRect.y, each.currentRect.y]).slice(0, 2)); }
}).observe({type: 'layout-shift'}); }"""
MOST_SHIFT = 0.1  # web.dev calls that good


def ended(folder, **recipe) -> runs.Run:
    """A run of one epoch that somebody trained in a terminal."""
    run = runs.create(TrainConfig(**recipe), folder)
    with EventLog(run.events_file) as log:
        log("start", step=0, total_steps=2, steps_per_epoch=2, epochs=1, device="cpu (2 threads)")
        log("evaluate", accuracy=0.9725, macro_f1=0.9719, n=400)
        log("end", reason="finished")
    return run


def test_runs_of_others_come_and_go_by_themselves_and_until_then_nothing_is_drawn(page: Page, site, tmp_path):
    heard: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(len(frame))))
    page.goto(f"{site.url}/train")
    expect(page.get_by_text("No run yet.")).to_be_visible(timeout=2 * SOON)
    run = ended(tmp_path)
    expect(page.get_by_role("heading", name="All runs")).to_be_visible(timeout=SOON)
    page.wait_for_timeout(5000)
    whole = sum(heard)
    heard.clear()
    page.wait_for_timeout(2.5 * 1000 * POLL_SECONDS)
    assert sum(heard) < DRAWN < whole / 2
    run.folder.rename(run.folder.with_name(".away"))
    expect(page.get_by_text("No run yet.")).to_be_visible(timeout=2 * SOON)


def test_nothing_jumps_while_a_run_begins_and_goes_on(page: Page, site, tmp_path):
    run = runs.create(TrainConfig(epochs=3), tmp_path)
    with runs.claim(run) as log:
        log("stage", stage="starting")
        page.goto(f"{site.url}/train")
        expect(page.get_by_text("Starting the worker")).to_be_visible(timeout=SOON)
        expect(page.get_by_test_id("stMetric")).to_have_count(5, timeout=SOON)
        expect(page.locator("canvas")).not_to_have_count(0, timeout=SOON)
        page.wait_for_timeout(6000)  # the code of charts and tables is there
        page.evaluate(WATCH_SHIFTS)
        log("progress", what="Reading photos", done=10, total=60)
        expect(page.get_by_text("Reading photos: 10 of 60")).to_be_visible(timeout=SOON)
        log("start", step=0, total_steps=6, steps_per_epoch=2, epochs=3, device="cpu (2 threads)")
        for step in range(1, 6):
            log("step", step=step, epoch=1 + step // 3, loss=1 / step, accuracy=0.5, learning_rate=0.1)
            if step % 2 == 0:
                log("epoch", epoch=step // 2, step=step, train_loss=1.0, train_accuracy=0.5, validation_loss=1.0,
                    validation_accuracy=0.5, images_per_second=20.0, seconds_left=9.0)  # fmt: skip
            expect(page.get_by_text(f"step {step} of 6")).to_be_visible(timeout=SOON)
    assert page.evaluate("window.shift") < MOST_SHIFT, page.evaluate("window.moved")
