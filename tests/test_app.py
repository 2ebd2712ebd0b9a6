"""The app's front door: every page opens, a deep link passes the router, faults stay in the log, both themes hold."""

from pathlib import Path

import pytest
from browser import ROOT, Server
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

PAGES = ("home", "data", "train", "evaluate", "compare", "predict", "catalogue")


@pytest.fixture(scope="module")
def fresh(server) -> Server:
    return server()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_on_an_empty_home_through_the_router(name, home):
    app = AppTest.from_file(ROOT / "fashion_core/ui/router.py", default_timeout=200).run()
    if name != "home":
        app.switch_page(f"../../pages/{name}.py").run()
    assert not app.exception
    assert app.title, "a page begins with its title"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_alone_on_an_empty_home(name, home):
    app = AppTest.from_file(ROOT / f"pages/{name}.py", default_timeout=200).run()
    assert not app.exception
    assert app.title


def test_the_first_visitor_of_a_deep_link_passes_the_router(fresh, page: Page):
    page.goto(f"{fresh.url}/evaluate")
    expect(page).to_have_title("Evaluate · Busana")
    for name in PAGES:
        expect(page.get_by_test_id("stHeader").get_by_role("link", name=name.capitalize())).to_be_visible()
    expect(page.get_by_text("Page not found")).to_have_count(0)


def test_the_web_process_serves_every_page_without_torch(fresh, page: Page):
    for name in PAGES:
        page.goto(f"{fresh.url}/{name if name != 'home' else ''}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    maps = Path(f"/proc/{fresh.process.pid}/maps")
    if not maps.exists():
        pytest.skip("only Linux shows which libraries a process has loaded")
    loaded = maps.read_text()
    assert "python" in loaded
    assert "libtorch" not in loaded


def test_a_fault_of_ours_is_told_to_the_log_and_not_to_the_person(server, page: Page, tmp_path):
    script = tmp_path / "faulty.py"
    script.write_text('import streamlit as st\n\nst.title("Before")\nraise ZeroDivisionError("the secret sum")\n')
    running = server(tmp_path / "home", script=script)
    page.goto(running.url)
    expect(page.get_by_test_id("stException")).to_be_visible()
    assert "secret" not in page.content() and "ZeroDivisionError" not in page.content()
    assert "ZeroDivisionError: the secret sum" in running.log.read_text()


@pytest.mark.parametrize(("scheme", "surface"), [("light", "rgb(252, 251, 249)"), ("dark", "rgb(21, 23, 28)")])
def test_the_app_follows_the_system_in_light_and_dark(fresh, browser, scheme, surface):
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(fresh.url)
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", surface)
