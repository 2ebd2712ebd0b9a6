"""Long lines: thinned without losing their mean or their end, smoothed without a false start, and carried on as they
grow to what they would be anew."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from fashion_core.reports.thinning import Average, carried_on, smooth, thin


def test_thinning_keeps_short_runs_whole_and_long_ones_small():
    short = thin(np.arange(5.0))
    assert short.rows.tolist() == [0, 1, 2, 3, 4] and short.means.tolist() == [0, 1, 2, 3, 4]
    long = thin(np.arange(100_000.0), points=500)
    assert 500 <= len(long.rows) <= 1000 and long.rows[-1] == 99_999
    assert long.means[0] == pytest.approx(63.5)  # the mean of the first 128: buckets are powers of two
    assert thin(np.empty(0)).means.tolist() == []


def test_a_growing_run_keeps_the_points_it_has_drawn():
    noise = np.random.default_rng(0).normal(size=1500)
    before, after = (thin(noise[:length], points=500).means for length in (1200, 1500))
    assert after[: len(before) - 1].tolist() == before[:-1].tolist()


def test_smoothing_starts_at_the_first_value():
    assert smooth(np.array([4.0, 0.0]), 0.5).tolist() == pytest.approx([4.0, 4 / 3])
    assert smooth(np.array([4.0, 0.0]), 0).tolist() == [4.0, 0.0]


@pytest.mark.parametrize("weight", [0, 0.01, 0.6, 0.99])
@pytest.mark.parametrize("first", [0, 1, 777])
def test_a_line_that_is_carried_on_is_what_it_would_be_anew(weight, first):
    values = np.random.default_rng(0).normal(size=30_000)
    values[np.random.default_rng(1).random(len(values)) < 0.01] = np.nan
    values[:3] = np.nan
    smoothed = pd.Series(values).ewm(alpha=1 - weight).mean().to_numpy() if weight else values
    before = None
    for length in (777, 778, 1500, 1777, 1778, 5000, 12_345, 12_346, 30_000):
        before = thin(values[:length], first, weight, before=before)
        ends = np.append(first, before.rows + 1)
        means = [smoothed[start:end].mean() for start, end in pairwise(ends)]
        np.testing.assert_allclose(before.means, means, rtol=1e-9, atol=1e-12)
        assert length == first or ends[-1] == length


def test_another_column_is_not_carried_on():
    values = np.arange(10.0)
    before = thin(values[:5], weight=0.5)
    assert (
        thin(values[:7] + 1, weight=0.5, before=before).means.tolist()
        == thin(values[:7] + 1, weight=0.5).means.tolist()
    )


def test_an_average_is_carried_on_over_any_cut():
    values = np.array([1.0, np.nan, 3.0, 5.0])
    whole, end = carried_on(values, 0.5, Average())
    for cut in range(1, 4):
        first, between = carried_on(values[:cut], 0.5, Average())
        rest, after = carried_on(values[cut:], 0.5, between)
        assert np.append(first, rest).tolist() == pytest.approx(whole.tolist()) and after == pytest.approx(end)
