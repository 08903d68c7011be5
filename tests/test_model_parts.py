import keras
import pytest

from textbook.model_parts import hyperparameters, model_parts


def network(**compiled):
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(3, name="first", use_bias=False),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dropout(0.25, name="drop"),
            keras.layers.Dense(2, name="last"),
        ]
    )
    if compiled:
        model.compile(**compiled)
    return model


def counts(model) -> dict:
    return model_parts(model).groupby("kind")["count"].sum().to_dict()


def test_every_number_has_its_kind():
    # 4·3 weights, γ and β of 3 units, 3·2 weights and 2 biases; mean and variance; dropout's two words
    found = counts(network())
    assert found == {"parameter": 12 + 6 + 8, "statistic": 6, "random state": 2, "hyperparameter": 5}


def test_a_frozen_layer_keeps_its_parameters_under_another_name():
    model = network()
    model.get_layer("norm").trainable = False
    found = counts(model)
    assert found["frozen parameter"] == 6 and found["parameter"] == 20 and found["statistic"] == 6


def test_the_optimizer_adds_its_state_and_its_numbers():
    model = network(optimizer=keras.optimizers.Adam(0.02, beta_2=0.9), loss="mse")
    assert counts(model)["optimizer state"] == 2 * 26 + 1  # two averages of each parameter, and the count of updates
    found = hyperparameters(model)
    assert found["optimizer.learning_rate"] == pytest.approx(0.02) and found["optimizer.beta_2"] == 0.9
    assert found["first.units"] == 3 and found["drop.rate"] == 0.25
    sgd = network(optimizer=keras.optimizers.SGD(), loss="mse")
    assert counts(sgd)["optimizer state"] < counts(model)["optimizer state"]


def test_a_model_that_is_not_built_is_refused():
    with pytest.raises(ValueError, match="expected a built model"):
        model_parts(keras.Sequential([keras.layers.Dense(2)]))
