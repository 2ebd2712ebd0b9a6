"""The pictures of docs/results.md, from a finished run and what a published model says of the photos that ship:

python -m bench.figures RUN docs/images/NAME [MODEL]
"""

import argparse
from io import BytesIO
from pathlib import Path

from PIL import Image

from fashion_core import runs
from fashion_core.evaluation import people
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.models.registry import resolve
from fashion_core.photos import examples
from fashion_core.reports import figures
from fashion_core.runs import events


def main(run: str, out: str, model: str = "") -> None:
    """Write OUT-curves.png and OUT-matrix.png; with `model` also OUT-people.png, nine photos drawn by seed 0."""
    found = runs.get(run)
    tail = events.Tail(found.events_file).read()
    Path(f"{out}-curves.png").write_bytes(figures.curves_png(tail))
    Path(f"{out}-matrix.png").write_bytes(figures.confusion_png(Evaluation.load(found.evaluation_file), "count"))
    root = examples.folder()
    if model and root:
        answers = Evaluation.load(resolve(model) / people.FOLDER / people.KNOWN)
        photos = Image.open(BytesIO(figures.photos_png(answers.drawn(seed=0), root)))
        photos.convert("RGB").quantize(256).save(f"{out}-people.png")  # a third of the bytes, for a page


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("out")
    parser.add_argument("model", nargs="?", default="")
    main(**vars(parser.parse_args()))
