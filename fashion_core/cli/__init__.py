"""The command line: `python -m fashion_core COMMAND …`; `--help` lists the commands."""

import sys

from fashion_core import UserError
from fashion_core.cli.parser import parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Exit status: 0 fine, 1 bad photos, 2 a mistake that one sentence on stderr explains."""
    options = parser().parse_args(arguments)
    try:
        return options.command(options) or 0
    except UserError as error:
        print(f"busana: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"busana: {error.filename or 'a file'}: {error.strerror}; mend that and try again.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("busana: interrupted.", file=sys.stderr)
        return 130
