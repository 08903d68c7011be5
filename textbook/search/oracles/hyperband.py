"""Hyperband: many trials for few epochs, the best of them for more, under several bargains between many and long."""

from typing import NamedTuple

import keras_tuner

from textbook.search.oracles.base import Mended, check_whole


class Round(NamedTuple):
    """A round of successive halving: so many trials go on from epoch `start` to epoch `end`."""

    bracket: int
    round: int
    trials: int
    start: int
    end: int


def plan(max_epochs: int, factor: int = 3) -> list[Round]:
    """The rounds of one iteration, bracket by bracket, from the one with most trials to the one with longest ones.

    With R = `max_epochs`, η = `factor`, s_max = ⌊log_η R⌋: bracket s starts n = ⌈(s_max + 1)/(s + 1) · η^s⌉ trials; its
    round i has ⌊n η^−i⌋ of them, trained up to epoch ⌊R η^(i−s)⌋. All in whole numbers: log_3 243 is not 4.999….

    Source: Li et al., "Hyperband: a novel bandit-based approach to hyperparameter optimization" (JMLR 2018),
    algorithm 1. (keras-tuner rounds up in each round.)

    Raises: ValueError for `max_epochs` or `factor` below 2.

    >>> for one in plan(9):
    ...     print(*one)
    2 0 9 0 1
    2 1 3 1 3
    2 2 1 3 9
    1 0 5 0 3
    1 1 1 3 9
    0 0 3 0 9
    """
    for name, number in (("max_epochs", max_epochs), ("factor", factor)):
        if number is None:
            raise ValueError(f"expected {name} as a whole number from 2 up, got None")
        check_whole(number, name, least=2)
    most = 0
    while factor ** (most + 1) <= max_epochs:
        most += 1
    rounds = []
    for bracket in range(most, -1, -1):
        trials = -(-(most + 1) * factor**bracket // (bracket + 1))
        ends = [max_epochs * factor**i // factor**bracket for i in range(bracket + 1)]
        starts = [0, *ends]
        rounds += [Round(bracket, i, trials // factor**i, starts[i], ends[i]) for i in range(bracket + 1)]
    return rounds


def cost(max_epochs: int, factor: int = 3, iterations: int = 1) -> tuple[int, int]:
    """How many trials a search has and how many epochs it trains, known before it starts.

    A trial that is promoted goes on from where it stopped: no epoch is trained twice. A trial that went on counts once
    per round, since each round is a trial of its own.

    >>> cost(9)
    (22, 69)
    """
    rounds = plan(max_epochs, factor)
    check_whole(iterations, "iterations", least=1)
    trials = sum(one.trials for one in rounds)
    return iterations * trials, iterations * sum(one.trials * (one.end - one.start) for one in rounds)


class HyperbandOracle(Mended, keras_tuner.oracles.HyperbandOracle):
    """keras-tuner's Hyperband with the paper's sizes, and trial numbers that do not depend on who finishes first.

    The trials of an iteration are handed out in one order: round 0 of all brackets, then round 1 of all, and so on, so
    that asking until IDLE gives few large waves. A round starts when all trials of the round before have ended; the
    best go on in order of score, earlier trials first where scores are equal. Failed trials count as worse than any
    that completed; where fewer completed than the next round has places, that round is smaller. The next iteration
    begins when all of this one has been handed out.

    Each trial's values hold, besides the space's, "tuner/epochs", "tuner/initial_epoch", "tuner/bracket",
    "tuner/round" and, for a promoted one, "tuner/trial_id", the trial it goes on from: as keras-tuner's `Hyperband`
    expects them.

    Args:
        space, objective, seed, options: as for `RandomOracle`.
        max_epochs: of the longest trial, R.
        factor: η, the share that goes on is 1/η.
        iterations: how often all brackets are run.

    Raises: ValueError for `max_epochs` or `factor` below 2.
    """

    _GROWING = ("iterations",)

    def __init__(
        self,
        space=None,
        objective="val_loss",
        *,
        max_epochs: int = 27,
        factor: int = 3,
        iterations: int = 1,
        seed: int = 0,
        **options,
    ):
        self._rounds = {(one.bracket, one.round): one for one in plan(max_epochs, factor)}
        if iterations is None:
            raise ValueError("expected iterations as a whole number from 1 up, got None")
        check_whole(iterations, "iterations", least=1)
        options |= {"max_epochs": max_epochs, "factor": factor, "hyperband_iterations": iterations}
        super().__init__(space, objective, seed=seed, **options)

    def arguments(self) -> dict:
        own = {"max_epochs": self.max_epochs, "factor": self.factor, "iterations": self.hyperband_iterations}
        return {**{name: value for name, value in super().arguments().items() if name != "trials"}, **own}

    def cost(self) -> tuple[int, int]:
        """Trials and epochs of the whole search, if none fails."""
        return cost(self.max_epochs, self.factor, self.hyperband_iterations)

    def populate_space(self, trial_id: str) -> dict:
        """keras-tuner's hook: a random trial in round 0, a promoted one in a later round."""
        self._number = int(trial_id)
        while True:
            for round_num in range(len(self._brackets)):
                for bracket in self._brackets[: len(self._brackets) - round_num]:
                    response = self._place(bracket, round_num, trial_id)
                    if response is not None:
                        return response
            if self._current_iteration + 1 >= self.hyperband_iterations:
                return {"status": "IDLE" if self.ongoing_trials else "STOPPED"}
            self._current_iteration += 1
            self._start_new_bracket()

    def _start_new_bracket(self) -> None:
        """All brackets of an iteration at once, the one with most trials first."""
        brackets = sorted({bracket for bracket, _ in self._rounds}, reverse=True)
        self._current_bracket = 0
        self._brackets = [
            {"bracket_num": number, "rounds": [[] for _ in range(number + 1)], "exhausted": False}
            for number in brackets
        ]

    def _place(self, bracket: dict, round_num: int, trial_id: str) -> dict | None:
        """A response for the next free place of a round; None if the round has none."""
        number, taken = bracket["bracket_num"], bracket["rounds"][round_num]
        if len(taken) >= self._get_size(number, round_num):
            return None
        if round_num == 0:
            # settled once: another trial's number would draw again, when the next round has begun
            values = None if bracket["exhausted"] else self._random_values()
            if values is None:
                bracket["exhausted"] = True
                return None
            parent = None
        else:
            before = [self.trials[one["id"]] for one in bracket["rounds"][round_num - 1]]
            ended = set(self.end_order)
            if any(trial.trial_id not in ended for trial in before):
                return {"status": "IDLE"}
            sign = -1 if self.objective.direction == "max" else 1
            completed = [trial for trial in before if trial.status == "COMPLETED"]
            completed.sort(key=lambda trial: (sign * trial.score, int(trial.trial_id)))
            if len(taken) >= len(completed):
                return None
            parent = completed[len(taken)].trial_id
            values = {**completed[len(taken)].hyperparameters.values, "tuner/trial_id": parent}
        place = self._rounds[number, round_num]
        values |= {"tuner/epochs": place.end, "tuner/initial_epoch": place.start}
        values |= {"tuner/bracket": number, "tuner/round": round_num}
        taken.append({"past_id": parent, "id": trial_id})
        return {"status": "RUNNING", "values": values}

    def _get_size(self, bracket_num: int, round_num: int) -> int:
        return self._rounds[bracket_num, round_num].trials

    def _get_epochs(self, bracket_num: int, round_num: int) -> int:
        return self._rounds[bracket_num, round_num].end

    def _get_num_brackets(self) -> int:
        return len({bracket for bracket, _ in self._rounds})

    def set_state(self, state: dict) -> None:
        iterations = self.hyperband_iterations
        super().set_state(state)
        # may have been raised since
        self.hyperband_iterations = iterations
