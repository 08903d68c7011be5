import keras_tuner
import numpy as np
import pytest

from textbook.search.scales import scales


def declared(*calls):
    hp = keras_tuner.HyperParameters()
    for kind, *arguments, settings in calls:
        getattr(hp, kind)(*arguments, **settings)
    return scales(hp)


def test_unit_is_where_keras_tuner_draws_a_value():
    found = declared(
        ("Float", "linear", -1.0, 3.0, {}),
        ("Float", "log", 1e-4, 1.0, {"sampling": "log"}),
        ("Float", "reverse", 0.01, 0.9, {"sampling": "reverse_log"}),
    )
    hp = keras_tuner.engine.hyperparameters
    for name, parameter in {
        "linear": hp.Float("x", -1.0, 3.0),
        "log": hp.Float("x", 1e-4, 1.0, sampling="log"),
        "reverse": hp.Float("x", 0.01, 0.9, sampling="reverse_log"),
    }.items():
        places = np.linspace(0, 1, 7)
        values = [parameter.prob_to_value(place) for place in places]
        assert found[name].unit(values) == pytest.approx(places)
        assert found[name].back(found[name].straight(values)) == pytest.approx(values)


def test_categories_stand_in_the_order_of_their_declaration():
    found = declared(
        ("Choice", "activation", ["tanh", "relu", "elu"], {}), ("Boolean", "norm", {}), ("Choice", "size", [64, 8], {})
    )
    assert found["activation"].unit(["tanh", "relu", "elu"]).tolist() == [0.0, 0.5, 1.0]
    assert np.isnan(found["activation"].unit([None, np.nan])).all()
    assert not found["activation"].numeric
    assert not found["norm"].numeric
    assert (found["size"].numeric, found["size"].low, found["size"].high) == (True, 8, 64)


def test_few_values_of_a_step_are_listed_as_keras_tuner_draws_them():
    found = declared(
        ("Int", "few", 1, 3, {}),
        ("Int", "many", 1, 30, {}),
        ("Int", "doubled", 2, 32, {"step": 2, "sampling": "log"}),
        ("Float", "share", 0.0, 1.0, {"step": 0.2}),
        ("Float", "free", 0.0, 1.0, {}),
    )
    assert found["few"].values == (1, 2, 3)
    assert found["doubled"].values == (2, 4, 8, 16, 32)
    assert found["share"].values == pytest.approx((0, 0.2, 0.4, 0.6, 0.8, 1.0))
    assert found["many"].values == found["free"].values == ()


def test_one_name_under_two_conditions_gets_a_scale_for_both():
    hp = keras_tuner.HyperParameters()
    hp.Choice("optimizer", ["sgd", "adam"])
    for name, low, high in (("sgd", 1e-3, 1.0), ("adam", 1e-5, 1e-2)):
        with hp.conditional_scope("optimizer", [name]):
            hp.Float("rate", low, high, sampling="log")
    rate = scales(hp)["rate"]
    assert (rate.kind, rate.low, rate.high) == ("log", 1e-5, 1.0)


def test_values_come_back_as_the_builder_got_them():
    found = declared(
        ("Int", "units", 1, 64, {}), ("Choice", "size", [8, 64], {}), ("Boolean", "norm", {}), ("Fixed", "depth", 2, {})
    )
    given = {"units": 32.0, "size": 8.0, "norm": np.True_, "depth": 2.0}
    values = {name: found[name].native(value) for name, value in given.items()}
    assert values == {"units": 32, "size": 8, "norm": True, "depth": 2}
    assert [type(value) for value in values.values()] == [int, int, bool, int]
    assert found["depth"].fixed
    assert found["depth"].unit([2]).tolist() == [0.5]
