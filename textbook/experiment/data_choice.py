"""The split of the data that sections get: the book's sizes, or the same shares of another number of rows."""

# digits: batch sizes 1 … 1024 divide the training part
_SIZES = (1024, 473, 300)
_ROWS = sum(_SIZES)
# of many rows a seventh is enough to score on; more would be taken from the training for nothing
_MANY, _SEVENTHS = 20_000, 7
# fewer rows leave a test part of under 20, on which one row more or less is five points of accuracy
_FEWEST = 120


def splitter(dataset, *, sizes=None, scale="auto", stratify=None, label_noise=0.0, replaced=False):
    """A callable seed → Split of a data set.

    Args:
        dataset: a `textbook.datasets.Dataset`.
        sizes: rows of the training, validation and test part, or fractions; None means (1024, 473, 300) on digits, the
            same shares of other data, and five, one and one seventh of 20,000 rows or more.
        scale: "standard", None, or "auto": standardise what is no image (pixels have one unit and a known range).
        replaced: the data stand in for those that `sizes` were meant for, so rows become shares of 1797.
    """
    from textbook.splits import Splitter

    rows = len(dataset)
    if replaced and rows < _FEWEST:
        raise ValueError(
            f"expected at least {_FEWEST} rows for a training, validation and test part, got {rows}; bring more"
        )
    adapt = replaced or (sizes is None and rows != _ROWS)
    if sizes is None and rows >= _MANY:
        held_out = rows // _SEVENTHS
        sizes, adapt = (rows - 2 * held_out, held_out, held_out), False
    sizes = _SIZES if sizes is None else tuple(sizes)
    if adapt and all(isinstance(size, int) for size in sizes):
        train, validation, test = (round(size / _ROWS * rows) for size in sizes)
        # rounding must not ask for a row too many
        sizes = (train, validation, min(test, rows - train - validation))
        if min(sizes) < 1:
            raise ValueError(f"expected rows for a training, validation and test part, got {rows}; bring more rows")
    if scale == "auto":
        scale = None if dataset.card.image else "standard"
    return Splitter(dataset, sizes=sizes, stratify=stratify, scale=scale, label_noise=label_noise)
