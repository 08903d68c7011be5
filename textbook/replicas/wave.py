"""Some replicas of a group, trained as one stack: what happens between the compiled epochs."""

import time

import numpy as np

from textbook.replicas import numbers
from textbook.replicas.data import sample_weights, scalers
from textbook.replicas.outcome import TRACED, Asked, Outcome
from textbook.replicas.plan import Group, Replica

# A budget of seconds is looked at after so many updates.
_BLOCK = 32


def with_spare(replicas: np.ndarray) -> np.ndarray:
    """The replicas of a stack, the last of them twice.

    The end of a stack, and a stack of one, may differ in the last bit (see `steady`): there lies a spare one, whose
    results nobody reads.
    """
    return np.append(replicas, replicas[-1])


class Wave:
    """Trains a stack of replicas with a compiled program, epoch by epoch.

    A replica that has ended leaves the stack at once where the program's shapes are open, and goes on unheeded where
    they are fixed.

    Args:
        data: the resident inputs, as the program placed them.
        drawn: (weight seed, mask seed) → initial values.
        rows: samples of each replica that one pass of an evaluation takes at a time.
    """

    def __init__(self, group: Group, replicas: list[Replica], program, data, drawn, asked: Asked, rows: int):
        self.group, self.replicas, self.program, self.data = group, replicas, program, data
        self.drawn, self.asked, self.rows = drawn, asked, rows
        self.outcome = Outcome.empty("replicas", len(replicas), group.epochs, list(group.blueprint.objective.metrics))
        if asked.trace:
            updates = max(len(r.rates) for r in replicas)
            self.outcome.trace = np.full((len(replicas), updates, len(TRACED)), np.nan)
        self.watches = [r.stop.watch() if r.stop else None for r in replicas]
        self.orders = [r.orders() for r in replicas]
        self.best: dict[int, list[np.ndarray]] = {}  # weights of the best epoch of a replica that asks for them
        self.spent = 0.0  # seconds of training, per model
        self.live = np.ones(len(replicas), bool)
        self._place(np.arange(len(replicas)))

    def run(self, progress) -> Outcome:
        """Train until every replica has ended, and evaluate after each epoch."""
        if self.group.seconds:
            self._compile()
        for epoch in range(self.group.begun, self.group.epochs):
            self._epoch(epoch, progress)
            if not self.live.any():
                break
        self._test_restored()
        return self.outcome

    def trace(self) -> None:
        """Trace the program on an update, without running it; raises what the backend raises."""
        order = np.zeros((len(self.stack), 1), np.int32)
        rates = np.zeros((1, len(self.stack)), np.float32)
        parts = (self.parts["train"], self.parts["validation"])
        self.program.trace(
            self.state, self.data, self.scaler, parts, order, self.group.batch_size, rates, self.numbers, self.rows
        )

    def _place(self, who: np.ndarray) -> None:
        """Make these replicas the stack, from their beginning."""
        self.stack = with_spare(who)
        members = [self.replicas[i] for i in self.stack]
        self.parts = {name: self._part(name, members) for name in ("train", "validation", "test")}
        self.scaler = self.program.scaler(scalers(members))
        values = {name: [r.numbers[name] for r in members] for name in self.group.varying}
        self.numbers = self.program.numbers(numbers.stacks(values))
        self.state = self._initial(members)

    def _part(self, name: str, members: list[Replica]):
        parts = [getattr(r.split, name) for r in members]
        labels = zip(*(self.group.blueprint.labels(p.y) for p in parts), strict=True)
        weights = np.stack([sample_weights(r, name) for r in members]) if self.group.weighted else None
        rows = np.stack([p.indices for p in parts]).astype(np.int32)
        return self.program.part(rows, [np.stack(leaf) for leaf in labels], weights)

    def _initial(self, members: list[Replica]):
        if members[0].start:
            return self._begun([r.start for r in members])
        values = [self.drawn(r.seeds.weights, r.seeds.masks) for r in members]
        given = [r.initial_weights for r in members]
        replaced = self.group.blueprint.initializer.replaced
        values = [v if w is None else replaced(*v, w) for v, w in zip(values, given, strict=True)]
        trainable, frozen = ([np.stack(one) for one in zip(*(v[i] for v in values), strict=True)] for i in (0, 1))
        return self.program.initial(trainable, frozen)

    def _begun(self, starts):
        count = len(self.group.blueprint.model.trainable_variables)
        weights, slots = ([np.stack(one) for one in zip(*(getattr(s, name) for s in starts), strict=True)]
                          for name in ("weights", "slots"))  # fmt: skip
        return self.program.initial(weights[:count], weights[count:], slots)

    def _compile(self) -> None:
        """Compile what will be timed, on an update that is thrown away."""
        order = np.stack([np.arange(min(self.group.batch_size, len(r.split.train.indices))) for r in self.replicas])
        self._program_train(order.astype(np.int32)[self.stack], np.zeros((1, len(self.stack)), np.float32))
        self.state = self._initial([self.replicas[i] for i in self.stack])

    def _epoch(self, epoch: int, progress) -> None:
        started = time.perf_counter()
        at = np.flatnonzero(self.live[self.stack])
        at = at[np.unique(self.stack[at], return_index=True)[1]]  # without the spare one
        who = self.stack[at]
        first = epoch * self.group.updates_per_epoch
        made, means, clean, validation = self._train(first, at, who)
        self.outcome.updates[who, epoch] = first + made
        self.outcome.record_training(who, epoch, means[at])
        self.outcome.record("clean", who, epoch, clean[at])
        self.outcome.record("val", who, epoch, validation[at])
        ended, improved = self._judge(who, epoch, first + made)
        kept_now = epoch + 1 in self.asked.snapshots
        if improved.any() or ended.any() or kept_now:
            self._keep(epoch, at, who, ended, improved, snapshot=kept_now)
        if self.asked.test_every_epoch:
            self.outcome.record("test", who, epoch, self._evaluate(self.state, "test")[at])
        now = time.perf_counter()
        self.outcome.columns["seconds"][who, epoch] = (now - started) / len(who)
        left = sum(len(self.replicas[i].rates) - first - made for i in who[ended])
        progress(made * len(who) + left)
        if ended.any():
            self._leave(who[ended], at[~ended])

    def _train(self, first: int, at, who) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
        """One epoch, or what is left of it: (updates made, reported means, training part, validation part)."""
        per_epoch, size = self.group.updates_per_epoch, self.group.batch_size
        count = min(per_epoch, len(self.replicas[who[0]].rates) - first)
        drawn = {i: next(self.orders[i]) for i in np.unique(self.stack)}
        order = np.stack([drawn[i] for i in self.stack])[:, : count * size]
        rates = np.zeros((count, len(self.stack)), np.float32)
        for place in np.flatnonzero(self.live[self.stack]):
            rates[:, place] = self.replicas[self.stack[place]].rates[first : first + count]
        if self.group.seconds:
            made, means = self._train_by_the_clock(order, rates, first, at, who)
            return made, means, self._evaluate(self.state, "train"), self._evaluate(self.state, "validation")
        parts = (self.parts["train"], self.parts["validation"])
        self.state, means, trace, *evaluated = self.program.epoch(
            self.state, self.data, self.scaler, parts, order, size, rates, self.numbers, self.rows
        )
        self._record_trace(trace, first, at, who)
        return count, means, *evaluated

    def _train_by_the_clock(self, order, rates, first: int, at, who) -> tuple[int, np.ndarray]:
        """(updates made, means): an epoch in blocks of updates, until the seconds are used up."""
        size, sums, samples, made = self.group.batch_size, 0.0, 0, 0
        while made < len(rates) and self.spent < self.group.seconds:
            started = time.perf_counter()
            some = order[:, made * size : (made + _BLOCK) * size]
            means, trace = self._program_train(some, rates[made : made + _BLOCK])
            self._record_trace(trace, first + made, at, who)
            sums, samples = sums + means * some.shape[1], samples + some.shape[1]
            made = min(made + _BLOCK, len(rates))
            self.spent += (time.perf_counter() - started) / len(who)
        return made, sums / samples

    def _record_trace(self, trace, first: int, at, who) -> None:
        if trace is not None:
            self.outcome.trace[who, first : first + len(trace)] = trace.transpose(1, 0, 2)[at]

    def _program_train(self, order, rates):
        self.state, means, trace = self.program.train(
            self.state, self.data, self.scaler, self.parts["train"], order, self.group.batch_size, rates, self.numbers
        )
        return means, trace

    def _evaluate(self, state, part: str) -> np.ndarray:
        return self.program.evaluate(state, self.data, self.scaler, self.parts[part], self.numbers, self.rows)

    def _judge(self, who, epoch: int, updates: int) -> tuple[np.ndarray, np.ndarray]:
        """Which of the replicas have ended, and which have improved and want their weights kept."""
        out_of_time = bool(self.group.seconds) and self.spent >= self.group.seconds
        ended = np.array([out_of_time or updates >= len(self.replicas[i].rates) for i in who])
        improved = np.zeros(len(who), bool)
        for k, i in enumerate(who):
            if self.watches[i]:
                stop, value = (
                    self.replicas[i].stop,
                    float(self.outcome.columns[self.replicas[i].stop.monitor][i, epoch]),
                )
                better = self.watches[i].see(value)
                ended[k] |= self.watches[i].stop or stop.arrived(value)
                improved[k] = better and stop.restore_best_weights
        return ended, improved

    def _keep(self, epoch: int, at, who, ended, improved, *, snapshot: bool) -> None:
        """Copy weights out of the stack: of best epochs, of snapshots, of replicas that have ended."""
        now = self.program.weights(self.state)
        for i, place in zip(who[improved], at[improved], strict=True):
            self.best[i] = [stack[place].copy() for stack in now]
        if snapshot:
            place = self.outcome.snapshots.setdefault(epoch + 1, [])
            self.outcome.keep(place, who, [stack[at] for stack in now])
        if not ended.any():
            return
        if self.asked.keep_state:  # before an average is put in the weights' place
            state = [*now, *self.program.slots(self.state)]
            self.outcome.keep(self.outcome.states, who[ended], [stack[at[ended]] for stack in state])
        final = self.program.final(self.state)
        self.outcome.keep(self.outcome.weights, who[ended], [s[at[ended]] for s in self.program.weights(final)])
        self.outcome.kept[who[ended]] = epoch + 1
        if not self.asked.test_every_epoch:
            self.outcome.record("test", who[ended], epoch, self._evaluate(final, "test")[at[ended]])
        for i in who[ended]:
            if i in self.best:
                self.outcome.kept[i] = self.watches[i].best_epoch
                self.outcome.keep(self.outcome.weights, [i], [value[np.newaxis] for value in self.best[i]])
                if not self.asked.test_every_epoch and self.outcome.kept[i] != epoch + 1:
                    self.outcome.forget("test", i, epoch)

    def _leave(self, gone, staying) -> None:
        """Take replicas that have ended out of the stack."""
        self.live[gone] = False
        if len(staying) and self.program.open_shapes:
            staying = with_spare(staying)
            self.stack = self.stack[staying]
            self.state = self.program.take(self.state, staying)
            self.parts = {name: self.program.take_inputs(part, staying) for name, part in self.parts.items()}
            self.scaler = self.program.take_inputs(self.scaler, staying)
            self.numbers = self.program.take_inputs(self.numbers, staying)

    def _test_restored(self) -> None:
        """Measure the test part with the weights of earlier epochs that were put back."""
        last = np.array([np.flatnonzero(row)[-1] + 1 for row in self.outcome.updates])
        who = np.flatnonzero(self.outcome.kept != last)
        if not len(who) or self.asked.test_every_epoch:
            return
        self._place(who)
        count = len(self.state[0])
        kept = [values[self.stack] for values in self.outcome.weights]
        means = self._evaluate(self.program.initial(kept[:count], kept[count:]), "test")[: len(who)]
        self.outcome.record("test", who, self.outcome.kept[who] - 1, means)
