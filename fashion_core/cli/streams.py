"""stdout and stderr of a command: any encoding, a reader that left, a terminal that was closed."""

import io
import os
from contextlib import suppress
from typing import Any, TextIO

READER_LEFT = 141  # the exit status: 128 and the number of SIGPIPE, as shells have it


def any_encoding(*streams: TextIO | None) -> None:
    """Have a console of another encoding than UTF-8 show \\u7740 and the like for what it does not know."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class Output:
    """stdout, on which a command prints its result. Where its reader left, as `head` does, the process ends quietly."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._fail(error)
            raise

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._fail(error)
            raise

    def _fail(self, error: OSError) -> None:
        _silence(self._stream)  # or Python would try once more at the end, and complain
        if isinstance(error, BrokenPipeError):
            raise SystemExit(READER_LEFT)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Stderr:
    """stderr, on which a command tells how far it is; nowhere where there is none. Once it cannot be written, as when
    the terminal was closed, all goes nowhere: a training of hours does not end because nobody reads its progress."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(ValueError):  # it was closed in this process
            try:
                return self._stream.write(text) if self._stream else 0
            except OSError:
                _silence(self._stream)
        return 0

    def flush(self) -> None:
        with suppress(ValueError):
            try:
                if self._stream:
                    self._stream.flush()
            except OSError:
                _silence(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _silence(stream: TextIO | None) -> None:
    """Let what is written to `stream`, and what waits in it, go nowhere."""
    with suppress(OSError, ValueError):  # it has no file of the system: then nothing waits
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno() if stream else nowhere)
        os.close(nowhere)
