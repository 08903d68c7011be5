"""Batches above 4,000: the rates and updates of each protocol, and sizes that do not fit."""

import numpy as np
import pytest

from chapters.ch8 import batches_above_4000 as section
from textbook.experiment import Run


def _rates(condition, *, size):
    """The rate of every update, for 16,384 training rows."""
    per_epoch = 16384 // size
    update = np.arange(condition.epochs * per_epoch)
    return condition.learning_rate.schedule.with_updates(per_epoch)(update / per_epoch)


def _condition(protocol, size, rate=0.5):
    return section._condition(protocol, size, rate, usual=512, epochs=2, warmup=0.5)


def test_equal_updates_are_equal_and_have_the_same_rates_at_every_size():
    usual, above = (_rates(_condition(section.UPDATES, size), size=size) for size in (512, 8192))
    assert len(usual) == 64
    np.testing.assert_allclose(above, usual)
    np.testing.assert_allclose(usual, 0.5 * (1 - np.arange(64) / 64))


@pytest.mark.parametrize("protocol", [section.FIXED, section.SCALED, section.SMALL])
def test_equal_epochs_leave_a_large_batch_few_updates(protocol):
    assert len(_rates(_condition(protocol, 8192), size=8192)) == 4


@pytest.mark.parametrize("protocol", [section.SCALED, section.SMALL])
def test_a_scaled_rate_climbs_from_the_usual_one_to_sixteen_times_it_and_falls(protocol):
    # half of the two epochs to climb: 1, then half way to 16; then 16 and half of it
    np.testing.assert_allclose(_rates(_condition(protocol, 8192), size=8192) / 0.5, [1, 8.5, 16, 8])


def test_the_usual_size_has_no_warm_up():
    scaled, plain = (_rates(_condition(protocol, 512), size=512) for protocol in (section.SMALL, section.UPDATES))
    np.testing.assert_allclose(scaled, plain)


@pytest.mark.parametrize("sizes", [{"usual": 500}, {"between": 4096}, {"above": 2048}, {"above": 32768}, {"usual": 0}])
def test_sizes_that_do_not_divide_or_do_not_enclose_the_limit_are_refused(sizes):
    with pytest.raises(ValueError, match=r"expected usual < between < 4000 < above .* powers of two"):
        section.measure(Run(), **sizes)


def test_the_warm_up_is_a_share():
    with pytest.raises(ValueError, match="expected warmup as a share between 0 and 1, got 1"):
        section.measure(Run(), warmup=1.0)
