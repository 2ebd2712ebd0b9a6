"""What visitors of a shared server may hold: tabs and photos, each and all together."""

import re

import pytest
from model_folders import write_model
from playwright.sync_api import Page, expect
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from fashion_core import access
from fashion_core.access import Role
from fashion_core.ui.holdings import Bounded, Holdings, Most

MIB = 1 << 20


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store():
    return MemoryUploadedFileManager("/upload_file")


@pytest.fixture
def drop(store, clock):
    held = Holdings(Most(megabytes=4, megabytes_of_one=2), clock)

    def drop(session: str, file: str, who: str, size: int = MIB) -> bool:
        taken = held.take(store, session, file, who, size)
        if taken:
            store.add_file(session, UploadedFileRec(file, file, "image/jpeg", bytes(size)))
            held.arrived(session, file)
        return taken

    drop.held = held
    return drop


def kept(store) -> list[str]:
    return [file for files in store.file_storage.values() for file in files]


def test_one_visitor_may_hold_so_much_in_all_of_their_tabs_and_all_together_so_much(drop, store):
    assert [drop("tab 1", "a", "ann"), drop("tab 2", "b", "ann"), drop("tab 3", "c", "ann")] == [True, True, False]
    assert drop("tab 4", "d", "bob") and drop("tab 4", "e", "bob") and not drop("tab 5", "f", "cid", 1)
    assert kept(store) == ["a", "b", "d", "e"]
    assert [drop.held.turned_away(tab) for tab in ("tab 3", "tab 5", "tab 1", "tab 3")] == [1, 1, 0, 0]


def test_a_photo_on_its_way_counts_and_one_that_never_came_does_not(drop, store):
    assert drop.held.take(store, "tab", "a", "ann", 2 * MIB) and not drop("tab", "b", "ann")
    drop.held.arrived("tab", "a")  # it broke off
    assert drop("tab", "b", "ann")


def test_what_was_removed_on_its_page_or_went_with_its_tab_makes_room(drop, store):
    assert drop("tab 1", "a", "ann") and drop("tab 2", "b", "ann")
    store.remove_file("tab 1", "a")
    assert drop("tab 2", "c", "ann") and not drop("tab 2", "d", "ann")
    store.remove_session_files("tab 2")
    assert drop("tab 3", "e", "ann", 2 * MIB)


def test_what_is_an_hour_old_makes_room_for_a_new_one_and_goes_only_then(drop, store, clock):
    assert drop("tab", "a", "ann")
    clock.now = 1800
    assert drop("tab", "b", "ann")
    clock.now = 3599
    assert not drop("tab", "c", "ann")
    clock.now = 3600
    assert kept(store) == ["a", "b"]
    assert drop("tab", "d", "ann") and kept(store) == ["b", "d"]


def test_a_photo_that_its_page_no_longer_has_is_let_go_but_not_one_that_it_cannot_know_of_yet(drop, store, clock):
    for file in "ab":
        drop("tab", file, "ann")
    drop("another tab", "c", "bob")
    drop.held.let_go(store, "tab", {"b"})
    assert kept(store) == ["a", "b", "c"]
    clock.now = 60
    drop.held.let_go(store, "tab", {"b"})
    assert kept(store) == ["b", "c"]


@pytest.fixture
def client():
    async def talk(socket):
        await socket.accept()
        await socket.receive()

    routes = [Route("/", lambda request: PlainTextResponse("the page")), WebSocketRoute("/_stcore/stream", talk)]
    held = Holdings(Most(tabs=3, tabs_of_one=2))
    yield lambda who: TestClient(Bounded(Starlette(routes=routes), held), client=(who, 1))
    access.unshare()


def test_a_tab_too_many_waits_and_opens_when_somebody_left(client):
    access.share(lambda: Role.VIEWER)
    ann, bob, cid = map(client, ("10.0.0.1", "10.0.0.2", "10.0.0.3"))
    html = {"accept": "text/html"}
    with ann.websocket_connect("/_stcore/stream"), ann.websocket_connect("/_stcore/stream"):
        with pytest.raises(WebSocketDisconnect) as refused, ann.websocket_connect("/_stcore/stream"):
            pass
        assert refused.value.code == 1013 and ann.get("/", headers=html).text == "the page"
        with bob.websocket_connect("/_stcore/stream"):
            full = cid.get("/", headers=html)
            assert (full.status_code, full.headers["retry-after"]) == (503, "10")
            assert "Many people are here" in full.text and 'http-equiv="refresh" content="10"' in full.text
            assert cid.get("/").text == "the page"  # what is no page, such as the health of the server, is answered
            with pytest.raises(WebSocketDisconnect), cid.websocket_connect("/_stcore/stream"):
                pass
    with cid.websocket_connect("/_stcore/stream") as socket:
        socket.send_text("here")


def test_on_ones_own_machine_nobody_waits(client):
    ann = client("127.0.0.1")
    sockets = [ann.websocket_connect("/_stcore/stream") for _ in range(4)]
    for socket in sockets:
        socket.__enter__()
    assert ann.get("/", headers={"accept": "text/html"}).text == "the page"
    for socket in sockets:
        socket.__exit__(None, None, None)


def test_a_photo_that_finds_no_room_is_told_of_and_those_before_it_are_answered(home, server, page: Page, tmp_path):
    write_model(home / "weights" / "colours")
    page.goto(f"{server(home, BUSANA_SHARED='1').url}/predict")
    drop_zone = page.get_by_test_id("stFileUploaderDropzoneInput").first
    files = [tmp_path / f"{n}.jpg" for n in range(5)]
    for file in files:
        file.write_bytes(bytes(45 * MIB))
    drop_zone.set_input_files(files)
    not_taken = page.get_by_role("alert").filter(has_text="One photo was not taken")
    expect(not_taken).to_be_visible()
    expect(page.get_by_text("it is larger than 20 MB")).to_have_count(4)
    page.get_by_text("Use the camera").click()
    expect(page.get_by_test_id("stCameraInput")).to_be_visible()
    expect(not_taken).to_be_visible()  # as long as these photos are there
    remove = page.get_by_role("button", name=re.compile("Remove"))
    for _ in range(2):  # the first in the list may be the one that was not taken, which the server never had
        files_there = remove.count()
        remove.first.click()
        expect(remove).to_have_count(files_there - 1)
    expect(not_taken).to_have_count(0)
