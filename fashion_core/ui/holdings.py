"""How much the visitors of a shared server may hold: open tabs, and photos in its memory.

Streamlit takes as many tabs as come and keeps what was dropped until a tab is closed. Here a tab too many waits, and a
photo too many is not taken, which its page says; photos that their page no longer has are let go.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import NamedTuple, cast

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from fashion_core import access
from fashion_core.api.figures import visitor

AGAIN = 10  # seconds, after which a page that found no room asks again
FULL = f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="{AGAIN}">
<meta name="viewport" content="width=device-width"><title>Busana</title>
<body style="font:1.1rem/1.5 sans-serif;margin:15vh auto;max-width:34rem;padding:0 1rem">
<h1 style="font-size:1.5rem">Many people are here at the moment</h1>
<p>This page tries again every {AGAIN} seconds, and opens as soon as somebody has left.</p>"""


class Most(NamedTuple):
    """Of all visitors, and of one network address, behind which may be an office."""

    tabs: int = 300
    tabs_of_one: int = 100
    megabytes: int = 600
    megabytes_of_one: int = 200
    old_seconds: float = 3600.0  # a photo of that age makes room for a new one
    let_go_seconds: float = 60.0  # after which a photo is let go that its page does not have: by then it knows of it


class Photo(NamedTuple):
    who: str
    size: int  # bytes, as long as it is on its way
    since: float


class Holdings:
    """Who holds what. Its methods may be called from any thread."""

    def __init__(self, most: Most | None = None, clock: Callable[[], float] = time.monotonic):
        self.most, self._clock, self._lock = most or Most(), clock, threading.Lock()
        self._tabs: Counter[str] = Counter()
        self._photos: dict[tuple[str, str], Photo] = {}  # by session and file
        self._turned_away: Counter[str] = Counter()  # by session

    @property
    def full(self) -> bool:
        """Whether there is no room for one more tab, whoever opens it."""
        return self._tabs.total() >= self.most.tabs

    def open_tab(self, who: str) -> bool:
        """Whether there is room for one more tab, which is then counted until `close_tab`."""
        with self._lock:
            if self.full or self._tabs[who] >= self.most.tabs_of_one:
                return False
            self._tabs[who] += 1
            return True

    def close_tab(self, who: str) -> None:
        with self._lock:
            self._tabs[who] -= 1
            self._tabs += Counter()  # whoever has none is forgotten

    def take(self, store: MemoryUploadedFileManager, session: str, file: str, who: str, size: int) -> bool:
        """Whether there is room for a photo of `size` bytes beside those in `store`, where old ones make room."""
        with self._lock:
            self._forget_gone(store)
            room = self._room(store, who)
            for key, photo in sorted(self._photos.items(), key=lambda item: item[1].since):
                if size <= room or self._clock() - photo.since < self.most.old_seconds:
                    break
                store.remove_file(*key)
                del self._photos[key]
                room = self._room(store, who)
            if size > room:
                self._turned_away[session] += 1
                return False
            self._photos[session, file] = Photo(who, size, self._clock())
            return True

    def arrived(self, session: str, file: str) -> None:
        """A photo that was taken is in the store now, or has failed to come."""
        with self._lock:
            if photo := self._photos.get((session, file)):
                self._photos[session, file] = photo._replace(size=0)

    def let_go(self, store: MemoryUploadedFileManager, session: str, kept: Collection[str]) -> None:
        """Remove the photos of `session` that are not among the files `kept` by its page."""
        with self._lock:
            for key, photo in list(self._photos.items()):
                old = self._clock() - photo.since >= self.most.let_go_seconds
                if key[0] == session and key[1] not in kept and old and not photo.size:
                    store.remove_file(*key)
                    del self._photos[key]

    def turned_away(self, session: str) -> int:
        """How many photos of `session` were not taken since this was last asked."""
        with self._lock:
            return self._turned_away.pop(session, 0)

    def _room(self, store: MemoryUploadedFileManager, who: str) -> int:
        """Bytes that `who` may still hold."""
        sizes: Counter[str] = Counter()
        for (session, file), photo in self._photos.items():
            sizes[photo.who] += photo.size or sum(len(found.data) for found in store.get_files(session, [file]))
        return min((self.most.megabytes << 20) - sizes.total(), (self.most.megabytes_of_one << 20) - sizes[who])

    def _forget_gone(self, store: MemoryUploadedFileManager) -> None:
        """Those whose tab was closed, or that were removed on their page."""
        gone = [key for key, photo in self._photos.items() if not photo.size and not store.get_files(key[0], [key[1]])]
        for key in gone:
            del self._photos[key]


holdings = Holdings()  # of this process


def uploads() -> MemoryUploadedFileManager:
    """Where Streamlit keeps what was dropped."""
    return cast(MemoryUploadedFileManager, runtime.get_instance().uploaded_file_mgr)


class Bounded:
    """The app within; for Starlette's list of middleware."""

    def __init__(self, app: ASGIApp, held: Holdings = holdings):
        self.app, self.held = app, held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"] if access.shared() else "not shared"
        *_, what, session, file = f"//{scope.get('path', '')}".split("/")
        if kind == "websocket":
            await self._tab(scope, receive, send)
        elif kind == "http" and scope["method"] == "PUT" and what == "upload_file":
            await self._photo(scope, receive, send, session, file)
        elif kind == "http" and self.held.full and "text/html" in Request(scope).headers.get("accept", ""):
            await HTMLResponse(FULL, 503, {"Retry-After": str(AGAIN)})(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _tab(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = _who(scope)
        if not self.held.open_tab(who):
            await send({"type": "websocket.close", "code": 1013})  # "try again later", which Streamlit's page does
            return
        try:
            await self.app(scope, receive, send)
        finally:
            self.held.close_tab(who)

    async def _photo(self, scope: Scope, receive: Receive, send: Send, session: str, file: str) -> None:
        store = uploads()
        length = Request(scope).headers.get("content-length", "")
        size = int(length) if length.isascii() and length.isdigit() else self.held.most.megabytes_of_one << 20
        stranger = not runtime.get_instance().is_active_session(session)  # Streamlit refuses it
        if stranger or self.held.take(store, session, file, _who(scope), size):
            try:
                await self.app(scope, receive, send)
            finally:
                self.held.arrived(session, file)
            return
        while (await receive()).get("more_body"):  # a browser that is not heard to its end says that the network failed
            pass
        await send({"type": "http.response.start", "status": 204, "headers": []})  # the page says what became of it
        await send({"type": "http.response.body", "body": b""})


def _who(scope: Scope) -> str:
    return visitor((scope.get("client") or ("", 0))[0])


MIDDLEWARE = [Middleware(Bounded)]
