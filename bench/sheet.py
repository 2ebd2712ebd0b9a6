"""Fifty label issues, drawn by lot, on one sheet to judge by eye: python -m bench.sheet MODEL PHOTOS OUT.png

They are those of all photos of the model, cross-validated. Prints how many of the fifty are real, arguable or
false alarms by docs/review/apparel10-suspects.csv.
"""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from fashion_core.evaluation import label_issues
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.models import registry
from fashion_core.photos import imaging
from fashion_core.reports import figures

REVIEW = Path(__file__).resolve().parents[1] / "docs" / "review" / "apparel10-suspects.csv"
SAMPLE, COLUMNS = 50, 10


def main(model: str, photos: str, out: str) -> None:
    """Draw, count."""
    evidence = Explanations.load(registry.resolve(model) / FILE)
    answers = label_issues.out_of_fold(evidence)
    found = label_issues.find_label_issues(answers)
    rows = np.sort(np.random.default_rng(0).choice(len(found), min(SAMPLE, len(found)), replace=False))
    some = found.iloc[rows]
    sure = answers.confidence[some["index"]]
    tiles = [
        (imaging.read(Path(photos) / row.path), row.label, row.predicted, confidence)
        for row, confidence in zip(some.itertuples(), sure, strict=True)
    ]
    Path(out).write_bytes(figures.grid_png(tiles, COLUMNS))
    verdicts = pd.read_csv(REVIEW).set_index("photo")["verdict"]
    counts = Counter(verdicts.get(path, "not reviewed") for path in some["path"])
    print(
        f"{len(some)} of {len(found)} label issues: "
        + ", ".join(f"{n} {verdict}" for verdict, n in counts.most_common())
    )


if __name__ == "__main__":
    main(*sys.argv[1:4])
