"""The journeys of a person in a real Chromium: train live, be stopped and killed, come back, look, predict."""

import os
import re
import signal
import time

import pytest
from browser import cell_place, hover_click, name_place
from evaluations import eight, publish
from playwright.sync_api import Page, expect

from fashion_core import runs

SOON = 60_000  # milliseconds: a worker loads torch and a model on two busy cores


def begin(page: Page, server, epochs: int, size: int = 48) -> runs.Run:
    """Start a quick run on the sample set from the page, as a person would; returns it once the page shows it.

    Give each run on one server a number of epochs of its own: it tells the runs apart on the page.
    """
    page.goto(f"{server.url}/train")
    expect(page.get_by_text("New run", exact=True)).to_be_visible(timeout=SOON)
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=SOON)
    page.wait_for_timeout(1000)  # the form inside opens by itself where there is no run yet
    if not page.get_by_role("button", name="Start training").is_visible():
        page.get_by_text("New run", exact=True).click()
    for label, value in (("Image size", size), ("Epochs", epochs)):
        box = page.get_by_label(label, exact=True)
        box.fill(str(value))
        box.press("Tab")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text(re.compile(rf"Epoch \d+ of {epochs}, "))).to_be_visible(timeout=4 * SOON)
    return runs.find(server.home / "runs")[0]


@pytest.fixture(scope="module")
def site(server):
    """One server for this file, on a home without anything; no worker outlives it."""
    started = server()
    yield started
    for run in runs.find(started.home / "runs"):
        run.stop()


def test_a_person_trains_the_sample_set_and_watches_the_points_arrive(page, browser, site):
    begin(page, site, epochs=3)
    steps = page.get_by_text(re.compile(r"step [\d,]+ of"))
    seen = set()
    end = time.monotonic() + 120
    while len(seen) < 3 and time.monotonic() < end:
        seen.add(steps.first.inner_text())
        page.wait_for_timeout(700)
    assert len(seen) >= 3, f"the page stood still at {seen}"
    expect(page.get_by_test_id("stEChartsChart")).to_have_count(2)

    with browser.new_context() as other:  # a second browser finds the same run by itself
        second = other.new_page()
        second.goto(f"{site.url}/train")
        expect(second.get_by_text(re.compile(r"step [\d,]+ of"))).to_be_visible(timeout=SOON)

    expect(page.get_by_text("See results")).to_be_visible(timeout=4 * SOON)
    run = runs.find(site.home / "runs")[0]
    assert run.model_folder, "it can be looked into once it is tested"
    end = time.monotonic() + 120
    while run.state == "running" and time.monotonic() < end:  # heat maps and similar photos follow
        page.wait_for_timeout(500)
    assert run.state == "finished"


def test_stop_and_resume_from_the_page(page, site):
    run = begin(page, site, epochs=201)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=SOON)
    assert run.state == "stopped" and (run.folder / "last.safetensors").exists()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Stop")).to_be_enabled(timeout=SOON)
    expect(page.get_by_text(re.compile(r"step [\d,]+ of"))).to_be_visible(timeout=SOON)
    run.stop()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=SOON)


def test_a_run_outlives_the_server_that_started_it(page, server):
    first = server()
    run = begin(page, first, epochs=200)
    first.process.terminate()
    first.process.wait()
    assert run.state == "running"
    page.goto(f"{server(first.home).url}/train")
    expect(page.get_by_text(re.compile(r"step [\d,]+ of"))).to_be_visible(timeout=SOON)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=SOON)
    assert run.state == "stopped"


def test_a_killed_worker_is_told_as_crashed_within_ten_seconds(page, site):
    run = begin(page, site, epochs=202)
    os.kill(_worker(run), signal.SIGKILL)
    expect(page.get_by_text("Training stopped unexpectedly")).to_be_visible(timeout=10_000)
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_a_click_on_a_cell_shows_its_photos_and_the_address_brings_them_back(page, browser, server, tmp_path):
    evaluation = eight(tmp_path / "photos")
    publish(tmp_path / "home", evaluation)
    true, predicted = 0, 1
    rows = evaluation.cell(evaluation.classes[true], evaluation.classes[predicted])
    assert len(rows) > 0
    page.goto(f"{server(tmp_path / 'home').url}/evaluate")
    chart = page.locator(".st-key-matrix").get_by_test_id("stEChartsChart")
    expect(chart.locator("canvas").first).to_be_visible(timeout=SOON)
    hover_click(page, chart, lambda box: cell_place(box, evaluation.classes, true, predicted))
    expect(page).to_have_url(re.compile(f"true={evaluation.classes[true]}.*predicted={evaluation.classes[predicted]}"))
    expect(page.locator("[class*=st-key-tile-]")).to_have_count(len(rows))
    for path in rows["path"]:
        expect(page.locator("[class*=st-key-tile-]").get_by_text(path.rpartition("/")[2])).to_be_visible()

    with browser.new_context() as elsewhere:  # the link alone shows the same to somebody else
        other = elsewhere.new_page()
        other.goto(page.url)
        expect(other.locator("[class*=st-key-tile-]")).to_have_count(len(rows), timeout=SOON)
        other.get_by_role("button", name="Classes").click()
        other.locator(".st-key-predicted input").click()  # and the lists do the same by keyboard
        other.locator(".st-key-predicted input").fill(evaluation.classes[true])
        expect(other.get_by_role("option")).to_have_text([evaluation.classes[true]])
        other.keyboard.press("Enter")
        right = evaluation.cell(evaluation.classes[true], evaluation.classes[true])
        expect(other.locator("[class*=st-key-tile-]")).to_have_count(len(right), timeout=SOON)


def test_a_click_on_a_name_of_the_matrix_shows_its_photos(page, server, tmp_path):
    evaluation = eight(tmp_path / "photos")
    publish(tmp_path / "home", evaluation)
    page.goto(f"{server(tmp_path / 'home').url}/evaluate")
    chart = page.locator(".st-key-matrix").get_by_test_id("stEChartsChart")
    expect(chart.locator("canvas").first).to_be_visible(timeout=SOON)
    expect(page.locator("body[data-matrix-names=heard]")).to_be_attached(timeout=SOON)
    name = evaluation.classes[1]
    counts = {"true": int(evaluation.confusion()[1].sum()), "predicted": int(evaluation.confusion()[:, 1].sum())}
    for axis, count in counts.items():
        hover_click(page, chart, lambda box, axis=axis: name_place(box, (*evaluation.classes, "wrong"), axis, 1))
        expect(page).to_have_url(re.compile(rf"\b{axis}={name}"), timeout=SOON)
        expect(page.locator("[class*=st-key-tile-]")).to_have_count(count)


def _worker(run: runs.Run) -> int:
    """The process id of the run's worker, from the process table."""
    import psutil

    return next(
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if str(run.folder.resolve()) in (process.info["cmdline"] or []) and "train" in process.info["cmdline"]
    )
