"""How large and how skewed the paired differences of real training runs are: the spread that the verdicts must face.

    python benchmarks/pair_noise.py [--seeds 192]

Trains the book's network on digits under four settings (about a minute on two cores), prints the differences' spread in
δ, skewness and excess kurtosis, and writes them into docs/verdicts.md. The seeds are 5000 and up: neither the tuning
nor the judging block.
"""

import argparse
import sys
from pathlib import Path

from scipy.stats import kurtosis, skew

sys.path.insert(0, str(Path(__file__).parent.parent))  # run as a script, from anywhere

from benchmarks.verdict_power import DOCUMENT, markdown, replaced

METRICS = {"test_loss": 0.01, "test_accuracy": 0.005}


def main() -> None:
    from textbook import datasets, splits
    from textbook.models import mlp
    from textbook.replicas import Condition, train_replicas

    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seeds", type=int, default=192)
    count = arguments.parse_args().seeds
    conditions = {
        "reference": Condition(learning_rate=0.1, momentum=0.9),
        "half the rate": Condition(learning_rate=0.05, momentum=0.9),
        "batches of 128": Condition(learning_rate=0.1, momentum=0.9, batch_size=128),
        "Adam at 0.001": Condition(learning_rate=0.001, optimizer="adam"),
    }
    splitter = splits.Splitter(datasets.load("digits"), sizes=(1024, 473, 300), stratify=True)
    curves = train_replicas(mlp, splitter, conditions=conditions, seeds=range(5000, 5000 + count), epochs=20)
    final = curves[curves["epoch"] == 20]
    rows = [["metric", "against", "spread", "skewness", "excess kurtosis"]]
    for metric, delta in METRICS.items():
        arms = final.pivot(index="seed", columns="condition", values=metric)
        for name in list(conditions)[1:]:
            d = (arms["reference"] - arms[name]).to_numpy() / delta
            rows.append(
                [
                    metric,
                    name,
                    f"{d.std(ddof=1):.1f} δ",
                    *(f"{round(shape(d), 1) + 0.0:.1f}" for shape in (skew, kurtosis)),
                ]
            )
    table = markdown(rows)
    print(table)
    DOCUMENT.write_text(replaced(DOCUMENT.read_text(encoding="utf-8"), "pairs", table), encoding="utf-8")


if __name__ == "__main__":
    main()
