"""A model saved with `in_steps` loads in a fresh process, whatever is imported first."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.schedules.test_base import fit, tiny_model
from textbook.schedules import Chain, Constant, OneCycle, ScaledByBatch, StepDecay, Warmup

SCHEDULE = StepDecay(0.2, factor=0.5, every=2)

NESTED = Warmup(
    Chain([ScaledByBatch(OneCycle(0.2, total=4), batch_size=64, base_batch_size=32), Constant(0.01)], lengths=[4]),
    length=1,
)

LOAD = """
nested = keras.models.load_model(sys.argv[2]).optimizer.get_config()["learning_rate"]
nested = keras.optimizers.schedules.deserialize(nested)
assert repr(nested) == sys.argv[3], nested
rates = keras.ops.convert_to_numpy(nested(np.arange(18))).tolist()
assert str(rates) == sys.argv[4], rates
assert abs(float(nested.momentum(5)) - 0.85) < 0.02
model = keras.models.load_model(sys.argv[1])
assert repr(model.optimizer.get_config()["learning_rate"]["config"]["steps_per_epoch"]) == "3"
assert int(model.optimizer.iterations.numpy()) == 12, model.optimizer.iterations  # four epochs of three updates
assert abs(float(model.optimizer.learning_rate) - 0.05) < 1e-8
x = np.ones((10, 2), "float32")
model.fit(x, x[:, :1], batch_size=4, epochs=2, verbose=0)
assert abs(float(model.optimizer.learning_rate) - 0.025) < 1e-8
"""

SCHEDULES_FIRST = """
import sys
import numpy as np
import textbook.schedules
assert "keras" not in sys.modules and "tensorflow" not in sys.modules
assert importlib.util.find_spec("keras") is not None  # asking for Keras must not use the hook up
import keras
assert "textbook.schedules.keras_schedule" in sys.modules
assert not any("AfterKeras" in repr(finder) for finder in sys.meta_path)
"""

KERAS_FIRST = """
import sys
import numpy as np
import keras
import textbook.schedules
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model = tiny_model(SCHEDULE.in_steps(3))
    fit(model, epochs=4)
    folder = tmp_path_factory.mktemp("saved")
    model.save(folder / "model.keras")
    rate = NESTED.in_steps(3)
    tiny_model(rate).save(folder / "nested.keras")
    rates = keras.ops.convert_to_numpy(rate(np.arange(18))).tolist()
    return [str(folder / "model.keras"), str(folder / "nested.keras"), repr(rate), str(rates)]


@pytest.mark.parametrize("imports", (SCHEDULES_FIRST, KERAS_FIRST), ids=("schedules first", "keras first"))
def test_a_saved_model_loads_in_a_fresh_process(saved, imports):
    script = "import importlib.util\n" + imports + LOAD
    done = subprocess.run([sys.executable, "-c", script, *saved], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_without_textbook_keras_names_the_missing_class(saved):
    script = "import sys, keras\nkeras.models.load_model(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", script, *saved], capture_output=True, text=True)
    assert done.returncode != 0 and "textbook>InSteps" in done.stderr
