"""`python -m fashion_core COMMAND …`: the command line, as the command `busana`."""

import sys

from fashion_core.cli import whole_process as main

if __name__ == "__main__":
    sys.exit(main())
