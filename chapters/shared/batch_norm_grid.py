"""Networks without batch norm, with it, and with noise behind it: each tuned alike, then timed, probed and judged.

One arm of one depth and activation is one measurement, so that sections share those which both of them need. Weights
are judged, not moving averages, so that no arm is held up by averages that lag behind: at the end, losses normalise by
the statistics of all training rows, as `textbook.batch_statistics.estimate_batch_statistics` would set them; on the
way, some hundred rows by their own. Noise is for training alone.
"""

import numpy as np
import pandas as pd

from chapters.shared.normalised_network import NormalisedNetworks
from textbook.experiment import Run
from textbook.experiment.errors import UsageError
from textbook.matched_loss import at_matched_loss
from textbook.normalisation.drift import moment_drift
from textbook.seeding import stream

ARMS = NONE, BATCH_NORM, NOISY = "no batch norm", "batch norm", "noisy batch norm"
SPEED, VALIDATION = "speed", "validation"
RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
SIZES = (512, 300, 985)
TUNING_SEEDS = 4
EVERY = 8  # updates from one look at the training loss to the next
_SHOWN, _PROBED = 256, 128  # rows of the curves, and of the probes, which are taken at every second look
_DISTANCES = (0.03, 0.1, 0.3)  # along the gradient, in units of its length: the steps of these learning rates
_TOGETHER = 8


def batch_norm_arm(
    run: Run,
    *,
    arm: str,
    depth: int = 4,
    activation: str = "relu",
    width: int = 64,
    batch_size: int = 32,
    epochs: int = 10,
    target: float = 0.3,
    shift: float = 1.0,
    scale: float = 1.5,
    probe: bool = False,
) -> dict[str, pd.DataFrame]:
    """Tune the rate of plain gradient descent for one arm, and train the judged seeds with it.

    Args:
        arm: one of `ARMS`.
        depth: hidden layers of `width` units.
        target: training loss that has to be reached, in nats.
        shift, scale: of the noise, as `textbook.normalisation.NoisyBatchNormalization` draws it.
        probe: measure "drift" and "smoothness" too.

    Returns: "trials", a row per rate and tuning seed; "runs", a row per seed for the rate with the fewest updates to
        the target (`tuned_for` "speed") and for that with the lowest validation loss ("validation"): `updates` to the
        target (found between two looks, on the logarithm of the loss; all that were made where it was not reached),
        `arrived`, `matched_test_loss` at that moment, losses and accuracy at the end, `border`. Of the fastest rate
        also "curves", both losses every 8 updates; "drift", how far one update moves the inputs of each layer; and
        "smoothness", the largest change of the gradient along itself, per length.
    """
    setting = {"arm": arm, "depth": depth, "activation": activation}
    knobs = {"width": width, "batch_size": batch_size, "epochs": run.epochs(epochs), "noise": (shift, scale)}
    trials, _ = Training(run, run.tuning(TUNING_SEEDS), **setting, **knobs, judged=False).ends(RATES, target)
    chosen = _chosen(trials)
    judged = Training(run, run.seeds, **setting, **knobs, judged=True, probe=probe)
    ends, looks = judged.ends(tuple(dict.fromkeys(chosen.values())), target)
    looks = {name: table[table.rate == chosen[SPEED]] for name, table in looks.items()}
    runs = [
        ends[ends.rate == rate].assign(tuned_for=purpose, border=rate in (RATES[0], RATES[-1]))
        for purpose, rate in chosen.items()
    ]
    tables = {"trials": trials, "runs": pd.concat(runs, ignore_index=True), **looks}
    constant = {**setting, "target": target, "width": width, "batch_size": batch_size, "rows": judged.x[0].shape[1]}
    return {name: table.assign(**constant) for name, table in tables.items()}


def _chosen(trials: pd.DataFrame) -> dict[str, float]:
    """The rate that is fastest on average (where none arrives, that of the lowest training loss), and the best one."""
    scored = trials.assign(log=np.log(trials.updates), end=trials.train_loss.where(~trials.diverged, np.inf))
    means = scored.assign(log_loss=np.log(trials.val_loss)).groupby("rate")[["log", "end", "log_loss"]].mean()
    return {SPEED: means.sort_values(["log", "end"]).index[0], VALIDATION: means.log_loss.idxmin()}


