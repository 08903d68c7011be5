"""The update rules against Keras's optimizers, closed forms and each other."""

import math

import numpy as np
import pytest

from textbook.schedules import StepDecay
from textbook.surfaces import LeastSquares, Quadratic, trajectory, updates_until
from textbook.update_rules import Adam, AveragedMomentum, GradientDescent, HeavyBall, Nesterov, Newton, RMSprop

BOWL = Quadratic((1, 25))
START = (1.0, 1.0)
ALL = (
    GradientDescent(0.01),
    HeavyBall(0.01, momentum=0.9),
    AveragedMomentum(0.1, beta=0.9),
    Nesterov(0.01, momentum=0.9),
    RMSprop(0.01),
    Adam(0.1),
)


def keras_path(optimizer, surface, *, start, steps):
    import keras

    w = keras.Variable(np.asarray(start), dtype="float64")
    path = [np.copy(keras.ops.convert_to_numpy(w))]
    for _ in range(steps):
        optimizer.apply([keras.ops.convert_to_tensor(surface.gradient(path[-1]), "float64")], [w])
        path.append(np.copy(keras.ops.convert_to_numpy(w)))
    return np.asarray(path, dtype=np.float64)


PAIRS = (
    (GradientDescent(0.03), "SGD", {"learning_rate": 0.03}),
    (GradientDescent(0.0625), "SGD", {"learning_rate": 0.0625}),
    (HeavyBall(0.03, momentum=0.9), "SGD", {"learning_rate": 0.03, "momentum": 0.9}),
    (Nesterov(0.03, momentum=0.9), "SGD", {"learning_rate": 0.03, "momentum": 0.9, "nesterov": True}),
    (RMSprop(0.01), "RMSprop", {"learning_rate": 0.01}),
    (RMSprop(0.1, rho=0.5, epsilon=1e-2), "RMSprop", {"learning_rate": 0.1, "rho": 0.5, "epsilon": 1e-2}),
    (Adam(0.001), "Adam", {"learning_rate": 0.001}),
    (
        Adam(0.1, beta_1=0.875, beta_2=1 - 2**-10),
        "Adam",
        {"learning_rate": 0.1, "beta_1": 0.875, "beta_2": 1 - 2**-10},
    ),
    (
        Adam(0.1, beta_1=0.5, beta_2=0.9, epsilon=1e-2),
        "Adam",
        {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-2},
    ),
)


