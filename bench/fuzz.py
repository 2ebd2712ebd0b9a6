"""Damaged photos, archives, cards, logs, configs and decisions by the thousand: a sentence for each, never a fault.

    python -m bench.fuzz --seconds 60 [--inputs 100000] [--seed 0] [--first 0] [--only photos]

Each input is a good file with a few bytes changed, cut out, doubled or taken from another. What may come back is an
answer or a UserError; anything else, what takes the processor over two seconds, and what ends or stalls the process
that reads it is a finding. Prints a line of JSON for each finding and kind. A kind, a seed and a number give the same
bytes again.
"""

import argparse
import base64
import ctypes
import io
import json
import mmap
import os
import random
import resource
import signal
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from PIL import Image

from fashion_core import UserError
from fashion_core.models.card import ModelCard
from fashion_core.photos import archive, imaging, label_corrections
from fashion_core.runs.events import parse_events
from fashion_core.runs.record import read_record

SLOW = 2.0  # seconds of the processor
STALLED = 20.0  # the same, after which the process is ended
MOST = 1 << 20  # bytes of an input
ENDLESS = 10**9  # inputs
KINDS = (
    b"\x00",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"99999999999999999999",
    b"-1",
    b"[[[[",
)


# As a phone writes it, which nothing here does: 64 × 48 pixels, the left half (200, 40, 40), the right (30, 60, 200).
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJp"
    "bG9jAAAAAERAAAEAAQAAAAABoQABAAAAAAAAAHsAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAAB"
    "AAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEA"
    "AQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAA"
    "FGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhp"
    "cG1hAAAAAAAAAAEAAQWBAgMFhAAAAINtZGF0AAAAdygBrwngOSMkv//40n//9/QeQ/YKWcF//PoB9/fWX//uVT1FdlX3u3/YIWHA99b8"
    "SpbJ7Hj03P9L/xclagZwiP/9JdhBCyawNdMV0h/67fI6vnjq3Af/dWfc8FaeogC6JSPWutnmgZ5qBQN0Tv1/NUmFdNwHTcWP"
)


class Target(NamedTuple):
    """Good inputs, and what reads them; it may raise UserError."""

    seeds: list[bytes]
    read: Callable[[bytes], Any]


class Tally(ctypes.Structure):
    """What was read so far, in memory that the process that reads shares with the one that watches it."""

    _fields_ = tuple((name, ctypes.c_double) for name in ("number", "inputs", "refused", "longest", "seconds"))