class Training:
    """Trains (rate, seed) pairs of one arm; a seed's split, weights, order and noise are the same at every rate."""

    def __init__(self, run, seeds, *, arm, depth, activation, width, batch_size, epochs, noise, judged, probe=False):
        if arm not in ARMS:
            raise UsageError(f"expected arm as one of {', '.join(ARMS)}, got {arm!r}; mend by one of these")
        split = run.splits("digits", SIZES)
        splits = [split(seed) for seed in seeds]
        if splits[0].classes is None:
            raise UsageError("expected data with classes, got a regression; mend by a data set with a few labels")
        parts = [(one.train, one.validation, one.test) for one in splits]
        self.x, self.y = zip(
            *(_arrays([mine[place] for mine in parts], size) for place, size in enumerate(SIZES)), strict=True
        )
        rows = self.x[0].shape[1]
        if not 2 <= batch_size <= rows:
            raise UsageError(f"expected batch_size from 2 to the {rows} training rows, got {batch_size}")
        self.seeds, self.arm, self.classes, self._probe = tuple(seeds), arm, splits[0].classes, probe
        self._judged = judged
        self._batch_size, self._total = batch_size, epochs * (rows // batch_size)
        shapes = (self.x[0].shape[2], *(width,) * depth, self.classes)
        built = {"shapes": shapes, "batch_norm": arm != NONE, "activation": activation}
        self._initial = [NormalisedNetworks.initial(stream(seed, "weights"), **built) for seed in seeds]
        kept = rows // batch_size * batch_size
        orders = [stream(seed, "order") for seed in seeds]
        self._order = np.stack([np.concatenate([o.permutation(rows)[:kept] for _ in range(epochs)]) for o in orders])
        if arm == NOISY:
            drawn = (self._total + 1, depth, 2, 1, width)
            self._noise = np.stack([stream(seed, "masks").uniform(-1, 1, drawn) for seed in seeds]).astype("float32")
            self._noise[:, :, :, 0] = noise[1] ** self._noise[:, :, :, 0]
            self._noise[:, :, :, 1] *= noise[0]

    def ends(self, rates, target: float) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
        """A row per rate and seed when it reached the target and what it scored at the end; and what was seen then."""
        pairs = [(rate, seed) for rate in rates for seed in self.seeds]
        # few at a time stay in the processor's cache, which halves the time
        parts = [self._train(pairs[first : first + _TOGETHER]) for first in range(0, len(pairs), _TOGETHER)]
        tables = {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in parts[0]}
        curves, by = tables["curves"].rename(columns={"update": "epoch"}), ["rate", "seed"]
        there = at_matched_loss(
            curves.fillna({"train_loss": np.inf}), target=target, matched="train_loss", value="test_loss", by=by
        ).rename(columns={"epochs": "updates", "test_loss": "matched_test_loss"})
        last = curves[curves.epoch == self._total][[*by, "train_loss"]].assign(total=self._total)
        return there.merge(last, on=by).merge(tables.pop("scores"), on=by), tables

    def watch(self, pairs: list[tuple], look) -> None:
        """Train some pairs; `look(update, networks, rows)` sees them, and some training rows, at every second look."""
        self._train(pairs, look)

    def _train(self, pairs: list[tuple], look=None) -> dict[str, pd.DataFrame]:
        """Train some pairs; tables of what was seen on the way, and "scores" of the trained weights."""
        rates = np.array([rate for rate, _ in pairs])
        places = np.array([self.seeds.index(seed) for _, seed in pairs])
        names = {"rate": rates, "seed": [seed for _, seed in pairs]}
        networks = NormalisedNetworks.side_by_side([self._initial[place] for place in places])
        shown, held_out = [(self.x[part][places, :_SHOWN], self.y[part][places, :_SHOWN]) for part in (0, 2)]
        seen = {"curves": [], "drift": [], "smoothness": []}
        with np.errstate(all="ignore"):  # a rate that is too large ends in numbers that are none
            for update in range(self._total + 1):
                if update % EVERY == 0 or update == self._total:
                    # trials are not let near the test part
                    test_loss = networks.losses(*held_out)[0] if self._judged else np.nan
                    losses = {"train_loss": networks.losses(*shown)[0], "test_loss": test_loss}
                    seen["curves"].append({**names, "update": update, **losses})
                if look is not None and (update % (2 * EVERY) == 0 or update == self._total):
                    look(update, networks, shown[0][:, :_PROBED])
                if update == self._total:
                    break
                at = places[:, None], self._order[places, update * self._batch_size : (update + 1) * self._batch_size]
                batch, noise = (self.x[0][at], self.y[0][at]), self._noise_at(update, places)
                slopes = networks.gradients(*batch, noise=noise)
                moved = networks.moved(slopes, rates)
                if self._probe and update % (2 * EVERY) == 0:
                    probed = shown[0][:, :_PROBED]
                    pairs_of = zip(
                        networks.inputs(probed, noise),
                        moved.inputs(probed, self._noise_at(update + 1, places)),
                        strict=True,
                    )
                    for layer, pair in enumerate(pairs_of, start=2):
                        seen["drift"].append({**names, "update": update, "layer": layer, "drift": moment_drift(*pair)})
                    beta = _smoothness(networks, slopes, batch, noise)
                    seen["smoothness"].append({**names, "update": update, "smoothness": beta})
                networks = moved
            scores = self._scores(networks, names, places)
        kept = {name: rows for name, rows in seen.items() if rows}
        return {name: pd.concat(map(pd.DataFrame, rows), ignore_index=True) for name, rows in kept.items()} | {
            "scores": scores
        }

    def _noise_at(self, update, places):
        if self.arm != NOISY:
            return None
        return [(factor, shift) for factor, shift in np.moveaxis(self._noise[places, update], 0, 2)]

    def _scores(self, networks, names, places) -> pd.DataFrame:
        train, validation, test = ((x[places], y[places]) for x, y in zip(self.x, self.y, strict=True))
        statistics = networks.statistics(train[0]) if networks.scales else None
        val_loss, _ = networks.losses(*validation, statistics=statistics)
        # as the replica trainer has it: no number, or twice as bad as a guess
        diverged = ~(val_loss < 2 * np.log(self.classes))
        if not self._judged:
            table = pd.DataFrame({**names, "val_loss": val_loss, "diverged": diverged})
            return table.assign(val_loss=table.val_loss.where(~diverged, np.log(self.classes)))
        test_loss, accuracy = networks.losses(*test, statistics=statistics)
        chance = np.log(self.classes)
        found = {"val_loss": np.where(diverged, chance, val_loss), "test_loss": np.where(diverged, chance, test_loss)}
        found["test_accuracy"] = np.where(diverged, 1 / self.classes, accuracy)
        table = pd.DataFrame({**names, **found, "diverged": diverged})
        return table.assign(chance_loss=chance, chance_accuracy=1 / self.classes)


def _arrays(parts, size: int):
    """The first rows of the parts, (seeds, rows, features) and (seeds, rows)."""
    x = [np.asarray(part.x[:size], dtype=np.float32) for part in parts]
    return np.stack([one.reshape(len(one), -1) for one in x]), np.stack([part.y[:size] for part in parts])


def _smoothness(networks, slopes, batch, noise):
    """The largest ‖∇L(w) − ∇L(w − t∇L)‖ / ‖t∇L‖ over the distances t, of each replica."""
    length, found = _norm(slopes), []
    for distance in _DISTANCES:
        away = networks.moved(slopes, np.full(len(batch[0]), distance))
        change = [there - here for there, here in zip(away.gradients(*batch, noise=noise), slopes, strict=True)]
        found.append(_norm(change) / (distance * length))
    return np.max(found, axis=0)


def _norm(stacks):
    return np.sqrt(sum((part.reshape(len(part), -1).astype(np.float64) ** 2).sum(axis=1) for part in stacks))
