"""The command line: `busana COMMAND …` or `python -m fashion_core COMMAND …`; `--help` lists the commands."""

import sys

from fashion_core import UserError
from fashion_core.cli.parser import parser
from fashion_core.cli.web import app


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Exit status: 0 fine, 1 bad photos, 2 a mistake that one sentence on stderr explains."""
    known = parser()
    options, options.rest = known.parse_known_args(arguments)
    if options.rest and options.command is not app:
        known.error(f"unrecognized arguments: {' '.join(options.rest)}")
    try:
        return options.command(options) or 0
    except UserError as error:
        print(f"busana: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"busana: {error.filename or 'a file'}: {error.strerror}; mend that and try again.", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "torchvision"):
            raise
        print(f'busana: this needs {error.name}: install Busana with its extra "train".', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("busana: interrupted.", file=sys.stderr)
        return 130
