"""The command line: `busana COMMAND …` or `python -m fashion_core COMMAND …`; `--help` lists the commands."""

import argparse
import contextlib
import errno
import os
import sys
import threading

from fashion_core import UserError
from fashion_core.cli.parser import parser
from fashion_core.cli.streams import Output, Stderr, any_encoding
from fashion_core.cli.web import app
from fashion_core.photos.imaging import printable
from fashion_core.runs.stopping import APART

INTERRUPTED = 130  # 128 and the number of the signal, as shells have it

# What a person can mend about a file or folder, by the error's number.
_MENDABLE = {
    errno.ENOENT: "is not there: check the path",
    errno.EACCES: "may not be read or written: change its permissions, or choose another place",
    errno.EPERM: "may not be read or written: change its permissions, or choose another place",
    errno.EROFS: "lies on a disk that cannot be written: choose another place",
    errno.EISDIR: "is a folder: name a file",
    errno.ENOTDIR: "is no folder, or lies below a file: check the path",
    errno.EEXIST: "is there already: choose another name",
    errno.ENAMETOOLONG: "has too long a name: choose a shorter one",
    errno.ENOSPC: "does not fit on the disk: free some room, or set BUSANA_HOME to a folder on a larger one",
    errno.EDQUOT: "does not fit into your share of the disk: free some room, or set BUSANA_HOME to another disk",
    errno.EIO: "cannot be read or written: the disk or its connection fails",
}
_FULL = (errno.ENOSPC, errno.EDQUOT)  # these come without a file's name when what is written does not fit


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Exit status: 0 fine, 1 bad photos, 2 a mistake that one sentence on stderr explains, 130 for
    Ctrl-C, 141 where the reader of stdout left, as `head` does. A mistake of Busana itself is a traceback."""
    any_encoding(sys.stdout, sys.stderr)
    out = sys.stdout and Output(sys.stdout)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(Stderr(sys.stderr)):
        try:
            options = _options(arguments)
            status = options.command(options) or 0
            print(end="", flush=True)  # here, where a full disk still becomes a sentence
            return status
        except UserError as error:
            return _refuse(str(error))
        except OSError as error:
            if not (sentence := _sentence(error)):
                raise
            return _refuse(sentence)
        except ModuleNotFoundError as error:
            if error.name not in ("torch", "torchvision", "timm"):
                raise
            return _refuse(f'this needs {error.name}: install Busana with its extra "train".')
        except KeyboardInterrupt:
            print("busana: interrupted.", file=sys.stderr)
            return INTERRUPTED


def whole_process() -> int:
    """`main` of a process that ends with it: at once where a stop left a thread to itself, as torch and OpenVINO abort
    when Python takes its leave from under them."""
    status = main()
    if any(thread.name == APART for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def _options(arguments: list[str] | None) -> argparse.Namespace:
    """The arguments as parsed; what `app` does not know goes on to Streamlit, as `rest`."""
    known = parser()
    options, rest = known.parse_known_args(arguments)
    options.rest = rest
    if options.rest and options.command is not app:
        known.error(f"unrecognized arguments: {' '.join(options.rest)}")
    return options


def _refuse(sentence: str) -> int:
    print(f"busana: {sentence}", file=sys.stderr)
    return 2


def _sentence(error: OSError) -> str | None:
    """What to mend, with the name of the file; None for what no person can mend."""
    advice = _MENDABLE.get(error.errno or 0)
    if advice is None or (error.filename is None and error.errno not in _FULL):
        return None
    name = "What is written" if error.filename is None else printable(os.fsdecode(error.filename))
    return f"{name} {advice}."
