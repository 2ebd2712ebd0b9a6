"""Many visitors of a shared server: python -m bench.load [--visitors 50] [--minutes 10] [--train] [--checkout DIR]

Each is a real session over the app's websocket: it opens Home, Evaluate, Compare and Predict by turns and hands in a
photo that nobody handed in before. Between two clicks it thinks: times of an
exponential distribution with a mean of 7 seconds, cut at ten times that. With --train the quick recipe trains
meanwhile. What a rerun waits for the model, the queue before it and the answer itself, is counted apart. Memory and
processor time are those of the server and of what it started.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # run as a script, it finds the package and the tests' server
from browser import Server, serve  # noqa: E402

from fashion_core import runs  # noqa: E402
from fashion_core.photos import sample  # noqa: E402
from fashion_core.runs.config import preset  # noqa: E402
from fashion_core.runs.run import LIVE  # noqa: E402

PAGES = ("", "evaluate", "compare")
PATIENCE = 120.0  # seconds for one rerun, after which the session has failed
MIB = 2**20


@dataclass
class Seen:
    """What all visitors met. `reruns`, in seconds, are without what they waited for the model, which is `waits`."""

    reruns: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    uploads: int = 0
    lost: int = 0
    reasons: list[str] = field(default_factory=list)  # of those lost


@dataclass
class Drawn:
    """What one rerun sent."""

    uploader: str = ""  # the widget's id
    fragment: str = ""  # of the uploader
    words: list[str] = field(default_factory=list)  # of its captions, which name the photos
    answers: int = 0  # bars of confidence
    fault: str = ""
    said: str = ""  # the last notice
    empties: dict[tuple[int, ...], list[float]] = field(default_factory=dict)  # place → when it was emptied

    @property
    def waited(self) -> float:
        """Seconds for the model: the place that tells who is before one is emptied before and after."""
        return max((times[-1] - times[0] for times in self.empties.values()), default=0.0)

    def add(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "empty":
            self.empties.setdefault(tuple(message.metadata.delta_path), []).append(time.monotonic())
        elif kind == "file_uploader":
            self.uploader, self.fragment = element.file_uploader.id, message.delta.fragment_id
        elif kind == "exception":
            self.fault = element.exception.message or element.exception.type
        elif kind == "alert":
            self.said = element.alert.body
        elif kind == "markdown":
            self.words.append(element.markdown.body)
        self.answers += kind == "progress"


class Visitor:
    """One session. Any fault of it is raised."""

    def __init__(self, socket: ClientConnection, url: str, seen: Seen):
        self.socket, self.url, self.seen, self.session = socket, url, seen, ""
        with urllib.request.urlopen(f"{url}/_stcore/health") as answer:
            cookies = answer.headers.get_all("Set-Cookie") or []
        found = [part.partition("=")[2] for each in cookies for part in each.split(";") if "_xsrf=" in part]
        self.token = found[0] if found else ""

    async def receive(self) -> ForwardMsg:
        message = ForwardMsg.FromString(await self.socket.recv(decode=False))
        if message.HasField("new_session"):
            self.session = message.new_session.initialize.session_id or self.session
        return message

    async def rerun(self, message: BackMsg) -> Drawn:
        """Send it, and take what comes until the script has run to its end."""
        began, drawn = time.monotonic(), Drawn()
        await self.socket.send(message.SerializeToString())
        async with asyncio.timeout(PATIENCE):
            while True:
                come = await self.receive()
                if come.HasField("delta"):
                    drawn.add(come)
                if come.HasField("script_finished") and come.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    break
        if drawn.fault:
            raise RuntimeError(drawn.fault)
        waited = drawn.waited if message.rerun_script.fragment_id else 0.0  # only a photo that is handed in waits
        self.seen.reruns.append(time.monotonic() - began - waited)
        return drawn

    async def open(self, page: str) -> Drawn:
        message = BackMsg()
        message.rerun_script.page_name = page
        return await self.rerun(message)

    async def hand_in(self, page: Drawn, photo: bytes) -> None:
        """Upload a photo to the uploader of `page`; where no answer to it comes it is lost."""
        if not page.uploader:
            raise RuntimeError("Predict has no place to drop a photo")
        self.seen.uploads += 1
        self.seen.lost += 1  # until it is answered
        request = BackMsg()
        request.file_urls_request.request_id = uuid.uuid4().hex
        mark = uuid.uuid4().hex  # an answer that stands from before names another
        request.file_urls_request.file_names.append(f"{mark}.jpg")
        request.file_urls_request.session_id = self.session
        await self.socket.send(request.SerializeToString())
        async with asyncio.timeout(PATIENCE):
            while not (come := await self.receive()).HasField("file_urls_response"):
                pass
        (urls,) = come.file_urls_response.file_urls
        await asyncio.to_thread(self.put, urls.upload_url, f"{mark}.jpg", photo)
        message = BackMsg()
        message.rerun_script.page_name = "predict"
        message.rerun_script.fragment_id = page.fragment
        state = message.rerun_script.widget_states.widgets.add(id=page.uploader)
        info = state.file_uploader_state_value.uploaded_file_info.add(
            name=f"{mark}.jpg", size=len(photo), file_id=urls.file_id
        )
        info.file_urls.CopyFrom(urls)
        drawn = await self.rerun(message)
        self.seen.waits.append(drawn.waited)
        if drawn.answers and any(mark in words for words in drawn.words):
            self.seen.lost -= 1
        elif drawn.said:
            self.seen.reasons.append(drawn.said)
        else:
            self.seen.reasons.append(f"no answer and no word: {drawn.answers} bars, {len(drawn.words)} captions")

    def put(self, address: str, name: str, photo: bytes) -> None:
        mark = uuid.uuid4().hex
        head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        body = f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + photo + f"\r\n--{mark}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}", "X-Xsrftoken": self.token}
        headers["Cookie"] = f"_streamlit_xsrf={self.token}"
        full = f"{self.url}/{address.lstrip('/')}"
        with urllib.request.urlopen(urllib.request.Request(full, body, headers, method="PUT"), timeout=PATIENCE):
            pass


async def think(mean: float) -> None:
    await asyncio.sleep(min(random.expovariate(1 / mean), 10 * mean))


async def visit(url: str, photos: list[bytes], end: float, pause: float, seen: Seen, number: int) -> None:
    """One visitor, from an address of its own, until `end`; what goes wrong is noted, and ends the session."""
    try:
        await asyncio.sleep(random.uniform(0, 3 * pause))  # all of them do not come at once
        stream = url.replace("http", "ws", 1) + "/_stcore/stream"
        address = {"X-Forwarded-For": f"10.0.{number // 256}.{number % 256}"}  # as a proxy on this machine says it
        patient = {"open_timeout": PATIENCE, "ping_interval": None}  # as a browser, which sends no pings
        async with connect(
            stream, subprotocols=["streamlit"], origin=url, max_size=None, additional_headers=address, **patient
        ) as socket:
            visitor = await asyncio.to_thread(Visitor, socket, url, seen)
            while time.monotonic() < end:
                await visitor.open(random.choice(PAGES))
                await think(pause)
                page = await visitor.open("predict")
                await think(pause)  # it looks for a photo
                await visitor.hand_in(page, random.choice(photos) + uuid.uuid4().bytes)  # after a JPEG's end: as good
                await think(pause)
    except Exception as fault:  # whatever it is, this session has failed
        seen.failures.append(f"{type(fault).__name__}: {fault}")


async def all_visit(url: str, photos: list[bytes], visitors: int, seconds: float, pause: float) -> Seen:
    seen, end = Seen(), time.monotonic() + seconds
    await asyncio.gather(*(visit(url, photos, end, pause, seen, number) for number in range(visitors)))
    return seen


class Cost(NamedTuple):
    """Of the server and the processes it started: resident memory in MiB, and the same with the pages of files, such as
    libraries, that several of them map counted once; seconds of the processor, of the server itself and of the rest."""

    resident: float
    together: float
    server: float
    rest: float


def cost(server: Server) -> Cost:
    process = psutil.Process(server.process.pid)
    all_of_them = (process, *process.children(recursive=True))
    seconds = [each.cpu_times().user + each.cpu_times().system for each in all_of_them]
    resident = sum(each.memory_info().rss for each in all_of_them)
    files: dict[str, list[int]] = {}
    for process in all_of_them:
        for area in getattr(process, "memory_maps", list)():  # macOS has none
            if area.path.startswith("/"):  # not [heap], [anon]
                files.setdefault(area.path, []).append(area.rss)
    twice = sum(sum(sizes) - max(sizes) for sizes in files.values())
    return Cost(resident / MIB, (resident - twice) / MIB, seconds[0], sum(seconds[1:]))


@contextmanager
def training(home: Path, wanted: bool) -> Iterator[None]:
    """The quick recipe on drawn photos, begun as from the page, for as long as the body runs."""
    if not wanted:
        yield
        return
    sample.render(home / "photos", 20)
    run = runs.create(preset("quick").changed({"epochs": 1000}), home / "photos", home / "training")
    runs.launch(run)
    try:
        yield
        if run.state != "running":
            sys.exit(f"The training ended before the visitors did: {run.state}.")
    finally:
        run.stop()
        while run.state in LIVE:
            time.sleep(0.2)


def report(seen: Seen, visitors: int, before: Cost, after: Cost) -> None:
    """Print the table."""
    rows = {"sessions": visitors, "failed": len(seen.failures), "photos": seen.uploads, "photos lost": seen.lost,
            "reruns": len(seen.reruns)}  # fmt: skip
    for name, seconds in (("a rerun", seen.reruns), ("wait for the model", seen.waits)):
        for words, share in (("median", 50), ("95th percentile", 95)):
            rows[f"{name}, {words}"] = f"{np.percentile(seconds, share):.2f} s" if seconds else "–"
    each = 1000 / max(len(seen.reruns), 1)
    rows |= {"processor, server, a rerun": f"{(after.server - before.server) * each:.0f} ms",
             "processor, photos, a photo": f"{(after.rest - before.rest) * 1000 / max(seen.uploads, 1):.0f} ms",
             "memory, start": f"{before.resident:.0f} MiB", "memory, end": f"{after.resident:.0f} MiB",
             "memory, growth": f"{after.resident / before.resident - 1:.1%}",
             "memory, common counted once, end": f"{after.together:.0f} MiB"}  # fmt: skip
    for name, value in rows.items():
        print(f"{name:36}{value}")
    for fault in sorted({*seen.failures, *seen.reasons}):
        print(f"    {fault}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--pause", type=float, default=7.0, help="seconds between two clicks, on average")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="of the app to visit, such as one of before")
    parser.add_argument("--train", action="store_true", help="train the quick recipe meanwhile")
    options = parser.parse_args()
    photos = [file.read_bytes() for file in sorted((ROOT / "examples").rglob("*.jpg"))[:20]]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "weights").symlink_to(ROOT / "weights")  # the models that ship
        app = options.checkout.resolve()
        with (
            serve(home, app / "app.py", 300, folder=app, BUSANA_SHARED="1") as server,
            training(home, options.train),
        ):
            asyncio.run(all_visit(server.url, photos, 2, 5.0, 0.5))  # so that all is loaded before memory is read
            before = cost(server)
            seen = asyncio.run(all_visit(server.url, photos, options.visitors, 60 * options.minutes, options.pause))
            after = cost(server)
        print(f"{psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f} at the end")
        report(seen, options.visitors, before, after)
    sys.exit(bool(seen.failures or seen.lost))


if __name__ == "__main__":
    main()
