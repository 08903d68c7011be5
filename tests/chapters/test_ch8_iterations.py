"""Ten rows in mini-batches of 3 and of 20, counted."""

from chapters.ch8 import iterations as section
from textbook.experiment import Run


def test_ten_rows():
    tables = section.measure(Run(seeds=(0,)), rows=10, batch_sizes=(3, 20), epochs=2)
    updates = tables["updates"]
    assert updates.batch_size.tolist() == [3, 3, 20, 20]
    assert updates.updates.tolist() == updates.ceiling.tolist() == [4, 4, 1, 1]
    assert updates.floor.tolist() == [3, 3, 0, 0]
    assert tables["totals"].updates.tolist() == [8, 2]
    # of 10 rows in threes one is left: it weighs three times as much, or is dropped; of 20 all ten are dropped
    assert tables["weights"][["batch_size", "last"]].values.tolist() == [[3, 1]]
    assert round(tables["weights"].measured.item(), 5) == 3
    dropped = tables["dropped"].set_index("batch_size")
    assert dropped.updates.to_dict() == {3: 3, 20: 0} and dropped.unseen.to_dict() == {3: 1, 20: 10}
    assert len(section.draw(tables).axes) == 2
