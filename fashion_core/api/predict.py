"""`POST /api/predict`: a photo, or a few, as a form; what a model takes them for, as `predict --json` says it.

curl -F photo=@shoe.jpg -F model=apparel-lite -F top=3 http://localhost:8501/api/predict
"""

import asyncio
import json
import logging
import math
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fashion_core import UserError, access
from fashion_core.access import Action
from fashion_core.api.figures import Figures, visitor
from fashion_core.api.headers import from_elsewhere
from fashion_core.models.answering import Answers, Busy, Limits, Question, TooOften
from fashion_core.models.registry import default_model, models_by_name

PHOTOS = 8  # of one request
TOP = (1, 50)
SLACK = 1 << 16  # bytes of a form beside its photos
LOG = logging.getLogger("busana.api")
figures = Figures()


class Refused(Exception):
    """A request that gets a status and one sentence."""

    def __init__(self, status: int, sentence: str, seconds: float = 0.0):
        super().__init__(sentence)
        self.status, self.sentence, self.seconds = status, sentence, seconds


@lru_cache(maxsize=1)
def answers() -> Answers:
    """The one process and queue of this server, for the API and the pages."""
    return Answers()


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    """Of their own: those of the server must stay free for its pages."""
    return ThreadPoolExecutor(Limits().waiting + 2, "predict")


async def predict(request: Request) -> Response:
    """One object for a photo, a line for each of several."""
    began, who = time.monotonic(), visitor(request.client.host if request.client else "")
    try:
        response = await _answer(request, who)
    except Refused as refused:
        headers = {"Retry-After": str(math.ceil(refused.seconds))} if refused.seconds else None
        response = JSONResponse({"error": refused.sentence}, refused.status, headers)
    took = time.monotonic() - began
    figures.add(response.status_code, took, who)
    LOG.info("predict visitor=%s status=%d seconds=%.3f", who, response.status_code, took)
    return response


async def _answer(request: Request, who: str) -> Response:
    if from_elsewhere(request.headers):
        raise Refused(403, "A web page of another site may not ask: send the photo from a program or from this site.")
    if not access.may(Action.PREDICT):
        raise Refused(401, "This server answers people it knows: sign in, and predict on its page.")
    questions = await _questions(request)
    loop = asyncio.get_running_loop()
    try:
        found = [await loop.run_in_executor(_threads(), answers().ask, each, who) for each in questions]
    except Busy as busy:
        raise Refused(429 if isinstance(busy, TooOften) else 503, str(busy), busy.seconds) from None
    except UserError as mistake:
        raise Refused(503, str(mistake)) from None
    lines = [answer for answer, _ in found]
    if len(lines) == 1:
        return JSONResponse(lines[0], 422 if lines[0]["error"] else 200)
    return Response("".join(json.dumps(line) + "\n" for line in lines), media_type="application/x-ndjson")


async def _questions(request: Request) -> list[Question]:
    """The photos of the form. Refused where it is none, too large, or asks for what is not there."""
    form = await _form(request)
    try:
        photos = [each for each in form.getlist("photo") if isinstance(each, UploadFile)]
        if not photos:
            raise Refused(400, "There is no photo: send a form with the field photo, a file.")
        refs = {name: ref for name, ref in models_by_name().items() if not ref.problem}
        if not refs:
            raise Refused(503, "This server has no model yet: publish one.")
        name = str(form.get("model") or default_model(refs))
        if name not in refs:
            raise Refused(404, f"There is no model of that name: use one of {', '.join(refs)}.")
        k = _top(form)
        return [Question(refs[name].folder, each.filename or "photo", await each.read(), k) for each in photos]
    finally:
        await form.close()


async def _form(request: Request) -> FormData:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refused(415, "Send the photo as multipart/form-data, with the field photo.")
    most = (answers().limits.megabytes << 20) + SLACK
    if int(request.headers.get("content-length") or 0) > most:
        raise _too_large()

    async def counted() -> AsyncIterator[bytes]:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise _too_large()
            yield chunk

    parser = MultiPartParser(request.headers, counted(), max_files=PHOTOS, max_fields=8)  # type: ignore[arg-type]
    parser.spool_max_size = most + 1  # no photo is written to a disk
    try:
        return await parser.parse()
    except MultiPartException as error:
        if "Too many files" in error.message:
            raise Refused(413, f"At most {PHOTOS} photos are taken at a time.") from None
        raise Refused(400, "The form cannot be read: send multipart/form-data with the field photo.") from None


def _too_large() -> Refused:
    return Refused(413, f"The photos are larger than {answers().limits.megabytes} MB together: send smaller ones.")


def _top(form: FormData) -> int:
    text: Any = form.get("top") or "3"
    low, high = TOP
    digits = isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 4
    if not (digits and low <= int(text) <= high):
        raise Refused(400, f"top is a whole number from {low} to {high}.")
    return int(text)
