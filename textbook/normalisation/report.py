"""What the batch norms of a model do on given rows, and what is wrong with them."""

import textwrap
from collections import Counter
from dataclasses import dataclass, field

import keras
import numpy as np
import pandas as pd

from textbook.normalisation.finding import NOTE, Facts, Finding
from textbook.normalisation.findings import findings
from textbook.normalisation.layer_facts import LayerFacts
from textbook.normalisation.linear_before import linear_before
from textbook.normalisation.sampled_rows import sampled_rows
from textbook.normalisation.watched_pass import watched_pass
from textbook.normalisation.written_training import written_training

_WIDTH = 100
_SHOWN = 12  # layers in print; the table has all of them


@dataclass(frozen=True)
class BatchNormReport:
    """The findings, worst first, and the numbers behind them; `print` shows it.

    Attributes:
        findings: a tuple of `Finding`.
        table: one row per batch norm. lag and worst_lag: moving mean minus the data's, in standard deviations of the
            inputs, root mean square and largest over channels. variance_ratio: moving variance by the data's, typical
            and furthest channel. updates_needed: until 1 % of the first statistics is left. batch_noise: scatter of a
            batch's mean in standard deviations. inference_variance_ratio: of the inputs' variance without
            dropout and noise by that with them.
            The others are counts of channels and settings.
        losses: "moving statistics" (as in `evaluate`), "statistics of these rows", "each batch's own", without
            penalties and with dropout off; empty without targets or a compiled loss.
        output_change: how far the outputs move where the statistics of these rows take the place of the moving ones,
            root mean square, in standard deviations of the outputs; NaN where they are all the same.
        passed: nothing above a note was found.
    """

    findings: tuple[Finding, ...]
    table: pd.DataFrame = field(repr=False)
    losses: dict
    output_change: float
    description: str

    @property
    def passed(self) -> bool:
        return all(finding.severity == NOTE for finding in self.findings)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of the findings, worst first."""
        return tuple(finding.kind for finding in self.findings)

    def __str__(self) -> str:
        lines = [self.description]
        if self.losses:
            own, again, batch = self.losses.values()
            lines += _wrapped(
                f"Loss: {own:.4g} with the moving statistics, as evaluate has it; {again:.4g} with those of these "
                f"rows; {batch:.4g} with each batch's own."
            )
        elif len(self.table) and np.isfinite(self.output_change):
            lines += _wrapped(
                f"With the statistics of these rows the outputs would move by {self.output_change:.2g} of their "
                "standard deviation. Targets and a compiled loss would show what that costs."
            )
        for finding in self.findings:
            lines += _wrapped(
                f"{finding.severity.upper()} {finding.kind} [{_names(finding.layers)}]: {finding.message}."
            )
            lines += _wrapped(f"mend: {finding.mend}", indent="    ")
        if len(self.table) and not self.findings:
            lines.append("Nothing found.")
        if len(self.table):
            lines += ["", *_shown(self.table).splitlines()]
        return "\n".join(lines)


@np.errstate(invalid="ignore", over="ignore")  # NaN and infinity in the data become a finding
def batch_norm_report(model, x, y=None, *, batch_size: int = 32, rows: int = 512) -> BatchNormReport:
    """Look at every batch norm of a model on rows of the training data: `print(batch_norm_report(model, x, y))`.

    Held against the data: moving mean and variance, which are those of training only if enough updates were made at
    the layer's momentum. Against the batch: how its mean scatters, and what a batch of one does. Against the model:
    what is frozen, called in the wrong mode, fed by a bias that does nothing, dead, or divided by √ε. With targets also
    the loss in both modes. The model runs four times on the rows, not compiled, and is left as it was.

    Args:
        model: a built `keras.Model` of any kind; batch norms are found at any depth.
        x: inputs as `fit` takes them, an array or a structure of arrays; or an iterable of batches (`tf.data.Dataset`,
            `PyDataset`, a torch `DataLoader`): inputs, or tuples with targets and weights, in the order of training.
            Rows that the model was trained on, since that is what the moving statistics are of.
        y: targets for the loss of a compiled model; not beside an iterable.
        batch_size: rows of a training batch, for arrays; 32 is what `fit` takes by default.
        rows: how many to look at, and no more than 64 batches; of arrays drawn at random, of an iterable the first
            ones.

    Returns: a `BatchNormReport`.

    Raises: ValueError for a model that is not built, targets without a compiled loss, or data without rows.

    Source: Ioffe and Szegedy (2015), arXiv:1502.03167, sections 3.1 and 3.2; dropout before batch norm: Li, Chen, Hu
    and Yang (2019), arXiv:1801.05134.

    >>> linear = keras.layers.Dense(3, kernel_initializer="ones", name="linear")
    >>> model = keras.Sequential([keras.Input((2,)), linear, keras.layers.BatchNormalization(name="bn")])
    >>> report = batch_norm_report(model, np.random.default_rng(0).normal(size=(64, 2)))
    >>> [(finding.severity, finding.kind) for finding in report.findings]
    [('warning', 'never updated'), ('note', 'redundant bias')]
    >>> report.table[["layer", "channels", "bias_before"]].values.tolist()
    [['bn', 3, 'linear']]
    """
    if not isinstance(model, keras.Model):
        got = model.__name__ if isinstance(model, type) else type(model).__name__
        raise ValueError(f"expected a keras.Model, got {got}; mend by the model that holds it, or keras.Model(…)")
    if not model.built:
        raise ValueError(
            f"expected a built keras.Model, got {model.name!r}, whose weights do not exist yet; "
            "mend by giving it an Input, or calling it once"
        )
    if y is not None and not model.compiled:
        raise ValueError("expected a compiled model beside y, got one without a loss; mend by compile(…) or without y")
    names = _named(model)
    if not names:
        return BatchNormReport((), pd.DataFrame(), {}, float("nan"), _without(model))
    given = sampled_rows(x, y, batch_size=batch_size, rows=rows)
    _check_inputs(model, given)
    size = min(batch_size, given.of) if given.drawn else given.batch_size
    with_loss = given.labelled and model.compiled and model._compile_loss is not None
    training = watched_pass(model, given.batches, names, training=True)
    own = watched_pass(model, given.batches, names, loss=with_loss)
    again = watched_pass(model, given.batches, names, statistics=_reestimated(training.moments), loss=with_loss)
    quiet = watched_pass(model, given.batches, names, by_batch=True, loss=with_loss)
    losses = {"moving statistics": own.loss, "statistics of these rows": again.loss, "each batch's own": quiet.loss}
    if not with_loss:
        losses = {}
    names = {layer: names[layer] for layer in sorted(names, key=training.place_of)}  # as they run
    sources = linear_before(model, names, given.batches[0])
    layers = tuple(
        LayerFacts(layer, name, *(each.moments[layer] for each in (training, own, quiet)), sources.get(layer), size)
        for layer, name in names.items()
    )
    costs, written = tuple(losses.values())[:2] or None, written_training(model, names)
    facts = Facts(layers, given, _updates(model), costs, written, "training" in model.call_signature_parameters)
    return BatchNormReport(
        tuple(findings(facts)),
        pd.DataFrame([layer.row() for layer in layers]),
        losses,
        _change(own.outputs, again.outputs),
        _described(model, layers, given, size),
    )


def _check_inputs(model, given) -> None:
    expected = len(getattr(model, "inputs", None) or ())
    x = given.batches[0][0]
    got = len(keras.tree.flatten(x))
    if expected and got != expected and not isinstance(x, dict):  # of a dict Keras takes what it needs
        raise ValueError(
            f"expected {expected} input{'s' if expected > 1 else ''}, as {model.name} has, got {got} arrays; "
            "mend by batch_norm_report(model, x, y) if the targets were among them"
        )


def _without(model) -> str:
    """What to say of a model without batch norm; other norms have neither moving statistics nor these traps."""
    layers = model._flatten_layers(include_self=False, recursive=True)
    kinds = (keras.layers.LayerNormalization, keras.layers.GroupNormalization, keras.layers.RMSNormalization)
    others = sorted({type(layer).__name__ for layer in layers if isinstance(layer, kinds)})
    text = f"{model.name}: no batch norm in this model."
    if others:
        text += f" Its {' and '.join(others)} normalises each row by itself, in training as at inference."
    return text


def _named(model) -> dict:
    """Every batch norm, with a name that no other has."""
    found = [
        layer
        for layer in model._flatten_layers(include_self=True, recursive=True)
        if isinstance(layer, keras.layers.BatchNormalization) and layer.built
    ]
    count, seen = Counter(layer.name for layer in found), Counter()
    names = {}
    for layer in found:
        seen[layer.name] += 1
        names[layer] = layer.name if count[layer.name] == 1 else f"{layer.name}#{seen[layer.name]}"
    return names


def _reestimated(moments) -> dict:
    """What the moving statistics would be on these rows; frozen layers would keep their own."""
    return {layer: (seen.mean, seen.variance) for layer, seen in moments.items() if layer.trainable and seen.batches}


def _updates(model) -> int | None:
    if not model.compiled or model.optimizer is None:
        return None
    return int(keras.ops.convert_to_numpy(model.optimizer.iterations.value))


def _change(own: list, again: list) -> float:
    """Root mean square of the outputs' change, by the larger of their standard deviations before and after."""
    before, after = (
        np.concatenate(
            [np.asarray(part, dtype=float).ravel() for batch in outputs for part in keras.tree.flatten(batch)]
        )
        for outputs in (own, again)
    )
    spread = max(before.std(), after.std())
    return float(np.sqrt(np.mean((after - before) ** 2)) / spread) if spread > 0 else float("nan")