def mutated(seeds: list[bytes], chance: random.Random) -> bytes:
    """One of the seeds with one to eight changes."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 8)):
        place, length = chance.randint(0, len(data)), 1 << chance.randint(0, 8)
        match chance.randint(0, 5):
            case 0 if data:
                data[place % len(data)] ^= 1 << chance.randint(0, 7)
            case 1:
                del data[place : place + length]
            case 2:
                data[place:place] = data[place : place + length]
            case 3:
                data[place : place + length] = chance.randbytes(length)
            case 4:
                known = chance.choice(KINDS)
                data[place : place + len(known)] = known
            case _:
                other = chance.choice(seeds)
                start = chance.randint(0, len(other))
                data[place : place + length] = other[start : start + length]
    return bytes(data[:MOST])


def photos() -> list[bytes]:
    """One of every format and mode, with profiles, EXIF, animation, progressive scans and transparency."""
    from PIL import ImageCms

    noise = Image.effect_noise((48, 40), 90).convert("RGB")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[274], exif[271] = 6, "maker"
    turned = [noise.rotate(90 * n) for n in range(1, 4)]
    wanted: list[tuple[Image.Image, str, dict]] = [
        (noise, "JPEG", {"exif": exif, "icc_profile": profile}), (noise, "JPEG", {"progressive": True}),
        (noise.convert("CMYK"), "JPEG", {}), (noise.convert("L"), "JPEG", {}),
        (noise, "PNG", {"icc_profile": profile, "exif": exif}), (noise.convert("RGBA"), "PNG", {}),
        (noise.convert("P"), "PNG", {"transparency": 3}), (noise.convert("I"), "PNG", {}),
        (noise, "PNG", {"save_all": True, "append_images": turned}),
        (noise, "WEBP", {"lossless": True, "exif": exif}),
        (noise, "WEBP", {"save_all": True, "append_images": turned}),
        (noise, "GIF", {"save_all": True, "append_images": turned}),
        (noise, "BMP", {}), (noise.convert("1"), "BMP", {}),
        (noise, "TIFF", {"compression": "tiff_lzw", "exif": exif}), (noise.convert("F"), "TIFF", {}),
        (noise, "TIFF", {"compression": "jpeg"}),
        (noise.convert("L"), "TIFF", {"save_all": True, "append_images": turned}),
        (noise, "PPM", {}), (noise, "AVIF", {}),
    ]  # fmt: skip
    found = [HEIC]
    for image, kind, options in wanted:
        out = io.BytesIO()
        try:
            image.save(out, kind, **options)
        except (KeyError, OSError, ValueError):  # this Pillow cannot write it
            continue
        found.append(out.getvalue())
    return found


def _read_photo(data: bytes) -> None:
    imaging.refuse_large(data, 40, 500)
    imaging.thumbnail_bytes(imaging.read(data), 64)


def archives() -> list[bytes]:
    files = {"red_shirt/a.jpg": b"x" * 3000, "blué/ü.png": b"y" * 90, "__MACOSX/._a": b"z"}
    zipped, stored, tarred = io.BytesIO(), io.BytesIO(), io.BytesIO()
    for out, how in ((zipped, zipfile.ZIP_DEFLATED), (stored, zipfile.ZIP_STORED)):
        with zipfile.ZipFile(out, "w", how) as bundle:
            for name, content in files.items():
                bundle.writestr(name, content)
    with tarfile.open(fileobj=tarred, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return [zipped.getvalue(), stored.getvalue(), tarred.getvalue()]


def targets(folder: Path) -> dict[str, Target]:
    """By name; `folder` is theirs to write in."""
    place = folder / "in"
    place.mkdir()

    def in_file(name: str, read: Callable[[Path], Any]) -> Callable[[bytes], None]:
        def run(data: bytes) -> None:
            (place / name).write_bytes(data)
            read(place)

        return run

    def unpack(where: Path) -> None:
        with tempfile.TemporaryDirectory(dir=folder) as out:
            try:
                archive.unpack(where / "photos.zip", Path(out) / "new")
            finally:
                beyond = [path for path in Path(out).iterdir() if path.name != "new"]
                assert not beyond, f"written outside: {beyond}"

    card = next(iter(sorted((Path(__file__).parents[1] / "weights").glob("*/card.json")))).read_bytes()
    config = json.dumps({"v": 1, "created": "2026-01-01T00:00:00+00:00", "dataset": "/p", "train": {"epochs": 3}})
    events = b"".join(json.dumps({"v": 1, "seq": n, "t": n / 7, "type": kind, "epoch": n, "loss": 0.1}).encode() + b"\n"
                      for n, kind in enumerate(("start", "step", "epoch", "evaluate", "end")))  # fmt: skip
    tables = ['photo,label\r\na/b.jpg,red_shirt\r\n"q""u.jpg",\r\n', "sep=;\nPhoto;Label\nä.jpg;001\n"]
    rows = [tables[0].encode(), tables[1].encode("cp1252"), tables[1].encode("utf-16"),
            b"photo,label,action,time\na.jpg,x,relabel,2026\na.jpg,,undo,2026\n"]  # fmt: skip
    return {
        "photos": Target(photos(), _read_photo),
        "archives": Target(archives(), in_file("photos.zip", unpack)),
        "cards": Target([card], in_file("card.json", ModelCard.read)),
        "events": Target([events], parse_events),
        "configs": Target([config.encode()], in_file("config.json", read_record)),
        "decisions": Target(rows, lambda data: label_corrections.parse(data, "d.csv")),
    }


def run(name: str, target: Target, seconds: float, seed: int, inputs: int, tally: Tally) -> Iterator[dict[str, Any]]:
    """Findings as they come, of inputs from `tally.number` on, for so many seconds or until there are `inputs`."""
    began = time.monotonic()
    while time.monotonic() - began < seconds and tally.inputs < inputs:
        data = mutated(target.seeds, random.Random(f"{seed}-{name}-{int(tally.number)}"))
        start, fault = time.process_time(), ""
        _alarms(STALLED, 60 * STALLED)
        try:
            target.read(data)
        except UserError:
            tally.refused += 1
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"[:200]
        _alarms(0, 0)
        took = time.process_time() - start
        if fault or took > SLOW:
            yield finding(name, seed, tally, fault, took)
        tally.inputs, tally.number = tally.inputs + 1, tally.number + 1
        tally.longest, tally.seconds = max(tally.longest, took), tally.seconds + took


def finding(name: str, seed: int, tally: Tally, fault: str, seconds: float) -> dict[str, Any]:
    return {"finding": name, "number": int(tally.number), "seed": seed, "fault": fault, "seconds": round(seconds, 2)}


def watched(
    name: str, target: Target, seconds: float, seed: int, inputs: int = ENDLESS, first: int = 0
) -> Iterator[dict[str, Any]]:
    """As `run`, in a process of its own; where an input ends or stalls it that is a finding, and the next process goes
    on behind it. At the end one line on all of it."""
    tally, end = Tally.from_buffer(mmap.mmap(-1, ctypes.sizeof(Tally))), time.monotonic() + seconds
    tally.number = first
    while tally.inputs < inputs and (left := end - time.monotonic()) > 0:
        reads, writes = os.pipe()
        child = os.fork()
        if not child:
            _be_child(writes, run(name, target, left, seed, inputs, tally))
        os.close(writes)
        with os.fdopen(reads) as lines:
            yield from map(json.loads, lines)
        if status := os.waitpid(child, 0)[1]:
            how = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else f"status {status >> 8}"
            yield finding(name, seed, tally, f"the process ended: {how}", 0.0)
            tally.inputs, tally.number = tally.inputs + 1, tally.number + 1
    yield {
        "kind": name, "inputs": int(tally.inputs), "refused": int(tally.refused), "longest": round(tally.longest, 2),
        "processor_seconds": round(tally.seconds, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10,
        "seed": seed,
    }  # fmt: skip


def _be_child(writes: int, found: Iterator[dict[str, Any]]) -> NoReturn:
    """Write what is found as lines of JSON, and end. What libraries print of damaged files is nobody's news."""
    status = 1
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        with os.fdopen(writes, "w") as out:
            for line in found:
                print(json.dumps(line), file=out, flush=True)
        status = 0
    finally:
        os._exit(status)


def _alarms(processor: float, clock: float) -> None:
    """End this process after so many seconds of the processor, or of the clock; 0 is never."""
    signal.setitimer(signal.ITIMER_PROF, processor)
    signal.setitimer(signal.ITIMER_REAL, clock)


def main(arguments: list[str] | None = None) -> int:
    """Exit status 1 where anything was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60, help="for each kind")
    parser.add_argument("--inputs", type=int, default=ENDLESS, help="of each kind, after which it ends too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--only", help="one kind")
    options = parser.parse_args(arguments)
    found = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, target in targets(Path(folder)).items():
            if options.only in (None, name):
                for line in watched(name, target, options.seconds, options.seed, options.inputs, options.first):
                    found += "finding" in line
                    print(json.dumps(line), flush=True)
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
