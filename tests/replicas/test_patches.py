"""How a kernel moves over the pixels, and how many numbers its patches hold."""

from textbook.replicas import patches


def test_places_and_zeros_as_in_tensorflow():
    same = patches.Axis.of(8, 3, 2, 1, "same")  # the odd zero lies behind
    assert (same.out, same.before, same.after(same.out)) == (4, 0, 1)
    dilated = patches.Axis.of(8, 3, 1, 2, "same")
    assert (dilated.out, dilated.before, dilated.after(dilated.out)) == (8, 2, 2)
    valid = patches.Axis.of(8, 3, 2, 1, "VALID")
    assert (valid.out, valid.before, valid.after(valid.out)) == (3, 0, 0)


def test_outputs_of_a_row_are_shared_out_evenly():
    assert patches.Axis.of(10, 3, 1, 1, "same").joint(filters=8) == (3, 4)  # not 4 + 4 + 2
    assert patches.Axis.of(8, 3, 1, 1, "same").joint(filters=64) == (8, 1)  # wide enough one by one
    assert patches.Axis.of(200, 3, 1, 1, "same").joint(filters=16) == (200, 1)  # 100 cuts would be too many


def test_numbers_of_joint_and_of_single_patches():
    axes = patches.axes_of((4, 8), (3, 3), 1, 1, "same")
    # 4 rows of 2 groups of 4 outputs; each group sees 3 rows of 6 pixels of 2 channels
    assert patches.numbers(axes, channels=2, filters=8) == 4 * 2 * 3 * 6 * 2
    # with 64 filters each output sees 3 × 3 pixels
    assert patches.numbers(axes, channels=2, filters=64) == 4 * 8 * 9 * 2


def test_what_keras_must_judge_has_no_axes():
    assert patches.axes_of((None, 8), (3, 3), 1, 1, "same") is None
    assert patches.axes_of((2, 8), (3, 3), 1, 1, "valid") is None
