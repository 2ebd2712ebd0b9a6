"""Labels that look wrong: confident learning on what a model said of photos that it was not trained on.

    python -m fashion_core suspects RUN
    suspects.find(Evaluation.load(run.evaluation_file))     # worst first

A label is suspect where the model is surer of another class than it usually is of that class's own photos (Northcutt,
Jiang, Chuang 2021, by cleanlab). It is a place to look, not a verdict: the model may be the one that errs.
"""

import numpy as np
import pandas as pd

from fashion_core.evaluation import Evaluation


def find(evaluation: Evaluation) -> pd.DataFrame:
    """A row for each suspect label, worst first: index (its row in the evaluation), path, label, predicted, score.

    The score, 0 to 1, is the model's confidence in the label as it stands: the lower, the more suspect.
    """
    from cleanlab.filter import find_label_issues

    # cleanlab knows classes by their number, and must not meet one that no photo bears.
    present = np.unique(evaluation.truth)
    if len(present) < 2:
        return _table(evaluation, np.array([], int))
    sums = evaluation.probabilities[:, present].astype(np.float64)
    shares = sums / sums.sum(axis=1, keepdims=True)
    labels = np.searchsorted(present, evaluation.truth)
    rows = find_label_issues(labels, shares, return_indices_ranked_by="self_confidence", n_jobs=1)
    return _table(evaluation, rows)


def _table(evaluation: Evaluation, rows: np.ndarray) -> pd.DataFrame:
    names = np.array(evaluation.classes, dtype=object)
    return pd.DataFrame({
        "index": rows,
        "path": evaluation.photos["path"].to_numpy()[rows],
        "label": names[evaluation.truth[rows]],
        "predicted": names[evaluation.predicted[rows]],
        "score": evaluation.probabilities[rows, evaluation.truth[rows]],
    })  # fmt: skip
