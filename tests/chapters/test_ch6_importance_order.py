import numpy as np
import pandas as pd
import pytest

from chapters.ch6 import importance_order as section


def shares(data, part, means, seeds=4):
    rows = [(data, part, seed, name, mean) for name, mean in means.items() for seed in range(seeds)]
    return pd.DataFrame(rows, columns=["data", "part", "seed", "hyperparameter", "share"])


OF_DIGITS = {"learning_rate": 0.6, "batch_size": 0.2, "width": 0.05, "momentum": 0.1, "depth": 0.02, "decay": 0.07,
             "weight_decay": 0.3}  # fmt: skip


def test_roles_are_the_hardest_rivals_of_each_comparison():
    wine = OF_DIGITS | {"learning_rate": 0.4}
    adam = {"learning_rate": 0.9, "decay": 0.01, "beta_1": 0.02, "beta_2": 0.03, "epsilon": 0.0}
    table = section._roles(
        pd.concat([
            shares("digits", section.ALL_RATES, OF_DIGITS), shares("wine", section.ALL_RATES, wine),
            shares(section.ADAM_POOL, section.ALL_RATES, adam),
        ])
    )  # fmt: skip
    who = table.drop_duplicates(["data", "role"]).set_index(["data", "role"]).who
    assert who["digits"].to_dict() == {
        section.FIRST: "learning_rate", section.RIVAL: "weight_decay", section.SECOND: "width", section.THIRD: "decay"
    }  # fmt: skip
    assert who[section.ADAM_POOL, section.LAST] == "beta_2"
    # the lead is 0.3 on the digits and 0.1 on wine
    assert set(table[table.hardest].data) == {"wine"}


def test_a_number_foretells_what_depends_on_it_and_no_other():
    random = np.random.default_rng(0)
    pool = pd.DataFrame({"rate": np.exp(random.uniform(-5, 0, 400)), "other": np.exp(random.uniform(-5, 0, 400))})
    pool = pool.assign(seed=np.repeat(np.arange(8), 50), data="made up", val_loss=np.log(pool.rate) ** 2)
    names = dict.fromkeys(("rate", "other"), ())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(section, "_VARIABLES", names)
        found = section._collapse(pool).groupby("variable").explained.mean()
    assert found["rate"] > 0.95 and found["other"] < 0.1


def test_a_guess_is_the_entropy_of_the_classes():
    class Part:
        class train:
            y = np.array([0, 0, 1, 1, 2, 2])

    assert section._guess(Part) == pytest.approx(np.log(3))
