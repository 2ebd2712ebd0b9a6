"""Strangers' photos, answered in a process of its own: a photo that crashes or stalls it takes nothing else along.

    answers = Answers()
    line, thumbnail = answers.ask(Question(resolve("apparel-lite"), "shoe.jpg", data), visitor="3f2a")

The process reads questions on stdin and answers on stdout, a frame each: JSON, then bytes. It inherits no secrets, may
write no file, and ends by itself where memory or time run out; the next question starts another. Visitors take turns.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from fashion_core import PACKAGE, UserError, home
from fashion_core.models import precision

KEPT = (
    "PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "SYSTEMROOT", "TMPDIR", "OMP_NUM_THREADS",
    precision.SETTING,
)  # fmt: skip
SLOW = -getattr(signal, "SIGPROF", 0) or None  # how the process ends that took too long of the processor
ROOM_SECONDS = 0.2  # between two looks whether there is room for one more
COMMAND = (sys.executable, "-m", "fashion_core.models.answering_process")


class Limits(NamedTuple):
    """Of one photo, and of who waits."""

    megabytes: int = 20  # of the file
    megapixels: int = 40
    frames: int = 500  # of an animation, of which the first is read
    seconds: float = 15.0  # of the processor, from the loaded model to the answer
    patience_seconds: float = 90.0  # for the same on the clock: a busy machine gives little of its processor
    loading_seconds: float = 120.0
    memory_gigabytes: float = 4.0  # of address space; the network itself maps about 1.5
    waiting: int = 32  # photos
    per_minute: int = 60  # photos of one visitor
    at_once: int = 20  # of those without a pause


class Question(NamedTuple):
    folder: Path  # of the model
    name: str  # of the photo, which stands in the answer as `path`
    data: bytes
    k: int = 3  # classes
    thumbnail: int = 0  # pixels; 0 is none


class Busy(UserError):
    """Too many wait; `seconds` says when to come back."""

    def __init__(self, sentence: str, seconds: float):
        super().__init__(sentence)
        self.seconds = seconds


class TooOften(Busy):
    """This visitor asks too often."""


class Rate:
    """How often each visitor may ask: `at_once` photos, and `per_minute` after that."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic):
        self._most, self._each, self._clock = float(limits.at_once), limits.per_minute / 60, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # visitor → photos left, when
        self._lock = threading.Lock()

    def take(self, visitor: str) -> float:
        """0 where one more photo is allowed now, which is then counted; else the seconds until it is."""
        with self._lock:
            now = self._clock()
            left, since = self._left.pop(visitor, (self._most, now))
            left = min(self._most, left + (now - since) * self._each)
            self._left[visitor] = (left - 1 if left >= 1 else left, now)
            if len(self._left) > 10_000:  # whoever was away longest has all of them again
                self._left.popitem(last=False)
            return 0.0 if left >= 1 else (1 - left) / self._each


class Turns:
    """Who is next: visitors in turn, each one's photos in order."""

    def __init__(self, most: int):
        self._most, self._busy = most, False
        self._waiting: OrderedDict[str, deque[object]] = OrderedDict()
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        with self._changed:
            return len(self._order())

    @contextmanager
    def turn(self, visitor: str, told: Callable[[int], object] | None = None, patience: float = 0.0) -> Iterator[None]:
        """Wait for one's turn; `told` hears how many are before one when that changes. Busy where too many wait, and
        still do after `patience` seconds."""
        ticket, end = object(), time.monotonic() + patience
        while not self._enter(visitor, ticket):
            if time.monotonic() >= end:
                raise Busy(f"{self._most} photos are waiting already: try again in a minute.", 60)
            if told:
                told(self._most)
            time.sleep(ROOM_SECONDS)
        try:
            self._wait(ticket, told)
        except BaseException:  # Streamlit ends a page by raising, also while it waits
            with self._changed:
                self._leave(visitor, ticket)
            raise
        with self._changed:
            self._leave(visitor, ticket)
        try:
            yield
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _enter(self, visitor: str, ticket: object) -> bool:
        """Whether there was room for one more."""
        with self._changed:
            if len(self._order()) >= self._most:
                return False
            self._waiting.setdefault(visitor, deque()).append(ticket)
            return True

    def _wait(self, ticket: object, told: Callable[[int], object] | None) -> None:
        said = 0
        while True:
            with self._changed:
                before = self._order().index(ticket) + self._busy
                if not before:
                    self._busy = True
                    return
                if before == said:
                    self._changed.wait(0.5)
                    continue
            said = before
            if told:
                told(before)

    def _leave(self, visitor: str, ticket: object) -> None:
        own = self._waiting.pop(visitor)
        own.remove(ticket)
        if own:
            self._waiting[visitor] = own  # behind all others
        self._changed.notify_all()

    def _order(self) -> list[object]:
        rounds = range(max(map(len, self._waiting.values()), default=0))
        return [own[place] for place in rounds for own in self._waiting.values() if place < len(own)]


