"""Thumbnails by address, for photos that the browser asks for itself: of a point on the map, once the pointer is there.

    address = thumbnails.address(key, root)   # relative to the server's; the photo's row in the evaluation follows
    app = st.App(…, routes=ROUTES)

An address holds no path. Its name is made up for the session of somebody who may look at these photos, nobody else can
guess it, and it ends with that session: whoever may not look gets nothing, and a row that is not there is not found.
"""

import asyncio
import os
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from fashion_core import access
from fashion_core.ui import stored
from fashion_core.ui.gallery import TILE, thumbnail
from fashion_core.ui.stored import EvaluationKey

FOLDER = "thumbnails"
KEPT = 600  # seconds that a browser keeps a thumbnail without asking
DIGITS = 9  # of a row at most


class _Album(NamedTuple):
    root: Path
    paths: Sequence[str]


_albums: dict[str, _Album] = {}  # by the name in their address


def address(key: EvaluationKey, root: Path) -> str | None:
    """Where this session finds the photos of an evaluation that lie in `root`; None where there is no such folder.

    UserError where the visitor may not look at them.
    """
    access.require(access.Action.LOOK)
    return f"{FOLDER}/{_name(key, os.fsencode(root))}/" if root.is_dir() else None


def _forget(name: str) -> None:
    _albums.pop(name, None)


@st.cache_resource(scope="session", max_entries=8, show_spinner=False, on_release=_forget)
def _name(key: EvaluationKey, root: bytes) -> str:
    """Of a new album; `root` in bytes, as it need not be UTF-8."""
    name = secrets.token_urlsafe(24)
    _albums[name] = _Album(Path(os.fsdecode(root)), stored.predictions_of(key).photos["path"].tolist())
    return name


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    """Of their own: those of the server must stay free for its pages."""
    return ThreadPoolExecutor(2, FOLDER)


async def _thumbnail(request: Request) -> Response:
    file = _file(request.path_params["album"], request.path_params["row"])
    try:
        if file is None or not access.reaches(file):
            raise FileNotFoundError
        data = await asyncio.get_running_loop().run_in_executor(_threads(), thumbnail, file, TILE)
    except (OSError, ValueError):  # BadPhoto is a ValueError; so is a name with a NUL byte
        return PlainTextResponse("There is no such photo, or it cannot be read.\n", 404)
    return Response(data, media_type="image/webp", headers={"Cache-Control": f"private, max-age={KEPT}"})


def _file(name: str, row: str) -> Path | None:
    album = _albums.get(name)
    if album is None or not (row.isascii() and row.isdigit() and len(row) <= DIGITS and int(row) < len(album.paths)):
        return None
    return album.root / album.paths[int(row)]


ROUTES: tuple[BaseRoute, ...] = (Route(f"/{FOLDER}/{{album}}/{{row}}", _thumbnail),)
