"""Draw the figures of search.md: python docs/draw_search.py"""

from pathlib import Path

import keras

from textbook import datasets, plots, search, splits

FIGURES = Path(__file__).parent / "figures"


def build(hp):
    layers = [keras.Input((64,)), keras.layers.Dense(hp.Choice("units", [16, 32, 64]), "relu")]
    layers += [keras.layers.Dropout(hp.Float("dropout", 0.05, 0.5)), keras.layers.Dense(10)]
    model = keras.Sequential(layers)
    rate = hp.Float("rate", 1e-4, 1.0, sampling="log")
    optimizer = keras.optimizers.SGD(rate, momentum=search.one_minus(hp, "momentum", 0.5, 0.99))
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def main() -> None:
    part = splits.split(datasets.load("digits"), seed=0, sizes=(1024, 473, 300))
    found = search.random_search(build, part, trials=96, seed=0, epochs=5)
    with plots.style():
        found.plot().savefig(FIGURES / "search-overview.png")
        found.plot_parallel().figure.savefig(FIGURES / "search-parallel.png")
    print(found.summary())
    print(found.border_report().to_string())
    print(found.importance().round(2).to_string())
    print(found.retrained(seeds=16))


if __name__ == "__main__":
    main()
