"""Promises of what finds near points: it answers as a comparison of each with each does, and makes far fewer."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from evaluations import clusters

from fashion_core.evaluation import label_issues
from fashion_core.photos import duplicates, nearest
from fashion_core.photos.nearest import Nearest, pairs_within


def compared(points: np.ndarray, reach: np.ndarray) -> list[list[int]]:
    """The pairs within reach, each point compared with each."""
    distances = np.linalg.norm(points[:, None].astype(float) - points[None].astype(float), axis=2)
    return np.argwhere(np.triu(distances <= np.minimum(reach[:, None], reach), 1)).tolist()


def shots(rng: np.random.Generator, count: int) -> np.ndarray:
    """Thumbnails (count, 16, 16, 3) of goods on white; the last third are others saved anew, lighter or darker."""
    coarse = rng.integers(0, 256, (count, 4, 4, 3)).astype(float)
    coarse[rng.random((count, 4, 4)) < 0.4] = 255
    coarse[::7] = 240 + coarse[::7] / 17  # pale ones
    photos = coarse.repeat(4, 1).repeat(4, 2) + rng.normal(0, 2, (count, 16, 16, 3))
    copies = photos[rng.integers(0, count - count // 3, count // 3)]
    photos[count - count // 3 :] = copies + rng.uniform(-6, 6, (count // 3, 1, 1, 1)) + rng.normal(0, 2, copies.shape)
    return photos.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("count", [0, 1, 2, 65, 500])
@pytest.mark.parametrize("share", [0.01, 0.3, 1.0])
def test_all_pairs_within_reach_are_found_once_and_no_other(count, share):
    rng = np.random.default_rng(count)
    points = rng.normal(3, [4, 2, 1, 0.5, 0.1], (count, 5)).astype(np.float32)
    points[count // 2 :: 5] = points[: len(points[count // 2 :: 5])]  # some are there twice
    reach = rng.uniform(0.05, 8 * share, count)
    told: list[tuple[int, int, str]] = []
    found = np.concatenate(list(pairs_within(points, reach, lambda *said: told.append(said), "Looking")))
    assert sorted(found.tolist()) == compared(points, reach)
    assert told[-1] == (count, count, "Looking")


def test_points_that_are_all_within_reach_come_in_blocks(monkeypatch):
    monkeypatch.setattr(nearest, "BATCH", 1000)
    blocks = list(pairs_within(np.zeros((300, 3), np.float32), np.ones(300)))
    assert len(blocks) > 5 and sum(map(len, blocks)) == 300 * 299 // 2


def test_a_point_meets_those_around_it_not_all(monkeypatch):
    met, halves = [0], nearest._halves

    def counted(*given) -> list:
        made = halves(*given)
        met[0] += sum(len(rows) * (len(rows) + len(others)) for rows, others in made if len(rows) <= nearest.LEAF)
        return made

    monkeypatch.setattr(nearest, "_halves", counted)
    shares = []
    for count in (2000, 8000):
        met[0] = 0
        points = np.random.default_rng(0).normal(0, [9, 7, 5, 4, 3, 2], (count, 6)).astype(np.float32)
        list(pairs_within(points, np.full(count, 0.5)))
        shares.append(met[0] / count**2)
    assert shares[0] < 0.2 and shares[1] < shares[0] / 2


@pytest.mark.parametrize("seed", range(3))
def test_near_duplicates_are_those_that_a_comparison_of_each_with_each_finds(seed):
    thumbnails = shots(np.random.default_rng(seed), 450)
    flat = thumbnails.reshape(450, 768)
    own = np.clip(0.1 * flat.std(1, dtype=np.float32), 1, 5) * 768**0.5
    groups = duplicates.grouped(450, np.array(compared(flat, own)))
    assert (duplicates.near_duplicates(thumbnails) == groups).all() and groups.max() > 40

    both = np.concatenate([flat, thumbnails[:, :, ::-1].reshape(450, 768)])
    mirrored = {tuple(sorted((i, j - 450))) for i, j in compared(both, np.tile(own, 2)) if i < 450 <= j != i + 450}
    turned = np.concatenate([thumbnails, thumbnails[:5, :, ::-1]])
    assert set(map(tuple, duplicates.mirrored_pairs(thumbnails).tolist())) == mirrored
    assert set(zip(range(5), range(450, 455), strict=True)) <= set(
        map(tuple, duplicates.mirrored_pairs(turned).tolist())
    )


def in_heaps(rng: np.random.Generator, count: int) -> np.ndarray:
    """Points (count, 16) in 30 heaps, as classes are."""
    return (rng.normal(0, 1, (30, 16))[rng.integers(0, 30, count)] + rng.normal(0, 0.1, (count, 16))).astype(np.float32)


def test_the_nearest_are_those_of_a_comparison_with_all():
    points = in_heaps(np.random.default_rng(0), 400)
    truth = np.linalg.norm(points[:50, None] - points[None], axis=2)
    distances, rows = Nearest(points).to(points[:50], 10)
    assert (rows == np.argsort(truth, axis=1, kind="stable")[:, :10]).all() and (distances[:, 0] == 0).all()
    assert np.allclose(distances, np.sort(truth, axis=1)[:, :10])
    assert Nearest(points[:3]).to(points[:1], 10)[1].shape == (1, 3)


def test_the_lists_miss_next_to_nothing_and_no_distance_is_too_short(monkeypatch):
    points = in_heaps(np.random.default_rng(1), 8000)
    true, rows = Nearest(points).to(points[:500], 10)
    monkeypatch.setattr(nearest, "EXACT", 1000)
    through = Nearest(points)
    distances, found = through.to(points[:500], 10)
    assert np.mean([len(set(a) & set(b)) for a, b in zip(rows, found, strict=True)]) > 9.9
    assert (distances >= true).all() and (through.to(points[:500], 10, exact=True)[0] == true).all()
    assert (through.to(points[:5], 5000)[1] >= 0).all()  # more than the lists hold: it looks through all


def test_outliers_and_votes_are_the_same_through_the_lists(monkeypatch):
    points = in_heaps(np.random.default_rng(2), 2000)
    points[7] = 9  # far from all
    photos = pd.concat([clusters().photos] * 84, ignore_index=True)[:2000]
    photos = photos.assign(
        path=[f"{i}.jpg" for i in range(2000)], group=-1, label=np.where(points[:, 0] > 0, "hat", "sock")
    )
    evidence = replace(clusters(), photos=photos, embeddings=points.astype(np.float16))
    unlike, answers = label_issues.outliers(evidence), label_issues.out_of_fold(evidence)
    monkeypatch.setattr(nearest, "EXACT", 500)
    assert label_issues.outliers(evidence).equals(unlike) and unlike["path"][0] == "7.jpg"
    assert np.abs(label_issues.out_of_fold(evidence).probabilities - answers.probabilities).mean() < 0.001


def test_each_vote_weighs_one_over_its_distance_and_a_twin_outvotes_all():
    shares = label_issues._votes(np.array([[1.0, 2, 2], [0, 0.1, 0.1]]), np.array([[0, 1, 1], [2, 1, 1]]), 3)
    assert shares.tolist() == [[0.5, 0.5, 0], [0, 0, 1]]
