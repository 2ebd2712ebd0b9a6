"""Promises of every page, light and dark: no serious fault that axe-core finds, headings in order, nothing that jumps,
no error in the console, nothing asked of another host."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import ROOT, SOON
from playwright.sync_api import Browser, Page

PAGES = ("", "data", "train", "evaluate", "compare", "predict")
THEMES = ("light", "dark")
VIEWS = tuple(f"evaluate?view={view}" for view in ("Report", "Confidence", "Labels", "Colours", "Oddities", "Map"))
WINDOWS = {"laptop": ((1280, 900), "light"), "phone": ((390, 844), "dark")}
MOST_SHIFT = 0.1  # web.dev calls this good
WATCH = """window.shift = 0; new PerformanceObserver(list => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shift += one.value;
}).observe({type: 'layout-shift', buffered: true});"""
SETTLED = """() => document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]')
  && document.querySelector('[data-testid="stMain"] h1') && !document.querySelector('[data-testid="stSkeleton"]')"""


@pytest.fixture(scope="module")
def address(server, tmp_path_factory) -> str:
    """A server on a home with the models that ship."""
    home = tmp_path_factory.mktemp("every") / "home"
    home.mkdir()
    (home / "weights").symlink_to(ROOT / "weights")
    return server(home).url


def settled(page: Page, url: str) -> None:
    page.goto(url, timeout=4 * SOON)
    page.wait_for_function(SETTLED, timeout=4 * SOON)
    page.wait_for_timeout(500)


@pytest.fixture(params=THEMES)
def themed(request, browser: Browser):
    with browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=request.param) as context:
        yield context.new_page()


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_no_serious_fault_and_headings_skip_no_level(path, address, themed: Page):
    settled(themed, f"{address}/{path}")
    found = Axe().run(themed).response["violations"]
    serious = [
        f"{each['id']}: {node['html'][:160]} {[check.get('message', '') for check in node['any']][:1]}"
        for each in found
        if each["impact"] in ("serious", "critical") or each["id"] == "heading-order"
        for node in each["nodes"]
    ]
    assert not serious, "\n".join(serious)


@pytest.fixture(params=WINDOWS)
def sized(request, browser: Browser):
    (width, height), theme = WINDOWS[request.param]
    with browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme) as context:
        page = context.new_page()
        page.add_init_script(WATCH)
        yield page


@pytest.mark.parametrize("path", PAGES + VIEWS)
def test_nothing_jumps_nothing_fails_and_no_other_host_is_asked(path, address, sized: Page):
    errors, strangers, ours = [], [], (address, "data:", "blob:", "ws:")

    def heard(said) -> None:
        if said.type == "error":
            errors.append(said.text)

    def asked(request) -> None:
        if not request.url.startswith(ours):
            strangers.append(request.url)

    sized.on("console", heard)
    sized.on("pageerror", lambda fault: errors.append(str(fault)))
    sized.on("request", asked)
    settled(sized, f"{address}/{path}")
    assert not strangers
    assert not errors
    assert sized.evaluate("window.shift") < MOST_SHIFT
