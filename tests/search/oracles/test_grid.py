"""Grid search: every combination once, in a fixed order."""

import keras_tuner
import pytest

from tests.search.oracles.playing import mixed_space, play
from textbook.search.oracles import GridOracle, combinations, grid_size, grid_values


def discrete_space():
    hp = keras_tuner.HyperParameters()
    hp.Choice("optimizer", ["sgd", "adam"], default="adam")
    with hp.conditional_scope("optimizer", ["sgd"]):
        hp.Boolean("nesterov")
        with hp.conditional_scope("nesterov", [True]):
            hp.Int("lookahead", 1, 3)
    hp.Fixed("width", 32)
    hp.Choice("batch", [64, 16])
    return hp


def tried(oracle) -> list[dict]:
    return [values for values, _, _ in play(oracle, len).values()]


def test_all_active_combinations_in_the_order_of_nested_loops():
    short = [tuple(values.get(name) for name in ("optimizer", "nesterov", "lookahead", "batch")) for values in tried(
        GridOracle(discrete_space())
    )]  # fmt: skip
    assert short == [
        ("sgd", False, None, 64),
        ("sgd", False, None, 16),
        ("sgd", True, 1, 64),
        ("sgd", True, 1, 16),
        ("sgd", True, 2, 64),
        ("sgd", True, 2, 16),
        ("sgd", True, 3, 64),
        ("sgd", True, 3, 16),
        ("adam", None, None, 64),
        ("adam", None, None, 16),
    ]
    assert all(values["width"] == 32 for values in tried(GridOracle(discrete_space())))


def test_the_same_combinations_as_keras_tuners_own_grid():
    own = keras_tuner.oracles.GridSearchOracle("val_loss", hyperparameters=discrete_space())
    own.verbose = 0
    theirs = []
    while (trial := own.create_trial("a")).status == "RUNNING":
        theirs.append(trial.hyperparameters.values)
        own.update_trial(trial.trial_id, {"val_loss": 1.0})
        trial.status = "COMPLETED"
        own._save_trial = own.save = lambda *_: None
        own.end_trial(trial)
    ours = tried(GridOracle(discrete_space()))
    assert len(ours) == len(theirs) and all(values in theirs for values in ours)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    # keras-tuner's own oracle always writes
    original = keras_tuner.oracles.GridSearchOracle.__init__

    def begin(self, *args, **options):
        original(self, *args, **options)
        self._set_project_dir(str(tmp_path), "own")

    monkeypatch.setattr(keras_tuner.oracles.GridSearchOracle, "__init__", begin)


@pytest.mark.parametrize("points", [1, 2, 5])
def test_the_size_is_known_beforehand(points):
    for hp in (discrete_space(), mixed_space(), keras_tuner.HyperParameters()):
        assert grid_size(hp.space, points=points) == len(list(combinations(hp.space, points=points)))
    assert grid_size(mixed_space().space, points=points) == points * (4 + 1) * 2
    assert len(tried(GridOracle(mixed_space(), points=points))) == points * 10


def test_a_huge_grid_is_counted_without_going_through_it():
    hp = keras_tuner.HyperParameters()
    for i in range(30):
        hp.Float(f"x{i}", 0.0, 1.0)
    assert grid_size(hp.space) == 10**30
    assert len(tried(GridOracle(hp, trials=5))) == 5


def test_values_of_one_hyperparameter():
    hp = keras_tuner.HyperParameters()
    hp.Float("linear", 0.0, 1.0)
    hp.Float("log", 1e-4, 1.0, sampling="log")
    hp.Int("few", 1, 3, sampling="log")
    hp.Float("stepped", 0.0, 1.0, step=0.5)
    hp.Choice("again", [2, 1, 2])
    linear, log, few, stepped, again = (grid_values(one, points=4) for one in hp.space)
    assert linear == [0.125, 0.375, 0.625, 0.875]
    assert log == pytest.approx([10**-3.5, 10**-2.5, 10**-1.5, 10**-0.5])
    assert few == [1, 2] or few == [1, 2, 3]
    assert stepped == [0.0, 0.5, 1.0]
    assert again == [2, 1]


def test_a_hyperparameter_discovered_on_the_way_extends_the_grid():
    hp = keras_tuner.HyperParameters()
    hp.Choice("a", [1, 2])
    oracle = GridOracle(hp)

    def score(values):
        if "b" not in oracle.hyperparameters.values:
            grown = oracle.get_space()
            grown.Choice("b", [10, 20, 30])
            oracle.update_space(grown)
            oracle.trials["0000"].hyperparameters.Choice("b", [10, 20, 30])
        return 1.0

    rows = [tuple(values.values()) for values, _, _ in play(oracle, score).values()]
    assert sorted(rows) == [(1, 10), (1, 20), (1, 30), (2, 10), (2, 20), (2, 30)]


def test_an_empty_space_has_one_combination():
    assert tried(GridOracle(keras_tuner.HyperParameters())) == [{}]


def test_bad_points_are_refused():
    with pytest.raises(ValueError, match="expected points as a whole number from 1 up, got 0"):
        GridOracle(mixed_space(), points=0)