@pytest.mark.parametrize(("rule", "name", "arguments"), PAIRS, ids=repr)
def test_fifty_updates_equal_keras(rule, name, arguments):
    import keras

    optimizer = getattr(keras.optimizers, name)(**arguments)
    # float64, because RMSprop and Adam divide by roots that float32 leaves with few digits near the minimum
    theirs = keras_path(optimizer, BOWL, start=START, steps=50)
    np.testing.assert_allclose(trajectory(BOWL, rule, start=START, steps=50), theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("rate", (0.01, 0.1))
def test_adam_differs_by_keras_rounding_of_beta_2(rate):
    # Keras raises beta_2 to its power from float32 also for float64 weights: 1 - 0.999 is then off by 1.3e-5, a step by
    # half of that, which rates above 0.003 add up to more than 1e-6; a beta_2 that float32 holds exactly is among PAIRS
    import keras

    theirs = keras_path(keras.optimizers.Adam(rate), BOWL, start=START, steps=50)
    apart = np.abs(trajectory(BOWL, Adam(rate), start=START, steps=50) - theirs).max()
    rounded = (1 - float(np.float32(0.999))) / (1 - 0.999)
    assert 1e-6 < apart < 50 * rate * abs(math.sqrt(rounded) - 1)


@pytest.mark.parametrize(("rule", "name", "arguments"), PAIRS, ids=repr)
def test_the_comparison_would_notice_another_rule(rule, name, arguments):
    paths = {repr(other): trajectory(BOWL, other, start=START, steps=50) for other, _, _ in PAIRS}
    own = paths.pop(repr(rule))
    assert all(np.abs(path - own).max() > 1e-4 for path in paths.values())


def test_epsilon_stands_inside_the_root_in_rmsprop_and_outside_in_adam():
    # a tiny gradient, where the two places differ: √(s + ε) against √s + ε
    g = np.array([1e-6])
    step, _ = RMSprop(1.0, rho=0.9, epsilon=1e-7).update(g, RMSprop(1.0).init(g))
    assert step[0] == pytest.approx(-1e-6 / math.sqrt(0.1 * 1e-12 + 1e-7), rel=1e-12)
    step, _ = Adam(1.0).update(g, Adam(1.0).init(g))
    lift = math.sqrt(1 - 0.999) / (1 - 0.9)
    assert step[0] == pytest.approx(-lift * 0.1e-6 / (math.sqrt(0.001) * 1e-6 + 1e-7), rel=1e-9)


# --- closed forms -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("curvature", (1.0, 4.0))
@pytest.mark.parametrize(
    ("product", "rounded"),
    [(0.1, 5.2e-3), (0.5, 8.9e-16), (1, 0), (1.5, 8.9e-16), (1.9, 5.2e-3), (2, 1), (2.1, 117)],
)
def test_four_regimes_of_the_rate(product, rounded, curvature):
    path = trajectory(Quadratic((curvature,)), GradientDescent(product / curvature), start=[1], steps=50)
    k = np.arange(51)
    np.testing.assert_allclose(np.abs(path[:, 0]), np.abs(1 - product) ** k, rtol=1e-12)
    assert abs(path[50, 0]) == pytest.approx(rounded, rel=1e-2)
    assert np.all(path[1:, 0] >= 0) == (product <= 1)  # beyond 1/λ every update overshoots


def test_a_step_is_the_rate_times_the_gradient():
    path = trajectory(BOWL, GradientDescent(0.03), start=START, steps=50)
    lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    np.testing.assert_allclose(lengths, 0.03 * np.linalg.norm(BOWL.gradient(path[:-1]), axis=1), rtol=1e-9)
    assert lengths[-1] < 0.1 * lengths[0]


def test_updates_to_a_millionth_at_the_best_settings():
    counts = {}
    nesterov = Nesterov.best_for((1, 25))
    for name, rule in {
        "gd": GradientDescent.best_for((1, 25)),
        "heavy ball": HeavyBall.best_for((1, 25)),
        "gd at 1/L": GradientDescent(1 / 25),
        "nag": nesterov,
    }.items():
        path = trajectory(BOWL, rule, start=START, steps=400)
        counts[name] = updates_until(path, BOWL.minimum)
        if name == "nag":
            counts["nag, points behind"] = updates_until(nesterov.points_behind(path), BOWL.minimum)
    assert counts == {"gd": 173, "heavy ball": 45, "gd at 1/L": 339, "nag": 74, "nag, points behind": 75}


def test_the_best_settings_are_best():
    # any other single rate shrinks the worst coordinate less; the same for heavy ball, in the long run
    best = GradientDescent.best_for((1, 25)).learning_rate
    assert best == pytest.approx(1 / 13)
    worst = [max(abs(1 - rate), abs(1 - 25 * rate)) for rate in (best, 0.98 * best, 1.02 * best)]
    assert worst[0] == min(worst) == pytest.approx(24 / 26)
    ball = HeavyBall.best_for((1, 25))
    assert (ball.learning_rate, ball.momentum) == pytest.approx((4 / 36, (4 / 6) ** 2))


def test_points_behind_are_nesterovs_classic_form():
    rule, w, v, classic = Nesterov(0.03, momentum=0.8), np.array(START), np.zeros(2), [START]
    for _ in range(40):  # Sutskever et al.: the gradient where the velocity alone would lead
        v = 0.8 * v - 0.03 * BOWL.gradient(w + 0.8 * v)
        w = w + v
        classic.append(w)
    path = trajectory(BOWL, rule, start=START, steps=40)
    np.testing.assert_allclose(rule.points_behind(path), classic, rtol=0, atol=1e-14)


def test_newton_is_there_at_once_also_where_no_single_rate_is():
    surface = LeastSquares([[1.0, 0.5], [0.0, 2.0], [3.0, 1.0]], [1.0, 2.0, -1.0])
    path = trajectory(surface, Newton(surface.hessian), start=(4, -7), steps=1)
    np.testing.assert_allclose(path[1], surface.minimum, atol=1e-12)
    several = trajectory(surface, Newton(surface.hessian), start=[(4, -7), (0, 1), (2, 2)], steps=1)
    np.testing.assert_allclose(several[1], [surface.minimum] * 3, atol=1e-12)


# --- a sum and an average -----------------------------------------------------------------------------------------


def steps_on_a_constant_gradient(rule, updates):
    state, steps = rule.init(np.zeros(1)), []
    for _ in range(updates):
        change, state = rule.update(np.ones(1), state)
        steps.append(-change.item())
    return np.array(steps)


def test_the_velocity_is_a_sum_in_keras_and_an_average_at_ng():
    total = steps_on_a_constant_gradient(HeavyBall(0.1, momentum=0.9), 400)
    average = steps_on_a_constant_gradient(AveragedMomentum(0.1, beta=0.9), 400)
    k = np.arange(1, 401)
    np.testing.assert_allclose(total, 0.1 * (1 - 0.9**k) / (1 - 0.9), rtol=1e-12)
    np.testing.assert_allclose(average, 0.1 * (1 - 0.9**k), rtol=1e-12)
    assert total[-1] == pytest.approx(0.1 / (1 - 0.9)) and average[-1] == pytest.approx(0.1)


def test_both_take_one_path_when_the_rates_differ_by_one_minus_mu():
    stream = np.random.default_rng(0).normal(size=(50, 2))
    ball, average = HeavyBall(0.1, momentum=0.9), AveragedMomentum(0.1 / (1 - 0.9), beta=0.9)
    one, other = ball.init(np.zeros(2)), average.init(np.zeros(2))
    for gradient in stream:
        step, one = ball.update(gradient, one)
        same, other = average.update(gradient, other)
        np.testing.assert_allclose(step, same, rtol=1e-12)


def test_momentum_of_zero_is_gradient_descent():
    plain = trajectory(BOWL, GradientDescent(0.03), start=START, steps=20)
    for rule in (HeavyBall(0.03, momentum=0), Nesterov(0.03, momentum=0), AveragedMomentum(0.03, beta=0)):
        assert np.array_equal(trajectory(BOWL, rule, start=START, steps=20), plain)


# --- Adam taken apart ---------------------------------------------------------------------------------------------


def test_adam_without_both_moments_is_gradient_descent():
    bare = Adam(0.03, first_moment=False, second_moment=False)
    plain = trajectory(BOWL, GradientDescent(0.03), start=START, steps=20)
    np.testing.assert_allclose(trajectory(BOWL, bare, start=START, steps=20), plain, rtol=1e-14)


def test_adams_first_moment_alone_is_ngs_momentum():
    alone = Adam(0.1, second_moment=False, bias_correction=False)
    average = trajectory(BOWL, AveragedMomentum(0.1, beta=0.9), start=START, steps=30)
    np.testing.assert_allclose(trajectory(BOWL, alone, start=START, steps=30), average, rtol=0, atol=1e-12)


def test_adams_second_moment_alone_is_rmsprop_but_for_epsilon():
    alone = Adam(0.01, beta_2=0.9, first_moment=False, bias_correction=False, epsilon=1e-14)
    scaled = trajectory(BOWL, RMSprop(0.01, rho=0.9, epsilon=1e-28), start=START, steps=30)
    np.testing.assert_allclose(trajectory(BOWL, alone, start=START, steps=30), scaled, rtol=0, atol=1e-10)


def test_bias_correction_makes_the_first_step_as_long_as_the_rate():
    for first, second in ((True, True), (False, True)):
        rule = Adam(0.1, first_moment=first, second_moment=second, epsilon=1e-12)
        step, _ = rule.update(np.array([3.0, -0.02]), rule.init(np.zeros(2)))
        np.testing.assert_allclose(step, [-0.1, 0.1], rtol=1e-6)
    without = Adam(0.1, bias_correction=False, epsilon=1e-12)
    step, _ = without.update(np.array([3.0, -0.02]), without.init(np.zeros(2)))
    np.testing.assert_allclose(step, np.array([-0.1, 0.1]) * (1 - 0.9) / math.sqrt(1 - 0.999), rtol=1e-6)


# --- rates, shapes, errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ALL, ids=repr)
def test_a_schedule_is_read_at_the_number_of_updates_done(rule):
    schedule = StepDecay(0.04, factor=0.5, every=3)
    rates = [0.04] * 3 + [0.02] * 3 + [0.01] * 3
    w = np.array(START)
    state = type(rule)(schedule).init(w)
    held = type(rule)(schedule).init(w)
    for rate in rates:
        gradient = BOWL.gradient(w)
        change, state = type(rule)(schedule).update(gradient, state)
        expected, held = type(rule)(rate).update(gradient, held)
        assert np.array_equal(change, expected)
        w = w + change


@pytest.mark.parametrize("rule", ALL, ids=repr)
def test_several_paths_at_once_are_the_single_paths(rule):
    starts = np.array([[1.0, 1.0], [-2.0, 0.5], [0.3, 3.0]])
    together = trajectory(BOWL, rule, start=starts, steps=25)
    for index, start in enumerate(starts):
        assert np.array_equal(together[:, index], trajectory(BOWL, rule, start=start, steps=25))


@pytest.mark.parametrize("rule", ALL, ids=repr)
def test_rules_keep_no_memory_and_change_no_argument(rule):
    w = np.array(START)
    gradient = BOWL.gradient(w)
    state = rule.init(w)
    first, after = rule.update(gradient, state)
    rule.update(gradient, after)
    again, _ = rule.update(gradient, state)
    assert np.array_equal(first, again) and np.array_equal(gradient, [1, 25])


@pytest.mark.parametrize("build", (GradientDescent, HeavyBall, AveragedMomentum, Nesterov, RMSprop, Adam))
@pytest.mark.parametrize("rate", (0, -0.1, math.nan, "fast", True))
def test_a_rate_is_a_positive_number(build, rate):
    with pytest.raises(ValueError, match=r"expected learning_rate .*, got .*; mend by"):
        build(rate)


@pytest.mark.parametrize("past", (-0.1, 1, 1.5, math.nan))
def test_weights_of_the_past_stay_below_one(past):
    for build in (
        lambda: HeavyBall(0.1, momentum=past),
        lambda: Nesterov(0.1, momentum=past),
        lambda: AveragedMomentum(0.1, beta=past),
        lambda: RMSprop(0.1, rho=past),
        lambda: Adam(0.1, beta_1=past),
        lambda: Adam(0.1, beta_2=past),
    ):
        with pytest.raises(ValueError, match=r"expected (momentum|beta|rho|beta_1|beta_2) .*, got .*; mend by"):
            build()


def test_other_bad_arguments():
    for build in (lambda: RMSprop(0.1, epsilon=0), lambda: Adam(0.1, epsilon=-1)):
        with pytest.raises(ValueError, match=r"expected epsilon above 0, got .*; mend by"):
            build()
    for rule in (GradientDescent, HeavyBall, Nesterov):
        with pytest.raises(ValueError, match=r"expected curvatures above 0, got \[1.0, -2.0\]; mend by"):
            rule.best_for((1, -2))
    for hessian in ([1.0, 2.0], [[1.0, 1.0], [1.0, 1.0]], [[1.0, 2.0]]):
        with pytest.raises(ValueError, match=r"expected an invertible square Hessian, got shape .*; mend by"):
            Newton(hessian)
