"""What tests share: a home of their own, a server, a real browser."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from browser import Server, chromium, launch, serve
from playwright.sync_api import Browser, Page, expect, sync_playwright

if "PYTEST_XDIST_WORKER" in os.environ:  # workers and what they start share the cores: threads on top would only wait
    os.environ.setdefault("OMP_NUM_THREADS", "1")
LONG = ("test_journeys.py", "test_command_line.py", "test_bench.py", "test_training.py", "test_page_label_review.py")
PATIENCE = 60_000  # milliseconds: all cores may be busy with trainings
expect.set_options(timeout=PATIENCE)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty BUSANA_HOME for this test alone."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("BUSANA_HOME", str(folder))
    return folder


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Networks this small gain nothing from more, and the processes a test starts must add up in the same order."""
    import torch

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Start the app: `server()` on an empty home, `server(home)` on that one. All end with the session."""
    with ExitStack() as running:

        def start(home: Path | None = None, **options) -> Server:
            return running.enter_context(serve(home or tmp_path_factory.mktemp("home"), **options))

        yield start


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the session. Without any, the test is skipped; where CI is set, it fails."""
    with sync_playwright() as playwright:
        executable = chromium(playwright)
        if not executable:
            refuse = pytest.fail if os.environ.get("CI") else pytest.skip
            refuse("no Chromium: install one, name it in $CHROMIUM, or run `python tests/browser.py`")
        with launch(playwright, executable) as opened:
            yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh browser window, 1280 × 900: no cookies, no storage of another test."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(PATIENCE)
        yield context.new_page()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for a browser is marked so: `pytest -m "not browser"` leaves them out. Long files begin first, so
    that no worker is left with one at the end."""
    items.sort(key=lambda item: item.path.name not in LONG)
    for item in items:
        if {"browser", "page"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.browser)
