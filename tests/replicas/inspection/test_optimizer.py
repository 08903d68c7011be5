"""Optimizers that a stack would apply in another way than `fit` are refused, and their neighbours are not."""

import keras
import pytest
from keras import optimizers

from textbook.replicas.inspection import check_optimizer
from textbook.schedules import StepDecay

SINGLE = [
    kind
    for kind in vars(optimizers).values()
    if isinstance(kind, type)
    and issubclass(kind, optimizers.Optimizer)
    and kind not in (optimizers.Optimizer, optimizers.LossScaleOptimizer, optimizers.MultiOptimizer)
]


@pytest.mark.parametrize("kind", SINGLE, ids=lambda kind: kind.__name__)
def test_every_optimizer_of_keras_is_let_through_as_it_comes(kind):
    check_optimizer(kind())


def test_clipping_decay_and_averages_are_let_through():
    check_optimizer(optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01, clipnorm=1.0))
    check_optimizer(optimizers.Adam(0.1, use_ema=True, ema_overwrite_frequency=5, global_clipnorm=1.0))


def test_what_is_no_keras_optimizer_is_refused():
    with pytest.raises(ValueError, match="expected optimizer as a Keras optimizer or its name, got float"):
        check_optimizer(0.1)


def test_a_schedule_inside_is_refused_since_a_copy_of_its_first_rate_would_be_held():
    inside = optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, decay_steps=2, decay_rate=0.5))
    assert float(keras.ops.convert_to_numpy(inside.learning_rate)) == pytest.approx(0.1), (
        "all that a rate of None reads"
    )
    with pytest.raises(
        ValueError, match=r"got ExponentialDecay; pass Condition\(learning_rate=schedule.per_update\(\)\)"
    ):
        check_optimizer(inside)
    with pytest.raises(ValueError, match="learning rate inside the optimizer, got InSteps"):
        check_optimizer(optimizers.Adam(StepDecay(0.1, factor=0.5, every=2).in_steps(10)))
    with pytest.raises(ValueError, match="learning rate inside the optimizer, got a function"):
        check_optimizer(optimizers.SGD(lambda: 0.1))


def test_accumulation_and_loss_scaling_are_refused():
    with pytest.raises(ValueError, match="got gradient_accumulation_steps=4; make batch_size that many times as large"):
        check_optimizer(optimizers.SGD(0.1, gradient_accumulation_steps=4))
    with pytest.raises(ValueError, match="without loss scaling, got SGD with it; leave it out"):
        check_optimizer(optimizers.SGD(0.1, loss_scale_factor=8.0))
    with pytest.raises(ValueError, match="without loss scaling, got LossScaleOptimizer"):
        check_optimizer(optimizers.LossScaleOptimizer(optimizers.SGD(0.1)))


def test_several_optimizers_in_one_are_refused():
    rules = optimizers.OptimizerMap(optimizers.SGD(0.1), {".*bias": optimizers.Adam(0.1)})
    with pytest.raises(ValueError, match="expected one optimizer for all weights, got MultiOptimizer"):
        check_optimizer(optimizers.MultiOptimizer(rules))


class Boosted(optimizers.SGD):
    def __init__(self, learning_rate=0.1, *, boost=2.0, **settings):
        super().__init__(learning_rate, **settings)
        self.boost = boost


class Described(Boosted):
    def __init__(self, boost=2.0, **settings):
        super().__init__(boost=boost, **settings)

    def get_config(self):
        return {**super().get_config(), "boost": self.boost}


def test_an_optimizer_whose_copy_would_lose_a_setting_is_refused():
    lost = Boosted.from_config(Boosted(boost=3.0).get_config())
    assert lost.boost == 2.0, "what happens without a word"
    with pytest.raises(
        ValueError, match=r"get_config of Boosted to hold all that its __init__ takes, got .* boost; add"
    ):
        check_optimizer(Boosted(boost=3.0))
    check_optimizer(Described(boost=3.0))


@pytest.mark.parametrize("by_name", [True, False])
def test_weights_excluded_from_decay_are_refused_since_a_copy_would_decay_them(by_name):
    bias = keras.Variable([1.0], name="bias")
    excluding = optimizers.AdamW(weight_decay=0.1)
    excluding.exclude_from_weight_decay(**({"var_names": ["bias"]} if by_name else {"var_list": [bias]}))
    copy = optimizers.AdamW.from_config(excluding.get_config())
    assert copy._use_weight_decay(bias) and not excluding._use_weight_decay(bias)
    with pytest.raises(ValueError, match="expected weight decay of all weights, got AdamW after exclude_from_weight"):
        check_optimizer(excluding)
    check_optimizer(optimizers.AdamW(weight_decay=0.1))
