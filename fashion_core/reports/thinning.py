"""A long column of numbers → a line of few points: an exponential moving average, then the means of equal buckets.

    thinned = thin(column, first=0, weight=0.6)
    thinned.rows, thinned.means                             # of each bucket: its last row, the mean of its values
    thinned = thin(longer, first=0, weight=0.6, before=thinned)     # works on what is new

Whole buckets stay as they are while a column grows, so the second call gives what it would give without `before`, at a
cost that does not depend on how long the column is.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

POINTS = 500  # at least, where there are more values; less than twice as many


class Average(NamedTuple):
    """Where an exponential moving average stands: the weighted sum of the values so far, and that of their weights."""

    total: float = 0.0
    weights: float = 0.0


class Thinned(NamedTuple):
    """Rows `first` to `last` of a column, in buckets of `width` rows: the means of the whole ones, the average after
    them, and the mean of what is left."""

    column: np.ndarray
    first: int
    last: int
    weight: float
    width: int
    whole: np.ndarray
    average: Average
    rest: list[float]

    @property
    def rows(self) -> np.ndarray:
        """The last row of each bucket."""
        return np.minimum(self.first + self.width * np.arange(1, len(self.means) + 1), self.last) - 1

    @property
    def means(self) -> np.ndarray:
        return np.append(self.whole, self.rest)

    @property
    def done(self) -> int:
        """The first row that no whole bucket holds."""
        return self.first + self.width * len(self.whole)

    def begins(self, column: np.ndarray, first: int, weight: float, width: int) -> bool:
        """Whether it has whole buckets of this column, as asked for: of a view of the same array, whose rows stay."""
        same = column.base is not None and column.base is self.column.base
        return same and (first, weight, width) == (self.first, self.weight, self.width) and self.done <= len(column)


def thin(
    column: np.ndarray, first: int = 0, weight: float = 0.0, points: int = POINTS, before: Thinned | None = None
) -> Thinned:
    """`column` from row `first` on, smoothed by `weight` from its very beginning, as `points` to 2 × `points` means, or
    as it is where it has fewer. Goes on from `before` where that is the beginning of it.

    A bucket's width is a power of two, so that a growing run keeps the points it has already drawn.
    """
    width = 1 << max(0, int(np.ceil(np.log2(max(1, len(column) - first) / (2 * points)))))
    if before is None or not before.begins(column, first, weight, width):
        average = carried_on(column[:first], weight, Average())[1]
        before = Thinned(column, first, first, weight, width, np.empty(0), average, [])
    end = before.done + (len(column) - before.done) // width * width
    values, average = carried_on(column[before.done : end], weight, before.average)
    whole = np.append(before.whole, values.reshape(-1, width).mean(axis=1))
    rest = carried_on(column[end:], weight, average)[0]
    return Thinned(column, first, len(column), weight, width, whole, average, [rest.mean()] if len(rest) else [])


def smooth(values: np.ndarray, weight: float) -> np.ndarray:
    """Exponential moving average; `weight` 0 leaves the values, 0.99 keeps 99% of the past. Debiased at the start."""
    return carried_on(values, weight, Average())[0]


def carried_on(values: np.ndarray, weight: float, before: Average) -> tuple[np.ndarray, Average]:
    """The moving average of `values` that come after `before`, and where it stands after them. What is not finite is
    passed over, as pandas does."""
    if not weight or not len(values):
        return values, before
    past = np.zeros(len(values))  # what is left of `before` by each value, as far as a float can say it
    near = min(len(values), int(np.log(1e-300) / np.log(weight)))
    past[:near] = weight ** np.arange(1, near + 1)
    known = np.isfinite(values)
    means = _mean(values, weight)
    weights = (1 - past) / (1 - weight) * (1.0 if known.all() else _mean(known.astype(float), weight))
    if before.weights:
        means = past * before.total + weights * np.nan_to_num(means)
        weights += past * before.weights
        means /= weights
    return means, Average(float(np.nan_to_num(means[-1]) * weights[-1]), float(weights[-1]))


def _mean(values: np.ndarray, weight: float) -> np.ndarray:
    return pd.Series(values).ewm(alpha=1 - weight).mean().to_numpy()
