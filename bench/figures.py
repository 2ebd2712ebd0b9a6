"""The pictures of docs/results.md, drawn from a finished run: python bench/figures.py RUN docs/images/NAME"""

import sys
from pathlib import Path

from fashion_core import runs
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.reports import figures
from fashion_core.runs import events


def main(name: str, out: str) -> None:
    """Write OUT-curves.png and OUT-matrix.png."""
    run = runs.get(name)
    tail = events.Tail(run.events_file).read()
    Path(f"{out}-curves.png").write_bytes(figures.curves_png(tail))
    Path(f"{out}-matrix.png").write_bytes(figures.confusion_png(Evaluation.load(run.evaluation_file), "count"))


if __name__ == "__main__":
    main(*sys.argv[1:3])
