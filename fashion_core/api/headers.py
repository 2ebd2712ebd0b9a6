"""What every answer of the server carries, and who is not answered: a web page of another site, and on a server that
is this machine's alone, a name that is not this machine's (a site that points its own name at 127.0.0.1)."""

import os
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fashion_core import access

EMBED = "BUSANA_EMBED"  # who may show the app in a frame, such as "https://huggingface.co"; itself alone otherwise
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # a link to another site does not tell which photo was open
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",  # Streamlit's own page needs them
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' ws: wss: data: blob:",
    "worker-src": "'self' blob:",
    "frame-src": "'self' blob: data:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}


class Guarded:
    """The app within; for Starlette's list of middleware."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (reason := why_refused(Headers(scope=scope))):
            await PlainTextResponse(reason, 403, safe_headers())(scope, receive, send)
            return
        if scope["type"] == "websocket" and why_refused(Headers(scope=scope)):
            await send({"type": "websocket.close", "code": 1008})
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in safe_headers().items():
                    headers[name] = value
            await send(message)

        await self.app(scope, receive, sent)


def safe_headers() -> dict[str, str]:
    """Name → value, for every answer."""
    ancestors = " ".join(["'self'", *os.environ.get(EMBED, "").split()])
    policy = "; ".join(f"{name} {value}" for name, value in (POLICY | {"frame-ancestors": ancestors}).items())
    return HEADERS | {"Content-Security-Policy": policy}


def why_refused(headers: Headers) -> str | None:
    """One sentence where this request is not answered."""
    host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
    if not access.shared() and not access.is_loopback(host):
        return "This server answers its own machine only: set BUSANA_SHARED=1 to let others in.\n"
    return None


def from_elsewhere(headers: Headers) -> bool:
    """Whether a web page of another site sends this request."""
    origin = headers.get("origin")
    return bool(origin) and urlsplit(str(origin)).netloc.casefold() != headers.get("host", "").casefold()
