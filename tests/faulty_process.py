"""The process that answers strangers' photos, with photos that break its decoder: b"stall", b"sleep"…"""

import os
import signal
import tempfile
import time
from pathlib import Path

from fashion_core.models import answering_process
from fashion_core.photos import imaging

read = imaging.read


def breaking(data: bytes):
    while data == b"stall":
        pass
    if data.startswith(b"sleep"):
        time.sleep(float(data[5:]))
    if data == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if data == b"memory":
        raise imaging.BadPhoto("no memory") if _fits(8 << 30) is False else AssertionError("8 GB were there")
    if data == b"write":
        Path(tempfile.mkstemp()[1]).write_bytes(b"x" * 100)
    return read(data)


def _fits(size: int) -> bool:
    try:
        return bool(bytearray(size))
    except MemoryError:
        return False


imaging.read = breaking
answering_process.main()
