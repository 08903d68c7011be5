"""What is compared with what, on runs made by hand."""

import pandas as pd

from chapters.ch8 import augment_or_collect as section


def test_twice_as_many_are_the_next_size_as_they_are_and_augmented_is_the_chosen_policy():
    value = {section.AS_THEY_ARE: 0.0, "10°": 0.5, "15°": 0.7}
    runs = pd.DataFrame([
        {"policy": policy, "rows": rows, "seed": 1, "diverged": False, section._AS_IS: base + rows / 1e4,
         section._MOVED: -base}
        for policy, base in value.items()
        for rows in (100, 200, 400)
    ])  # fmt: skip
    choice = section._choice(runs, section._AS_IS, "10°", [100, 200]).set_index(["base", "arm"]).accuracy
    assert choice.round(6).to_dict() == {
        (100, section.AS_THEY_ARE): 0.01, (100, section._AUGMENTED): 0.51, (100, section._TWICE): 0.02,
        (200, section.AS_THEY_ARE): 0.02, (200, section._AUGMENTED): 0.52, (200, section._TWICE): 0.04,
    }  # fmt: skip
    moved = section._choice(runs, section._MOVED, "15°", [100])
    assert moved[moved.arm == section._AUGMENTED].accuracy.tolist() == [-0.7] and set(moved.question) == {
        section._MOVED
    }
