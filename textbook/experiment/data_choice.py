"""The data that sections get: what they ask for by name, or what the user put in its place."""

from functools import lru_cache

# digits: batch sizes 1 … 1024 divide the training part
_SIZES = (1024, 473, 300)
_ROWS = 1797
# pixels have one unit and a known range, so they are not standardised
_IMAGES = ("digits", "fashion_mnist", "mnist", "cifar10")


@lru_cache(maxsize=4)
def load(name: str):
    """A data set of the registry, loaded once a process."""
    from textbook import datasets

    return datasets.load(name)


def splitter(dataset, *, sizes=None, scale=None, stratify=None, label_noise=0.0):
    """A callable seed → Split of a data set, of the book's sizes or the same shares of another number of rows.

    Args:
        dataset: a `textbook.datasets.Dataset`.
        sizes: (training, validation, test) rows on digits, or fractions; None means (1024, 473, 300).
        scale: "standard" or None; None standardises whatever is no image.
        stratify: None stratifies classes.
    """
    from textbook.splits import Splitter

    rows = len(dataset.y)
    sizes = _SIZES if sizes is None else tuple(sizes)
    if dataset.card.name != "digits" and all(isinstance(size, int) for size in sizes):
        sizes = tuple(round(size / _ROWS * rows) for size in sizes)
        sizes = (*sizes[:2], min(sizes[2], rows - sizes[0] - sizes[1]))
    if scale is None and dataset.card.name not in _IMAGES:
        scale = "standard"
    if stratify is None:
        stratify = dataset.card.task == "classification"
    return Splitter(dataset, sizes=sizes, stratify=stratify, scale=scale, label_noise=label_noise)
