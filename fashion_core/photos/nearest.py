"""Which of many points are near each other: all pairs within reach, and the nearest of each.

    for pairs in pairs_within(points, reach): …
    distances, rows = Nearest(points).to(asked, 10)

Points are photos by their thumbnails or their embeddings. `pairs_within` loses no pair. `Nearest` looks through all of
EXACT points or fewer; of more, Faiss's inverted lists: the points are sorted to centres, and a question looks through
the lists of the nearest. docs/performance.md has what that costs at which size.
"""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from fashion_core import UserError
from fashion_core.files import Progress

LEAF = 64  # points that are compared with all that may be near one of them
BATCH = 1_000_000  # pairs
EXACT = 12_000  # up to so many points the lists are no faster than looking through all
POINTS_A_LIST, PROBED = 160, 24
TRAINED_ON = 64  # points for each centre
ROUNDS = 8  # of k-means: more find no more neighbours


def pairs_within(
    points: np.ndarray, reach: np.ndarray, progress: Progress = None, what: str = ""
) -> Iterator[np.ndarray]:
    """Blocks of index pairs (m, 2), i < j, of the points, float32 (n, d), that lie no further apart than either one's
    `reach`, (n,); with the error of float32, so widen a reach that must lose nothing.

    The points are halved along the axis in which they differ most, again and again, and each half keeps with it only
    those of the others that reach it along this axis. So a point meets those around it, not all; where all are around
    all it is as if each were compared with each.
    """
    x, reach, found, done = _turned(points), reach.astype(np.float32), [np.empty((0, 2), int)], 0
    squares, waiting = (x**2).sum(1), [(np.arange(len(x)), np.empty(0, int))]
    while waiting:
        rows, others = waiting.pop()
        if len(rows) > LEAF:
            waiting += _halves(x, reach, rows, others)
            continue
        both = np.concatenate([rows, others])
        distance = x[rows] @ (-2 * x[both].T) + squares[rows, None] + squares[both]
        one, other = np.nonzero(distance <= np.minimum(reach[rows, None], reach[both]) ** 2)
        one, other = one[one < other], other[one < other]  # others come after, so that each pair is there once
        found.append(np.sort(np.stack([rows[one], both[other]], axis=1), axis=1))
        done += len(rows)
        if progress:
            progress(done, len(x), what)
        if sum(map(len, found)) > BATCH or not waiting:
            yield np.concatenate(found)
            found = found[:1]


def _turned(points: np.ndarray) -> np.ndarray:
    """The points around their mean, (n, d), along the directions in which they differ most, at the same distances."""
    x = points.astype(np.float32) - points.mean(0, dtype=np.float64).astype(np.float32) if len(points) else points
    return x @ np.linalg.eigh((x.T @ x).astype(np.float64))[1].astype(np.float32)


def _halves(x: np.ndarray, reach: np.ndarray, rows: np.ndarray, others: np.ndarray) -> list:
    """`rows` in two halves, each with what may be near it: the other half with the first alone, as each pair is met
    once."""
    axis = np.argmax(np.ptp(x[rows], axis=0))
    along = x[:, axis]
    order = rows[np.argpartition(along[rows], len(rows) // 2)]
    first, second = order[: len(rows) // 2], order[len(rows) // 2 :]
    halves = []
    for half, rest in ((first, np.concatenate([second, others])), (second, others)):
        low, high = along[half].min(), along[half].max()
        halves.append((half, rest[(along[rest] + reach[rest] >= low) & (along[rest] - reach[rest] <= high)]))
    return halves


class Nearest:
    """The nearest among points, float32 (n, d)."""

    def __init__(self, points: np.ndarray) -> None:
        self.points = np.ascontiguousarray(points, np.float32)
        self._index = index(self.points, "Flat", EXACT)

    def to(self, asked: np.ndarray, count: int, exact: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """The distances (m, count) of `asked` (m, d) to its nearest points, nearest first, and the rows of these.

        Through the lists a distance may be too long, never too short. `exact` looks through all points.
        """
        asked, count = np.ascontiguousarray(asked, np.float32), min(count, len(self.points))
        if exact:
            return among_all(self.points, asked, count)
        every = self._index.search(asked, count)[1]
        short = (every < 0).any(1)  # the lists that were looked through hold fewer
        if short.any():
            every[short] = among_all(self.points, asked[short], count)[1]
        return _nearest_first(self.points, asked, every)


def among_all(points: np.ndarray, asked: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The same of points float32 (n, d), each looked at: time grows with m × n."""
    return _nearest_first(points, asked, faiss().knn(asked, points, min(count, len(points)))[1])


def _nearest_first(points: np.ndarray, asked: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    distances = np.linalg.norm(points[rows] - asked[:, None], axis=2)  # Faiss's own lose the small ones
    order = np.argsort(distances, axis=1, kind="stable")
    return np.take_along_axis(distances, order, 1), np.take_along_axis(rows, order, 1)


def index(points: np.ndarray, storage: str, exact: int, by_cosine: bool = False) -> Any:
    """Faiss's index of points, float32 (n, d): with inverted lists where they are more than `exact`."""
    lists = len(points) // POINTS_A_LIST if len(points) > exact else 0
    metric = faiss().METRIC_INNER_PRODUCT if by_cosine else faiss().METRIC_L2
    made = faiss().index_factory(points.shape[1], f"IVF{lists},{storage}" if lists else storage, metric)
    if lists:
        made.cp.niter, made.nprobe = ROUNDS, PROBED
    some = np.random.default_rng(0).permutation(len(points))[: TRAINED_ON * max(len(points) // POINTS_A_LIST, 1)]
    made.train(points[np.sort(some)])
    made.add(points)
    return made


def faiss() -> ModuleType:
    """Imported on first use: it takes a moment, and most visits compare no photos."""
    try:
        import faiss
    except ImportError as error:
        raise UserError(f"Faiss cannot be loaded ({error}): run `pip install -r requirements.txt`.") from None
    return faiss