def _described(model, layers, given, size: int) -> str:
    count = f"{len(layers)} batch norm{'s' if len(layers) > 1 else ''}"
    of = f" of {given.of}" if given.of else ""
    many = "batch" if len(given.batches) == 1 else "batches"
    return f"{model.name}: {count}, on {given.rows}{of} rows in {len(given.batches)} {many} of {size}."


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent or "  ", break_on_hyphens=False)


def _names(layers) -> str:
    return layers[0] if len(layers) == 1 else f"{layers[0]} and {len(layers) - 1} more"


def _shown(table: pd.DataFrame) -> str:
    columns = {
        "layer": "layer", "channels": "channels", "momentum": "momentum", "trainable": "trainable",
        "updates_needed": "updates to follow", "lag": "mean off (sd)", "variance_ratio": "variance ratio",
        "batch_noise": "batch noise (sd)",
    }  # fmt: skip
    # where there are many, those whose statistics are furthest off
    far = table.lag.fillna(0) + np.abs(np.log(table.variance_ratio.fillna(1)))
    kept = table.loc[sorted(far.sort_values(ascending=False, kind="stable").index[:_SHOWN])]
    shown = kept[list(columns)].rename(columns=columns)
    text = shown.to_string(index=False, float_format=lambda number: f"{number:.3g}", na_rep="–")
    hidden = len(table) - len(kept)
    return text + (f"\n({hidden} more in .table)" if hidden else "")
