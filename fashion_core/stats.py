"""Statistics of right and wrong answers: intervals, calibration, what refusing brings, two models compared."""

from typing import TYPE_CHECKING

import numpy as np

from fashion_core.late import Late

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = Late("pandas")


def wilson(right: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """The interval of a share right/n, 95% by default (Wilson 1927); (0, 1) where nothing was counted."""
    if n == 0:
        return 0.0, 1.0
    share, spread = right / n, z * z / n
    middle = share + spread / 2
    half = z * np.sqrt(share * (1 - share) / n + spread / (4 * n))
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return max(0.0, float(low)), min(1.0, float(high))


def difference(right: int, n: int, other_right: int, other_n: int) -> tuple[float, float]:
    """The 95% interval of right/n less other_right/other_n, of photos drawn apart (Newcombe 1998, from Wilson's)."""
    (low, high), (other_low, other_high) = wilson(right, n), wilson(other_right, other_n)
    a, b = right / n, other_right / other_n
    return a - b - float(np.hypot(a - low, other_high - b)), a - b + float(np.hypot(high - a, b - other_low))


def between(right: float, n: int) -> str:
    """Wilson's interval in words: "82.7% to 89.4%"."""
    low, high = wilson(right, n)
    return f"{low:.1%} to {high:.1%}"


def accuracy_with_interval(right: int, n: int, what: str = "photos") -> str:
    """An accuracy in words: "62.50% (5 of 8 photos), 95% interval 30.6% to 86.3%"; a dash where there are none."""
    return f"{right / n:.2%} ({right:,} of {n:,} {what}), 95% interval {between(right, n)}" if n else f"– (0 {what})"


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """(n, k) logits → (n, k) float32 probabilities; a temperature above 1 makes them less sure."""
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature, 0.05 to 20, at which (n, k) logits explain the (n,) labels best (Guo et al. 2017).

    Fit it on validation photos, never on the test split.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    logits, labels = np.asarray(logits, np.float64), np.asarray(labels)
    if not len(labels):
        return 1.0
    of_truth = logits[np.arange(len(labels)), labels]

    def loss(log_temperature: float) -> float:
        scale = np.exp(-log_temperature)
        return float(np.mean(logsumexp(logits * scale, axis=1) - of_truth * scale))

    best = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(best.x))


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> "pd.DataFrame":
    """A row for each bin of confidence that holds photos: low, high (its edges), n, confidence (mean), accuracy.

    Bins are of equal width and [low, high), but that a confidence of exactly 1 falls in the last one.
    """
    edges = np.linspace(0, 1, bins + 1).astype(confidence.dtype)
    places = np.clip(np.searchsorted(edges, confidence, side="right") - 1, 0, bins - 1)
    answers = pd.DataFrame({"place": places, "confidence": confidence, "accuracy": right.astype(float)})
    in_bins = answers.groupby("place")
    table = in_bins.mean().assign(n=in_bins.size())
    place = table.index.to_numpy()
    return table.assign(low=place / bins, high=(place + 1) / bins)[["low", "high", "n", "confidence", "accuracy"]]


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over the bins of `reliability`, weighted by photos; 0 is best."""
    table = reliability(confidence, right, bins)
    return float(np.average((table["accuracy"] - table["confidence"]).abs(), weights=table["n"]))


def risk_coverage(confidence: np.ndarray, right: np.ndarray) -> "pd.DataFrame":
    """Accuracy when only the surest are answered: a row for each number of them, 1 to n, as coverage and accuracy.

    Photos of equal confidence are answered together, so a row for each distinct confidence: `least` is the lowest one.
    """
    order = np.argsort(-confidence, kind="stable")
    answered, least = np.arange(1, len(order) + 1), confidence[order]
    last = np.append(least[1:] != least[:-1], True)
    table = {"n": answered, "coverage": answered / len(order), "accuracy": np.cumsum(right[order]) / answered,
             "least": least}  # fmt: skip
    return pd.DataFrame(table)[last].reset_index(drop=True)


def mcnemar(ours: np.ndarray, theirs: np.ndarray) -> tuple[int, int, float]:
    """Of two models on the same photos, bool (n,) who was right: photos that only the first, only the second had
    right, and the exact two-sided p-value that the two are equally good (McNemar 1947, binomial)."""
    from scipy.special import bdtr  # scipy.stats would take 50 MB of the web process for one number

    first, second = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    one_tail = bdtr(min(first, second), first + second, 0.5)  # of fair coins; the other tail is as large
    return first, second, min(1.0, 2 * float(one_tail))
