"""A search that nobody ran: its space, and a table as a search would have left it."""

import keras_tuner
import numpy as np
import pandas as pd

from textbook.search.result import SearchResult
from textbook.search.trials import judge

ERROR = "ValueError: expected units above 0, got 0"


def space(names=("rate", "1 - momentum", "units", "activation", "optimizer", "beta_2")):
    hp = keras_tuner.HyperParameters()
    declare = {
        "rate": lambda: hp.Float("rate", 1e-4, 1.0, sampling="log", default=0.01),
        "1 - momentum": lambda: hp.Float("1 - momentum", 0.01, 1.0, sampling="log"),
        "dropout": lambda: hp.Float("dropout", 0.0, 0.5),
        "units": lambda: hp.Int("units", 16, 128),
        "layers": lambda: hp.Int("layers", 1, 3),
        "batch_size": lambda: hp.Choice("batch_size", [16, 32, 64, 128]),
        "activation": lambda: hp.Choice("activation", ["relu", "tanh", "hard_sigmoid"]),
        "batch_norm": lambda: hp.Boolean("batch_norm"),
        "optimizer": lambda: hp.Choice("optimizer", ["sgd", "adam"]),
        "beta_2": lambda: hp.Float(
            "beta_2", 0.01, 0.99, sampling="reverse_log", parent_name="optimizer", parent_values=["adam"]
        ),
        "epochs_seen": lambda: hp.Fixed("epochs_seen", 5),
    }
    for name in names:
        declare[name]()
    return hp


def draw(hp, rng):
    """Values of one random trial; inactive ones are left out."""
    values = {}
    for parameter in hp.space:
        if all(condition.is_active(values) for condition in parameter.conditions):
            values[parameter.name] = parameter.prob_to_value(rng.random())
    return values


def loss_of(values, noise=0.0):
    """Best at a rate of 0.1 and 96 units; infinite beyond a rate of 0.7."""
    if values.get("rate", 0.1) > 0.7:
        return np.nan
    apart = np.log10(values.get("rate", 0.1) / 0.1)
    return 0.2 + 0.35 * apart**2 + 0.1 * (values.get("units", 96) / 96 - 1) ** 2 + noise


def a_search(n=40, *, names=None, seed=0, failed=2, objective="val_loss", loss=loss_of, **settings):
    """A SearchResult of n random trials; the first `failed` of them raised."""
    hp = space(names) if names else space()
    rng = np.random.default_rng(seed)
    sign = 1 if objective == "val_loss" else -1
    rows, curves = [], []
    for trial in range(n):
        values, noise = draw(hp, rng), rng.normal(0, 0.02)
        end = 0.0 if sign > 0 else 1.0
        curve = end + sign * (loss(values, noise) + np.array([0.3, 0.1, 0.0, 0.01]))
        curve = pd.DataFrame({"trial": trial, "epoch": range(1, 5), objective: curve})
        status, score, best_epoch = judge(curve, objective, "min" if sign > 0 else "max")
        if trial < failed:
            status, score, best_epoch = "failed", np.nan, 0
        else:
            curves.append(curve)
        row = {"trial": trial, "status": status, "score": score, "best_epoch": best_epoch, "epochs": len(curve)}
        row |= {parameter.name: values.get(parameter.name) for parameter in hp.space}
        row |= {"stage": "", "bracket": np.nan, "round": np.nan, "parent": np.nan, "seed": 5000 + trial}
        row |= {"engine": "replicas", "worker": "", "seconds": 0.5 + rng.random()}
        rows.append({**row, "error": ERROR if status == "failed" else ""})
    goal = keras_tuner.Objective(objective, "min" if sign > 0 else "max")
    table = pd.DataFrame(rows)
    return SearchResult(table, pd.concat(curves or [pd.DataFrame()]), space=hp, objective=goal, seed=seed, **settings)
