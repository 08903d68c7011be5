"""The noise scale against gradients whose mean and variance are known."""

import numpy as np
import pytest

from textbook.noise_scale import noise_scale, noise_scale_of


def drawn(seed, *, batches=64, small=4, size=30, signal=1.0, spread=2.0):
    """Batch means of rows with gradient N(g, spread²): |g|² = signal, tr Σ = size·spread², B = their ratio."""
    random = np.random.default_rng(seed)
    true = np.full(size, np.sqrt(signal / size))
    return true + random.normal(size=(batches, size)) * spread / np.sqrt(small)


def test_the_formulas_of_the_paper():
    gradients = np.random.default_rng(0).normal(1.0, 1.0, size=(7, 5))
    found = noise_scale(gradients, small=3)
    mean_small, big = (gradients**2).sum(axis=1).mean(), (gradients.mean(axis=0) ** 2).sum()
    assert found.noise == pytest.approx((mean_small - big) / (1 / 3 - 1 / 21))
    assert found.gradient_squared == pytest.approx((21 * big - 3 * mean_small) / (21 - 3))
    assert found.noise_scale == pytest.approx(found.noise / found.gradient_squared)
    assert (found.small, found.big) == (3, 21)


def test_both_estimates_are_unbiased():
    found = [noise_scale(drawn(seed, batches=8), small=4) for seed in range(2000)]
    for name, truth in (("gradient_squared", 1.0), ("noise", 120.0)):
        values = np.array([getattr(one, name) for one in found])
        error = values.std(ddof=1) / np.sqrt(len(values))
        assert abs(values.mean() - truth) < 4 * error
        assert error < 0.1 * truth  # the plain |g_big|² is off by 120/32, far outside


def test_the_interval_covers_as_often_as_it_says():
    found = [noise_scale(drawn(seed, signal=10.0), small=4) for seed in range(500)]
    covered = np.mean([one.low <= 12.0 <= one.high for one in found])
    assert 0.9 <= covered <= 0.99  # 95 % ± 5 standard errors of 500


def test_no_scale_where_the_gradient_is_not_seen():
    found = noise_scale(np.array([[1.0, 0.0], [-1.0, 0.0]]), small=2)
    assert found.gradient_squared < 0
    assert np.isnan([found.noise_scale, found.low, found.high]).all()


def test_only_ten_sums_are_kept_of_a_stream():
    """A generator may reuse its array: each gradient is used before the next is asked for."""

    def reused():
        array = np.zeros(3)
        for values in stream:
            array[:] = values
            yield array

    stream = np.random.default_rng(1).normal(size=(25, 3))
    assert noise_scale(reused(), small=1) == noise_scale(stream, small=1)


def test_rows_are_drawn_once_each_and_whole_batches_only():
    seen = []

    def gradient(x, y):
        seen.append((x, y))
        return [x.mean(axis=0), np.array(y.mean())]

    x = np.arange(22.0).reshape(11, 2)
    found = noise_scale_of(gradient, x, x[:, 0], small=2, seed=4)
    assert found.big == 10
    assert [len(part) for part, _ in seen] == [2] * 5
    rows = np.concatenate([part[:, 0] for part, _ in seen])
    assert len(set(rows)) == 10
    assert all(np.array_equal(part[:, 0], target) for part, target in seen)
    assert noise_scale_of(gradient, x, x[:, 0], small=2, seed=4) == found
    assert noise_scale_of(gradient, x, x[:, 0], small=2, seed=5) != found
    assert noise_scale_of(gradient, x, x[:, 0], small=2, big=6).big == 6


@pytest.mark.parametrize(
    ("gradients", "small", "message"),
    [
        ([np.ones(2)], 1, "expected at least two gradients, got 1"),
        ([np.ones(2), np.ones(3)], 1, "expected flat gradients of 2 numbers"),
        ([np.ones((2, 2))] * 2, 1, "expected flat gradients"),
        ([np.ones(2)] * 2, 0, "expected small as a whole number from 1"),
    ],
)
def test_refuses(gradients, small, message):
    with pytest.raises(ValueError, match=message):
        noise_scale(gradients, small=small)


def test_refuses_too_few_rows():
    with pytest.raises(ValueError, match="expected at least 16 rows"):
        noise_scale_of(lambda x, y: [x[0]], np.ones((15, 2)), small=8)
    with pytest.raises(ValueError, match="expected at least 20 rows"):
        noise_scale_of(lambda x, y: [x[0]], np.ones((15, 2)), small=2, big=20)
    with pytest.raises(ValueError, match="equally many rows"):
        noise_scale_of(lambda x, y: [x[0]], np.ones((15, 2)), np.ones(14), small=2)
