"""Photos that look alike, grouped by their thumbnails; and pairs that may be one photo, to be looked at closely."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from fashion_core.files import Progress
from fashion_core.photos.nearest import among_all, pairs_within

# Two photos are near-duplicates when their 16 × 16 RGB thumbnails differ by at most this much: root mean square over
# the 768 values, on the scale 0…255. Measured on 4,029 catalogue photos, looking at the pairs: up to 5.0 there are 109,
# each one picture or one shot, in 67 groups of at most 4; the first wrong pair, a shoe in black and in blue, is at 5.3;
# from 6.5 most pairs are different goods, and at 12 one chain holds 44 photos. Of copies saved anew at JPEG quality 50,
# halved, doubled or brightened by 5, 5.0 finds all; at quality 20, 95%; a copy cropped by 2% it does not find.
# Pale photos differ little anyway: white on white, 462 of 43,430 goods were one chain. Hence at most a tenth of the
# photo's own deviation, never asked below 1.0; the longest chain is then 29 lipsticks, and no pair of the 109 is lost.
NEAR, NEAR_OF_CONTRAST, NEAR_AT_LEAST = 5.0, 0.1, 1.0


def near_duplicates(thumbnails: np.ndarray, progress: Progress = None) -> np.ndarray:
    """Groups of photos that look alike: uint8 (n, 16, 16, 3) → int (n,), equal numbers for one group, -1 for alone.

    Whoever is near one member belongs to the group, so that no two near photos are ever in different groups.
    """
    component = np.arange(len(thumbnails))
    for pairs in _near_pairs(thumbnails, progress):
        component = _joined(component, pairs)
    return _numbered(component)


def grouped(n: int, pairs: np.ndarray) -> np.ndarray:
    """The groups, as above, of n photos that pairs of rows (m, 2) link."""
    return _numbered(_joined(np.arange(n), pairs))


def mirrored_pairs(thumbnails: np.ndarray, progress: Progress = None) -> np.ndarray:
    """Pairs of rows (m, 2), the lesser first, of which one is near the other's mirror image."""
    n = len(thumbnails)
    both = np.concatenate([thumbnails, thumbnails[:, :, ::-1]])
    found = np.concatenate([np.empty((0, 2), int), *_near_pairs(both, progress)])
    found = found[(found[:, 0] < n) & (found[:, 1] >= n)] - [0, n]
    return np.unique(np.sort(found[found[:, 0] != found[:, 1]], 1), axis=0)


def nearest_pairs(embeddings: np.ndarray, neighbours: int, most: int) -> np.ndarray:
    """Pairs of rows (m, 2), the lesser first, of which one is among the other's nearest `neighbours` by the cosine of
    their embeddings (n, d); of them the `most` most alike, likest first. A threshold would fit one model alone. Time
    grows with the square of the photos; docs/performance.md says why."""
    unit = (embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)).astype(np.float32)
    count, pairs, distances = min(neighbours, len(unit) - 1), [np.empty((0, 2), int)], [np.empty(0)]
    if count < 1:
        return pairs[0]
    for start in range(0, len(unit), 1000):
        far, best = among_all(unit, unit[start : start + 1000], count + 1)
        rows = start + np.arange(len(best))
        itself = best == rows[:, None]
        itself[~itself.any(1), -1] = True  # among many twins it need not find itself
        others = ~itself
        pairs.append(np.stack([np.repeat(rows, count), best[others]], 1))
        distances.append(far[others])
    found, first = np.unique(np.sort(np.concatenate(pairs), 1), axis=0, return_index=True)
    return found[np.argsort(np.concatenate(distances)[first], kind="stable")[:most]]


def differs_within_group(photos: pd.DataFrame, column: str) -> pd.Series:
    """Whether each photo is in a group of near-duplicates that has more than one value in `column`."""
    return (photos["group"] >= 0) & (photos.groupby("group")[column].transform("nunique") > 1)


def conflicting(photos: pd.DataFrame) -> pd.Series:
    """Whether each photo has a near-duplicate under another label: one of the two is wrong."""
    return differs_within_group(photos, "label")


def _numbered(component: np.ndarray) -> np.ndarray:
    """Components (n,) in the order of the photos; -1 for those of one photo."""
    groups = np.full(len(component), -1)
    together = np.bincount(component)[component] > 1
    _, first, number = np.unique(component[together], return_index=True, return_inverse=True)
    groups[together] = np.argsort(np.argsort(first))[number]
    return groups


def _joined(component: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Components after linking the pairs (m, 2): int (n,) → int (n,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, links = len(component), component[pairs].T
    return connected_components(coo_array((np.ones(len(pairs), bool), tuple(links)), shape=(n, n)))[1][component]


def _near_pairs(thumbnails: np.ndarray, progress: Progress) -> Iterator[np.ndarray]:
    """Blocks of index pairs (m, 2), i < j, of near-duplicates.

    They are looked for at 4 × 4 pixels: a mean never differs more than what it is the mean of, so this loses no pair
    and leaves few to compare at 16 × 16.
    """
    n = len(thumbnails)
    small = thumbnails.reshape(n, 4, 4, 4, 4, 3).mean((2, 4), dtype=np.float32).reshape(n, 48)
    own = np.clip(NEAR_OF_CONTRAST * thumbnails.reshape(n, 768).std(1, dtype=np.float32), NEAR_AT_LEAST, NEAR)
    reach = np.sqrt(own**2 * 48 + 1)  # 1: more than float32 loses
    for pairs in pairs_within(small, reach, progress, "Looking for near-duplicates"):
        for some in np.array_split(pairs, len(pairs) // 10_000 + 1):
            difference = thumbnails[some[:, 0]].astype(np.int32) - thumbnails[some[:, 1]]
            near = (difference**2).mean((1, 2, 3)) <= own[some].min(1) ** 2
            if near.any():
                yield some[near]
