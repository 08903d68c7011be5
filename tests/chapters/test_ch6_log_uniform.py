import numpy as np
import pytest

from chapters.ch6 import log_uniform as section

RATES = np.geomspace(1e-4, 1, 17)


def best(table, width, scale, n):
    rows = table[(table.range == width) & (table.scale == scale) & (table.trials == n)]
    return rows.test_loss.item()


@pytest.mark.parametrize("centre, better", [(1e-3, section.LOG), (0.9, section.EVEN)])
def test_a_search_finds_what_lies_where_it_draws(centre, better):
    losses = np.log(RATES / centre) ** 2
    table = section._searches(RATES, losses, losses)
    other = {section.LOG: section.EVEN, section.EVEN: section.LOG}[better]
    assert best(table, section.WIDE, better, 5) < best(table, section.WIDE, other, 5)
    # around the optimum, a narrow range hardly minds
    narrow = [best(table, section.NARROW, scale, 20) for scale in (section.LOG, section.EVEN)]
    assert max(narrow) < 0.05


def test_one_draw_is_the_mean_of_the_loss_under_each_density():
    table = section._searches(RATES, np.zeros(17), RATES)
    # the mean of a rate drawn evenly is near ½; on the log scale 1/ln(10⁴)
    assert best(table, section.WIDE, section.EVEN, 1) == pytest.approx(0.5, rel=0.03)
    assert best(table, section.WIDE, section.LOG, 1) == pytest.approx(1 / np.log(1e4), rel=0.05)


def test_shares_are_counted_and_known():
    unit = (np.arange(10_000) + 0.5) / 10_000
    table = section._shares({0: unit[:5000], 1: unit[5000:]})
    assert np.allclose(table.counted, table.closed_form, atol=2e-4)
    even = table[table.scale == section.EVEN].set_index("part").closed_form
    assert even["above 0.1"] == pytest.approx(0.9 / 0.9999)
    assert even["up to 0.1"] == pytest.approx(0.0999 / 0.9999)


def test_only_the_power_gives_rates():
    found = section._ways((np.arange(100) + 0.5) / 100).set_index("way").in_range
    assert found.to_dict() == {"10 · r": 0.0, "10⁴ · r": 0.0, "10 ** r": 1.0}
