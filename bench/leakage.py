"""What near-duplicates across the split are worth: python -m bench.leakage PHOTOS RANDOM_RUN LEAK_FREE_RUN [--json]

RANDOM_RUN was trained with split_groups=false, the usual split photo by photo; LEAK_FREE_RUN with near-duplicates on
one side, otherwise alike. Of the random split it counts the test photos that have a near-duplicate in training, by
thumbnails alone and with the file that `check --model MODEL --write` keeps, and divides the accuracy by that; then it
compares the two runs' accuracies. Intervals are of 95%: Wilson's, and Newcombe's for differences.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from fashion_core import UserError
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.models.card import ModelCard
from fashion_core.models.registry import resolve
from fashion_core.photos import dataset, recorded_duplicates, scan, split
from fashion_core.stats import difference, wilson


def leakage(photos: Path, random_run: str, leak_free_run: str) -> dict[str, Any]:
    """The figures; counts are of photos, shares and intervals in percent, differences in points."""
    table = _split_as_trained(photos, random_run)
    answers = _right_by_path(random_run, table)
    found: dict[str, Any] = {"all": _accuracy(answers)}
    for name, recorded in (("thumbnails", False), ("with file", True)):
        if recorded and not recorded_duplicates.default_file(photos).exists():
            continue
        groups = scan.audit(photos, recorded=recorded).photos["group"]
        leaks = split.leaked(table.assign(group=groups)).set_axis(table["path"])[answers.index]
        found[name] = {"leaked": _accuracy(answers[leaks]), "others": _accuracy(answers[~leaks]),
                       "leaked less others": _points(answers[leaks], answers[~leaks])}  # fmt: skip
    free = _right_by_path(leak_free_run)
    return found | {"leak-free run": _accuracy(free), "random less leak-free": _points(answers, free)}


def _split_as_trained(photos: Path, run: str) -> pd.DataFrame:
    """The table of photos with the split that the run was trained by. UserError where these are other photos."""
    card = ModelCard.read(resolve(run))
    if card.recipe.split_groups:
        raise UserError(f"{run} was not split photo by photo: give a run of split_groups=false first.")
    data = dataset.load(photos, card.recipe.split_seed, grouped=False)
    if data.own_split or data.fingerprint != card.dataset.fingerprint:
        raise UserError(f"{photos} is not what {run} was trained on: give its folder, whole and without a split.")
    return data.photos


def _right_by_path(run: str, table: pd.DataFrame | None = None) -> pd.Series:
    """Whether each test photo of a run was named right, by path."""
    evaluation = Evaluation.load(resolve(run) / "evaluation.parquet")
    right = pd.Series(evaluation.predicted == evaluation.truth, evaluation.photos["path"])
    if table is not None and set(right.index) != set(table["path"][table["split"] == "test"]):
        raise UserError(f"The answers of {run} are not of its own test photos: train it again.")
    return right


def _accuracy(right: pd.Series) -> dict[str, Any]:
    n, count = len(right), int(right.sum())
    share = round(100 * count / n, 2) if n else None
    return {"n": n, "right": count, "accuracy": share, "interval": [round(100 * end, 2) for end in wilson(count, n)]}


def _points(one: pd.Series, other: pd.Series) -> dict[str, Any] | None:
    """How much better `one` is, None where either has no photo."""
    if not len(one) or not len(other):
        return None
    ends = difference(int(one.sum()), len(one), int(other.sum()), len(other))
    return {"points": round(100 * float(one.mean() - other.mean()), 2), "interval": [round(100 * e, 2) for e in ends]}


def _lines(found: dict[str, Any], name: str = "") -> list[str]:
    """A line for each figure."""
    if "n" in found:
        low, high = found["interval"]
        share = f"{found['accuracy']}% ({found['right']:,} of {found['n']:,}), {low}% to {high}%" if found["n"] else "–"
        return [f"{name:32}{share}"]
    if "points" in found:
        low, high = found["interval"]
        return [f"{name:32}{found['points']:+} points, {low:+} to {high:+}"]
    return [line for key, part in found.items() if part for line in _lines(part, f"{name}, {key}" if name else key)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("random_run")
    parser.add_argument("leak_free_run")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        found = leakage(options.photos, options.random_run, options.leak_free_run)
    except UserError as mistake:
        sys.exit(str(mistake))
    print(json.dumps(found) if options.json else "\n".join(_lines(found)))


if __name__ == "__main__":
    main()
