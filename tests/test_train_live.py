"""Train in a real browser while nobody presses anything: what others start appears, and nothing jumps."""

import re

import numpy as np
import pandas as pd
import pytest
from browser import SOON
from playwright.sync_api import Page, expect

from fashion_core import runs
from fashion_core.evaluation.evaluation import EPOCHS, Evaluation
from fashion_core.evaluation.meta import EvaluationMeta
from fashion_core.reports import curves
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


def test_the_photos_of_an_epoch_come_by_themselves(page: Page, site, tmp_path):
    run = runs.create(TrainConfig(epochs=3), tmp_path)
    with runs.claim(run) as log:
        log("start", step=0, total_steps=6, steps_per_epoch=2, epochs=3, device="cpu (2 threads)")
        page.goto(f"{site.url}/train")
        expect(page.get_by_text("Once the first epoch is validated")).to_be_visible(timeout=SOON)
        for epoch in (1, 2):
            table, said = pd.DataFrame({"path": ["1.jpg"], "label": ["hat"]}, dtype=object), np.array([[0.9, 0.1]])
            answers = Evaluation(("hat", "sock"), table, said, "", EvaluationMeta(run.id, epoch, "validation"))
            answers.save(run.folder / EPOCHS / f"{epoch:04}.parquet")
            log("epoch", epoch=epoch, step=2 * epoch, train_loss=1.0, train_accuracy=0.5, validation_loss=1.0,
                validation_accuracy=0.5, images_per_second=20.0, seconds_left=9.0)  # fmt: skip
            first = page.get_by_text("After epoch 1", exact=True)
            shown = first if epoch == 1 else page.get_by_role("slider", name="After epoch")
            expect(shown).to_be_visible(timeout=SOON)


@pytest.fixture
def curves_of_a_live_run(page: Page, site, tmp_path):
    """The log of a run that lives, 60 of its 100 steps done, with its page open."""
    run = runs.create(TrainConfig(epochs=2), tmp_path)
    with runs.claim(run) as log:
        log("start", step=0, total_steps=100, steps_per_epoch=50, epochs=2, device="cpu (2 threads)")
        for step in range(1, 61):
            log("step", step=step, epoch=1 + step // 51, loss=1 / step, accuracy=0.5, learning_rate=0.1)
        page.goto(f"{site.url}/train")
        expect(page.locator("canvas")).not_to_have_count(0, timeout=2 * SOON)
        expect(page.locator("body[data-curve-zoom=heard]")).to_be_attached(timeout=SOON)
        page.get_by_text("All runs").scroll_into_view_if_needed()
        page.wait_for_timeout(1000)  # the page has come to rest
        yield log


def over(page: Page, share: float) -> None:
    """Move the pointer over the plot of the loss, `share` of the axis from its left end."""
    box = page.get_by_test_id("stEChartsChart").first.bounding_box()
    width = box["width"] - curves.GRID["left"] - curves.GRID["right"]
    page.mouse.move(box["x"] + curves.GRID["left"] + share * width, box["y"] + box["height"] / 2, steps=4)


def shown(page: Page, low: int, high: int) -> None:
    """The slider says these shares of the run, in percent, give or take the one that a pixel is worth."""
    for place, wanted in enumerate((low, high)):
        near = "|".join(str(wanted + off) for off in (-1, 0, 1))
        thumb = page.get_by_role("slider", name="Zoom").nth(place)
        expect(thumb).to_have_value(re.compile(f"^({near})$"), timeout=SOON)


def test_a_drag_over_the_curves_zooms_and_that_survives_ticks(curves_of_a_live_run, page: Page):
    over(page, 0.25)
    page.mouse.down()
    over(page, 0.75)
    expect(page.get_by_test_id("curve-zoom-frame")).to_be_visible()
    page.mouse.up()
    shown(page, 15, 45)  # of the 60 steps that are done, as shares of the 100 that are planned
    for step in range(61, 64):
        curves_of_a_live_run("step", step=step, epoch=2, loss=1.0, accuracy=0.5, learning_rate=0.1)
        expect(page.get_by_text(f"step {step} of 100")).to_be_visible(timeout=SOON)
    shown(page, 15, 45)
    expect(page.get_by_test_id("curve-zoom-frame")).to_have_count(0)
    over(page, 0.5)
    page.mouse.dblclick(*middle(page))
    shown(page, 0, 100)


def test_the_wheel_over_the_curves_zooms_in_and_out_and_otherwise_scrolls(curves_of_a_live_run, page: Page):
    over(page, 0.5)
    page.mouse.wheel(0, -300)
    shown(page, 14, 46)  # exp(-0.6) of 60, around its middle
    page.wait_for_timeout(1000)
    before = page.get_by_test_id("stMain").evaluate("each => each.scrollTop")
    over(page, 0.5)
    page.mouse.wheel(0, 300)
    shown(page, 0, 60)
    assert page.get_by_test_id("stMain").evaluate("each => each.scrollTop") == before
    page.mouse.dblclick(*middle(page))
    shown(page, 0, 100)
    page.get_by_test_id("stMain").evaluate("each => each.scrollTo(0, 0)")
    page.wait_for_timeout(1000)
    over(page, 0.5)
    page.mouse.wheel(0, 200)  # nothing to zoom out of
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop > 50")


def middle(page: Page) -> tuple[float, float]:
    box = page.get_by_test_id("stEChartsChart").first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
