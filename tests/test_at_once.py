"""Two people at two browsers, and a server that is killed and comes back while a browser is open."""

import os
import re
import signal
from contextlib import contextmanager

from browser import SOON, steady_box
from evaluations import eight, publish
from playwright.sync_api import Browser, Page, expect

from fashion_core.photos import label_corrections


@contextmanager
def two_people(browser: Browser):
    with browser.new_context() as ann, browser.new_context() as bob:
        yield ann.new_page(), bob.new_page()


def decide(page: Page, key: str) -> None:
    steady_box(page, page.get_by_role("button", name="Leave out"))
    page.keyboard.press(key)


def test_two_browsers_decide_at_once_and_nothing_is_lost(home, tmp_path, server, browser):
    root = tmp_path / "photos"
    publish(home, eight(root))
    file, url = label_corrections.default_file(root), f"{server(home).url}/evaluate?model=by-hand&which=wrong&photo="
    with two_people(browser) as (ann, bob):
        for page, photo in ((ann, 7), (bob, 2)):  # different photos, with no wait between the keys
            page.goto(f"{url}{photo}")
            expect(page.get_by_role("dialog")).to_be_visible(timeout=SOON)
            steady_box(page, page.get_by_role("button", name="Leave out"))
        ann.keyboard.press("l")
        bob.keyboard.press("x")
        expect(ann.get_by_role("dialog")).to_contain_text("Decided: it is hat")
        expect(bob.get_by_role("dialog")).to_contain_text("Decided: left out")
        assert label_corrections.read(file) == {"sock/7.jpg": "hat", "coat/2.jpg": ""}

        bob.goto(f"{url}7")  # the same photo: Bob sees Ann's word and has the last one
        expect(bob.get_by_role("dialog")).to_contain_text("Decided: it is hat", timeout=SOON)
        decide(bob, "y")
        expect(bob.get_by_role("dialog")).to_contain_text("Decided: the label is right")
        assert label_corrections.read(file) == {"sock/7.jpg": "sock", "coat/2.jpg": ""}
        decide(ann, "x")
        expect(ann.get_by_role("dialog")).to_contain_text("Decided: left out")
        assert label_corrections.read(file) == {"sock/7.jpg": "", "coat/2.jpg": ""}
        assert file.read_text().count("sock/7.jpg") == 3, "every word of both is kept"


def test_an_open_browser_goes_on_when_its_server_was_killed_and_came_back(home, tmp_path, server, page: Page):
    publish(home, eight(tmp_path / "photos"))
    first = server(home)
    port = int(first.url.rpartition(":")[2])
    page.goto(f"{first.url}/evaluate?model=by-hand&which=wrong")
    tiles = page.locator("[class*=st-key-tile-]")
    expect(tiles).to_have_count(3, timeout=SOON)
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    server(home, port=port)
    page.get_by_role("link", name="Predict", exact=True).first.wait_for()
    expect(page.locator('[data-testid="stApp"][data-test-connection-state="CONNECTED"]')).to_be_visible(timeout=SOON)
    expect(tiles).to_have_count(3, timeout=SOON)
    expect(page).to_have_url(re.compile("model=by-hand.*which=wrong"))
    page.get_by_role("link", name="Predict", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Predict", timeout=SOON)
    expect(page.get_by_test_id("stException")).to_have_count(0)
