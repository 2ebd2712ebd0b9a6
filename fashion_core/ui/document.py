"""The document that a browser loads before any page, and its icon: Streamlit's own, with three things put in.

    app = st.App("fashion_core/ui/router.py", routes=ROUTES, middleware=MIDDLEWARE)

A script says where the server is. Without it the browser of a deep link, /evaluate, looks below that page first and
logs two errors. It also closes the menu of a phone after a tap on a page, which Streamlit 1.67 leaves open.

The code of buttons, lists and pictures is loaded with Streamlit's own. By itself Streamlit loads it when the first of
them comes, holds a flat strip in its place, and lets all below move down once the code is there.

The style of all pages, `style.css`, is there before the first page is, for the same reason.
"""

from functools import cache
from pathlib import Path

import streamlit
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

STYLE = b"<style>" + Path(__file__).with_name("style.css").read_bytes() + b"</style>"
# Streamlit's names of the code: of what is small and on many pages; and of what is large, by page.
SMALL = (
    "BidiComponent", "Button", "ButtonGroup", "Checkbox", "DownloadButton", "FileUploader", "Html", "ImageList",
    "LinkButton", "Metric", "Multiselect", "NumberInput", "PageLink", "Pagination", "Progress", "Selectbox", "Slider",
    "Spinner", "TextInput",
)  # fmt: skip
LARGE = {
    "": ("EChartsChart",),
    "data": ("DataFrame",),
    "train": ("DataFrame", "EChartsChart"),
    "evaluate": ("DataFrame", "EChartsChart"),
    "compare": ("DataFrame", "EChartsChart"),
}


@cache
def files_of_code() -> dict[str, str]:
    """Name → file of each piece of Streamlit's code, as this release has them."""
    folder = Path(streamlit.__file__).with_name("static") / "static" / "js"
    return {file.name.split(".")[0]: f"./static/js/{file.name}" for file in folder.glob("*.js")}


def code_first(page: str) -> bytes:
    """HTML that loads what `page`, by its address, is made of: what is small before Streamlit begins, as scripts of
    this type run in their order; what is large beside it. Code that a release of Streamlit lacks is left out."""
    files = files_of_code()
    links = "".join(f'<link rel="modulepreload" href="{files[name]}">' for name in LARGE.get(page, ()) if name in files)
    imports = "".join(f'import "{files[name]}"; ' for name in SMALL if name in files)
    return f'{links}<script type="module">{imports}</script>'.encode()


class WithScript:
    """ASGI middleware: every HTML document has the script and the code at the beginning of its head, and the style at
    the end of its body, where it has the last word."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _asks_for_html(scope):
            await self.app(scope, receive, send)
            return
        # Neither compressed, so that the script can be put in, nor "as you have it", as that may be an older script.
        left_out = (b"accept-encoding", b"if-none-match", b"if-modified-since")
        headers = [(name, value) for name, value in scope["headers"] if name not in left_out]
        page = scope["path"].rpartition("/")[2]
        await self.app({**scope, "headers": headers}, receive, _Document(send, SCRIPT + code_first(page)))


class _Document:
    """Sends an answer on: an HTML document whole, with `head` and the style in it, anything else as it comes."""

    def __init__(self, send: Send, head: bytes):
        self._send, self._head = send, head
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
        body = self._body.replace(b"<head>", b"<head>" + self._head, 1).replace(b"</body>", STYLE + b"</body>", 1)
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
