"""The process behind `answering`: reads photos that anyone may have sent, and says what a model takes them for."""

import os
import signal
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from fashion_core import UserError
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.models.answering import receive, send
from fashion_core.models.predictor import Predictor, load_explanations
from fashion_core.photos import imaging


def main() -> None:
    """Answer the questions on stdin until it ends."""
    source, out = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    bounded = False
    while True:
        try:
            asked, data = receive(source)
        except EOFError:
            return
        limits = asked["limits"]
        if not bounded:
            _bound(limits["memory_gigabytes"])
            bounded = True
        try:
            loaded = _model(asked["folder"])
        except UserError as error:
            send(out, {"problem": str(error)})
            continue
        send(out, {"ready": True})
        _alarms(limits["seconds"], limits["patience_seconds"] + 5)
        send(out, *answer(*loaded, asked, data))
        _alarms(0, 0)


def answer(
    predictor: Predictor, explanations: Explanations | None, asked: dict[str, Any], data: bytes
) -> tuple[dict[str, Any], bytes]:
    """As a line of `predict --json`, and a thumbnail as WebP where one was asked for."""
    found: dict[str, Any] = {"path": asked["name"], "top": [], "state": None, "error": None, "warning": None}
    try:
        imaging.refuse_large(data, asked["limits"]["megapixels"], asked["limits"]["frames"])
        image = imaging.read(data)
    except imaging.BadPhoto as reason:
        return found | {"error": str(reason)}, b""
    seen = predictor.look([image], explanations)[0]
    small = imaging.thumbnail_bytes(image, asked["thumbnail"]) if asked["thumbnail"] else b""
    return found | predictor.answer(seen, asked["k"], explanations), small


def _model(folder: str) -> tuple[Predictor, Explanations | None]:
    times = tuple(_mtime(Path(folder) / name) for name in ("model.xml", "card.json", FILE))
    return _loaded(folder, times)


@lru_cache(maxsize=2)
def _loaded(folder: str, times: tuple[float, ...]) -> tuple[Predictor, Explanations | None]:
    return Predictor(Path(folder)), load_explanations(Path(folder))


def _mtime(file: Path) -> float:
    return file.stat().st_mtime if file.exists() else 0.0


def _bound(gigabytes: float) -> None:
    """No more memory than this, no file written, no memory left on disk at a crash. Windows knows none of it."""
    try:
        import resource
    except ImportError:
        return
    most = int(gigabytes * 2**30)
    for what, value in ((resource.RLIMIT_AS, most), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(what, (value, value))


def _alarms(processor: float, clock: float) -> None:
    """End this process after so many seconds of the processor, or of the clock, where the server is gone by then and
    cannot end it; 0 is never. Windows has no such alarms: there the server ends it by the clock."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, processor)
        signal.setitimer(signal.ITIMER_REAL, clock)


if __name__ == "__main__":
    main()
