"""The reliability picture: a point for each bin where the table has it, and the line of equality once."""

import numpy as np
import pandas as pd
import pytest

from textbook import plots
from textbook.calibration import plot_reliability, reliability_table


def test_points_intervals_and_one_diagonal():
    predicted = [[0.4, 0.6], [0.3, 0.7], [0.3, 0.7], [0.1, 0.9], [0.1, 0.9], [0.1, 0.9]]
    table = reliability_table(predicted, [1, 0, 1, 1, 1, 1], bins=10)
    _, ax = plots.figure()
    assert plot_reliability(ax, table, name="one") is ax
    plot_reliability(ax, table, name="two")
    first = next(part for part in ax.collections if len(part.get_offsets()) == len(table))
    np.testing.assert_allclose(first.get_offsets(), table[["confidence", "accuracy"]])
    np.testing.assert_array_equal(np.argsort(first.get_sizes()), np.argsort(table["count"]))
    diagonals = [line for line in ax.get_lines() if list(line.get_xdata()) == [0, 1] == list(line.get_ydata())]
    assert len(diagonals) == 1
    assert ax.get_legend_handles_labels()[1] == ["one", "two"]
    whiskers = ax.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose([segment[:, 1] for segment in whiskers], table[["accuracy_low", "accuracy_high"]])


def test_another_table_is_refused():
    _, ax = plots.figure()
    with pytest.raises(ValueError, match="expected a reliability table with rows, it lacks"):
        plot_reliability(ax, pd.DataFrame({"x": [1]}))
