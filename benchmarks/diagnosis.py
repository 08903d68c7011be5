"""How often `diagnose` raises a false alarm on well-tuned runs, and how often it finds a planted fault.

    python benchmarks/diagnosis.py [--seeds 1000-1059]

A run counts as well tuned when its mean validation loss is within 0.01 nats of the best rate's on a grid of factor 3
(seeds 0–15) and training twice as long gains less than 0.01 nats; the script checks the latter in the same run.
Any verdict but "converged" on it is a false alarm. The thresholds of `diagnose` were chosen on seeds 0–39.
Histories are given without `chance`, as Keras writes them; the last column is with it.
"""

import argparse
import functools
import os
from dataclasses import dataclass

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pandas as pd

from textbook import datasets, schedules
from textbook.diagnosis import diagnose
from textbook.models import mlp
from textbook.replicas import Condition, train_replicas
from textbook.splits import Splitter
from textbook.statistics import wilson_interval


@dataclass(frozen=True)
class Family:
    """Runs of one kind, and the verdicts that would be right."""

    name: str
    deserved: tuple[str, ...]
    epochs: int
    condition: Condition
    splits: Splitter
    build: object = mlp


def families() -> list[Family]:
    """Well-tuned runs first, then the planted faults."""
    digits = Splitter(datasets.load("digits"), sizes=(1024, 473, 300))
    cancer = Splitter(datasets.load("breast_cancer"), sizes=(0.6, 0.2, 0.2), scale="standard")
    few = digits.resized((300, 473, 300)).noisy(0.1)
    wide = functools.partial(mlp, hidden=(128,))
    dropout = functools.partial(mlp, dropout=0.2)
    momentum = functools.partial(Condition, momentum=0.9)
    cosine = schedules.CosineDecay(0.2, total=25)
    tuned, under, swinging, over = ("converged",), ("still improving",), ("oscillating",), ("overfitting",)
    lost = ("diverging", "oscillating")  # swings so wide that little is learnt: either word asks for a smaller rate
    return [
        Family("SGD 1.0, 20 epochs", tuned, 20, Condition(learning_rate=1.0), digits),
        Family("SGD 1.0, 30 epochs", tuned, 30, Condition(learning_rate=1.0), digits),
        Family("momentum 0.1, 25 epochs", tuned, 25, momentum(learning_rate=0.1), digits),
        Family("Adam 0.003, 40 epochs", tuned, 40, Condition(learning_rate=0.003, optimizer="adam"), digits),
        Family("Adam 0.01, 20 epochs", tuned, 20, Condition(learning_rate=0.01, optimizer="adam"), digits),
        Family("momentum 0.1, dropout, 40 epochs", tuned, 40, momentum(learning_rate=0.1), digits, dropout),
        Family("momentum, cosine decay, 25 epochs", tuned, 25, momentum(learning_rate=cosine), digits),
        Family("momentum 0.1, MLP-128, 25 epochs", tuned, 25, momentum(learning_rate=0.1), digits, wide),
        Family("breast cancer, SGD 0.1, 20 epochs", tuned, 20, Condition(learning_rate=0.1), cancer),
        Family("rate 0.005, 5 epochs", under, 5, momentum(learning_rate=0.005), digits),
        Family("SGD 0.1, 8 epochs", under, 8, Condition(learning_rate=0.1), digits),
        Family("SGD 0.03, 20 epochs", under, 20, Condition(learning_rate=0.03), digits),
        Family("Adam 0.001, 12 epochs", under, 12, Condition(learning_rate=0.001, optimizer="adam"), digits),
        Family("momentum 0.3 (3 ×)", swinging, 15, momentum(learning_rate=0.3), digits),
        Family("momentum 0.1, batch 8 (3 ×)", swinging, 15, momentum(learning_rate=0.1, batch_size=8), digits),
        Family(
            "Adam 0.03, batch 8 (10 ×)",
            swinging,
            15,
            Condition(learning_rate=0.03, optimizer="adam", batch_size=8),
            digits,
        ),
        Family("SGD 1.0, batch 8 (10 ×)", lost, 15, Condition(learning_rate=1.0, batch_size=8), digits),
        Family("momentum 0.3, batch 8 (10 ×)", lost, 15, momentum(learning_rate=0.3, batch_size=8), digits),
        Family("rate 3, momentum", ("diverging",), 20, momentum(learning_rate=3.0), digits),
        Family("rate 30, SGD", ("diverging",), 20, Condition(learning_rate=30.0), digits),
        Family("300 samples, noisy labels, MLP-128", over, 150, momentum(learning_rate=0.1), few, wide),
        Family(
            "300 samples, noisy labels, Adam", over, 150, Condition(learning_rate=0.003, optimizer="adam"), few, wide
        ),
    ]


def curves(family: Family, seeds) -> pd.DataFrame:
    """The runs of one family; the well-tuned ones twice as long as they are diagnosed, to check that they were done."""
    epochs = family.epochs * (2 if family.deserved == ("converged",) else 1)
    table = train_replicas(
        family.build, family.splits, conditions={family.name: family.condition}, seeds=seeds, epochs=epochs
    )
    return table[["condition", "seed", "epoch", "loss", "val_loss", "chance_loss"]]


def verdicts(family: Family, table: pd.DataFrame, *, chance: bool) -> list[str]:
    """The verdict on each run of a family, cut to the epochs at which it is diagnosed."""
    shown = table[table.epoch <= family.epochs]
    if not chance:
        shown = shown.drop(columns="chance_loss")
    return [diagnose(run).verdict for _, run in shown.groupby("seed")]


def gain_of_twice_as_long(family: Family, table: pd.DataFrame) -> float:
    """How much lower (nats) the mean validation loss is after twice the epochs."""
    mean = table.groupby("epoch").val_loss.mean()
    return float(mean[family.epochs] - mean[2 * family.epochs])


def share(events: int, n: int) -> str:
    """A share with its Wilson 95 % interval."""
    low, high = wilson_interval(events, n)
    return f"{events}/{n} = {events / n:.1%} [{low:.1%}, {high:.1%}]"


def main() -> None:
    """Train every family, print a line for each, then the two rates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="1000-1059", help="first-last")
    first, last = (int(number) for number in parser.parse_args().seeds.split("-"))
    seeds = range(first, last + 1)
    counts = {"false alarms": [0, 0], "hits": [0, 0], "hits, chance given": [0, 0]}
    print(f"{'runs':38} {'deserved':24} verdicts without chance | right with chance")
    for family in families():
        table = curves(family, seeds)
        bare, informed = (verdicts(family, table, chance=known) for known in (False, True))
        right, right_informed = (sum(word in family.deserved for word in words) for words in (bare, informed))
        tally = ", ".join(f"{word} {bare.count(word)}" for word in sorted(set(bare), key=bare.count, reverse=True))
        print(f"{family.name:38} {' or '.join(family.deserved):24} {tally} | {right_informed}", flush=True)
        if family.deserved == ("converged",):
            gain = gain_of_twice_as_long(family, table)
            print(f"{'':38} twice as long: {gain:+.4f} nats{'' if gain < 0.01 else '; NOT well tuned, not counted'}")
            if gain < 0.01:
                _count(counts["false alarms"], len(bare) - right, len(bare))
        else:
            _count(counts["hits"], right, len(bare))
            _count(counts["hits, chance given"], right_informed, len(bare))
    for name, (events, n) in counts.items():
        print(f"{name}: {share(events, n)}")


def _count(total: list[int], events: int, n: int) -> None:
    total[0] += events
    total[1] += n


if __name__ == "__main__":
    main()
