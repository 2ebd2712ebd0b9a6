"""What a browser loads before any page: nothing from another host, nothing that is not there, the app's own icon."""

from urllib.request import Request, urlopen

import pytest
from browser import ROOT, SOON, Server
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect

from fashion_core.ui.document import ICON, LARGE, SCRIPT, SMALL, STYLE, code_first, files_of_code


@pytest.fixture(scope="module")
def fresh(server) -> Server:
    return server()


@pytest.mark.parametrize("path", ["/", "/data", "/train", "/evaluate", "/compare", "/predict"])
def test_a_page_asks_no_other_host_and_for_nothing_that_is_not_there(fresh, page: Page, path):
    elsewhere: list[str] = []
    failed: list[tuple[int, str]] = []
    logged: list[str] = []

    def answered(response: Response) -> None:
        if response.status >= 400:
            failed.append((response.status, response.url))

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            logged.append(message.text)

    page.on(
        "request", lambda asked: None if asked.url.startswith((fresh.url, "data:")) else elsewhere.append(asked.url)
    )
    page.on("response", answered)
    page.on("console", said)
    page.goto(fresh.url + path)
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=SOON)
    page.wait_for_load_state("networkidle")
    assert (elsewhere, failed, logged) == ([], [], [])
    icon = page.locator("link[rel*=icon]").get_attribute("href")
    with urlopen(f"{fresh.url}/{icon.removeprefix(fresh.url).lstrip('./')}") as file:
        assert file.read() == ICON.read_bytes()


def test_the_icon_before_any_page_is_ours_too(fresh):
    with urlopen(f"{fresh.url}/favicon.png") as file:
        assert file.read() == ICON.read_bytes() and file.headers["content-type"] == "image/png"


def test_every_document_is_whole_and_has_the_script_once(fresh):
    for path in ("/", "/evaluate?model=x"):
        asked = Request(
            fresh.url + path, headers={"Accept": "text/html", "Accept-Encoding": "gzip", "If-None-Match": '"x"'}
        )
        with urlopen(asked) as document:
            body = document.read()
            assert int(document.headers["content-length"]) == len(body) and document.headers["etag"] is None
        assert body.count(SCRIPT) == 1 and body.index(SCRIPT) < body.index(b"<script type=") and b"</html>" in body
        assert body.count(STYLE) == 1 and body.index(STYLE) > body.index(b'<div id="root">')
        page = "evaluate" if "evaluate" in path else ""
        assert body.index(code_first(page)) < body.index(b'<script type="module" crossorigin')


def test_what_pages_fetch_themselves_is_as_streamlit_sends_it(fresh):
    with urlopen(Request(f"{fresh.url}/_stcore/health", headers={"Accept": "text/html"})) as answer:
        assert answer.read() == b"ok"
    with urlopen(Request(fresh.url, headers={"Accept": "*/*"})) as document:
        assert SCRIPT not in document.read()


def test_the_menu_of_a_phone_closes_after_a_tap_on_a_page(fresh, browser: Browser):
    with browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as context:
        page = context.new_page()
        page.goto(fresh.url)
        page.get_by_test_id("stExpandSidebarButton").tap()
        menu = page.get_by_test_id("stSidebar")
        expect(menu).to_have_attribute("data-collapsed", "false")
        menu.get_by_role("link", name="Evaluate").tap()
        expect(page).to_have_title("Evaluate · Busana")
        expect(menu).to_have_attribute("data-collapsed", "true")


def test_the_house_has_one_icon():
    assert [file.name for file in (ROOT / "fashion_core").rglob("*.png")] == [ICON.name]


def test_code_that_the_document_asks_for_early_is_part_of_this_streamlit(fresh):
    files = files_of_code()
    assert [name for name in {*SMALL, *sum(LARGE.values(), ())} if name not in files] == []
    with urlopen(f"{fresh.url}/{files['Button']}") as file:
        assert "javascript" in file.headers["content-type"]
    assert b"EChartsChart" in code_first("") and b"EChartsChart" not in code_first("data")


def test_code_that_a_streamlit_lacks_is_left_out(monkeypatch):
    monkeypatch.setattr("fashion_core.ui.document.files_of_code", lambda: {"Button": "./static/js/Button.x.js"})
    assert code_first("evaluate") == b'<script type="module">import "./static/js/Button.x.js"; </script>'