class Worker:
    """The process, started when it is needed. One question at a time."""

    def __init__(self, limits: Limits, command: Sequence[str] = COMMAND):
        self._limits, self._command = limits, command
        self._process: subprocess.Popen | None = None

    def ask(self, question: Question, again: bool = True) -> tuple[dict[str, Any], bytes]:
        """The answer and a thumbnail. UserError where the model cannot be loaded, also not `again` by a new process;
        Busy where the machine is too busy to read the photo."""
        folder = question.folder.resolve()
        asked = question._asdict() | {"folder": str(folder), "data": None, "limits": self._limits._asdict()}
        process = self._alive()
        loading, late = threading.Event(), threading.Event()
        loading.set()
        try:
            with _ends_in(process, self._limits.loading_seconds, late):
                send(process.stdin, asked, question.data)
                ready, _ = receive(process.stdout)
            if problem := ready.get("problem"):
                raise UserError(str(problem))
            loading.clear()
            with _ends_in(process, self._limits.patience_seconds, late):
                return receive(process.stdout)
        except UserError:  # which is a ValueError too
            raise
        except (OSError, EOFError, ValueError):
            self.close()
            if loading.is_set():
                if again and not late.is_set():  # it had ended while nobody asked
                    return self.ask(question, again=False)
                raise UserError("The model could not be loaded in time: try again in a minute.") from None
            if late.is_set():
                raise Busy("The server is too busy to read the photo: try again in a minute.", 60) from None
            slow = f"takes longer than {self._limits.seconds:g} seconds to read"
            return unread(question.name, slow if process.returncode == SLOW else "stops the program that reads photos")

    def close(self) -> None:
        """End the process; the next question starts another."""
        if process := self._process:
            self._process = None
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # what was not sent yet is lost with it
                    if pipe:
                        pipe.close()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _alive(self) -> subprocess.Popen:
        if self._process and self.running:
            return self._process
        self.close()
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment |= {"BUSANA_HOME": str(home().resolve()), "PYTHONDONTWRITEBYTECODE": "1"}
        environment["MALLOC_ARENA_MAX"] = "2"  # more of them only take room below the limit, 64 MB each
        self._process = subprocess.Popen(
            self._command, cwd=PACKAGE.parent, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=True,
        )  # fmt: skip
        return self._process


class Answers:
    """The process with the visitors before it. Its methods may be called from any thread."""

    def __init__(self, limits: Limits | None = None, command: Sequence[str] = COMMAND):
        self.limits = limits or Limits()
        self.turns, self.rate = Turns(self.limits.waiting), Rate(self.limits)
        self.worker = Worker(self.limits, command)

    def ask(
        self, question: Question, visitor: str, told: Callable[[int], object] | None = None, patient: bool = False
    ) -> tuple[dict[str, Any], bytes]:
        """As `Worker.ask`, in turn. Who asks too often, or while too many wait, waits where `patient`, as on a page;
        else Busy is raised. `told` hears how many are before one; 0 is that this visitor has to pause."""
        if len(question.data) > self.limits.megabytes << 20:
            return unread(question.name, f"larger than {self.limits.megabytes} MB")
        while seconds := self.rate.take(visitor):
            if not patient:
                raise TooOften(f"At most {self.limits.per_minute} photos a minute: try again in a moment.", seconds)
            if told:
                told(0)
            time.sleep(min(seconds, 1.0))
        with self.turns.turn(visitor, told, self.limits.patience_seconds if patient else 0.0):
            return self.worker.ask(question)

    def warm(self, folder: Path) -> None:
        """Start the process with the model in `folder` in a thread, unless it runs: the first photo need not wait."""

        def load() -> None:
            with suppress(UserError), self.turns.turn(""):  # a model that cannot be loaded is told of the first photo
                if not self.worker.running:
                    self.worker.ask(Question(folder, "", b""))

        if not self.worker.running and not self.turns.waiting:
            threading.Thread(target=load, daemon=True).start()


def unread(name: str, reason: str) -> tuple[dict[str, Any], bytes]:
    """The answer to a photo that cannot be used."""
    return {"path": name, "top": [], "state": None, "error": reason, "warning": None}, b""


@contextmanager
def _ends_in(process: subprocess.Popen, seconds: float, late: threading.Event) -> Iterator[None]:
    """Kill the process where the body takes longer; whoever reads from it then finds its end."""

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def send(out: IO[bytes] | None, values: dict[str, Any], data: bytes = b"") -> None:
    """Write one frame."""
    assert out is not None
    text = json.dumps(values).encode()
    out.write(len(text).to_bytes(4, "big") + len(data).to_bytes(4, "big") + text + data)
    out.flush()


def receive(source: IO[bytes] | None) -> tuple[dict[str, Any], bytes]:
    """Read one frame; EOFError at the end."""
    assert source is not None
    sizes = _exactly(source, 8)
    text, data = (_exactly(source, int.from_bytes(sizes[at : at + 4], "big")) for at in (0, 4))
    return json.loads(text), data


def _exactly(source: IO[bytes], size: int) -> bytes:
    found = source.read(size)
    if len(found) < size:
        raise EOFError
    return found
