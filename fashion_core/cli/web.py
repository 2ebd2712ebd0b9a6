"""The command that opens the web app."""

import argparse
import runpy
import sys

from fashion_core import APP


def app(options: argparse.Namespace) -> None:
    """`streamlit run` in this process, whatever the working folder; its settings are those beside app.py."""
    sys.argv = ["streamlit", "run", str(APP / "app.py"), *options.rest]
    runpy.run_module("streamlit", run_name="__main__")
