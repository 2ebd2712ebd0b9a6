"""The addresses beside the pages."""

import os

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from fashion_core import home
from fashion_core.api import figures
from fashion_core.api.headers import Guarded
from fashion_core.api.openapi import description
from fashion_core.api.predict import answers, predict
from fashion_core.api.predict import figures as counted
from fashion_core.models.registry import models


async def healthz(request: Request) -> Response:
    """The server answers."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """200 where there is a model that can be asked, 503 with the reason where there is none."""
    usable = any(not ref.problem for ref in models())
    readable = os.access(home(), os.R_OK)
    if usable and readable:
        return PlainTextResponse("ready\n")
    return PlainTextResponse("no model can be used\n" if readable else "the home folder cannot be read\n", 503)


async def openapi(request: Request) -> Response:
    return JSONResponse(description(answers().limits))


async def metrics(request: Request) -> Response:
    """Counters, where they are wanted."""
    if not figures.wanted():
        return PlainTextResponse("off: set BUSANA_METRICS=1\n", 404)
    text = counted.text(answers().turns.waiting)
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4")


ROUTES = [
    Route("/api/predict", predict, methods=["POST"]),
    Route("/api/openapi.json", openapi),
    Route("/healthz", healthz),
    Route("/readyz", readyz),
    Route("/metrics", metrics),
]
MIDDLEWARE = [Middleware(Guarded)]
