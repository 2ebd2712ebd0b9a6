"""What a visitor of a fresh clone meets, of any state of the code: python -m bench.visit [CHECKOUT] [--only MEASURE]

For each page and view the layout shift while it opens, on a laptop and on a phone, and the seconds until it is drawn,
beside a hello-world Streamlit app's, and from a press on the menu; for each page what axe-core calls serious or
critical, light and dark; and the way from Home to the misclassified blue dresses: presses (clicks, fields filled in,
screens to scroll) and seconds. Seconds are the median of three, after one that fills caches. CHECKOUT is this one or
another worktree: for figures before and after a change run the same command on both, on the same machine. Needs a
Chromium and the test extra. Prints one JSON object.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # as pytest finds them

from browser import chromium, launch, serve  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

PAGES = ("", "data", "train", "evaluate", "compare", "predict")
VIEWS = tuple(f"evaluate?view={view}" for view in ("Report", "Confidence", "Labels", "Colours", "Oddities", "Map"))
SIZES = {"laptop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
MENU = {name: name for name in ("Data", "Train", "Evaluate", "Compare", "Predict")} | {"Home": "Busana"}  # its heading
WORDS = "misclassified blue dresses"
HELLO = 'import streamlit as st\n\nst.title("Hello")\n'
WATCH = """window.shift = 0; window.moved = []; new PerformanceObserver(list => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) {
    window.shift += one.value
    for (const {node, previousRect: from, currentRect: to} of one.sources) window.moved.push([one.value.toFixed(3),
      ((node?.nodeType === 1 ? node : node?.parentElement)?.closest('[data-testid]')?.outerHTML ?? '').slice(0, 160),
      Math.round(from.y), Math.round(to.y), Math.round(from.height), Math.round(to.height)])
  }
}).observe({type: 'layout-shift', buffered: true});"""
DRAWN = """() => document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]')
  && document.querySelector('[data-testid="stMain"] h1') && !document.querySelector('[data-testid="stSkeleton"]')"""
SEEN = """() => { const photo = document.querySelector('[class*="st-key-tile-"] img')
  return photo && photo.complete && photo.naturalWidth > 0 }"""


def open_page(page: Page, url: str) -> None:
    page.goto(url, timeout=400_000)
    page.wait_for_function(DRAWN, timeout=400_000)
    page.wait_for_timeout(1500)


def shifts(browser: Browser, url: str, addresses: list[str], moved: bool) -> dict[str, Any]:
    """Layout shift by address and window; with `moved`, what moved."""
    found: dict[str, Any] = {}
    for size, window in SIZES.items():
        for address in addresses:
            with browser.new_context(viewport=window) as context:  # type: ignore[arg-type]
                page = context.new_page()
                page.add_init_script(WATCH)
                open_page(page, f"{url}/{address}")
                name = f"{address or 'home'}, {size}"
                found[name] = round(page.evaluate("window.shift"), 3)
                print(name, found[name], page.evaluate("window.moved") if moved else "", file=sys.stderr, flush=True)
    return found


def openings(browser: Browser, url: str, hello: str, addresses: list[str], rounds: int) -> dict[str, dict[str, float]]:
    """By address the median seconds from going there until all is drawn, and how many times those of `hello`, opened
    by turns with it."""
    found = {}
    with browser.new_context(viewport=SIZES["laptop"]) as context:  # type: ignore[arg-type]
        page = context.new_page()
        for address in addresses:
            taken: dict[str, list[float]] = {"": [], hello: []}
            for _ in range(rounds + 1):
                for app, times in taken.items():
                    begin = time.monotonic()
                    page.goto(app or f"{url}/{address}", timeout=400_000)
                    page.wait_for_function(DRAWN, timeout=400_000)
                    times.append(time.monotonic() - begin)
            ours, theirs = (statistics.median(times[1:]) for times in taken.values())
            found[address or "home"] = {"seconds": round(ours, 2), "times hello world": round(ours / theirs, 2)}
            print(address or "home", found[address or "home"], file=sys.stderr, flush=True)
    return found


def by_menu(browser: Browser, url: str, rounds: int) -> dict[str, float]:
    """By page the median seconds from a press on the menu until it is drawn; the app itself is open already."""
    found: dict[str, list[float]] = {}
    with browser.new_context(viewport=SIZES["laptop"]) as context:  # type: ignore[arg-type]
        page = context.new_page()
        open_page(page, url)
        for _ in range(rounds + 1):
            for name in MENU:
                begin = time.monotonic()
                page.get_by_test_id("stTopNavLink").filter(has_text=name).click()
                page.wait_for_url(f"{url}/{name.lower()}*" if name != "Home" else f"{url}/")
                page.get_by_role("heading", level=1).filter(has_text=MENU[name]).wait_for()
                page.wait_for_function(DRAWN, timeout=400_000)
                found.setdefault(name, []).append(time.monotonic() - begin)
                page.wait_for_timeout(700)  # what is drawn later is drawn
    return {name: round(statistics.median(times[1:]), 2) for name, times in found.items()}


def faults(browser: Browser, url: str, pages: list[str]) -> dict[str, int]:
    """Elements that axe-core calls serious or critical, of all pages, by theme."""
    from axe_playwright_python.sync_playwright import Axe

    found = {}
    for theme in ("light", "dark"):
        with browser.new_context(viewport=SIZES["laptop"], color_scheme=theme) as context:  # type: ignore[arg-type]
            page, found[theme] = context.new_page(), 0
            for address in pages:
                open_page(page, f"{url}/{address}")
                rules = Axe().run(page).response["violations"]
                found[theme] += sum(len(rule["nodes"]) for rule in rules if rule["impact"] in ("serious", "critical"))
    return found


def way_to_photos(browser: Browser, url: str) -> tuple[int, float]:
    """Presses and seconds from Home to a photo of the misclassified blue dresses on the screen."""
    with browser.new_context(viewport=SIZES["laptop"]) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.set_default_timeout(400_000)
        open_page(page, url)
        began, presses = time.monotonic(), 1
        page.get_by_role("link", name="Evaluate").first.click()
        page.get_by_role("heading", name="Evaluate", exact=True).wait_for()
        field = page.get_by_test_id("stMain").get_by_test_id("stTextInput").get_by_role("textbox").first
        field.wait_for()
        offered = page.get_by_test_id("stMain").get_by_role("button", name=WORDS)
        page.wait_for_function(DRAWN)
        if offered.count():
            offered.click()
            presses += 1
        else:
            field.fill(WORDS)
            field.press("Enter")
            presses += 2
        page.wait_for_url("**q=misclassified*")
        page.wait_for_function(DRAWN)
        page.wait_for_function(SEEN)
        box = page.locator('[class*="st-key-tile-"] img').first.bounding_box()
        assert box is not None
        return presses + int((box["y"] + 40) // SIZES["laptop"]["height"]), time.monotonic() - began


def measure(given: argparse.Namespace, opened: Browser, url: str, hello: str) -> dict[str, Any]:
    """What `given.only` names, or all of it."""
    found: dict[str, Any] = {}
    addresses = [one.removeprefix("home") for one in given.pages] or [*PAGES, *VIEWS]
    if given.only in ("", "way"):
        ways = [way_to_photos(opened, url) for _ in range(given.rounds + 1)][1:]
        found["presses"], found["seconds"] = ways[0][0], round(statistics.median(way[1] for way in ways), 2)
    if given.only in ("", "opening"):
        found["opening"] = openings(opened, url, hello, addresses, given.rounds)
    if given.only in ("", "menu"):
        found["menu"] = by_menu(opened, url, given.rounds)
    if given.only in ("", "shift"):
        found["layout_shift"] = shifts(opened, url, addresses, given.moved)
    if given.only in ("", "axe"):
        found["axe_serious"] = faults(opened, url, [one for one in addresses if one in PAGES])
    return found


def main() -> dict[str, Any]:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("checkout", nargs="?", type=Path, default=ROOT)
    options.add_argument("--only", default="", choices=("way", "opening", "menu", "shift", "axe"))
    options.add_argument("--pages", nargs="+", default=[], help="these addresses, such as home evaluate?view=Map")
    options.add_argument("--rounds", type=int, default=3, help="of which the median is taken")
    options.add_argument("--moved", action="store_true", help="print what moved, too")
    given = options.parse_args()
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        home, script = Path(folder) / "home", Path(folder) / "hello.py"
        home.mkdir()
        script.write_text(HELLO)
        checkout = given.checkout.resolve()
        (home / "weights").symlink_to(checkout / "weights")
        with (
            serve(home, checkout / "app.py", folder=checkout) as server,
            serve(Path(folder) / "empty", script) as hello,
            launch(playwright, chromium(playwright) or "") as opened,
        ):
            return measure(given, opened, server.url, hello.url)


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
