"""The document that a browser loads before any page, and its icon: Streamlit's own, with a script of a few lines.

    app = st.App("fashion_core/ui/router.py", routes=ROUTES, middleware=MIDDLEWARE)

The script says where the server is. Without it the browser of a deep link, /evaluate, looks below that page first and
logs two errors. It also closes the menu of a phone after a tap on a page, which Streamlit 1.67 leaves open.
"""

from pathlib import Path

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ICON = Path(__file__).with_name("icon.png")
SCRIPT = b"""<script>
window.__streamlit = {BACKEND_BASE_URL: new URL(".", location.href).href}
document.addEventListener("click", event => {
  const narrow = innerWidth < 768  // there Streamlit has the pages in a menu that covers the page
  if (narrow && event.target.closest('[data-testid="stSidebarNavLink"]'))
    document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click()
})
</script>"""


class WithScript:
    """ASGI middleware: every HTML document has the script at the beginning of its head."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _asks_for_html(scope):
            await self.app(scope, receive, send)
            return
        # Neither compressed, so that the script can be put in, nor "as you have it", as that may be an older script.
        left_out = (b"accept-encoding", b"if-none-match", b"if-modified-since")
        headers = [(name, value) for name, value in scope["headers"] if name not in left_out]
        await self.app({**scope, "headers": headers}, receive, _Document(send))


class _Document:
    """Sends an answer on: an HTML document whole, with the script in it, anything else as it comes."""

    def __init__(self, send: Send):
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_html(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_whole(self._start)

    async def _send_whole(self, start: Message) -> None:
        body = self._body.replace(b"<head>", b"<head>" + SCRIPT, 1)
        changed = (b"content-length", b"etag", b"last-modified", b"accept-ranges")
        headers = [(name, value) for name, value in start["headers"] if name.lower() not in changed]
        await self._send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
        await self._send({"type": "http.response.body", "body": body})


def _asks_for_html(scope: Scope) -> bool:
    """Whether a browser is on its way to a page: what pages fetch themselves does not ask for HTML."""
    return scope["method"] == "GET" and any(
        b"text/html" in value for name, value in scope["headers"] if name == b"accept"
    )


def _is_html(start: Message) -> bool:
    return start["status"] == 200 and any(
        value.startswith(b"text/html") for name, value in start["headers"] if name.lower() == b"content-type"
    )


async def _icon(request: Request) -> FileResponse:
    return FileResponse(ICON)


ROUTES: tuple[BaseRoute, ...] = (Route("/favicon.png", _icon),)
MIDDLEWARE = (Middleware(WithScript),)
