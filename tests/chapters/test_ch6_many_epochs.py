"""When a tenth of the training is over, on hand-made curves."""

import numpy as np
import pandas as pd

from chapters.ch6 import many_epochs as section


def curve(losses, *, step, seed=1, images=section._SAME):
    epochs = np.arange(1, len(losses) + 1)
    columns = {"size": section._SOME, "images": images, "seed": seed, "epoch": epochs, "updates": step * epochs}
    return pd.DataFrame(columns | {"passes": 2.0 * epochs, "val_loss": losses})


def test_early_is_the_first_measurement_with_a_tenth_of_the_updates_and_the_end_the_last():
    short = curve([0.9, 0.5, 0.4], step=40)
    long = curve([2.0, 1.0, *np.linspace(0.9, 0.2, 38)], step=3, images=section._CHANGED)
    times = section._times(pd.concat([short, long], ignore_index=True))
    found = times.set_index(["images", "time"]).val_loss.to_dict()
    assert found[section._SAME, "early"] == 0.9 and found[section._SAME, "end"] == 0.4
    assert found[section._CHANGED, "early"] == long.val_loss[3] and found[section._CHANGED, "end"] == 0.2
    assert times.set_index(["images", "time"]).passes[section._CHANGED, "early"] == 8
