"""The race's own bookkeeping: who leaves the saddle when, and what the claims make of it."""

import math

import numpy as np
from matplotlib.animation import FuncAnimation

from chapters.ch5 import optimizer_race as race
from textbook import update_rules
from textbook.experiment import Run, exact


def test_plain_descent_leaves_when_its_growth_says():
    table = race._escapes([0.1, 0.3], 0.3, 1e-3, 200)
    plain = table[table.rule == "SGD"].set_index("rate")["updates"]
    for rate in (0.1, 0.3):
        assert plain[rate] == math.ceil(math.log(1000) / math.log(1 + 2 * rate))
    assert table.film.tolist() == [False] * 7 + [True] * 7


def test_a_rule_that_does_not_leave_counts_one_more_than_the_most():
    table = race._escapes([1e-5], 1e-5, 1e-3, 20)
    assert table["updates"].tolist() == [21] * 7
    assert not table.plain_last.any() and not table[table.rule == "Adam"].adaptive_first.any()


def test_the_order_is_of_the_texts_six_rules(monkeypatch):
    # planted: an Adagrad of Keras's that nobody could be slower than must not change any flag
    monkeypatch.setattr(race, "Adagrad", lambda rate: update_rules.GradientDescent(1e-9))
    table = race._escapes([0.3], 0.3, 1e-3, 100).set_index("rule")
    assert table["updates"][race.KERAS_START] == 101 and table.plain_last.all()
    # and a momentum that outruns all makes the claim fail
    monkeypatch.setitem(race.RULES, "momentum", lambda rate: update_rules.GradientDescent(1e6))
    planted = race._escapes([0.3], 0.3, 1e-3, 100)
    assert exact(measured="adaptive_first", expected=True).judge(planted).verdict == "violated"


def test_the_tables_name_one_last_a_course_and_the_film_shows_every_racer(monkeypatch):
    monkeypatch.setattr(race, "RATES", (1e-3, 1e-2))
    tables = race.measure(Run(seeds=(1000,)), updates=12, most=30)
    assert tables["ends"].groupby("course")["last"].sum().tolist() == [1, 1, 1]
    assert tables["ends"].border.all()  # of two rates both are at the border
    walks = tables["walks"]
    assert np.isfinite(walks[walks.course == "saddle"].value).all()
    film = race.animate(tables)
    assert isinstance(film, FuncAnimation)
    assert [text.get_text() for text in film._fig.legends[0].get_texts()] == list(race.RULES)
    film._draw_was_started = True  # Matplotlib warns of a film that nobody has looked at
